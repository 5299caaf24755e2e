"""What can be played: values that name audio. `media.players` turns them into frames."""

from dataclasses import dataclass
from pathlib import Path

Cadence = tuple[tuple[float, ...], int, int]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt by name, like "conference/welcome"; found in the settings' folders, then among the shipped."""

    name: str

    def __str__(self) -> str:
        return f'prompt "{self.name}"'


@dataclass(frozen=True, slots=True)
class File:
    """Any audio file that libsndfile reads, any rate, any number of channels."""

    path: Path

    def __str__(self) -> str:
        return f'file "{self.path}"'


@dataclass(frozen=True, slots=True)
class Tone:
    """Cadences one after another: (frequencies in hertz, on for ms, then silent for ms)."""

    cadences: tuple[Cadence, ...]
    level_db: float = -16.0  #: of each frequency, relative to full scale


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing, for so many milliseconds."""

    ms: int


Source = Prompt | File | Tone | Silence
