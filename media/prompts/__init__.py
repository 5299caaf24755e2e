"""The prompts we ship, and how numbers are said with them. What they say stands in `prompts.toml`."""


def number_prompts(number: int) -> tuple[str, ...]:
    """A number from 0 to 999,999 as the names of prompts: 137 -> digits/1, digits/hundred, digits/30, digits/7."""
    if not 0 <= number < 1_000_000:
        raise ValueError(f"{number} is not said in words")
    return tuple(f"digits/{word}" for word in _words(number))


def digit_prompts(digits: str) -> tuple[str, ...]:
    """Keys one by one: "4*" -> digits/4, digits/star."""
    return tuple(f"digits/{_KEYS.get(digit, digit)}" for digit in digits)


_KEYS = {"*": "star", "#": "pound"}


def _words(number: int) -> list[str]:
    if number >= 1000:
        return [*_words(number // 1000), "thousand", *(_words(number % 1000) if number % 1000 else ())]
    if number >= 100:
        return [str(number // 100), "hundred", *(_words(number % 100) if number % 100 else ())]
    if number > 20 and number % 10:
        return [str(number // 10 * 10), str(number % 10)]
    return [str(number)]
