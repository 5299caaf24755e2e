"""How a call sounded: what the ears find in a recording. (What the network's figures say is `softswitch.quality`.)

Used by the gateway's summary, by the demo (who heard whom) and by the tests and benchmarks that listen at the far end.
Pure: numbers and arrays in, values out. Audio is float or int16 mono, one row, full scale 32768.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Audio = npt.NDArray[np.int16] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]

FULL_SCALE = 32768.0
SILENCE_DB = -96.0
NEAR_SILENCE_DB = -60.0
FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Match:
    """Where a sample was found in a recording.

    `similarity` is the normalised correlation: 1.0 the very same wave, under about 0.3 chance. `gain_db` is how
    much louder it was heard than it was played.
    """

    at_s: float
    similarity: float
    gain_db: float


def level_db(audio: Audio) -> float:
    """RMS level in dB of full scale; silence and nothing at all are -96."""
    wave = _floats(audio)
    power = float(np.mean(wave * wave)) if wave.size else 0.0
    return max(SILENCE_DB, 10 * np.log10(power / FULL_SCALE**2)) if power > 0 else SILENCE_DB


def is_silent(audio: Audio, *, below_db: float = -55.0) -> bool:
    """No frame of it is louder than `below_db`: the ear of one-way audio."""
    return bool(np.all(frame_levels_db(audio, 8000) < below_db))


def frame_levels_db(audio: Audio, rate_hz: int) -> Floats:
    """The level of each whole 20 ms frame."""
    frame_samples = rate_hz * FRAME_MS // 1000
    wave = _floats(audio)
    frames = wave[: wave.size // frame_samples * frame_samples].reshape(-1, frame_samples)
    power = np.mean(frames * frames, axis=1) / FULL_SCALE**2
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10))), dtype=np.float64)


def find(sample: Audio, recording: Audio, rate_hz: int) -> Match:
    """The place in `recording` that sounds most like `sample`; `Ear` is quicker for many samples."""
    return Ear(recording, rate_hz).find(sample)


class Ear:
    """One recording, listened to for any number of samples.

    Every lag is scored by its normalised correlation, so a quiet copy counts as much as a loud one. A recording
    shorter than the sample is padded with silence.
    """

    def __init__(self, recording: Audio, rate_hz: int) -> None:
        self._heard = np.asarray(recording, dtype=np.float32)
        self._rate_hz = rate_hz
        self._spectra: dict[int, npt.NDArray[np.complexfloating]] = {}
        self._energy_sums = np.concatenate([[0.0], np.cumsum(self._heard.astype(np.float64) ** 2)])

    def find(self, sample: Audio) -> Match:
        """Where in the recording it sounds most like `sample`."""
        played = np.asarray(sample, dtype=np.float32)
        if self._heard.size < played.size:
            return Ear(np.pad(self._heard, (0, played.size - self._heard.size)), self._rate_hz).find(sample)
        products = self._products(played)
        energies = self._energy_sums[played.size :] - self._energy_sums[: -played.size]
        # A window of near silence must not win by dividing nothing by nothing.
        floor = played.size * (FULL_SCALE * 10 ** (NEAR_SILENCE_DB / 20)) ** 2
        played_energy = max(float(played @ played), floor)
        scores = products / np.sqrt(np.maximum(energies, floor) * played_energy)
        best = int(np.argmax(scores))
        gain = max(float(products[best]) / played_energy, 1e-5)
        return Match(best / self._rate_hz, float(scores[best]), 20 * float(np.log10(gain)))

    def _products(self, played: npt.NDArray[np.float32]) -> Floats:
        """Sums of products of `played` laid on the recording at every lag where it lies wholly inside, by FFT."""
        size = 1 << (self._heard.size + played.size - 1).bit_length()
        if size not in self._spectra:
            self._spectra[size] = np.fft.rfft(self._heard, size)
        spectrum = self._spectra[size] * np.conj(np.fft.rfft(played, size))
        return np.asarray(np.fft.irfft(spectrum, size)[: self._heard.size - played.size + 1], dtype=np.float64)


def gaps_ms(sample: Audio, recording: Audio, rate_hz: int, *, at_s: float, gain_db: float = 0.0) -> list[int]:
    """The holes in what was heard: each run of frames that were played loud and arrived as (almost) nothing.

    `at_s` and `gain_db` come from `find`. A frame is missing when it arrives more than 20 dB too quiet.
    """
    start = round(at_s * rate_hz)
    played = frame_levels_db(sample, rate_hz)
    heard = frame_levels_db(_floats(recording)[start : start + _floats(sample).size], rate_hz)
    count = min(len(played), len(heard))
    missing = (played[:count] > -40.0) & (heard[:count] < played[:count] + gain_db - 20.0)
    missing = np.concatenate([missing, np.ones(len(played) - count, dtype=bool) & (played[count:] > -40.0)])
    return _runs_ms(missing)


def similarity_by_parts(sample: Audio, recording: Audio, rate_hz: int, *, part_ms: int = 400) -> float:
    """How well the parts of `sample` are found, each on its own, in `recording`: their median similarity.

    Unlike one `find` of the whole this forgives a jitter buffer that stretches or shortens a pause between words.
    """
    part_samples = rate_hz * part_ms // 1000
    wave = _floats(sample)
    parts = [wave[at : at + part_samples] for at in range(0, max(wave.size - part_samples, 0) + 1, part_samples)]
    spoken = [part for part in parts if level_db(part) > -45.0]
    ear = Ear(recording, rate_hz)
    return float(np.median([ear.find(part).similarity for part in spoken])) if spoken else 0.0


def _floats(audio: Audio) -> Floats:
    return np.asarray(audio, dtype=np.float64)


def _runs_ms(missing: npt.NDArray[np.bool_]) -> list[int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    return [int(end - start) * FRAME_MS for start, end in zip(edges[::2], edges[1::2], strict=True)]
