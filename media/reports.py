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
from numpy.typing import NDArray

from media.jitter import JitterBuffer
from media.rows import Rows
from media.rtp import rtcp
from media.rtp.rtcp import ReceiverReport, ReportBlock, RtcpError, SenderReport
from media.rtp.source import Sources
from media.streams import StreamColumns
from media.sweep import Sweep

SPREAD = (125, 375)  # ticks from one report to the next: 5 s, more or less
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
            self._due_tick[row] = self._jitter.tick + int(self._chance.uniform(*SPREAD)) // 2
            cname = f"{self._chance.getrandbits(64):016x}@media"
            self._introductions[row] = rtcp.SourceDescription(int(self._streams.out_ssrc[row]), cname).encode()

    def stop(self, row: int) -> None:
        """Says goodbye (6.3.7), if a report had introduced us."""
        introduction = self._introductions.pop(row, None)
        if introduction is not None and self._streams.sent_packets[row]:
            goodbye = rtcp.Goodbye((int(self._streams.out_ssrc[row]),)).encode()
            self._sweep.emit_report(row, self._reports(np.array([row]))[0] + introduction + goodbye)
        self._due_tick[row] = NEVER

    def send_due(self) -> None:
        """Once a tick."""
        if self._jitter.tick % SENT_EVERY_TICKS:
            return
        (rows,) = (self._due_tick[: self._rows.n] <= self._jitter.tick).nonzero()
        if not len(rows):
            return
        for row, report in zip(rows.tolist(), self._reports(rows), strict=True):
            self._due_tick[row] = self._jitter.tick + int(self._chance.uniform(*SPREAD))
            self._sweep.emit_report(row, report + self._introductions[row])
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

    def _reports(self, rows: NDArray[np.intp]) -> list[bytes]:
        """Sender reports, or receiver reports of rows that do not send, with a block once the peer was heard (6.4)."""
        streams, now = self._streams, rtcp.ntp(time.time())
        heard = rows[streams.in_is_known[rows] > 0]
        blocks = self._blocks(heard) if len(heard) else {}
        sends = self._rows.sends[rows].tolist()
        columns = (streams.out_ssrc, streams.out_timestamp, streams.sent_packets, streams.sent_bytes)
        sent = zip(*(column[rows].tolist() for column in columns), strict=True)
        reports = []
        for row, is_sender, (ssrc, timestamp, packets, octets) in zip(rows.tolist(), sends, sent, strict=True):
            block = blocks.get(row, b"")
            first, words = 0x80 | bool(block), len(block) // 4
            if is_sender:
                head = SENDER_REPORT.pack(first, rtcp.SENDER_REPORT, 6 + words, ssrc, now, timestamp, packets, octets)
            else:
                head = RECEIVER_REPORT.pack(first, rtcp.RECEIVER_REPORT, 1 + words, ssrc)
            reports.append(head + block)
        return reports

    def _blocks(self, rows: NDArray[np.intp]) -> dict[int, bytes]:
        """How we hear the peers: what is missing in all, and as a share since our last report (A.3)."""
        streams, now = self._streams, time.time()
        received = streams.received_packets[rows].astype(np.int64)
        highest = streams.highest_sequence[rows]
        expected = highest - streams.base_sequence[rows] + 1
        expected_since = expected - streams.reported_expected[rows]
        lost_since = expected_since - received + streams.reported_received[rows]
        streams.reported_expected[rows], streams.reported_received[rows] = expected, received
        some = (lost_since > 0) & (lost_since <= expected_since)
        share = np.where(some, np.minimum(255, 256 * lost_since // np.maximum(expected_since, 1)), 0)
        lost = np.clip(expected - received, -0x800000, 0x7FFFFF) & 0xFFFFFF
        columns = (
            rows,
            streams.in_ssrc[rows],
            share << 24 | lost,
            highest & 0xFFFFFFFF,
            streams.jitter_samples[rows].astype(np.uint32),
            streams.sender_report_ntp[rows],
            streams.sender_report_at[rows],
        )
        return {
            row: BLOCK.pack(*fields, rtcp.delay(now - reported_at) if reported_at else 0)
            for row, *fields, reported_at in zip(*(column.tolist() for column in columns), strict=True)
        }
