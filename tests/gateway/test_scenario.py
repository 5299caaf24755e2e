"""Which called number gets which treatment."""

from pathlib import Path

import pytest

from softswitch.errors import ConfigError
from softswitch.gateway.scenario import Kind, Scenario, ScenarioBook, read_book


@pytest.mark.parametrize("text", ["answer", "busy", "no-answer", "early-media", "echo", "reject:603"])
def test_a_scenario_is_read_and_written_back(text: str) -> None:
    assert str(Scenario.parse(text)) == text


def test_busy_is_486() -> None:
    assert Scenario.parse("busy").status == 486


@pytest.mark.parametrize(
    "text", ["", "bussy", "busy:1", "reject", "reject:", "reject:200", "reject:700", "reject:x", "play"]
)
def test_what_is_no_scenario_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="accepted"):
        Scenario.parse(text)


def test_a_sound_file_must_be_there() -> None:
    with pytest.raises(ValueError, match="there is no file"):
        Scenario.parse("play:nowhere.wav")


def test_the_exact_number_wins_over_patterns_and_the_longest_pattern_over_shorter() -> None:
    book = ScenarioBook(
        default=Scenario(Kind.ANSWER),
        numbers={"1*": Scenario(Kind.BUSY), "120*": Scenario(Kind.ECHO), "1205": Scenario(Kind.NO_ANSWER)},
    )
    kinds = {called: book.scenario(called).kind for called in ("1205", "1206", "13", "4")}
    assert kinds == {"1205": Kind.NO_ANSWER, "1206": Kind.ECHO, "13": Kind.BUSY, "4": Kind.ANSWER}


def test_a_script_is_read_with_sounds_beside_it(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(b"")
    script = tmp_path / "script.toml"
    script.write_text('ring_s = 2\ndefault = "busy"\n[numbers]\n"12025550170" = "play:hello.wav"\n')
    book = read_book(str(script))
    assert book.ring_s == 2
    assert book.scenario("1").kind is Kind.BUSY
    assert book.scenario("12025550170").path == tmp_path / "hello.wav"


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ("rings = 1", "rings", "ring_s, default, numbers"),
        ('ring_s = "long"', "ring_s", "seconds"),
        ('default = "bussy"', "default", "no-answer"),
        ('numbers = "busy"', "numbers", r"\[numbers\]"),
        ('[numbers]\n"1" = "reject:99"', "numbers.1", "400 to 699"),
        ("ring_s =", "", "TOML"),
    ],
)
def test_a_mistake_in_a_script_names_file_key_and_what_is_accepted(
    tmp_path: Path, content: str, key: str, said: str
) -> None:
    script = tmp_path / "script.toml"
    script.write_text(content)
    with pytest.raises(ConfigError, match=said) as raised:
        read_book(str(script))
    assert raised.value.file == str(script)
    assert raised.value.key == key


def test_a_missing_script_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: can't be read"):
        read_book("nowhere.toml")
