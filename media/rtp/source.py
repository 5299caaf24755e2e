"""Whom we hear, by RFC 3550: sequence numbers and cycles (A.1), packets lost (A.3), interarrival jitter (A.8).

`in_order` takes what nearly every packet is, the next one of its source, for all rows at once: its header is the one
that follows from the packet before. Everything else goes through `Sources.judge`, row by row. The clock of arrivals is
the tick: its 20 ms are coarse for one packet, but as a packet falls at any point of a tick, the mean of the differences
is right.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from media.pool import FRAME_SAMPLES, HeaderNumbers
from media.rtp.packet import VERSION
from media.streams import StreamColumns

MAX_DROPOUT = 3000
MAX_MISORDER = 100
SEQUENCES = 1 << 16
JITTER_EVERY = 4
JITTER_GAIN = np.float32(1 - (15 / 16) ** JITTER_EVERY)
WITHOUT_MARKER = np.array([[0xFF7FFFFF], [0xFFFFFFFFFFFFFFFF]], np.uint64)
STEP = np.array([[1], [FRAME_SAMPLES << 32]], np.uint64)  # from one header to the next


class Verdict(Enum):
    """What a packet is by its sequence number; only FIRST, NEXT, LATER and EARLIER are played."""

    FIRST = "first"
    NEXT = "next"
    LATER = "later"  # some are missing before it
    EARLIER = "earlier"  # reordered on the way
    DUPLICATE = "duplicate"
    PROBATION = "probation"  # a jump; believed when the next packet follows it
    RESTARTED = "restarted"  # that next packet


class Sources:
    """The receive columns of the streams table."""

    def __init__(self, streams: StreamColumns) -> None:
        self._streams = streams
        self._next = np.zeros((2, streams.length), np.uint64)  # the header of each row's next packet
        self._expected_after_jump: dict[int, int] = {}

    def in_order(self, n: int, headers: HeaderNumbers, is_whole: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Counts the packets that are what `expect` has announced, and says which; the rest is to be judged.

        `is_whole`: rows that have got a packet of the right length.
        """
        streams, following_headers = self._streams, self._next[:, :n]
        same = headers.numbers[:, :n] & WITHOUT_MARKER == following_headers
        following: NDArray[np.bool_] = same[0]
        following &= same[1]
        following &= is_whole
        following_headers += STEP * following
        streams.highest_sequence[:n] += following
        streams.received_packets[:n] += following
        return following

    def expect(self, row: int, payload_type: int, timestamp: int) -> None:
        """The next packet of the row is in order when it looks like this; at the wrap of its number it is judged."""
        streams = self._streams
        sequence = (int(streams.highest_sequence[row]) + 1) & 0xFFFF
        self._next[0, row] = (VERSION << 8 | payload_type) << 16 | sequence
        self._next[1, row] = (timestamp & 0xFFFFFFFF) << 32 | int(streams.in_ssrc[row])

    def expect_nothing(self, row: int) -> None:
        """The next packet is judged, whatever it is."""
        self._next[:, row] = 0

    def follow_jitter(self, n: int, rows: NDArray[np.bool_], transit: NDArray[np.int32]) -> None:
        """Once in `JITTER_EVERY` packets, with the weight of so many: to a later one the difference is as great."""
        jitter, last = self._streams.jitter_samples[:n], self._streams.transit_samples[:n]
        change = np.abs(transit - last).astype(np.float32)
        change -= jitter
        change *= JITTER_GAIN
        change *= rows
        jitter += change
        np.copyto(last, transit, where=rows)

    def judge(self, row: int, ssrc: int, sequence: int, transit: int) -> Verdict:
        """One packet whose SSRC is the row's (or the first one)."""
        streams = self._streams
        if not streams.in_is_known[row]:
            self._begin(row, ssrc, sequence, transit)
            return Verdict.FIRST
        step = (sequence - int(streams.highest_sequence[row])) % SEQUENCES
        if step == 0:
            streams.duplicate_packets[row] += 1
            return Verdict.DUPLICATE
        if step < MAX_DROPOUT:
            streams.highest_sequence[row] += step
            self._received(row, transit)
            return Verdict.NEXT if step == 1 else Verdict.LATER
        if step > SEQUENCES - MAX_MISORDER:
            self._received(row, transit)
            return Verdict.EARLIER
        if self._expected_after_jump.pop(row, None) == sequence:
            self._begin(row, ssrc, sequence, transit)
            return Verdict.RESTARTED
        self._expected_after_jump[row] = (sequence + 1) % SEQUENCES
        return Verdict.PROBATION

    def forget(self, row: int) -> None:
        """The next packet of any SSRC is the first."""
        self.expect_nothing(row)
        self._streams.in_is_known[row] = 0
        self._expected_after_jump.pop(row, None)

    def duplicate(self, row: int) -> None:
        """A packet judged EARLIER has turned out to be one we had."""
        self._streams.received_packets[row] -= 1
        self._streams.duplicate_packets[row] += 1

    def lost(self, row: int) -> int:
        """Packets lost since the beginning (A.3); negative with duplicates."""
        return self.expected(row) - int(self._streams.received_packets[row])

    def expected(self, row: int) -> int:
        streams = self._streams
        if not streams.received_packets[row]:
            return 0
        return int(streams.highest_sequence[row] - streams.base_sequence[row]) + 1

    def _received(self, row: int, transit: int) -> None:
        streams = self._streams
        streams.received_packets[row] += 1
        change = abs(transit - int(streams.transit_samples[row]))
        streams.jitter_samples[row] += (change - streams.jitter_samples[row]) / 16
        streams.transit_samples[row] = transit

    def _begin(self, row: int, ssrc: int, sequence: int, transit: int) -> None:
        """A new source: the counts go on, as if it had continued where the old one ended."""
        streams = self._streams
        missing = max(0, self.lost(row))
        streams.in_ssrc[row] = ssrc
        streams.in_is_known[row] = 1
        streams.highest_sequence[row] = sequence
        streams.base_sequence[row] = sequence - int(streams.received_packets[row]) - missing
        streams.received_packets[row] += 1
        streams.transit_samples[row] = transit
