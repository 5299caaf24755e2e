"""Where packets lie: planes of rows, filled by the sweep, read in place by everybody else; nothing is copied.

A row has 192 bytes, the packet starts at byte 4, so the payload starts at 16 and can be read as 64-bit words. Each tick
fills the next plane. As few planes take turns as the jitter buffer's farthest packet needs, since memory that is used
again soon is still in the cache: four as long as every packet is played when it comes, `PLANES` at most. A slot is the
number of a row of the pool, over all planes. The first half of a plane belongs to the rows of the streams table, one
packet each; the second half takes further packets of the same tick, in order of arrival.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROW_BYTES = 192
PACKET_AT = 4
PAYLOAD_AT = 16
FRAME_SAMPLES = 160  # 20 ms at 8 kHz: 160 bytes of G.711
HEADER_BYTES = 12
PACKET_BYTES = HEADER_BYTES + FRAME_SAMPLES
LONGEST_BYTES = ROW_BYTES - PACKET_AT
PLANES = 16
NO_SLOT = -1

FEWEST_PLANES = 4
KEPT_TICKS = 4  # a packet is there for the tick that plays it and three more, for concealment
FEWER_AFTER_TICKS = 500


class Headers(NamedTuple):
    """The fixed header of one packet of each row, a column a field (RFC 3550 5.1)."""

    first_word: NDArray[np.uint16]  # version, marker, payload type, as they lie there
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]


class Pool:
    """The memory of `PLANES` ticks for up to `rows` streams; pages are taken when first touched."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.slots_a_plane = 2 * rows
        self.bytes = np.zeros((PLANES * self.slots_a_plane, ROW_BYTES), np.uint8)
        self.words = self.bytes.view(np.uint64)
        self._headers = np.zeros((rows, 2), np.uint64)
        header = self._headers.view(np.uint8)
        self._first_word = header[:, 4:6].view(np.uint16)[:, 0]
        self._sequence = header[:, 6:8].view(">u2")[:, 0]
        self._timestamp = header[:, 8:12].view(">u4")[:, 0]
        self._ssrc = header[:, 12:16].view(">u4")[:, 0]
        self.payload = self.bytes[:, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES]
        self.payload_words = self.words[:, 2:22]
        self.plane = 0  # of this tick
        self._planes = FEWEST_PLANES
        self._ticks_since_far = 0
        self._memory = memoryview(self.bytes.reshape(-1).data)

    def headers(self, n: int) -> Headers:
        """The first n headers of this tick's plane."""
        first = self.plane * self.slots_a_plane
        self._headers[:n] = self.words[first : first + n, :2]
        return Headers(
            self._first_word[:n],
            self._sequence[:n].astype(np.uint16),
            self._timestamp[:n].astype(np.uint32),
            self._ssrc[:n].astype(np.uint32),
        )

    def turn(self, farthest_ahead: int) -> None:
        """On to the next tick's plane; `farthest_ahead`: in how many ticks the last of this one's packets plays."""
        self._ticks_since_far += 1
        needed = farthest_ahead + KEPT_TICKS
        if 2 * needed > self._planes:
            self._ticks_since_far = 0
        while needed > self._planes and self._planes < PLANES:
            self._planes *= 2
        self.plane += 1
        if self.plane >= self._planes:
            self.plane = 0
            if self._planes > FEWEST_PLANES and self._ticks_since_far > FEWER_AFTER_TICKS:
                self._planes //= 2
                self._ticks_since_far = 0

    def packet(self, slot: int) -> memoryview:
        """Where the packet of a slot is written to."""
        start = slot * ROW_BYTES + PACKET_AT
        return self._memory[start : start + LONGEST_BYTES]

    def slot(self, plane: int, row: int) -> int:
        return plane * self.slots_a_plane + row

    def spare_slot(self, plane: int, number: int) -> int:
        """The slot of the plane's `number`th further packet."""
        return plane * self.slots_a_plane + self.rows + number
