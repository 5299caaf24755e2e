"""Where packets lie: rows of memory that the sweep fills and everybody else reads in place.

A row has 192 bytes, the packet starts at byte 4, so the payload starts at 16 and can be read as 64-bit words. Every
tick's packets come into the same rows, one a stream: memory that is used again soon is still in the cache. What plays
in the tick in which it came, and on an even stream that is everything, is never copied; what has to wait is kept aside.

A slot is the number of a row of the pool: first the streams' own (slot = row, good for this tick only), then what is
kept, by the tick in which it came: swept packets that have to wait, and payloads that did not come in that shape.
"""

from __future__ import annotations

import sys

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


class HeaderNumbers:
    """The fixed headers of many packets (RFC 3550 5.1) as two numbers each, whatever way this machine lays them down.

    `first`: version, marker, payload type, sequence number (32 bits). `second`: timestamp, SSRC (64 bits).
    """

    def __init__(self, rows: int) -> None:
        self.numbers = np.zeros((2, rows), np.uint64)
        self.first, self.second = self.numbers
        high_word = 1 if sys.byteorder == "little" else 0
        self.timestamp = self.second.view(np.uint32)[high_word::2]

    def read(self, words: NDArray[np.uint64], n: int) -> None:
        """Those of the first n rows; `words` are the first two of each row of the pool."""
        self.numbers[:, :n] = words[:n].T

    def write(self, words: NDArray[np.uint64], n: int) -> None:
        """Over the first two words of each of the first n rows, the four bytes before the packet with it."""
        words[:n] = self.numbers[:, :n].T


def header_words(memory: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Rows of the pool's shape as seen by `HeaderNumbers`: the first two words of each in network order."""
    return memory.view(">u8")[:, :2]


class Pool:
    """Memory for up to `rows` streams; pages are taken when first touched."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.bytes = np.zeros(((1 + 2 * KEPT_TICKS) * rows, ROW_BYTES), np.uint8)
        self.words = self.bytes.view(np.uint64)
        self.payload = self.bytes[:, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES]
        self.payload_words = self.words[:, 2:22]
        self.headers = HeaderNumbers(rows)  # of what was swept last
        self._header_words = header_words(self.bytes)
        self._slots_a_tick = 2 * rows
        self._tick = 0
        self._stored = 0  # in this tick
        self._memory = memoryview(self.bytes.reshape(-1).data)

    def packet(self, row: int) -> memoryview:
        """Where the row's packet is written to."""
        start = row * ROW_BYTES + PACKET_AT
        return self._memory[start : start + LONGEST_BYTES]

    def read_headers(self, n: int) -> HeaderNumbers:
        """Those of the first n rows, of a packet that came in an earlier tick where none came in this one."""
        self.headers.read(self._header_words, n)
        return self.headers

    def keep(self, rows: NDArray[np.intp]) -> NDArray[np.int32]:
        """Copies these rows' packets to where they last for `KEPT_TICKS`; returns the slots, NO_SLOT without room."""
        first, count = self._first_free, min(len(rows), self._slots_a_tick - self._stored)
        self.words[first : first + count] = self.words[rows[:count]]
        self._stored += count
        slots = np.arange(first, first + len(rows), dtype=np.int32)
        slots[count:] = NO_SLOT
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
