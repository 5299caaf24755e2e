"""From packets to frames in the jitter buffer.

A packet is *usual* when it is one of 20 ms of G.711 whose header follows from that of the packet before: those are
handled for all rows at once. All others (a first packet, a key, another payload type, size, source or order) go one by
one through `packet`, as do all packets of watched rows. Whatever is dropped is counted by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from media.jitter import JitterBuffer, Placed
from media.pool import FRAME_SAMPLES, LONGEST_BYTES, PACKET_BYTES, Pool
from media.rechunk import Rechunker
from media.rows import Leg, Rows
from media.rtp.packet import Packet, is_rtcp
from media.rtp.source import JITTER_EVERY, Sources, Verdict
from media.streams import StreamColumns
from media.sweep import Address, Sweep

PLAYABLE = frozenset({Verdict.FIRST, Verdict.NEXT, Verdict.LATER, Verdict.EARLIER, Verdict.RESTARTED})


class Receiver:
    """The rows' receiving side. The callbacks take what is not audio: keys, comfort noise, reports, latched sources."""

    def __init__(
        self, pool: Pool, sweep: Sweep, rows: Rows, streams: StreamColumns, jitter: JitterBuffer, counts: Counter[str]
    ) -> None:
        self._pool, self._sweep, self._rows, self._streams = pool, sweep, rows, streams
        self._jitter, self._counts = jitter, counts
        self.sources = Sources(streams)
        self.latches: dict[int, Latch] = {}
        self._rechunkers: dict[int, Rechunker] = {}
        self.on_key: Callable[[int, Packet], None]
        self.on_comfort_noise: Callable[[int, bytes], None]
        self.on_report: Callable[[int, bytes], None]
        self.on_latched: Callable[[int, Address], None]

    # --- rows come and go

    def expect_source(self, row: int, host: str, port: int) -> None:
        """Any source may be latched now; this one is preferred."""
        self.latches[row] = Latch(host, port)

    def close(self, row: int) -> None:
        self.latches.pop(row, None)
        self._rechunkers.pop(row, None)
        self._jitter.stop(row)
        self.sources.expect_nothing(row)

    # --- one tick

    def receive(self, missed_ticks: int) -> None:
        """Takes in all that has come since the last tick."""
        further = self._sweep.sweep(missed_ticks)
        self._usual_packets()
        for row, data in further:
            self._followed(row, data)
        while len(self._sweep.behind):
            self._jitter.vacate(self._sweep.behind)
            self._sweep.sweep_again()
            self._usual_packets()
        for row, data, source in self._sweep.watched():
            self._watched(row, data, source)
        for row, data, _ in self._sweep.reports():
            self.on_report(row, data)

    def _usual_packets(self) -> None:
        n, tick = self._rows.n, self._jitter.tick
        lengths, headers = self._sweep.lengths[:n], self._pool.read_headers(n)
        timestamp = headers.timestamp[:n]
        following = self.sources.in_order(n, headers, lengths == PACKET_BYTES)
        np.copyto(self._rows.heard_at_tick[:n], tick, where=following)
        if tick % JITTER_EVERY == 0:
            transit = (np.uint32(self._arrival_samples) - timestamp).view(np.int32)
            self.sources.follow_jitter(n, following, transit)
        for row in self._jitter.place(n, following, timestamp):
            self._place(row, int(timestamp[row]), self._pool.payload[row].tobytes())
        came = np.count_nonzero(following)
        self._counts["received_packets"] += int(came)
        if came < np.count_nonzero(lengths):
            for row in ((lengths > 0) ^ following).nonzero()[0].tolist():
                self._sweep.expect_more(row)
                self._followed(row, bytes(self._pool.packet(row)[: int(lengths[row])]))

    @property
    def _arrival_samples(self) -> int:
        return self._jitter.tick * FRAME_SAMPLES & 0xFFFFFFFF

    # --- one packet

    def _followed(self, row: int, data: bytes) -> None:
        if len(data) >= LONGEST_BYTES:  # perhaps cut off; from now on they are read whole
            self._sweep.watch(row)
        elif row in self._rows.legs:
            self.packet(row, data)

    def _watched(self, row: int, data: bytes, source: Address) -> None:
        if is_rtcp(data):
            self.on_report(row, data)
            return
        latch = self.latches.get(row)
        if latch is None or self._is_plausible(row, data):
            if latch is not None and not latch.accepts(source):
                self._counts["drop_foreign_source"] += 1
                self._streams.foreign_packets[row] += 1
                return
            if latch is not None:
                self._latch(row, source)
            self.packet(row, data)
            if len(data) == PACKET_BYTES and row not in self._rechunkers:
                self._sweep.follow(row)

    def _is_plausible(self, row: int, data: bytes) -> bool:
        """Whether a packet of an unknown source may be the peer's; counts what it is when not."""
        packet = Packet.parse(data)
        leg = self._rows.legs[row]
        if packet is None:
            self._malformed(data)
        elif leg.agreed is None:
            self._counts["drop_not_agreed"] += 1
        elif packet.payload_type not in leg.laws and packet.payload_type not in _others(leg):
            self._counts["drop_unknown_payload_type"] += 1
        else:
            return True
        return False

    def _latch(self, row: int, source: Address) -> None:
        del self.latches[row]
        self._sweep.lock(row, source)
        self._streams.source_is_locked[row] = 1
        self._counts["sources_latched"] += 1
        self.on_latched(row, source)

    def packet(self, row: int, data: bytes) -> None:
        """Any packet of a row's source."""
        self._counts["single_packets"] += 1
        if is_rtcp(data):
            self.on_report(row, data)
            return
        packet = Packet.parse(data)
        leg = self._rows.legs[row]
        if packet is None:
            self._malformed(data)
            return
        if leg.agreed is None or not leg.agreed.receives:
            self._counts["drop_not_agreed"] += 1
            return
        if packet.payload_type not in leg.laws and packet.payload_type not in _others(leg):
            self._counts["drop_unknown_payload_type"] += 1
            return
        self._rows.heard_at_tick[row] = self._jitter.tick
        verdict = self._judge(row, packet)
        if packet.payload_type in leg.agreed.event_receive_types:
            self.on_key(row, packet)  # repeated and reordered ones too: a key tells itself apart by its timestamp
        elif verdict not in PLAYABLE:
            return
        elif packet.payload_type == leg.agreed.comfort_noise_type:
            self.on_comfort_noise(row, packet.payload)
        else:
            self._audio(row, packet, verdict)

    def _judge(self, row: int, packet: Packet) -> Verdict:
        if self._streams.in_is_known[row] and packet.ssrc != self._streams.in_ssrc[row]:
            self._counts["ssrc_changes"] += 1
            self.sources.forget(row)
            self._restart(row)
        transit = (self._arrival_samples - packet.timestamp) & 0xFFFFFFFF
        verdict = self.sources.judge(row, packet.ssrc, packet.sequence, transit - (transit >> 31 << 32))
        if verdict is Verdict.RESTARTED:
            self._counts["sequence_jumps"] += 1
            self._restart(row)
        elif verdict is Verdict.DUPLICATE:
            self._counts["duplicate_packets"] += 1
        elif verdict is Verdict.EARLIER:
            self._counts["reordered_packets"] += 1
        return verdict

    def _restart(self, row: int) -> None:
        self._jitter.restart(row)
        self._rechunkers.pop(row, None)

    def _audio(self, row: int, packet: Packet, verdict: Verdict) -> None:
        leg = self._rows.legs[row]
        law = leg.laws[packet.payload_type]
        if law != self._rows.receive_law[row]:
            self._jitter.restart(row)
        if leg.receive_type != packet.payload_type:
            self._counts["payload_type_switches"] += 1
            self._rows.expect(row, packet.payload_type, law)
        if verdict is not Verdict.EARLIER:
            self.sources.expect(row, packet.payload_type, packet.timestamp + FRAME_SAMPLES)
        rechunker = self._rechunkers.get(row)
        if rechunker is None and len(packet.payload) == FRAME_SAMPLES:
            if self._place(row, packet.timestamp, packet.payload) is Placed.DUPLICATE and verdict is Verdict.EARLIER:
                self.sources.duplicate(row)
            return
        if rechunker is None:
            rechunker = self._rechunkers[row] = Rechunker()
            self._sweep.watch(row)
        for timestamp, payload in rechunker.push(packet.timestamp, packet.payload):
            self._place(row, timestamp, payload)
        if rechunker.is_needless:
            del self._rechunkers[row]

    def _place(self, row: int, timestamp: int, payload: bytes) -> Placed:
        slot = self._pool.store(payload)
        if slot is None:
            self._counts["drop_overload"] += 1
            return Placed.TOO_LATE
        placed = self._jitter.place_one(row, timestamp, slot)
        if placed is Placed.TOO_LATE:
            self._counts["late_packets"] += 1
            self._streams.late_packets[row] += 1
        elif placed is Placed.STARTED_ANEW:
            self._counts["timestamp_jumps"] += 1
        elif placed is Placed.DUPLICATE:
            self._counts["duplicate_packets"] += 1
        return placed

    def _malformed(self, data: bytes) -> None:
        if len(data) < 12:
            self._counts["drop_too_short"] += 1
        elif data[0] >> 6 != 2:
            self._counts["drop_wrong_version"] += 1
        else:
            self._counts["drop_malformed"] += 1


class Latch:
    """Which source to believe: the one the session description names at once, another when it keeps sending."""

    __slots__ = ("_candidate", "_packets", "host", "port")

    PROBATION_PACKETS = 3

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._candidate: Address = ()
        self._packets = 0

    def accepts(self, source: Address) -> bool:
        if source[:2] == (self.host, self.port):
            return True
        self._packets = self._packets + 1 if source == self._candidate else 1
        self._candidate = source
        return self._packets >= self.PROBATION_PACKETS


def _others(leg: Leg) -> tuple[int, ...]:
    """Payload types beside audio that may come."""
    assert leg.agreed is not None  # noqa: S101
    return (*leg.agreed.event_receive_types, leg.agreed.comfort_noise_type)
