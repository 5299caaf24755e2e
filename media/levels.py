"""How loud each row is and who talks, without decoding.

A byte of G.711 is a logarithm already: sign bit, three bits of segment, four of mantissa, so 16 steps are 6 dB. The
mean of the low seven bits over a frame is a level in such steps, and eight bytes are added at once in a 64-bit word
(SWAR).

`loudness` follows the level up at once and falls by a fixed rate, so words run together. A row is *audible* while its
loudness is above its gate; whether it *talks* is asked of webrtcvad, for audible rows only and a few a tick, since
webrtcvad calls any tone speech and costs some microseconds. Who talks already is asked less often.
"""

from __future__ import annotations

import math

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from media.codecs.g711 import DECODE_A, DECODE_U
from media.pool import FRAME_SAMPLES
from media.rows import U

SEVEN_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
SUM_OF_LANES = np.uint64(0x0001000100010001)
WORDS = FRAME_SAMPLES // 8
MEASURED_SAMPLES = FRAME_SAMPLES // 2
MEAN = (np.arange(MEASURED_SAMPLES * 127 + 1) // MEASURED_SAMPLES).astype(np.uint8)
EIGHT, FORTY_EIGHT = np.uint64(8), np.uint64(48)

FALL_A_TICK = 2  # steps: 38 dB a second
GATE = 14  # steps: about -49 dB as a mean of logarithms, a very quiet voice
PASSES_ALL = 1  # the gate of a bridged call: even faint background is handed on
VOICE_FRAMES_TO_START = 3
SILENT_TICKS_TO_STOP = 25
VAD_MODE = 2
RATE_HZ = 8000
VAD_ROWS_A_TICK = 48
TALKING_ASKED_EVERY_TICKS = 4


def level_db(level: int, law: int) -> float:
    """A level in steps as decibels relative to full scale."""
    sample = int(DECODE_U[0xFF - level] if law == U else DECODE_A[(0x80 | level) ^ 0x55])
    return 20 * math.log10(max(sample, 1) / 32768)


def measure(words: NDArray[np.uint64], flip: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Levels of payloads given as 20 words a row; `flip` (one a row) says by which law. Shape [rows, 20] -> [rows].

    Every other word is enough: a millisecond is heard, a millisecond is not.
    """
    bits = np.empty(
        (WORDS // 2, len(words)), np.uint64
    )  # a word a row, so that all that follows goes through whole rows
    np.bitwise_xor(words[:, ::2].T, flip.T, out=bits)
    bits &= SEVEN_BITS
    pairs = bits[:5] + bits[5:]  # seven bits and seven bits fit in eight
    high = pairs >> EIGHT
    high &= EVEN_BYTES
    pairs &= EVEN_BYTES
    pairs += high
    lanes: NDArray[np.uint64] = np.add.reduce(pairs)
    lanes *= SUM_OF_LANES
    lanes >>= FORTY_EIGHT
    return MEAN.take(lanes.view(np.int64), mode="clip")


class Levels:
    """The rows' loudness, and who talks."""

    def __init__(self, rows: int) -> None:
        self.loudness = np.zeros(rows, np.uint8)
        self.gate = np.full(rows, GATE, np.uint8)
        self.talks = np.zeros(rows, np.bool_)
        self._voice_frames = np.zeros(rows, np.uint8)
        self._last_voice_tick = np.zeros(rows, np.int64)
        self._vads: dict[int, webrtcvad.Vad] = {}  # it remembers the background of its row
        self._turn = 0

    def follow(self, n: int, levels: NDArray[np.uint8], pauses: NDArray[np.bool_]) -> None:
        """The first n rows' loudness follows this tick's levels (0 where no frame is due).

        A row that pauses, with comfort noise in place of audio, stays just loud enough for a bridged call to hear it.
        """
        loudness = self.loudness[:n]
        np.maximum(loudness, FALL_A_TICK, out=loudness)
        loudness -= FALL_A_TICK
        np.maximum(loudness, levels, out=loudness)
        np.maximum(loudness, pauses[:n], out=loudness, casting="unsafe")

    def listen(self, rows: NDArray[np.intp], frames: NDArray[np.int16], tick: int) -> list[int]:
        """Asks webrtcvad about some of the audible rows, given with their frames; returns who has started to talk."""
        started = []
        if len(rows) > VAD_ROWS_A_TICK:
            self._turn = (self._turn + VAD_ROWS_A_TICK) % len(rows)
            chosen = (np.arange(VAD_ROWS_A_TICK) + self._turn) % len(rows)
            rows, frames = rows[chosen], frames[chosen]
        for row, frame in zip(rows.tolist(), frames, strict=True):
            if self.talks[row] and (row + tick) % TALKING_ASKED_EVERY_TICKS:
                continue
            vad = self._vads.get(row)
            if vad is None:
                vad = self._vads[row] = webrtcvad.Vad(VAD_MODE)
            if not vad.is_speech(frame.tobytes(), RATE_HZ):
                self._voice_frames[row] = 0
                continue
            self._last_voice_tick[row] = tick
            self._voice_frames[row] = min(self._voice_frames[row] + 1, VOICE_FRAMES_TO_START)
            if self._voice_frames[row] == VOICE_FRAMES_TO_START and not self.talks[row]:
                self.talks[row] = True
                started.append(row)
        return started

    def fallen_silent(self, n: int, tick: int) -> list[int]:
        """Rows that talked and have not for a while."""
        talks = self.talks[:n]
        if not talks.any():
            return []
        rows = np.flatnonzero(talks)
        silent = rows[self._last_voice_tick[rows] + SILENT_TICKS_TO_STOP < tick]
        self.talks[silent] = False
        self._voice_frames[silent] = 0
        stopped: list[int] = silent.tolist()
        return stopped

    def quiet(self, n: int) -> NDArray[np.bool_]:
        """Rows in which nothing is to be heard just now."""
        return self.loudness[:n] < GATE

    def clear(self, row: int) -> None:
        self.loudness[row] = self._voice_frames[row] = 0
        self.talks[row] = False
        self.gate[row] = GATE
        self._vads.pop(row, None)
