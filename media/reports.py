"""RTCP of all rows: a compound report each five seconds or so, what the peers report about us, goodbye at the end.

RFC 3550 6.2 and 6.3 for a session of two: a fixed interval, randomised between half and one and a half of it, the first
after half. Who is due is one comparison over a column, now and then, and a few reports go at a time. Loss, jitter and
round trip go into the streams table, where the signalling process reads them.
"""

from __future__ import annotations

import random
import struct
import time
from collections import Counter

import numpy as np

from media.jitter import JitterBuffer
from media.rows import Rows
from media.rtp import rtcp
from media.rtp.rtcp import ReceiverReport, ReportBlock, RtcpError, SenderReport
from media.rtp.source import Sources
from media.streams import StreamColumns
from media.sweep import Sweep

INTERVAL_TICKS = 250
SENT_EVERY_TICKS = 5
NEVER = 1 << 62
SENDER_REPORT = struct.Struct("!BBHIQIII")
RECEIVER_REPORT = struct.Struct("!BBHI")
BLOCK = struct.Struct("!IIIIII")


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
        self._introductions: dict[int, bytes] = {}  # source descriptions, encoded once

    def start(self, row: int) -> None:
        """From the first agreement on."""
        if self._due_tick[row] == NEVER:
            self._due_tick[row] = self._jitter.tick + self._spread() // 2
            cname = f"{self._chance.getrandbits(64):016x}@media"
            self._introductions[row] = rtcp.SourceDescription(int(self._streams.out_ssrc[row]), cname).encode()

    def stop(self, row: int) -> None:
        """Says goodbye (6.3.7), if a report had introduced us."""
        introduction = self._introductions.pop(row, None)
        if introduction is not None and self._streams.sent_packets[row]:
            goodbye = rtcp.Goodbye((int(self._streams.out_ssrc[row]),)).encode()
            self._sweep.emit_report(row, self._report(row) + introduction + goodbye)
        self._due_tick[row] = NEVER

    def send_due(self) -> None:
        """Once a tick."""
        if self._jitter.tick % SENT_EVERY_TICKS:
            return
        due = self._due_tick[: self._rows.n] <= self._jitter.tick
        if not due.any():
            return
        rows = np.flatnonzero(due).tolist()
        for row in rows:
            self._due_tick[row] = self._jitter.tick + self._spread()
            self._sweep.emit_report(row, self._report(row) + self._introductions[row])
        self._counts["reports_sent"] += len(rows)

    def receive(self, row: int, data: bytes) -> None:
        """What the peer reports: his clock, and how he hears us."""
        try:
            packets = rtcp.parse(data)
        except RtcpError:
            self._counts["drop_rtcp_malformed"] += 1
            return
        self._counts["reports_received"] += 1
        streams, now = self._streams, time.time()
        for packet in packets:
            if isinstance(packet, SenderReport):
                streams.sender_report_ntp[row] = rtcp.compact(packet.ntp)
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
        round_trip = rtcp.round_trip_s(rtcp.ntp(now), block)
        if round_trip is not None:
            streams.round_trip_s[row] = round_trip

    def _report(self, row: int) -> bytes:
        """A sender report, or a receiver report when we do not send, with a block once the peer was heard (6.4)."""
        streams = self._streams
        ssrc = int(streams.out_ssrc[row])
        block = self._block(row) if streams.in_is_known[row] else b""
        if not self._rows.sends[row]:
            return RECEIVER_REPORT.pack(0x80 | bool(block), rtcp.RECEIVER_REPORT, 1 + len(block) // 4, ssrc) + block
        head = SENDER_REPORT.pack(
            0x80 | bool(block),
            rtcp.SENDER_REPORT,
            6 + len(block) // 4,
            ssrc,
            rtcp.ntp(time.time()),
            int(streams.out_timestamp[row]),
            int(streams.sent_packets[row]),
            int(streams.sent_bytes[row]),
        )
        return head + block

    def _block(self, row: int) -> bytes:
        """How we hear the peer: what is missing in all, and as a share since our last report (A.3)."""
        streams = self._streams
        received = int(streams.received_packets[row])
        expected = int(streams.highest_sequence[row]) - int(streams.base_sequence[row]) + 1
        expected_since = expected - int(streams.reported_expected[row])
        lost_since = expected_since - received + int(streams.reported_received[row])
        streams.reported_expected[row], streams.reported_received[row] = expected, received
        share = min(255, 256 * lost_since // expected_since) if 0 < lost_since <= expected_since else 0
        lost = max(-0x800000, min(expected - received, 0x7FFFFF)) & 0xFFFFFF
        reported_at = float(streams.sender_report_at[row])
        return BLOCK.pack(
            int(streams.in_ssrc[row]),
            share << 24 | lost,
            int(streams.highest_sequence[row]) & 0xFFFFFFFF,
            int(streams.jitter_samples[row]),
            int(streams.sender_report_ntp[row]),
            rtcp.delay(time.time() - reported_at) if reported_at else 0,
        )

    def _spread(self) -> int:
        return int(INTERVAL_TICKS * self._chance.uniform(0.5, 1.5))
