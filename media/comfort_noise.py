"""Comfort noise, RFC 3389: what a silent peer's background sounds like, by its own description.

A description is a level and optionally the spectrum, as reflection coefficients. A frame is a slice of a loop of noise
times the level: the white loop that all rows share, or the row's own, shaped in the frequency domain so that it has no
seam. Shaping is dear and a description comes with every packet if its sender likes, so it is done when the row is to be
heard, and for one row at a time: until its turn a row sounds as it did before.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

FRAME_SAMPLES = 160
LOOP_FRAMES = 25  # half a second: long enough for the ear not to find the repetition
LOOP_SAMPLES = LOOP_FRAMES * FRAME_SAMPLES
LOOP_RMS = 4096  # of every loop; above the loudest level, and far enough below the top for the peaks of noise
MOST_COEFFICIENTS = 12
OVERLOAD = 32767  # 0 dBov is a square wave at full scale, whose RMS this is
LOUDEST_DBOV = -20  # louder "background" is a mistake or an attack on ears

_SEED = 3389
_STEP = 7  # frames; has no factor in common with the loop, so rows wander through all of it
_WHITE = np.fft.rfft(np.random.default_rng(_SEED).normal(size=LOOP_SAMPLES))


class ComfortNoise:
    """The background noise of all rows."""

    def __init__(self, rows: int) -> None:
        self._white = rows  # the number of the loop behind those of the rows
        self._loops = np.zeros((rows + 1, LOOP_FRAMES, FRAME_SAMPLES), np.int16)
        self._loops[self._white] = shaped(b"")
        self._loop = np.full(rows, self._white, np.intp)  # which one each row hears
        self._gain = np.zeros(rows, np.float32)
        self._place = np.arange(rows, dtype=np.int32) * _STEP % LOOP_FRAMES
        self._spectrum: dict[int, bytes] = {}  # of the rows that have one, as it was described last
        self._unshaped: dict[int, None] = {}  # rows whose loop has another spectrum, the one that waits longest first

    def describe(self, row: int, payload: bytes) -> None:
        """Take a comfort noise payload: the level, then up to twelve reflection coefficients. Empty is nothing."""
        if not payload:
            return
        self._gain[row] = OVERLOAD / LOOP_RMS * 10 ** (min(-(payload[0] & 0x7F), LOUDEST_DBOV) / 20)
        spectrum = payload[1 : 1 + MOST_COEFFICIENTS]
        if spectrum == self._spectrum.get(row, b""):
            return
        if spectrum:
            self._spectrum[row] = spectrum
            self._unshaped[row] = None
        else:
            self._whiten(row)

    def generate(self, rows: Rows) -> NDArray[np.int16]:
        """The next frame of each row, int16 [n, 160]; silence where nothing was described."""
        if self._unshaped:
            self._shape_one_of(rows)
        place = self._place[rows]
        frames = self._loops[self._loop[rows], place] * self._gain[rows, np.newaxis]
        self._place[rows] = (place + 1) % LOOP_FRAMES
        samples: NDArray[np.int16] = np.rint(frames).astype(np.int16)
        return samples

    def reset(self, row: int) -> None:
        """Another stream lives in this row."""
        self._gain[row] = 0
        self._whiten(row)

    def _whiten(self, row: int) -> None:
        self._loop[row] = self._white
        self._spectrum.pop(row, None)
        self._unshaped.pop(row, None)

    def _shape_one_of(self, rows: Rows) -> None:
        """Of those that are heard now, the one that waits longest."""
        heard = set(rows.tolist())
        row = next((row for row in self._unshaped if row in heard), None)
        if row is not None:
            del self._unshaped[row]
            self._loops[row] = shaped(self._spectrum[row])
            self._loop[row] = row


def payload(level_dbov: int) -> bytes:
    """The comfort noise payload that describes white noise of that level (-127 ... 0 dBov)."""
    return bytes((min(max(-level_dbov, 0), 127),))


def reflections(quantised: bytes) -> list[float]:
    """The coefficients as numbers inside (-1, 1), by the table of RFC 3389 §3."""
    return [max(-0.99, min(258 * (value - 127) / 32768, 0.99)) for value in quantised]


def shaped(quantised: bytes) -> NDArray[np.int16]:
    """A loop of noise, int16 [25, 160], with the spectrum of the all-pole filter that these coefficients describe."""
    spectrum = _WHITE / np.fft.rfft(_predictor(reflections(quantised)), LOOP_SAMPLES)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, LOOP_SAMPLES)
    noise *= LOOP_RMS / np.sqrt(np.mean(noise**2))
    return np.clip(np.rint(noise), -32768, 32767).astype(np.int16).reshape(LOOP_FRAMES, FRAME_SAMPLES)


def _predictor(coefficients: list[float]) -> NDArray[np.float64]:
    """Reflection coefficients to the polynomial of the filter (the step-up recursion); stable, as all are inside 1."""
    polynomial = np.ones(1)
    for coefficient in coefficients:
        longer = np.append(polynomial, 0.0)
        polynomial = longer + coefficient * longer[::-1]
    return polynomial
