"""Two legs that only hear each other: the frame that one plays now is the frame that the other hears now.

Nothing is decoded, weighed or summed. Where both speak the same law the bytes are the same, else a table of 256 entries
translates them, which is exact but for the steps of the two laws. The jitter buffer in front of it is the row's own, so
what goes out is even whatever came in; a frame that did not come is concealed as for a talker in a room, and a pause
that the peer has described is filled with its noise. A player of a row is heard in place of the relay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import A_TO_U, ENCODE_A, ENCODE_U, U_TO_A
from media.gaps import CONCEALED_TICKS, Gaps
from media.mixer import SILENCE, decode
from media.pool import FRAME_SAMPLES, NO_SLOT, PAYLOAD_AT, Pool
from media.rows import LAWS, NOBODY, Rows

Places = NDArray[np.intp]

TRANSLATED = np.stack((U_TO_A, A_TO_U))
"""By the law of what came: each byte by the other law."""
ENCODED = (ENCODE_U, ENCODE_A)
FADED_BLOCKS = 2 * CONCEALED_TICKS  # of 10 ms; then a gap is silence


class Relay:
    """Which row hears which, and one tick of it."""

    def __init__(self, rows: Rows, pool: Pool, gaps: Gaps, out: NDArray[np.uint8]) -> None:
        self._rows, self._pool, self._gaps, self._out = rows, pool, gaps, out
        self._out_words = out.view(np.uint64)
        self._source_of: dict[int, int] = {}
        self._hearers_of: dict[int, set[int]] = {}
        self._hearers = self._sources = np.zeros(0, np.intp)
        self._is_settled = True

    @property
    def is_idle(self) -> bool:
        return not self._source_of

    def hear(self, row: int, source: int) -> None:
        """From now on `row` hears `source`, or NOBODY."""
        before = self._source_of.pop(row, None)
        if before is not None:
            self._hearers_of[before].discard(row)
            self._is_settled = False
        if source != NOBODY:
            self._source_of[row] = source
            self._hearers_of.setdefault(source, set()).add(row)
            self._is_settled = False

    def forget(self, row: int) -> None:
        """The row's life ends: it hears nobody and is heard by nobody."""
        self.hear(row, NOBODY)
        for hearer in tuple(self._hearers_of.get(row, ())):
            self.hear(hearer, NOBODY)
        self._hearers_of.pop(row, None)

    def carry(self, n: int, slots: NDArray[np.int32], hears: NDArray[np.intp]) -> int:
        """Puts what the sources play (`slots`) into `out` of those who hear them; returns how much was concealed.

        `hears` says what the rows would hear without a relay; one that hears more than silence has a player of its own.
        """
        hearers, sources = self._settled()
        self._gaps.remember_rows(n, sources, slots)
        free = hears[hearers] < LAWS
        if not free.all():
            hearers, sources = hearers[free], sources[free]
        now = slots[sources]
        self._out_words[hearers] = self._pool.words.take(now, axis=0, mode="clip")
        foreign = self._rows.receive_law[sources] != self._rows.send_law[hearers]
        if foreign.any():
            self._translate(hearers[foreign], sources[foreign])
        odd = now == NO_SLOT
        odd |= self._gaps.concealment.lost_blocks[sources] > 0
        odd |= self._gaps.pauses[sources]
        return self._fill(hearers[odd], sources[odd], now[odd]) if odd.any() else 0

    def _settled(self) -> tuple[Places, Places]:
        """Rows as they lie in memory."""
        if not self._is_settled:
            pairs = sorted(self._source_of.items())
            self._hearers = np.array([hearer for hearer, _ in pairs], np.intp)
            self._sources = np.array([source for _, source in pairs], np.intp)
            self._is_settled = True
        return self._hearers, self._sources

    def _translate(self, hearers: Places, sources: Places) -> None:
        payloads = self._out[hearers, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES].astype(np.intp)
        payloads += self._rows.receive_law[sources].astype(np.intp)[:, np.newaxis] << 8
        self._put(hearers, TRANSLATED.reshape(-1).take(payloads, mode="clip"))

    def _fill(self, hearers: Places, sources: Places, slots: NDArray[np.int32]) -> int:
        """Rows in or behind a gap or a pause."""
        gaps, rows = self._gaps, self._rows
        is_over = (slots == NO_SLOT) & (gaps.concealment.lost_blocks[sources] >= FADED_BLOCKS) & ~gaps.pauses[sources]
        for law in range(LAWS):
            silent = hearers[is_over & (rows.send_law[hearers] == law)]
            self._out[silent, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES] = SILENCE[law]
        hearers, sources, slots = hearers[~is_over], sources[~is_over], slots[~is_over]
        if not len(hearers):
            return 0
        samples = decode(self._pool.payload[slots], rows.receive_law[sources])
        concealed = gaps.fill(sources, slots, samples)
        for law in range(LAWS):
            mine = rows.send_law[hearers] == law
            self._put(hearers[mine], ENCODED[law].take(samples[mine].view(np.uint16)))
        return concealed

    def _put(self, hearers: Places, payloads: NDArray[np.uint8]) -> None:
        self._out[hearers, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES] = payloads
