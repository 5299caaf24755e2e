"""Voices that can be told apart and have no pauses: a buzz whose pitch jumps twelve times a second."""

import numpy as np

RATE_HZ = 8000
SYLLABLE_SAMPLES = 640
PITCHES_HZ = (120, 400)
LEVEL = 2500.0


def voice(seed: int, seconds: float) -> np.ndarray:
    """`seconds` of int16 at 8 kHz; another `seed` is another speaker. Every 20 ms of it are about -20 dB."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    pitches_hz = random.uniform(*PITCHES_HZ, size=count // SYLLABLE_SAMPLES + 1)
    phase = np.cumsum(2 * np.pi * np.repeat(pitches_hz, SYLLABLE_SAMPLES)[:count] / RATE_HZ)
    harmonics = sum(np.sin(number * phase + random.uniform(0, 6)) / number**0.5 for number in range(1, 7))
    return (LEVEL * harmonics).clip(-30000, 30000).astype(np.int16)
