"""Changing the sample rate: a polyphase windowed-sinc filter, for all rows of a room at once and for files of any rate.

A `Resampler` is a stream: `feed` it blocks of any length and join what comes out. Between 8, 16 and 48 kHz a block of
whole 20 ms frames gives whole frames. The signal is delayed by half the filter, 2 ms at 8 kHz, for which `feed` waits;
so the first samples out belong to the first samples in, and `finish` gives the rest.
"""

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

ZERO_CROSSINGS = 16  # of the sinc on each side, at the lower of the two rates
KAISER_BETA = 8.0  # 80 dB of stop band
PASSED = 0.92  # of the band that both rates can carry
BLOCK_OUTPUTS = 4000


class Resampler:
    """Converts `rows` signals at once; float32 in and out."""

    def __init__(self, from_hz: int, to_hz: int, rows: int = 1) -> None:
        divisor = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._filters = _filters(self._up, self._down)
        self._half = self._filters.shape[1] // 2
        self._pending = np.zeros((rows, self._half - 1), np.float32)
        self._phase = 0  # of the next output, in 1/up of an input sample after the start of what is pending
        self._fed = 0
        self._given = 0

    def feed(self, samples: Signal) -> Signal:
        """Take [rows, any] samples, give the [rows, some] that are ready."""
        self._fed += samples.shape[1]
        return self._convert(samples)

    def finish(self) -> Signal:
        """The rest, after the last block: in all there come `ceil(fed * to_hz / from_hz)` samples."""
        due = ceil(self._fed * self._up / self._down) - self._given
        return self._convert(np.zeros((len(self._pending), self._half + self._down), np.float32))[:, :due]

    def _convert(self, samples: Signal) -> Signal:
        signal = np.concatenate((self._pending, samples), axis=1)
        ready = (signal.shape[1] - 2 * self._half + 1) * self._up - self._phase
        count = max(0, ceil(ready / self._down))
        positions = self._phase + self._down * np.arange(count)
        output = np.empty((len(signal), count), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(signal, 2 * self._half, axis=1) if count else signal
        for start in range(0, count, BLOCK_OUTPUTS):
            part = positions[start : start + BLOCK_OUTPUTS]
            filters = self._filters[part % self._up]
            np.einsum("rnt,nt->rn", windows[:, part // self._up], filters, out=output[:, start : start + len(part)])
        used = (self._phase + self._down * count) // self._up
        self._phase = (self._phase + self._down * count) % self._up
        self._pending = signal[:, used:]
        self._given += count
        return output


@lru_cache(maxsize=16)
def _filters(up: int, down: int) -> Signal:
    """One filter a phase, [up, taps]: a sinc below half of the lower rate, under a Kaiser window, unity at 0 Hz."""
    scale = max(1.0, down / up)
    half = ceil(ZERO_CROSSINGS * scale)
    distance = np.arange(2 * half)[None, :] - (half - 1) - np.arange(up)[:, None] / up
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0.0, 1 - (distance / half) ** 2)))
    filters = np.sinc(PASSED * distance / scale) * window
    filters /= filters.sum(axis=1, keepdims=True)
    return filters.astype(np.float32)
