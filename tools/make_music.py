"""The sounds that nobody speaks: hold music, chimes, the beep. Composed by arithmetic, the same at every run.

The music is a loop without a seam: every note is added in a circle, so what rings on at the end rings into the
beginning.
"""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
Signal = NDArray[np.float64]

BEAT_S = 0.625
BEATS_A_CHORD = 4
MUSIC_DB = -26.0
CHIME_DB = -20.0

# MIDI note numbers, an octave below what is heard: a slow walk through C major, everything close together.
CHORDS = [
    (48, 52, 55, 59), (45, 52, 55, 60), (41, 48, 52, 57), (43, 50, 53, 59),
    (40, 47, 55, 59), (45, 52, 55, 60), (50, 53, 57, 60), (43, 50, 55, 59),
    (41, 48, 52, 57), (40, 47, 52, 55), (50, 53, 57, 60), (45, 52, 55, 60),
    (41, 48, 53, 57), (43, 50, 53, 59), (48, 52, 55, 59), (43, 50, 55, 62),
]  # fmt: skip
MELODY_STEPS = (0, 2, 3, 2, 1, 3, 2, 1)  # which note of the chord is plucked at each half beat
OCTAVE = 12  # telephones carry 300 to 3,400 Hz: a low chord would hardly be heard


def hold_music() -> Signal:
    """Forty seconds: soft chords that breathe, and a plucked figure over them."""
    beats = len(CHORDS) * BEATS_A_CHORD
    music = np.zeros(round(beats * BEAT_S * RATE_HZ))
    for index, chord in enumerate(CHORDS):
        start_s = index * BEATS_A_CHORD * BEAT_S
        for note in chord:
            _add(music, start_s - 0.4, 0.6 * _pad(_hz(note + OCTAVE), BEATS_A_CHORD * BEAT_S + 0.8))
        for step, which in enumerate(MELODY_STEPS):
            note_hz = _hz(chord[which] + 2 * OCTAVE)
            _add(music, start_s + step * BEAT_S / 2, 0.8 * _pluck(note_hz, 1.8, softness=5.0 + step % 2))
    return levelled(music, MUSIC_DB)


def entry_chime() -> Signal:
    """Two bells, rising."""
    return _bells(659.3, 987.8)


def exit_chime() -> Signal:
    """Two bells, falling."""
    return _bells(987.8, 659.3)


def beep() -> Signal:
    """A quarter of a second of a plain tone, for "speak now" and "recorded"."""
    time = np.arange(round(0.25 * RATE_HZ)) / RATE_HZ
    ramp = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
    return levelled(np.sin(2 * np.pi * 880 * time) * ramp, CHIME_DB)


def levelled(signal: Signal, level_db: float) -> Signal:
    """The signal at this RMS level, relative to full scale."""
    return signal * (10 ** (level_db / 20) / np.sqrt(np.mean(signal**2)))


def _bells(first_hz: float, second_hz: float) -> Signal:
    chime = np.zeros(round(0.56 * RATE_HZ))
    for start_s, bell_hz in ((0.0, first_hz), (0.16, second_hz)):
        bell = _pluck(bell_hz, 0.40, softness=9.0)
        start = round(start_s * RATE_HZ)
        chime[start : start + len(bell)] += bell
    return levelled(chime, CHIME_DB)


def _hz(note: int) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def _pad(note_hz: float, seconds: float) -> Signal:
    """A soft organ tone that swells and fades."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = np.sin(np.pi * time / seconds) ** 0.8
    tremble = 1 + 0.12 * np.sin(2 * np.pi * 0.8 * time + note_hz)
    partials = sum(np.sin(2 * np.pi * note_hz * number * time) / number**1.5 for number in (1, 2, 3, 4))
    return 0.5 * swell * tremble * partials


def _pluck(note_hz: float, seconds: float, softness: float) -> Signal:
    """A struck tone: its overtones die first."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    attack = np.minimum(1.0, time / 0.008)
    release = np.minimum(1.0, (seconds - time) / 0.05)
    brightness = 0.9 * np.exp(-softness * 1.6 * time)
    struck = np.sin(2 * np.pi * note_hz * time + brightness * np.sin(4 * np.pi * note_hz * time))
    return attack * release * np.exp(-softness * 0.6 * time) * struck


def _add(loop: Signal, start_s: float, note: Signal) -> None:
    """Add a note in a circle."""
    place = (round(start_s * RATE_HZ) + np.arange(len(note))) % len(loop)
    np.add.at(loop, place, note)
