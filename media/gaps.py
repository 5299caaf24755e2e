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

HISTORY_TICKS = 4  # a power of two; three frames are recalled
CONCEALED_TICKS = 3  # then a gap has faded out


class Gaps:
    """Knows which slots each row played in the last ticks."""

    def __init__(self, rows: Rows, streams: StreamColumns, pool: Pool) -> None:
        self._rows, self._streams, self._pool = rows, streams, pool
        self._history = np.full((HISTORY_TICKS, rows.length), NO_SLOT, np.int32)
        self._tick = 0
        self.concealment = Concealment(rows.length, self._recall)
        self.noise = ComfortNoise(rows.length)
        self.pauses = np.zeros(rows.length, np.bool_)  # the peer has described its background and sends no audio

    def remember(self, n: int, slots: NDArray[np.int32]) -> None:
        """What all rows play in this tick."""
        self._tick += 1
        self._history[self._tick % HISTORY_TICKS, :n] = slots

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
        self._history[:, row] = NO_SLOT
        self.concealment.reset(row)
        self.noise.reset(row)
        self.pauses[row] = False

    def _recall(self, rows: NDArray[np.intp]) -> NDArray[np.int16]:
        """The last three frames of each row, oldest first; silence where there was none."""
        frames = []
        for ago in (3, 2, 1):
            slots = self._history[(self._tick - ago) % HISTORY_TICKS, rows]
            samples = decode(self._pool.payload[slots], self._rows.receive_law[rows])
            samples[slots == NO_SLOT] = 0
            frames.append(samples)
        return np.concatenate(frames, axis=1).reshape(len(rows), 3 * FRAME_SAMPLES)
