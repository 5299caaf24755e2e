"""RTCP of all rows: a compound report each five seconds or so, what the peers report about us, goodbye at the end.

RFC 3550 6.2 and 6.3 for a session of two: a fixed interval, randomised between half and one and a half of it, the first
after half. Who is due is one comparison over a column, so that a tick sends a few reports at most. Loss, jitter and round
trip go into the streams table, where the signalling process reads them.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import numpy as np

from media.jitter import JitterBuffer
from media.rows import Rows
from media.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    compact,
    compound,
    delay,
    ntp,
    parse,
    round_trip_s,
)
from media.rtp.source import Sources
from media.streams import StreamColumns
from media.sweep import Sweep

INTERVAL_TICKS = 250
NEVER = 1 << 62


class Reports:
    """The rows' reporting side."""

    def __init__(
        self,
        rows: Rows,
        streams: StreamColumns,
        sources: Sources,
        sweep: Sweep,
        jitter: JitterBuffer,
        counts: Counter[str],
    ) -> None:
        self._rows, self._streams, self._sources, self._sweep = rows, streams, sources, sweep
        self._jitter, self._counts = jitter, counts
        self._due_tick = np.full(rows.length, NEVER, np.int64)
        self._chance = random.Random()
        self._cnames: dict[int, str] = {}

    def start(self, row: int) -> None:
        """From the first agreement on."""
        if self._due_tick[row] == NEVER:
            self._due_tick[row] = self._jitter.tick + self._spread() // 2
            self._cnames[row] = f"{self._chance.getrandbits(64):016x}@media"

    def stop(self, row: int) -> None:
        """Says goodbye (6.3.7), if a report had introduced us."""
        if row in self._cnames and self._streams.sent_packets[row]:
            ssrc = int(self._streams.out_ssrc[row])
            self._send(row, self._report(row), SourceDescription(ssrc, self._cnames[row]), Goodbye((ssrc,)))
        self._due_tick[row] = NEVER
        self._cnames.pop(row, None)

    def send_due(self) -> None:
        """Once a tick."""
        due = self._due_tick[: self._rows.n] <= self._jitter.tick
        if not due.any():
            return
        for row in np.flatnonzero(due).tolist():
            self._due_tick[row] = self._jitter.tick + self._spread()
            ssrc = int(self._streams.out_ssrc[row])
            self._send(row, self._report(row), SourceDescription(ssrc, self._cnames[row]))

    def receive(self, row: int, data: bytes) -> None:
        """What the peer reports: his clock, and how he hears us."""
        try:
            packets = parse(data)
        except RtcpError:
            self._counts["drop_rtcp_malformed"] += 1
            return
        self._counts["reports_received"] += 1
        streams, now = self._streams, time.time()
        for packet in packets:
            if isinstance(packet, SenderReport):
                streams.sender_report_ntp[row] = compact(packet.ntp)
                streams.sender_report_at[row] = now
            if isinstance(packet, SenderReport | ReceiverReport):
                for block in packet.reports:
                    if block.ssrc == int(streams.out_ssrc[row]):
                        self._heard_of_us(row, block, now)

    def _heard_of_us(self, row: int, block: ReportBlock, now: float) -> None:
        streams = self._streams
        streams.remote_lost[row] = block.packets_lost
        streams.remote_loss[row] = block.lost_share
        streams.remote_jitter[row] = block.jitter
        round_trip = round_trip_s(ntp(now), block)
        if round_trip is not None:
            streams.round_trip_s[row] = round_trip

    def _report(self, row: int) -> RtcpPacket:
        streams = self._streams
        blocks = (self._block(row),) if streams.in_is_known[row] else ()
        ssrc = int(streams.out_ssrc[row])
        if not self._rows.sends[row]:
            return ReceiverReport(ssrc, blocks)
        return SenderReport(
            ssrc,
            ntp(time.time()),
            int(streams.out_timestamp[row]),
            int(streams.sent_packets[row]),
            int(streams.sent_bytes[row]),
            blocks,
        )

    def _block(self, row: int) -> ReportBlock:
        """How we hear the peer; the share of packets lost is that since our last report (A.3)."""
        streams = self._streams
        expected, received = self._sources.expected(row), int(streams.received_packets[row])
        expected_since = expected - int(streams.reported_expected[row])
        lost_since = expected_since - (received - int(streams.reported_received[row]))
        streams.reported_expected[row], streams.reported_received[row] = expected, received
        share = min(255, 256 * lost_since // expected_since) if expected_since > 0 and lost_since > 0 else 0
        reported_at = float(streams.sender_report_at[row])
        return ReportBlock(
            ssrc=int(streams.in_ssrc[row]),
            lost_share=share,
            packets_lost=expected - received,
            highest_sequence=int(streams.highest_sequence[row]) & 0xFFFFFFFF,
            jitter=int(streams.jitter_samples[row]),
            last_sender_report=int(streams.sender_report_ntp[row]),
            delay_since_last=delay(time.time() - reported_at) if reported_at else 0,
        )

    def _send(self, row: int, *packets: RtcpPacket) -> None:
        self._sweep.emit_report(row, compound(*packets))
        self._counts["reports_sent"] += 1

    def _spread(self) -> int:
        return int(INTERVAL_TICKS * self._chance.uniform(0.5, 1.5))
