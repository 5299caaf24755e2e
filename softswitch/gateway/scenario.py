"""What happens to calls that the gateway takes: a scenario by called number. Pure: text in, values out.

    answer            rings, answers, listens
    busy              486
    no-answer         rings until the switch gives up
    reject:N          any final response, 400 to 699
    early-media       183 with a ringing tone in the audio, then the answer
    echo              answers and sends everything back
    play:FILE         answers and plays a sound file

A script (TOML) gives numbers their scenario; a number may end in `*`:

    ring_s = 1.0
    default = "answer"
    [numbers]
    "12025550170" = "busy"
    "1310555*" = "play:welcome.wav"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from softswitch.errors import ConfigError

DEFAULT_RING_S = 0.5
SCRIPT_KEYS = ("ring_s", "default", "numbers")


class Kind(StrEnum):
    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECT = "reject"
    EARLY_MEDIA = "early-media"
    ECHO = "echo"
    PLAY = "play"


ACCEPTED = "answer, busy, no-answer, reject:N with N from 400 to 699, early-media, echo, play:FILE"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to treat a call."""

    kind: Kind
    status: int = 0
    path: Path | None = None

    @classmethod
    def parse(cls, text: str, *, folder: Path = Path()) -> "Scenario":
        """`busy`, `reject:603`, `play:hello.wav` (relative to `folder`). Raises ValueError with what is accepted."""
        name, _, argument = text.partition(":")
        if name not in list(Kind) or bool(argument) != (name in (Kind.REJECT, Kind.PLAY)):
            raise ValueError(f"{text!r} is no scenario (accepted: {ACCEPTED})")
        kind = Kind(name)
        if kind is Kind.PLAY:
            return cls(kind, path=_existing(folder / argument))
        return cls(kind, status=486 if kind is Kind.BUSY else _status(argument) if argument else 0)

    def __str__(self) -> str:
        if self.kind is Kind.PLAY:
            return f"{self.kind}:{self.path}"
        return f"{self.kind}:{self.status}" if self.kind is Kind.REJECT else self.kind.value


@dataclass(frozen=True, slots=True)
class ScenarioBook:
    """Which called number gets which scenario, and how long it rings before."""

    default: Scenario = Scenario(Kind.ANSWER)
    numbers: Mapping[str, Scenario] = field(default_factory=dict)
    ring_s: float = DEFAULT_RING_S

    def scenario(self, called: str) -> Scenario:
        """The exact number, else the longest pattern that fits, else the default."""
        if called in self.numbers:
            return self.numbers[called]
        fitting = [pattern for pattern in self.numbers if _fits(pattern, called)]
        return self.numbers[max(fitting, key=len)] if fitting else self.default


def read_book(text: str) -> ScenarioBook:
    """The `--scenario` argument: a scenario for all numbers, or the path of a script. Raises ConfigError."""
    if text.endswith(".toml"):
        return _read_script(Path(text))
    try:
        return ScenarioBook(Scenario.parse(text))
    except ValueError as error:
        raise ConfigError("--scenario", "", str(error)) from None


def _read_script(path: Path) -> ScenarioBook:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), "", f"can't be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "", f"not valid TOML: {error}") from None
    for key in table:
        if key not in SCRIPT_KEYS:
            raise ConfigError(str(path), key, "is no key of a scenario script", ", ".join(SCRIPT_KEYS))
    return ScenarioBook(
        default=_scenario(path, "default", table.get("default", "answer")),
        numbers={number: _scenario(path, f"numbers.{number}", text) for number, text in _numbers(path, table).items()},
        ring_s=_ring_s(path, table),
    )


def _numbers(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    numbers = table.get("numbers", {})
    if not isinstance(numbers, dict):
        raise ConfigError(str(path), "numbers", "is no table", '[numbers] with lines such as "12025550170" = "busy"')
    return numbers


def _ring_s(path: Path, table: dict[str, Any]) -> float:
    ring_s = table.get("ring_s", DEFAULT_RING_S)
    if not isinstance(ring_s, int | float) or isinstance(ring_s, bool) or ring_s < 0:
        raise ConfigError(str(path), "ring_s", f"is {ring_s!r}", "seconds, 0 or more")
    return float(ring_s)


def _scenario(path: Path, key: str, text: object) -> Scenario:
    try:
        return Scenario.parse(str(text), folder=path.parent)
    except ValueError as error:
        raise ConfigError(str(path), key, str(error)) from None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def _status(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 400 <= int(text) <= 699:
        raise ValueError(f"{text!r} is no final response (accepted: 400 to 699)")
    return int(text)


def _fits(pattern: str, called: str) -> bool:
    return pattern.endswith("*") and called.startswith(pattern[:-1])
