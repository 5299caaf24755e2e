"""The sweep over the network: a connected UDP socket a leg.

`sweep()` brings one packet of each followed row into the pool, in one `map` over `recv_into` that runs in C, without
asking the kernel first who has something: at 50 packets a second everybody has. `emit()` sends every row's packet in
one `map` over `send`. An OSError stops the map, and the same map goes on with the next leg.

A packet that comes a moment too late for its tick is read in the next one, and from then on the row is one packet
behind, which is read with a few others in turn: rows whose packets come just when we tick are not read twice all the
time. A row that is further behind is read until nothing is left; many of them, after a stall, all at once again.
Nothing outside this file knows that a leg has a socket.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import socket
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.pool import LONGEST_BYTES, PACKET_AT, PACKET_BYTES, ROW_BYTES, Pool
from media.sweep import NOBODY, Address, Arrival

LONGEST_DATAGRAM_BYTES = 2048
PACKETS_A_WATCHED_ROW = 8  # in one tick; more wait in the kernel
REPORTS_A_TICK = 64
MAX_BACKLOG = 15
TURN_TICKS = 128  # once in so many ticks a row that is behind is read until nothing is left
DRIFT_TURNS = 8  # and once in so many turns whatever we believe of it: its clock may be faster than ours
FAR_BEHIND = 2  # packets; then it does not wait for its turn
FEW_ROWS = 24  # are read and handed out one by one

Socket = socket.SocketType  # half the memory of `socket.socket`, and memory that is cold again every tick is what costs
RECEIVE = Socket.recv_into
SEND = Socket.send
SEND_TO = Socket.sendto


@dataclass(slots=True, eq=False)
class _Leg:
    """The sockets of one row, and its place in the lists of the maps."""

    rtp: Socket
    rtcp: Socket
    target: Address | None = None
    report_target: Address | None = None
    is_locked: bool = False
    sends: bool = False
    followed_at: int = -1
    watched: bool = False
    sender: _Senders | None = None


class SocketSweep:
    """A UDP socket a leg; connected once its source is locked, so that the kernel drops everybody else's packets."""

    def __init__(self, pool: Pool, drops: Counter[str]) -> None:
        self.lengths = np.zeros(pool.rows, np.uint8)
        self.out = np.zeros((pool.rows, ROW_BYTES), np.uint8)
        self._pool = pool
        self._drops = drops
        self._legs: dict[int, _Leg] = {}
        self._rows: list[int] = []  # the followed rows; the next three lists go with it
        self._sockets: list[Socket] = []
        self._buffers: list[memoryview] = []
        self._row_array = NOBODY
        self._backlog = np.zeros(pool.rows, np.uint8)  # packets that may wait in the kernel beyond one
        self._is_far_behind = False  # some row
        self.behind = NOBODY
        self._passes = 0  # that are left in this tick
        self._ticks = 0
        self._out_memory = memoryview(self.out.reshape(-1).data)
        self._connected = _Senders()
        self._aimed = _Senders()
        self._watched = selectors.DefaultSelector()
        self._reports = selectors.DefaultSelector()
        self._scratch = bytearray(LONGEST_DATAGRAM_BYTES)

    # --- which rows there are

    def open(self, row: int, rtp: int, rtcp: int) -> None:
        """Descriptors of two bound sockets that never block; they are closed with the row."""
        leg = _Leg(Socket(fileno=rtp), Socket(fileno=rtcp))
        self._legs[row] = leg
        self.lengths[row] = self._backlog[row] = 0
        leg.is_locked = _source(leg.rtp) is not None
        self._reports.register(leg.rtcp, selectors.EVENT_READ, row)
        self.watch(row)

    def close(self, row: int) -> None:
        leg = self._legs[row]
        self.set_sending(row, False)
        self._unfollow(row, leg)
        self._unwatch(leg)
        self._reports.unregister(leg.rtcp)
        del self._legs[row]
        leg.rtp.close()
        leg.rtcp.close()

    def stop(self) -> None:
        """Lets go of everything."""
        for row in tuple(self._legs):
            self.close(row)
        self._watched.close()
        self._reports.close()

    def aim(self, row: int, rtp: Address | None, rtcp: Address | None) -> None:
        leg = self._legs[row]
        leg.target, leg.report_target = rtp, rtcp
        self._place_sender(row, leg)

    def lock(self, row: int, source: Address) -> None:
        leg = self._legs[row]
        leg.rtp.connect(source)
        leg.is_locked = True
        self._place_sender(row, leg)

    def unlock(self, row: int) -> None:
        leg = self._legs[row]
        if leg.is_locked:
            _disconnect(leg.rtp)
            leg.is_locked = False
        self.watch(row)
        self._place_sender(row, leg)

    def follow(self, row: int) -> None:
        leg = self._legs[row]
        if leg.followed_at >= 0:
            return
        self._unwatch(leg)
        leg.followed_at = len(self._rows)
        self._rows.append(row)
        self._sockets.append(leg.rtp)
        self._buffers.append(self._pool.packet(row))
        self.expect_more(row)
        self._row_array = NOBODY

    def watch(self, row: int) -> None:
        leg = self._legs[row]
        self._unfollow(row, leg)
        if not leg.watched:
            self._watched.register(leg.rtp, selectors.EVENT_READ, row)
            leg.watched = True

    def set_sending(self, row: int, sends: bool) -> None:
        leg = self._legs[row]
        leg.sends = sends
        self._place_sender(row, leg)

    def locked_source(self, row: int) -> Address | None:
        leg = self._legs[row]
        return _source(leg.rtp) if leg.is_locked else None

    # --- in

    def sweep(self, missed_ticks: int = 0) -> list[tuple[int, bytes]]:
        rows = self._row_array
        if len(rows) != len(self._rows):
            rows = self._row_array = np.array(self._rows, np.intp)
        empty = self._receive(rows, self._sockets, self._buffers)
        self._ticks += 1
        if len(empty) or missed_ticks:
            self._note_backlog(rows, empty, missed_ticks)
        due = self._in_turn()
        if self._is_far_behind:
            far = rows[self._backlog[rows] >= FAR_BEHIND]
            self._is_far_behind = len(far) > 0
            far = far[self.lengths[far] > 0]
            if len(far) > FEW_ROWS:
                self.behind = far
                self._passes = MAX_BACKLOG
                return []
            due += far.tolist()
        return self._read_further(due)

    def sweep_again(self) -> None:
        legs = [(row, self._legs[row]) for row in self.behind.tolist()]
        followed = [(row, leg) for row, leg in legs if leg.followed_at >= 0]
        rows = np.array([row for row, _ in followed], np.intp)
        buffers = [self._buffers[leg.followed_at] for _, leg in followed]
        self.lengths[:] = 0
        empty = self._receive(rows, [leg.rtp for _, leg in followed], buffers)
        self._backlog[empty] = 0
        self._passes -= 1
        self.behind = rows[self.lengths[rows] > 0] if self._passes else NOBODY  # a flood waits for the next tick

    def expect_more(self, row: int) -> None:
        self._backlog[row] = max(FAR_BEHIND, self._backlog[row])
        self._is_far_behind = True

    def _receive(self, rows: NDArray[np.intp], sockets: list[Socket], buffers: list[memoryview]) -> NDArray[np.intp]:
        """One packet of each row; returns the rows that had none."""
        results: list[int] = []
        calls = map(RECEIVE, sockets, buffers)
        while True:
            try:
                results.extend(calls)
                break
            except BlockingIOError:  # nothing there
                results.append(0)
            except OSError:
                self._drops["peer_unreachable"] += 1
                results.append(0)
        lengths = bytes(results)
        self.lengths[rows] = np.frombuffer(lengths, np.uint8)
        return rows[self.lengths[rows] == 0] if 0 in lengths else NOBODY

    def _note_backlog(self, rows: NDArray[np.intp], empty: NDArray[np.intp], missed_ticks: int) -> None:
        """What did not come in time comes later, beside what is due then."""
        backlog = self._backlog
        if missed_ticks:
            backlog[rows] = np.minimum(backlog[rows] + min(missed_ticks + 1, MAX_BACKLOG), MAX_BACKLOG)
            self._is_far_behind = True
        now = np.minimum(backlog[empty] + 1, MAX_BACKLOG)
        backlog[empty] = now
        self._is_far_behind = self._is_far_behind or bool((now >= FAR_BEHIND).any())

    def _in_turn(self) -> list[int]:
        """A few rows each tick: one that is a single packet behind needs no more than its turn."""
        turn, place = divmod(self._ticks, TURN_TICKS)
        rows = self._rows[place::TURN_TICKS]
        if turn % DRIFT_TURNS == 0:
            return rows
        return [row for row in rows if self._backlog[row]]

    def _read_further(self, due: list[int]) -> list[tuple[int, bytes]]:
        further: list[tuple[int, bytes]] = []
        for row in due:
            receive = self._legs[row].rtp.recv_into
            for _ in range(MAX_BACKLOG):
                try:
                    length = receive(self._scratch)
                except OSError:
                    self._backlog[row] = 0
                    break
                further.append((row, bytes(self._scratch[:length])))
        return further

    def watched(self) -> Iterator[Arrival]:
        """Packets of the rows that are not followed, at most a few a row and tick."""
        if len(self._watched.get_map()) == 0:
            return
        for key, _ in self._watched.select(0):
            yield from self._read(key, PACKETS_A_WATCHED_ROW)

    def reports(self) -> Iterator[Arrival]:
        for key, _ in self._reports.select(0)[:REPORTS_A_TICK]:
            yield from self._read(key, 2)

    def _read(self, key: selectors.SelectorKey, most: int) -> Iterator[Arrival]:
        sock: Any = key.fileobj
        for _ in range(most):
            if key.data not in self._legs:
                return
            try:
                length, source = sock.recvfrom_into(self._scratch)
            except BlockingIOError:
                return
            except OSError:
                continue
            yield key.data, bytes(self._scratch[:length]), source

    # --- out

    def emit(self) -> None:
        self._emit(map(SEND, self._connected.sockets, self._connected.buffers))
        if self._aimed.rows:
            self._emit(map(SEND_TO, self._aimed.sockets, self._aimed.buffers, self._aimed.targets))  # type: ignore[arg-type]

    def _emit(self, calls: Iterator[int]) -> None:
        while True:
            try:
                deque(calls, 0)
                return
            except BlockingIOError:
                self._drops["send_would_block"] += 1
            except OSError:
                self._drops["peer_unreachable"] += 1

    def emit_packet(self, row: int, packet: bytes) -> None:
        leg = self._legs[row]
        self._send(leg.rtp, packet, None if leg.is_locked else leg.target)

    def emit_report(self, row: int, packet: bytes) -> None:
        leg = self._legs[row]
        if leg.report_target is not None:
            self._send(leg.rtcp, packet, leg.report_target)
        elif leg.target is not None:
            self.emit_packet(row, packet)

    def _send(self, sock: Socket, packet: bytes, target: Address | None) -> None:
        try:
            if target is None:
                sock.send(packet)
            else:
                sock.sendto(packet, target)
        except OSError:
            self._drops["peer_unreachable"] += 1

    # --- the lists of the maps

    def _place_sender(self, row: int, leg: _Leg) -> None:
        if leg.sender is not None:
            leg.sender.remove(row)
        leg.sender = None
        if not leg.sends:
            return
        if leg.is_locked:
            leg.sender = self._connected
        elif leg.target is not None:
            leg.sender = self._aimed
        if leg.sender is not None:
            start = row * ROW_BYTES + PACKET_AT
            leg.sender.add(row, leg.rtp, self._out_memory[start : start + PACKET_BYTES], leg.target)

    def _unfollow(self, row: int, leg: _Leg) -> None:
        """The last of the lists takes the place that becomes free."""
        at = leg.followed_at
        if at < 0:
            return
        last = self._rows[-1]
        self._legs[last].followed_at = at
        self._rows[at], self._sockets[at], self._buffers[at] = last, self._sockets[-1], self._buffers[-1]
        for column in (self._rows, self._sockets, self._buffers):
            column.pop()
        leg.followed_at = -1
        self.lengths[row] = 0
        self._row_array = NOBODY

    def _unwatch(self, leg: _Leg) -> None:
        if leg.watched:
            self._watched.unregister(leg.rtp)
            leg.watched = False


class _Senders:
    """Parallel lists for one map over `send` or `sendto`; removal moves the last into the gap."""

    __slots__ = ("_place", "buffers", "rows", "sockets", "targets")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.sockets: list[Socket] = []
        self.buffers: list[memoryview] = []
        self.targets: list[Address | None] = []
        self._place: dict[int, int] = {}

    def add(self, row: int, sock: Socket, buffer: memoryview, target: Address | None) -> None:
        self._place[row] = len(self.rows)
        self.rows.append(row)
        self.sockets.append(sock)
        self.buffers.append(buffer)
        self.targets.append(target)

    def remove(self, row: int) -> None:
        at = self._place.pop(row)
        last = self.rows[-1]
        if last != row:
            self._place[last] = at
            self.rows[at] = last
            self.sockets[at] = self.sockets[-1]
            self.buffers[at] = self.buffers[-1]
            self.targets[at] = self.targets[-1]
        for column in (self.rows, self.sockets, self.buffers, self.targets):
            column.pop()


def _source(sock: Socket) -> Address | None:
    """What the socket is connected to."""
    try:
        peer: Address = sock.getpeername()
    except OSError:
        return None
    return peer


def _disconnect(sock: Socket) -> None:
    """connect(2) with AF_UNSPEC dissolves the association; Python's `connect` cannot say that."""
    nowhere = bytes(28)
    if _LIBC.connect(sock.fileno(), nowhere, len(nowhere)):
        number = ctypes.get_errno()
        if number != _EAFNOSUPPORT:  # macOS dissolves it and still says so
            raise OSError(number, os.strerror(number))


_LIBC = ctypes.CDLL(None, use_errno=True)
_EAFNOSUPPORT = 47
assert LONGEST_BYTES < 256, "lengths are kept in bytes"  # noqa: S101
