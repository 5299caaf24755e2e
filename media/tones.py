"""Sine tones by table of frequencies: what telephones have always been told with. Used for keys, chimes and signals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
RAMP_SAMPLES = 16  # 2 ms up and down, so that a tone does not begin with a click
FULL_SCALE = 32767


def tone(frequencies_hz: Sequence[float], samples: int, level_db: float) -> NDArray[np.int16]:
    """So many samples of sines together, each at `level_db` relative to full scale; the sum is limited to it."""
    time = np.arange(samples) / RATE_HZ
    signal = np.zeros(samples)
    for frequency_hz in frequencies_hz:
        signal += np.sin(2 * np.pi * frequency_hz * time)
    signal *= 10 ** (level_db / 20) * FULL_SCALE
    ramp = np.minimum(1.0, (np.arange(samples) + 1) / RAMP_SAMPLES)
    signal *= ramp * ramp[::-1]
    return np.clip(np.rint(signal), -FULL_SCALE, FULL_SCALE).astype(np.int16)


def cadence(steps: Sequence[tuple[Sequence[float], int, int]], level_db: float) -> NDArray[np.int16]:
    """Steps one after another, each (frequencies in Hz, ms on, ms off)."""
    parts = [np.zeros(0, np.int16)]
    for frequencies_hz, on_ms, off_ms in steps:
        parts += tone(frequencies_hz, on_ms * RATE_HZ // 1000, level_db), np.zeros(off_ms * RATE_HZ // 1000, np.int16)
    return np.concatenate(parts)
