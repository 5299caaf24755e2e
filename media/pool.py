"""Where packets lie: rows of memory that the sweep fills and everybody else reads in place.

A row has 192 bytes, the packet starts at byte 4, so the payload starts at 16 and can be read as 64-bit words. Every
tick's packets come into the same rows, one a stream: memory that is used again soon is still in the cache. What plays
in the tick in which it came, and on an even stream that is everything, is never copied; what has to wait is kept aside.

A slot is the number of a row of the pool: first the streams' own (slot = row, good for this tick only), then what is
kept, by the tick in which it came: swept packets that have to wait, and payloads that did not come in that shape.
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
NO_SLOT = -1
KEPT_TICKS = 16


class Headers(NamedTuple):
    """The fixed header of one packet of each row, a column a field (RFC 3550 5.1)."""

    first_word: NDArray[np.uint16]  # version, marker, payload type, as they lie there
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]


class HeaderWords:
    """Many fixed headers: the first two words of rows of the pool, word by word, and their fields in network order."""

    def __init__(self, rows: int) -> None:
        self.words = np.zeros((2, rows), np.uint64)
        first, second = self.words.view(np.uint8).reshape(2, rows, 8)
        self.first_word = first[:, 4:6].view(np.uint16)[:, 0]
        self.sequence = first[:, 6:8].view(">u2")[:, 0]
        self.timestamp = second[:, 0:4].view(">u4")[:, 0]
        self.ssrc = second[:, 4:8].view(">u4")[:, 0]


class Pool:
    """Memory for up to `rows` streams; pages are taken when first touched."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.bytes = np.zeros(((1 + 2 * KEPT_TICKS) * rows, ROW_BYTES), np.uint8)
        self.words = self.bytes.view(np.uint64)
        self.payload = self.bytes[:, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES]
        self.payload_words = self.words[:, 2:22]
        self._headers = HeaderWords(rows)
        self._slots_a_tick = 2 * rows
        self._tick = 0
        self._stored = 0  # in this tick
        self._memory = memoryview(self.bytes.reshape(-1).data)

    def packet(self, row: int) -> memoryview:
        """Where the row's packet is written to."""
        start = row * ROW_BYTES + PACKET_AT
        return self._memory[start : start + LONGEST_BYTES]

    def headers(self, n: int) -> Headers:
        """Those of the first n rows."""
        header = self._headers
        header.words[0, :n] = self.words[:n, 0]
        header.words[1, :n] = self.words[:n, 1]
        return Headers(
            header.first_word[:n],
            header.sequence[:n].astype(np.uint16),
            header.timestamp[:n].astype(np.uint32),
            header.ssrc[:n].astype(np.uint32),
        )

    def keep(self, rows: NDArray[np.intp]) -> NDArray[np.int32]:
        """Copies these rows' packets to where they last for `KEPT_TICKS`; returns the slots, NO_SLOT without room."""
        free = self._slots_a_tick - self._stored
        slots = np.full(len(rows), NO_SLOT, np.int32)
        slots[:free] = np.arange(self._first_free, self._first_free + min(len(rows), free))
        self.words[slots[:free]] = self.words[rows[:free]]
        self._stored += min(len(rows), free)
        return slots

    def store(self, payload: bytes) -> int | None:
        """Lays down one frame's payload for as long; None when too many came in this tick."""
        if self._stored == self._slots_a_tick:
            return None
        slot = self._first_free
        self._stored += 1
        self.payload[slot] = np.frombuffer(payload, np.uint8)
        return slot

    @property
    def _first_free(self) -> int:
        return self.rows + self._slots_a_tick * (self._tick % KEPT_TICKS) + self._stored

    def turn(self) -> None:
        """On to the next tick."""
        self._tick += 1
        self._stored = 0
