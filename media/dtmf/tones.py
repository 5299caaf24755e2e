"""Keys as tones in the audio (ITU-T Q.23), for peers that agreed on no telephone-events: made here, and heard here.

The detector takes all rows of a tick at once. Every 10 ms it looks at the last 20 ms of each row that is loud enough:
one matrix product gives the power at the eight frequencies (each at its nominal value and 1.2 % beside it) and at
second harmonics. A window holds a key when one low and one high frequency carry nearly all of its energy, stand out in
their groups, differ in level by no more than the permitted twist, and the high one has no second harmonic, which speech
has (that of the low one falls among the high frequencies, too close to be told apart in 20 ms). Three such windows in a
row begin a key, so 40 ms are always enough and 23 ms never (Q.24); two without end it.

A frame that did not come may have been part of a key. Beside such a gap two windows are enough, and the first window
behind it, half of which is missing, ends nothing. A gap that lasts ends the key.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media import tones

ROWS_HZ = (697, 770, 852, 941)
COLUMNS_HZ = (1209, 1336, 1477, 1633)
KEYPAD = "123A456B789C*0#D"  # by row and column

LEVEL_DB = -13.0  # of each frequency that we send, relative to full scale
FRAME_SAMPLES = 160
HOP_SAMPLES = 80
HOP_MS = 10

BESIDE = 0.012
QUIETEST_DB = -36.0  # both tones together, relative to full scale
SHARE = 0.66  # of the energy that the two tones must carry
OUTSTANDING = 4.0  # times the power of the next in the group
TWIST = 10 ** (10 / 10)  # how much louder one of the two may be: lines take from the high ones, senders add to them
HARMONIC = 0.12  # of its tone's power that a second harmonic may have
BEGIN_WINDOWS = 3
END_WINDOWS = 2
LONGEST_GAP = 3  # frames

_NOTHING = -1


def press(digits: str, *, duration_ms: int = 100, gap_ms: int = 60, level_db: float = LEVEL_DB) -> NDArray[np.int16]:
    """The audio of these keys, int16 frames [n, 160] at 8 kHz; ValueError for a digit that no telephone has."""
    steps = [((row_hz, column_hz), duration_ms, gap_ms) for row_hz, column_hz in map(frequencies_hz, digits.upper())]
    samples = tones.cadence(steps, level_db)
    return np.concatenate((samples, np.zeros(-len(samples) % FRAME_SAMPLES, np.int16))).reshape(-1, FRAME_SAMPLES)


def frequencies_hz(digit: str) -> tuple[int, int]:
    """The two frequencies of a key."""
    row, column = divmod(KEYPAD.index(digit), 4)
    return ROWS_HZ[row], COLUMNS_HZ[column]


@dataclass(frozen=True, slots=True)
class HeardKey:
    """A key that a row has released."""

    row: int
    digit: str
    duration_ms: int


class ToneDetector:
    """Hears the keys of all rows. Feed it every frame of the rows that need it."""

    def __init__(self, rows: int) -> None:
        self._before = np.zeros((rows, HOP_SAMPLES), np.int16)  # the second half of the last frame
        self._key = np.full(rows, _NOTHING, np.int8)  # that is down, or about to be
        self._windows = np.zeros(rows, np.int32)  # in which it was heard
        self._missed = np.zeros(rows, np.int8)  # since it was heard last
        self.gap = np.zeros(rows, np.int8)  # frames missing since the last one

    def detect(self, rows: NDArray[np.intp], frames: NDArray[np.int16]) -> list[HeardKey]:
        """Take a frame of each row, int16 [n, 160]; give the keys that were released."""
        windows = np.empty((len(rows), 2, FRAME_SAMPLES), np.float32)
        windows[:, 0, :HOP_SAMPLES] = self._before[rows]
        windows[:, 0, HOP_SAMPLES:] = frames[:, :HOP_SAMPLES]
        windows[:, 1] = frames
        self._before[rows] = frames[:, HOP_SAMPLES:]
        keys = _recognise(windows.reshape(-1, FRAME_SAMPLES)).reshape(-1, 2)
        busy = (keys != _NOTHING).any(axis=1) | (self._key[rows] != _NOTHING)
        released: list[HeardKey] = []
        for index in np.flatnonzero(busy).tolist():
            row = int(rows[index])
            first, second = keys[index].tolist()
            if first != _NOTHING or not self.gap[row]:
                self._hear(row, first, released)
            self._hear(row, second, released)
        self.gap[rows] = 0
        return released

    def miss(self, rows: NDArray[np.intp]) -> list[HeardKey]:
        """No frame of these rows has come; give the keys that this ends."""
        self.gap[rows] = np.minimum(self.gap[rows] + 1, LONGEST_GAP)
        released: list[HeardKey] = []
        for row in rows[(self.gap[rows] == LONGEST_GAP) & (self._key[rows] != _NOTHING)].tolist():
            self._begin(row, _NOTHING, released)
        return released

    def reset(self, row: int) -> None:
        """Another stream lives in this row."""
        self._before[row] = 0
        self._key[row] = _NOTHING
        self._windows[row] = self._missed[row] = self.gap[row] = 0

    def _hear(self, row: int, key: int, released: list[HeardKey]) -> None:
        """One window of one row: the same key goes on, another one begins, or none is heard any more."""
        ended_in_gap = self._missed[row] and self.gap[row]
        if key != _NOTHING and key == self._key[row] and not ended_in_gap:
            self._windows[row] += 1 + self._missed[row] + 2 * self.gap[row]
            self._missed[row] = self.gap[row] = 0
            return
        self._missed[row] += 1
        if key == _NOTHING and self._missed[row] < END_WINDOWS and self._windows[row] >= BEGIN_WINDOWS:
            return
        self._begin(row, key, released)

    def _begin(self, row: int, key: int, released: list[HeardKey]) -> None:
        """Another key, or none; the one before is over."""
        if self._windows[row] + (self.gap[row] > 0) >= BEGIN_WINDOWS:
            released.append(HeardKey(row, KEYPAD[self._key[row]], (int(self._windows[row]) + 1) * HOP_MS))
        self._key[row], self._missed[row] = key, 0
        self._windows[row] = (1 + (self.gap[row] > 0)) * (key != _NOTHING)
        self.gap[row] *= key == _NOTHING


def _recognise(windows: NDArray[np.float32]) -> NDArray[np.int8]:
    """The key in each window, float32 [n, 160], or -1."""
    keys = np.full(len(windows), _NOTHING, np.int8)
    energy = np.einsum("ns,ns->n", windows, windows)
    loud = np.flatnonzero(energy > _QUIETEST)
    if len(loud):
        keys[loud] = _keys_of(windows[loud], energy[loud])
    return keys


def _keys_of(windows: NDArray[np.float32], energy: NDArray[np.float32]) -> NDArray[np.int8]:
    parts = windows @ _WAVES
    power = parts[:, :_BINS] ** 2 + parts[:, _BINS:] ** 2
    fundamental = np.maximum(np.maximum(power[:, :8], power[:, 8:16]), power[:, 16:24])
    harmonic = power[:, 24:]
    window = np.arange(len(windows))
    row = fundamental[:, :4].argmax(axis=1)
    column = fundamental[:, 4:].argmax(axis=1)
    row_power, column_power = fundamental[window, row], fundamental[window, 4 + column]
    second = np.partition(fundamental.reshape(-1, 2, 4), 2, axis=2)[:, :, 2]
    heard = (
        ((row_power + column_power) * (2 / FRAME_SAMPLES) > SHARE * energy)
        & (row_power > OUTSTANDING * second[:, 0])
        & (column_power > OUTSTANDING * second[:, 1])
        & (column_power < TWIST * row_power)
        & (row_power < TWIST * column_power)
        & (harmonic[window, column] < HARMONIC * column_power)
    )
    return np.where(heard, 4 * row + column, _NOTHING).astype(np.int8)


def _waves() -> NDArray[np.float32]:
    """[160, 2 * 28]: cosines, then sines, of the eight, those a little below, those a little above, and harmonics."""
    nominal = np.array(ROWS_HZ + COLUMNS_HZ, float)
    frequencies = np.concatenate((nominal, nominal * (1 - BESIDE), nominal * (1 + BESIDE), 2 * nominal[4:]))
    angle = 2 * np.pi * np.arange(FRAME_SAMPLES)[:, None] * frequencies / tones.RATE_HZ
    return np.concatenate((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)


_BINS = 28
_WAVES = _waves()
_QUIETEST = FRAME_SAMPLES * (tones.FULL_SCALE * 10 ** (QUIETEST_DB / 20)) ** 2
