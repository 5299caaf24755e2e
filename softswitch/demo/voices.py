"""What the callers of the demo say: the shipped speech samples, cut so that no two of them say the same."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

import media
from softswitch.demo.story import Story
from softswitch.gateway import quality

RATE_HZ = 8000
LOUD_ENOUGH_DB = -40.0
FADE_SAMPLES = 80

Wave = npt.NDArray[np.float64]


def write_voices(story: Story, samples: Sequence[Path], folder: Path, seconds: float) -> None:
    """A WAV file named after its number for each caller who speaks. Raises ValueError when the samples run out."""
    pieces = _pieces(samples, round(seconds * RATE_HZ))
    for part in story.cast:
        if part.turn_at is not None:
            piece = next(pieces, None)
            if piece is None:
                raise ValueError(f"the speech samples are too short for {len(story.cast)} callers")
            soundfile.write(folder / f"{part.number}.wav", piece.astype(np.int16), RATE_HZ, subtype="PCM_16")


def shipped_samples() -> list[Path]:
    """The speech that came with the program."""
    return sorted((Path(media.__file__).parent / "prompts" / "samples").glob("*.flac"))


def _pieces(samples: Sequence[Path], length: int) -> Iterator[Wave]:
    """One piece of each sample, then a second one of each, and so on: neighbours have different voices."""
    cut = [_cut(_read(path), length) for path in samples]
    for round_ in range(max(map(len, cut), default=0)):
        yield from (pieces[round_] for pieces in cut if round_ < len(pieces))


def _cut(wave: Wave, length: int) -> list[Wave]:
    pieces = [wave[at : at + length] for at in range(0, wave.size - length + 1, length)]
    return [_faded(piece) for piece in pieces if quality.level_db(piece) > LOUD_ENOUGH_DB]


def _faded(piece: Wave) -> Wave:
    """Without a click at its cut ends."""
    ramp = np.linspace(0, 1, FADE_SAMPLES)
    faded = piece.copy()
    faded[:FADE_SAMPLES] *= ramp
    faded[-FADE_SAMPLES:] *= ramp[::-1]
    return faded


def _read(path: Path) -> Wave:
    """Mono, int16 values, at 8 kHz; a 16 kHz sample is halved (speech at a telephone has nothing above 3.4 kHz)."""
    audio, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    wave = np.asarray(audio[:, 0], dtype=np.float64)
    if rate_hz == 2 * RATE_HZ:
        wave = wave[: wave.size // 2 * 2].reshape(-1, 2).mean(axis=1)
    elif rate_hz != RATE_HZ:
        raise ValueError(f"{path} has {rate_hz} Hz (accepted: 8000, 16000)")
    return wave
