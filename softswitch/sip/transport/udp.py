"""A UDP socket read by the loop's `add_reader`, many datagrams a wake-up, and written to directly.

asyncio's own datagram transport reads one datagram a loop pass, an eighth of the rate. Errors the network reports
(ICMP) are read from the socket's error queue, where Linux names the destination they are about.

On Linux the loop watches an epoll of our own that watches the socket: uvloop stops to watch a file with an error on it,
and one ICMP message would leave the socket deaf.
"""

import asyncio
import errno
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable

MOST_PER_WAKE_UP = 128
LARGEST_DATAGRAM_BYTES = 65_535
BUFFER_BYTES = 4 * 1024 * 1024
MOST_WAITING = 1024

_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000
_IS_LINUX = sys.platform == "linux"
_SO_TIMESTAMPNS = 35
_SO_MEMINFO, _MEMINFO = 55, struct.Struct("@9I")
_LOSING_FOR_S = 1.0
"""After the kernel has dropped something for want of room, a socket that is not read empty is behind for so long."""
_TIMESPEC = struct.Struct("@ll")
_NOTES_BYTES = 256


class UdpSocket:
    """`receive(data, host, port)` is called for each datagram, `unreachable(host, port)` for each reported failure."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        port: int,
        receive: Callable[[bytes, str, int], None],
        unreachable: Callable[[str, int], None],
    ) -> None:
        self._loop = loop
        self._receive = receive
        self._unreachable = unreachable
        self._waiting: deque[tuple[bytes, tuple[str, int]]] = deque()
        self.dropped = 0
        self.behind_since: float | None = None
        self._lost = 0
        self._losing_until = 0.0
        self._socket = _bound_socket(host, port)
        name = self._socket.getsockname()
        self.address: tuple[str, int] = (name[0], name[1])
        self._watch = _watch(self._socket)
        loop.add_reader(self._watch.fileno(), self._drain)

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send now; when the kernel's buffer is full, a bounded queue waits for it, and what is beyond is dropped."""
        if self._waiting:
            self._queue(data, (host, port))
            return
        try:
            self._socket.sendto(data, (host, port))
        except BlockingIOError:
            self._queue(data, (host, port))
        except OSError as error:
            self._send_failed(error, data, (host, port))

    def _queue(self, data: bytes, address: tuple[str, int]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        if not self._waiting:
            self._loop.add_writer(self._socket.fileno(), self._send_waiting)
        self._waiting.append((data, address))

    def _send_waiting(self) -> None:
        while self._waiting:
            data, address = self._waiting[0]
            try:
                self._socket.sendto(data, address)
            except BlockingIOError:
                return
            except OSError:
                self._unreachable(*address)
            self._waiting.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def _send_failed(self, error: OSError, data: bytes, address: tuple[str, int]) -> None:
        """An error on send may be about an earlier datagram to somebody else (ICMP): then this one is sent again."""
        if error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH) and self._read_errors():
            try:
                self._socket.sendto(data, address)
                return
            except OSError:
                pass
        self._loop.call_soon(self._unreachable, *address)

    def _drain(self) -> None:
        receive, recvfrom = self._receive, self._socket.recvfrom
        for _ in range(MOST_PER_WAKE_UP):
            try:
                data, address = recvfrom(LARGEST_DATAGRAM_BYTES)
            except BlockingIOError:
                self.behind_since = None
                return
            except OSError:
                if not self._read_errors():
                    return
                continue
            receive(data, address[0], address[1])
        self.behind_since = self._oldest_since()

    def _oldest_since(self) -> float | None:
        """When the oldest datagram came that still waits; None where none does. Long ago where the kernel drops others.

        Nobody wakes us for an empty socket: what is said of it now holds until the next datagram comes.
        """
        try:
            _, notes, _, _ = self._socket.recvmsg(1, _NOTES_BYTES, socket.MSG_PEEK)
        except OSError:
            return None
        now = self._loop.time()
        if self._is_losing(now):
            return 0.0
        for level, kind, data in notes:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                waited_s: float = time.time() - seconds - nanoseconds / 1e9
                return now - max(0.0, waited_s)
        return now if self.behind_since is None else self.behind_since

    def _is_losing(self, now: float) -> bool:
        """Whether the kernel's buffer, a small one, was full a moment ago: then no datagram ever gets to wait long."""
        if _IS_LINUX:
            *_, lost = _MEMINFO.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
            if lost != self._lost:
                self._lost, self._losing_until = lost, now + _LOSING_FOR_S
        return now < self._losing_until

    def _read_errors(self) -> bool:
        """Empty the error queue, telling of each destination; whether there was anything."""
        found = False
        while _IS_LINUX:
            try:
                _, _, _, address = self._socket.recvmsg(512, 512, _MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            if address:
                self._unreachable(address[0], address[1])
        return found

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._watch.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._waiting.clear()
            self._watch.close()
            self._socket.close()


def _watch(opened: socket.socket) -> "socket.socket | select.epoll":
    """What the loop watches for the socket: see the top of this file."""
    if not _IS_LINUX:
        return opened
    watch = select.epoll()
    watch.register(opened.fileno(), select.EPOLLIN)
    return watch


def _bound_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            opened.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if _IS_LINUX:
            level, option = (
                (socket.IPPROTO_IPV6, _IPV6_RECVERR) if family == socket.AF_INET6 else (socket.IPPROTO_IP, _IP_RECVERR)
            )
            opened.setsockopt(level, option, 1)
            opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
