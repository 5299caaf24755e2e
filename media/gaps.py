"""Frames that did not come: what is heard in their place.

A talker whose frame is missing gets a concealed one (G.711 Appendix I) until it has faded away; a peer that has told
its background with comfort noise (RFC 3389) gets such noise. Rows that nobody hears get nothing, and cost nothing: the
history that concealment needs is fetched from the pool only when a gap begins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.comfort_noise import ComfortNoise
from media.concealment import Concealment
from media.mixer import decode
from media.pool import FRAME_SAMPLES, NO_SLOT, Pool
from media.rows import Rows
from media.streams import StreamColumns

HISTORY_TICKS = 4  # three frames are recalled
NEVER = -1
MANY = 4  # one row in so many
CONCEALED_TICKS = 3  # then a gap has faded out


class Gaps:
    """Remembers what the talkers said in the last ticks."""

    def __init__(self, rows: Rows, streams: StreamColumns, pool: Pool) -> None:
        self._rows, self._streams, self._pool = rows, streams, pool
        self._history = np.zeros((HISTORY_TICKS, rows.length, FRAME_SAMPLES), np.uint8)
        self._history_words = self._history.view(np.uint64)
        self._written = np.full((HISTORY_TICKS, rows.length), NEVER, np.int64)  # in which tick
        self._tick = 0
        self.concealment = Concealment(rows.length, self._recall)
        self.noise = ComfortNoise(rows.length)
        self.pauses = np.zeros(rows.length, np.bool_)  # the peer has described its background and sends no audio

    def turn(self) -> None:
        """On to this tick."""
        self._tick += 1

    def remember(self, rows: NDArray[np.intp], payloads: NDArray[np.uint8], slots: NDArray[np.int32]) -> None:
        """What the talkers play in this tick, [k, 160]."""
        place = self._tick % HISTORY_TICKS
        self._history[place, rows] = payloads
        self._written[place, rows] = np.where(slots == NO_SLOT, NEVER, self._tick)

    def remember_rows(self, n: int, rows: NDArray[np.intp], slots: NDArray[np.int32]) -> None:
        """The same of these among the first n rows, whose slots these are.

        Most frames lie where they were received: of many rows, those of all are copied at once.
        """
        if MANY * len(rows) < n:
            mine = slots[rows]
            self.remember(rows, self._pool.payload[mine], mine)
            return
        place = self._tick % HISTORY_TICKS
        self._history_words[place, :n] = self._pool.payload_words[:n]
        kept = np.flatnonzero(slots >= self._pool.rows)
        if len(kept):
            self._history[place, kept] = self._pool.payload[slots[kept]]
        self._written[place, :n] = np.where(slots == NO_SLOT, NEVER, self._tick)

    def fill(self, rows: NDArray[np.intp], slots: NDArray[np.int32], samples: NDArray[np.int16]) -> int:
        """Fills what is missing of the talkers' `samples`, in place, and blends in what is back; returns how many."""
        missing = slots == NO_SLOT
        self.pauses[rows[~missing]] = False
        lost = self.concealment.lost_blocks[rows]
        if not missing.any():
            if lost.any():
                self.concealment.good(rows, samples)
            return 0
        back = ~missing & (lost > 0)
        if back.any():
            returned = samples[back]
            self.concealment.good(rows[back], returned)
            samples[back] = returned
        pauses = missing & self.pauses[rows]
        if pauses.any():
            samples[pauses] = self.noise.generate(rows[pauses])
            missing = missing & ~pauses
        if missing.any():
            samples[missing] = self.concealment.conceal(rows[missing])
        concealed = rows[missing & (lost < 2 * CONCEALED_TICKS)]
        self._streams.concealed_frames[concealed] += np.uint32(1)
        return len(concealed)

    def pause(self, row: int, description: bytes) -> None:
        """A comfort noise packet has come."""
        self.noise.describe(row, description)
        self.pauses[row] = True

    def forget(self, row: int) -> None:
        self._written[:, row] = NEVER
        self.concealment.reset(row)
        self.noise.reset(row)
        self.pauses[row] = False

    def _recall(self, rows: NDArray[np.intp]) -> NDArray[np.int16]:
        """The last three frames of each row, oldest first; silence where there was none."""
        frames = []
        for ago in (3, 2, 1):
            place = (self._tick - ago) % HISTORY_TICKS
            samples = decode(self._history[place, rows], self._rows.receive_law[rows])
            samples[self._written[place, rows] != self._tick - ago] = 0
            frames.append(samples)
        return np.concatenate(frames, axis=1).reshape(len(rows), 3 * FRAME_SAMPLES)
