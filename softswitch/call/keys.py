"""The keys of one leg: each press once, whichever way it comes, kept until somebody reads it."""

from collections import deque

from softswitch.call.digits import DigitMerger

DIGITS_KEPT = 64


class Keys:
    """What the far end has pressed. Most legs press nothing, so what merges twins is made with the first key."""

    __slots__ = ("_digits", "_merger", "is_aloud")

    def __init__(self) -> None:
        self._digits: deque[str] = deque(maxlen=DIGITS_KEPT)
        self._merger: DigitMerger | None = None
        self.is_aloud = False
        """The next key is no part of a code, so that events may say which it was."""

    def __bool__(self) -> bool:
        """Whether a key waits to be read."""
        return bool(self._digits)

    def press(self, digit: str, way: str, now: float) -> bool:
        """Whether this is a new press, and not the twin of one that came another way."""
        if self._merger is None:
            self._merger = DigitMerger()
        is_new = self._merger.is_new(digit, way, now)
        if is_new:
            self._digits.append(digit)
        return is_new

    def take(self) -> str | None:
        """The oldest; None where there is none."""
        return self._digits.popleft() if self._digits else None

    def take_all(self) -> str:
        digits = "".join(self._digits)
        self._digits.clear()
        return digits
