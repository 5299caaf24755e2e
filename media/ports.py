"""UDP port pairs: RTP on an even port, RTCP on the odd one above (RFC 3550 11)."""

from __future__ import annotations

import _socket
import errno
import logging
import random
from collections.abc import Callable
from typing import Any

from media.errors import NoPortFree

log = logging.getLogger("media")

Open = Callable[[str, int], Any]
_NONBLOCKING: int = getattr(_socket, "SOCK_NONBLOCK", 0)  # Linux opens it so in one step
_KIND = _socket.SOCK_DGRAM | _NONBLOCKING
TAKEN_BY_OTHERS = (errno.EADDRINUSE, errno.EACCES)


class Ports:
    """The range, round robin from a random start; ports that other programs hold are passed over.

    Where the system opens none at all (no descriptors, no such address any more), no port is free either: calls are
    refused for now and nothing else breaks. The log says so once, until a port opens again.
    """

    def __init__(self, host: str, ports: tuple[int, int], open_port: Open, chance: random.Random) -> None:
        self._host, self._open = host, open_port
        first, last = ports
        self._even = range(first + first % 2, last, 2)
        self._next = chance.randrange(len(self._even)) if self._even else 0
        self._taken: set[int] = set()
        self._is_refused = False

    def take(self) -> tuple[int, Any, Any]:
        """The even port, and both opened. Raises NoPortFree."""
        for _ in range(len(self._even)):
            port = self._even[self._next]
            self._next = (self._next + 1) % len(self._even)
            if port in self._taken:
                continue
            pair = self._open_pair(port)
            if pair is not None:
                self._taken.add(port)
                self._is_refused = False
                return port, *pair
        raise NoPortFree(f"all RTP ports {self._even.start}-{self._even.stop} of {self._host} are in use")

    def release(self, port: int) -> None:
        self._taken.discard(port)

    def _open_pair(self, port: int) -> tuple[Any, Any] | None:
        opened: list[Any] = []
        try:
            for number in (port, port + 1):
                opened.append(self._open(self._host, number))
        except OSError as error:
            for sock in opened:
                sock.close()
            if error.errno in TAKEN_BY_OTHERS:
                return None
            raise self._refused(number, error) from error
        return opened[0], opened[1]

    def _refused(self, number: int, error: OSError) -> NoPortFree:
        refused = NoPortFree(f"UDP {self._host}:{number}: {error.strerror} (media address and ports)")
        if not self._is_refused:
            self._is_refused = True
            log.error("no audio for new calls: %s", refused)
        return refused


def open_udp(host: str, port: int) -> _socket.socket:
    """A bound UDP socket that never blocks: the bare one, for each call has two and nobody reads from them here."""
    sock = _socket.socket(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _KIND)
    try:
        if not _NONBLOCKING:
            sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
