"""SRTP and SRTCP (RFC 3711) of the rows that have agreed on keys: between the sweep and the tick.

`SecureSweep` is a sweep over another one. It opens the encrypted packets of its rows where the sweep has put them and
leaves plain ones there; it takes what these rows send out of the common `emit` and sends it encrypted. Everything else
sees RTP, and a row without keys costs nothing here. What does not prove to come from the holder of the key is dropped
and counted.

A new worker goes on where the old one died. How often the sequence numbers of a stream have wrapped around (the
rollover counter, which no packet carries) stands in the shared streams table; libsrtp, which takes no such number, is
led there by packets of our own that nobody ever sees.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Error, Policy, Session

from media.commands import Srtp
from media.pool import LONGEST_BYTES, PACKET_AT, PACKET_BYTES, Pool
from media.rtp.packet import is_rtcp
from media.sdes import Suite
from media.streams import StreamColumns
from media.sweep import Address, Arrival, Sweep

PROFILES = {
    Suite.AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    Suite.AES_CM_128_HMAC_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    Suite.AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    Suite.AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
FILLS_ITS_PLACE = (Suite.AEAD_AES_128_GCM, Suite.AEAD_AES_256_GCM)  # with their longer tag, so it may have been cut off
REPLAY_WINDOW = 128
STRIDE = 0x7000  # sequence numbers that libsrtp is led on at once; beyond 0x8000 it would be a step back
LEFT_OUT = 4  # sequence numbers between two workers
HEADER = struct.Struct("!BBHII")
EMPTY_REPORT = struct.Struct("!BBHI")
RECEIVER_REPORT = 201
SEQUENCE_AND_SSRC = struct.Struct("!xxHxxxxI")


class SecureSweep:
    """A sweep whose rows may have keys; has the interface of `Sweep`."""

    def __init__(self, sweep: Sweep, pool: Pool, streams: StreamColumns, counts: Counter[str]) -> None:
        self._sweep, self._pool, self._streams, self._counts = sweep, pool, streams, counts
        self.lengths = sweep.lengths
        self.out = sweep.out
        self._secure: dict[int, _Row] = {}
        self._sending: set[int] = set()  # of the rows with keys, those that take part in `emit`

    # --- keys come and go

    def secure(self, row: int, srtp: Srtp | None) -> None:
        """From now on the row's packets are under these keys; None: they are plain. The same keys change nothing."""
        known = self._secure.get(row)
        if srtp is None:
            if known is not None:
                self._forget(row)
        elif known is None:
            self._secure[row] = _Row(srtp, self._streams, row, self._sweep.locked_source(row) is not None)
            self._sweep.set_sending(row, False)
        elif known.srtp != srtp:
            known.rekey(srtp)

    def _forget(self, row: int) -> None:
        del self._secure[row]
        self._sending.discard(row)
        streams = self._streams
        for column in (streams.srtp_out_next, streams.srtp_in_next, streams.srtp_in_ssrc, streams.srtp_reports):
            column[row] = 0

    # --- in

    def sweep(self, missed_ticks: int = 0) -> list[tuple[int, bytes]]:
        further = self._sweep.sweep(missed_ticks)
        if not self._secure:
            return further
        self._open_swept()
        return [(row, plain) for row, data in further if (plain := self._opened(row, data)) is not None]

    def sweep_again(self) -> None:
        self._sweep.sweep_again()
        if self._secure:
            self._open_swept()

    def watched(self) -> Iterator[Arrival]:
        return self._plain(self._sweep.watched()) if self._secure else self._sweep.watched()

    def reports(self) -> Iterator[Arrival]:
        return self._plain(self._sweep.reports()) if self._secure else self._sweep.reports()

    def _open_swept(self) -> None:
        """In place: what came for the rows with keys."""
        for row in self._secure:
            length = int(self.lengths[row])
            if length >= LONGEST_BYTES:  # perhaps cut off; from now on they are read whole
                self.lengths[row] = 0
                self._sweep.watch(row)
            elif length:
                packet = self._pool.packet(row)
                plain = self._opened(row, bytes(packet[:length])) or b""
                packet[: len(plain)] = plain
                self.lengths[row] = len(plain)

    def _plain(self, arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        for row, data, source in arrivals:
            plain = self._opened(row, data)
            if plain is not None:
                yield row, plain, source

    def _opened(self, row: int, data: bytes) -> bytes | None:
        """The plain packet; None for what is not from the holder of the key, or came before."""
        secure = self._secure.get(row)
        if secure is None:
            return data
        try:
            return secure.open_report(data) if is_rtcp(data) else secure.open(data)
        except (Error, ValueError) as error:
            self._counts["drop_srtp_replayed" if "replay" in str(error) else "drop_srtp_not_authentic"] += 1
            return None

    # --- out

    def emit(self) -> None:
        self._sweep.emit()
        for row in self._sending:
            self.emit_packet(row, self.out[row, PACKET_AT : PACKET_AT + PACKET_BYTES].tobytes())

    def emit_packet(self, row: int, packet: bytes) -> None:
        secure = self._secure.get(row)
        try:
            self._sweep.emit_packet(row, packet if secure is None else secure.seal(packet))
        except (Error, ValueError):
            self._counts["srtp_not_sealed"] += 1

    def emit_report(self, row: int, packet: bytes) -> None:
        secure = self._secure.get(row)
        try:
            self._sweep.emit_report(row, packet if secure is None else secure.seal_report(packet))
        except (Error, ValueError):
            self._counts["srtp_not_sealed"] += 1

    def set_sending(self, row: int, sends: bool) -> None:
        secure = self._secure.get(row)
        if secure is None:
            self._sweep.set_sending(row, sends)
        else:
            secure.sends = sends
            self._place(row, secure)

    def aim(self, row: int, rtp: Address | None, rtcp: Address | None) -> None:
        self._sweep.aim(row, rtp, rtcp)
        secure = self._secure.get(row)
        if secure is not None:
            secure.has_target = rtp is not None
            self._place(row, secure)

    def lock(self, row: int, source: Address) -> None:
        self._sweep.lock(row, source)
        self._lock(row, True)

    def unlock(self, row: int) -> None:
        self._sweep.unlock(row)
        self._lock(row, False)

    def _lock(self, row: int, is_locked: bool) -> None:
        secure = self._secure.get(row)
        if secure is not None:
            secure.is_locked = is_locked
            self._place(row, secure)

    def _place(self, row: int, secure: _Row) -> None:
        if secure.sends and (secure.has_target or secure.is_locked):
            self._sending.add(row)
        else:
            self._sending.discard(row)

    def follow(self, row: int) -> None:
        secure = self._secure.get(row)
        if secure is None or secure.srtp.suite not in FILLS_ITS_PLACE:
            self._sweep.follow(row)

    # --- as the sweep has it

    def open(self, row: int, rtp: Any, rtcp: Any) -> None:
        self._sweep.open(row, rtp, rtcp)

    def close(self, row: int) -> None:
        self._sweep.close(row)
        if row in self._secure:
            self._forget(row)

    def stop(self) -> None:
        self._sweep.stop()
        self._secure.clear()
        self._sending.clear()

    def watch(self, row: int) -> None:
        self._sweep.watch(row)

    def expect_more(self, row: int) -> None:
        self._sweep.expect_more(row)

    def locked_source(self, row: int) -> Address | None:
        return self._sweep.locked_source(row)

    @property
    def behind(self) -> NDArray[np.intp]:
        return self._sweep.behind

    @behind.setter
    def behind(self, rows: NDArray[np.intp]) -> None:
        self._sweep.behind = rows


class _Row:
    """The keys of one row at work. `open` and `seal` raise `Error`, and `ValueError` for what is too long.

    An index is a sequence number with its rollover counter in front (RFC 3711 §3.3.1), -1 before the first.
    """

    __slots__ = (
        "_columns", "_in", "_in_index", "_in_ssrc", "_out", "_out_index", "_reports_left_out", "_row",
        "has_target", "is_locked", "sends", "srtp",
    )  # fmt: skip

    def __init__(self, srtp: Srtp, columns: StreamColumns, row: int, is_locked: bool) -> None:
        self.srtp = srtp
        self.is_locked = is_locked
        self.has_target = self.sends = False
        self._columns, self._row = columns, row
        self._in_index, self._in_ssrc = int(columns.srtp_in_next[row]) - 1, int(columns.srtp_in_ssrc[row])
        self._out_index = int(columns.srtp_out_next[row]) - 1
        if self._out_index >= 0:
            self._leave_out()
        self._reports_left_out = int(columns.srtp_reports[row])
        self._out = self._sealing()
        self._in = [(self._in_index, self._opening(self._in_index))]

    def _leave_out(self) -> None:
        """Another worker has sent under this key, perhaps more than it could count: no number may come again."""
        self._out_index += LEFT_OUT
        self._columns.out_sequence[self._row] = (self._out_index + 1) & 0xFFFF

    def rekey(self, srtp: Srtp) -> None:
        """Other keys, in one direction or both.

        Whether the peer then counts its wraps on (RFC 3711) or anew, as many do, its first packet tells. We count on.
        """
        before, self.srtp = self.srtp, srtp
        if (srtp.suite, srtp.send_key) != (before.suite, before.send_key):
            self._out = self._sealing()
            self._reports_left_out = int(self._columns.srtp_reports[self._row])
        if (srtp.suite, srtp.receive_key) != (before.suite, before.receive_key):
            anew = self._in_index if self._in_index < 0 else self._in_index & 0xFFFF
            self._in = [(index, self._opening(index)) for index in dict.fromkeys((anew, self._in_index))]

    def _sealing(self) -> Session:
        session = _session(self.srtp.suite, self.srtp.send_key, Policy.SSRC_ANY_OUTBOUND)
        for _ in _led(session, int(self._columns.out_ssrc[self._row]), self._out_index):
            pass
        return session

    def _opening(self, index: int) -> Session:
        session = _session(self.srtp.suite, self.srtp.receive_key, Policy.SSRC_ANY_INBOUND)
        theirs = _session(self.srtp.suite, self.srtp.receive_key, Policy.SSRC_ANY_OUTBOUND)
        for packet in _led(theirs, self._in_ssrc, index):
            session.unprotect(packet)
        return session

    def open(self, packet: bytes) -> bytes:
        """Plain RTP."""
        plain = self._in[0][1].unprotect(packet) if len(self._in) == 1 else self._open_either(packet)
        self._follow(plain)
        return plain

    def _open_either(self, packet: bytes) -> bytes:
        """Where two ways to count are possible, the one that opens a packet is right."""
        for index, session in self._in:
            try:
                plain = session.unprotect(packet)
            except Error:
                continue
            self._in, self._in_index = [(index, session)], index
            return plain
        raise Error("authentication failure")

    def _follow(self, packet: bytes) -> None:
        """Count as libsrtp does, which does not tell."""
        sequence, ssrc = SEQUENCE_AND_SSRC.unpack_from(packet)
        step = (sequence - self._in_index) & 0xFFFF
        if ssrc != self._in_ssrc or self._in_index < 0:
            self._columns.srtp_in_ssrc[self._row] = self._in_ssrc = ssrc
            self._in_index = sequence
        elif step < 0x8000:
            self._in_index += step
        self._columns.srtp_in_next[self._row] = self._in_index + 1

    def open_report(self, packet: bytes) -> bytes:
        """Plain RTCP."""
        return self._in[0][1].unprotect_rtcp(packet)

    def seal(self, packet: bytes) -> bytes:
        """SRTP. Sequence numbers rise."""
        sequence = packet[2] << 8 | packet[3]
        self._out_index = sequence if self._out_index < 0 else self._out_index + ((sequence - self._out_index) & 0xFFFF)
        self._columns.srtp_out_next[self._row] = self._out_index + 1
        return self._out.protect(packet)

    def seal_report(self, packet: bytes) -> bytes:
        """SRTCP. Its numbers go on behind those of an earlier worker, which the peer would else take for repeated."""
        if self._reports_left_out:
            ssrc = int(self._columns.out_ssrc[self._row])
            for _ in range(self._reports_left_out):
                self._out.protect_rtcp(EMPTY_REPORT.pack(0x80, RECEIVER_REPORT, 1, ssrc))
            self._reports_left_out = 0
        self._columns.srtp_reports[self._row] += 1
        return self._out.protect_rtcp(packet)


def _session(suite: str, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=PROFILES[Suite(suite)])
    policy.window_size = REPLAY_WINDOW
    return Session(policy=policy)


def _led(session: Session, ssrc: int, goal: int) -> Iterator[bytes]:
    """Packets that lead a session which seals, and with them one that opens, to this index; none to -1."""
    if goal >= 0:
        for index in (*range(0, goal, STRIDE), goal):
            yield session.protect(HEADER.pack(0x80, 0, index & 0xFFFF, 0, ssrc))
