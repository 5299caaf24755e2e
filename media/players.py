"""From a source (a prompt's name, a file, a tone) to frames that the tick can play. Runs beside the tick, never on it.

`Library.load` finds, decodes, mixes down, resamples to 8 kHz and levels a source, and keeps the result while there is
room (least recently used goes first; a file that has changed on disk is read again). Encoding for the wire happens once
per source and codec, however many listen: `Audio.payloads`.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from media import tones
from media.codecs import Codec, g711
from media.errors import SourceNotFound
from media.resample import Resampler
from media.sources import File, Prompt, Silence, Source, Tone

RATE_HZ = 8000
FRAME_SAMPLES = 160
SHIPPED = Path(__file__).parent / "prompts"
SUFFIXES = (".wav", ".flac", ".ogg")
RATES_HZ = range(4000, 384_001)

QUIETEST_DB = -32.0  # speech below is raised to it, relative to full scale
LOUDEST_DB = -14.0  # speech above is lowered to it
PEAK_DB = -1.0
PAUSE_DB = -50.0  # frames below do not count as speech

_ENCODERS = {Codec.PCMU: g711.ENCODE_U, Codec.PCMA: g711.ENCODE_A}


class Audio:
    """A decoded source: int16 `frames` [n, 160] at 8 kHz, the last one filled up with silence."""

    __slots__ = ("_payloads", "duration_s", "frames")

    def __init__(self, samples: NDArray[np.int16]) -> None:
        self.duration_s = len(samples) / RATE_HZ
        padding = -len(samples) % FRAME_SAMPLES
        self.frames = np.concatenate((samples, np.zeros(padding, np.int16))).reshape(-1, FRAME_SAMPLES)
        self._payloads: dict[Codec, NDArray[np.uint8]] = {}

    def payloads(self, codec: Codec) -> NDArray[np.uint8]:
        """The frames as they go on the wire, uint8 [n, 160]; encoded at the first call."""
        if codec not in self._payloads:
            encoded = np.empty(self.frames.shape, np.uint8)
            g711.encode(_ENCODERS[codec], self.frames, encoded)
            self._payloads[codec] = encoded
        return self._payloads[codec]

    def __repr__(self) -> str:
        return f"<Audio {self.duration_s:.2f} s>"


class Library:
    """Everything that can be played. `folders` are searched before the shipped prompts, in order."""

    def __init__(self, folders: Sequence[Path] = (), language: str = "en_US", kept_s: float = 3600.0) -> None:
        self._folders = (*folders, SHIPPED)
        self._language = language
        self._kept_s = kept_s
        self._total_s = 0.0
        self._kept: OrderedDict[tuple[object, ...], Audio] = OrderedDict()

    def load(self, source: Source) -> Audio:
        """The source as frames; raises `SourceNotFound`. May take as long as it takes to decode the file."""
        path = self._path(source)
        key = (source,) if path is None else (path, *_version(path))
        audio = self._kept.get(key)
        if audio is None:
            audio = Audio(_generate(source) if path is None else _decode(path))
            self._keep(key, audio)
        self._kept.move_to_end(key)
        return audio

    def check(self, source: Source) -> None:
        """Whether a source is there and can be read, without decoding it; raises `SourceNotFound`."""
        path = self._path(source)
        if path is not None:
            _version(path)
            with _opened(path):
                pass

    def find(self, name: str) -> Path:
        """The file of a prompt: `<folder>/<language>/<name>` with any known suffix; raises `SourceNotFound`.

        Names without speech (music, tones, samples) also lie directly in a folder.
        """
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise SourceNotFound(Prompt(name))
        for folder in self._folders:
            for place in (folder / self._language / name, folder / name):
                for suffix in SUFFIXES:
                    path = place.with_name(place.name + suffix)
                    if _is_file(path):
                        return path
        raise SourceNotFound(Prompt(name), self._folders)

    def _path(self, source: Source) -> Path | None:
        if isinstance(source, Prompt):
            return self.find(source.name)
        return source.path if isinstance(source, File) else None

    def _keep(self, key: tuple[object, ...], audio: Audio) -> None:
        self._kept[key] = audio
        self._total_s += audio.duration_s
        while self._total_s > self._kept_s and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._total_s -= oldest.duration_s


def _is_file(path: Path) -> bool:
    """Also where no file could have such a name."""
    try:
        return path.is_file()
    except OSError:
        return False


def _version(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceNotFound(f"{path}: {error.strerror}") from error
    return status.st_mtime_ns, status.st_size


def _generate(source: Source) -> NDArray[np.int16]:
    if isinstance(source, Tone):
        return tones.cadence(source.cadences, source.level_db)
    assert isinstance(source, Silence)  # noqa: S101 - the type has no other member
    return np.zeros(source.ms * RATE_HZ // 1000, np.int16)


def _decode(path: Path) -> NDArray[np.int16]:
    with _opened(path) as file:
        samples = np.concatenate(list(_resampled(file)))
    return _levelled(np.nan_to_num(samples))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """An audio file to read; what goes wrong with it is `SourceNotFound`."""
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate not in RATES_HZ:
                raise SourceNotFound(f"{path}: {file.samplerate} Hz is no rate of sound")
            yield file
    except (soundfile.SoundFileError, OSError) as error:
        raise SourceNotFound(f"{path}: {error}") from error


def _resampled(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    """The file as mono at 8 kHz, a second at a time, so that a long one needs no more memory than its result."""
    resampler = Resampler(file.samplerate, RATE_HZ)
    for block in file.blocks(file.samplerate, dtype="float32", always_2d=True):
        mono = block.mean(axis=1, dtype=np.float32)
        yield mono if file.samplerate == RATE_HZ else resampler.feed(mono[None, :])[0]
    yield resampler.finish()[0]


def _levelled(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Loudness is kept within reason: only what would whisper or shout is brought to the border, and nothing clips."""
    gain_db = 0.0
    level_db, peak_db = speech_level_db(samples), _db(float(np.abs(samples).max(initial=0.0)))
    if level_db > PAUSE_DB:
        gain_db = min(max(level_db, QUIETEST_DB), LOUDEST_DB) - level_db
    gain_db = min(gain_db, max(PEAK_DB, min(peak_db, 0.0)) - peak_db)
    scaled: NDArray[np.float32] = samples * np.float32(32768 * 10 ** (gain_db / 20))
    return np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)


def speech_level_db(samples: NDArray[np.float32]) -> float:
    """The level of the speech in it, pauses left out, relative to full scale (RMS of 1.0 is 0 dB)."""
    whole = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = np.einsum("nf,nf->n", whole, whole, dtype=np.float64) / FRAME_SAMPLES
    active = power[power > 10 ** (PAUSE_DB / 10)]
    return _db(float(np.sqrt(active.mean()))) if len(active) else -100.0


def _db(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-5)))
