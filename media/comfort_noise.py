"""Comfort noise, RFC 3389: what a silent peer's background sounds like, by its own description.

A description is a level and optionally the spectrum, as reflection coefficients. It is turned once into a loop of noise
with that spectrum (shaped in the frequency domain, so the loop has no seam); a frame is then only a slice of the row's
loop. A row costs nothing until a description comes, and a slice while it is silent.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

FRAME_SAMPLES = 160
LOOP_FRAMES = 25  # half a second: long enough for the ear not to find the repetition
LOOP_SAMPLES = LOOP_FRAMES * FRAME_SAMPLES
MOST_COEFFICIENTS = 12
OVERLOAD = 32767  # 0 dBov is a square wave at full scale, whose RMS this is
LOUDEST_DBOV = -20  # louder "background" is a mistake or an attack on ears

_SEED = 3389
_STEP = 7  # frames; has no factor in common with the loop, so rows wander through all of it


class ComfortNoise:
    """The background noise of all rows."""

    def __init__(self, rows: int) -> None:
        self._loops = np.zeros((rows, LOOP_FRAMES, FRAME_SAMPLES), np.int16)
        self._place = np.arange(rows, dtype=np.int32) * _STEP % LOOP_FRAMES
        self._described: dict[int, bytes] = {}

    def describe(self, row: int, payload: bytes) -> None:
        """Take a comfort noise payload: the level, then up to twelve reflection coefficients. Empty is nothing."""
        if payload and self._described.get(row) != payload:
            self._described[row] = payload
            level_dbov = min(-(payload[0] & 0x7F), LOUDEST_DBOV)
            loop = noise(level_dbov, reflections(payload[1 : 1 + MOST_COEFFICIENTS]))
            self._loops[row] = loop.reshape(LOOP_FRAMES, FRAME_SAMPLES)

    def generate(self, rows: Rows) -> NDArray[np.int16]:
        """The next frame of each row, int16 [n, 160]; silence where nothing was described."""
        frames: NDArray[np.int16] = self._loops[rows, self._place[rows]]
        self._place[rows] = (self._place[rows] + 1) % LOOP_FRAMES
        return frames

    def reset(self, row: int) -> None:
        """Another stream lives in this row."""
        if self._described.pop(row, None) is not None:
            self._loops[row] = 0


def payload(level_dbov: int) -> bytes:
    """The comfort noise payload that describes white noise of that level (-127 ... 0 dBov)."""
    return bytes((min(max(-level_dbov, 0), 127),))


def reflections(quantised: bytes) -> list[float]:
    """The coefficients as numbers inside (-1, 1), by the table of RFC 3389 §3."""
    return [max(-0.99, min(258 * (value - 127) / 32768, 0.99)) for value in quantised]


def noise(level_dbov: float, coefficients: list[float]) -> NDArray[np.int16]:
    """A loop of noise, int16 [4000], with this RMS level and the spectrum of the all-pole filter they describe."""
    white = np.random.default_rng(_SEED).normal(size=LOOP_SAMPLES)
    spectrum = np.fft.rfft(white) / np.fft.rfft(_predictor(coefficients), LOOP_SAMPLES)
    spectrum[0] = 0
    shaped = np.fft.irfft(spectrum, LOOP_SAMPLES)
    shaped *= OVERLOAD * 10 ** (level_dbov / 20) / np.sqrt(np.mean(shaped**2))
    return np.clip(np.rint(shaped), -32768, 32767).astype(np.int16)


def _predictor(coefficients: list[float]) -> NDArray[np.float64]:
    """Reflection coefficients to the polynomial of the filter (the step-up recursion); stable, as all are inside 1."""
    polynomial = np.ones(1)
    for coefficient in coefficients:
        longer = np.append(polynomial, 0.0)
        polynomial = longer + coefficient * longer[::-1]
    return polynomial
