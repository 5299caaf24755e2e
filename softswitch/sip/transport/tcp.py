"""One TCP connection: framed messages in, bytes out, keep-alives answered, idle and slow peers closed (RFC 3261 §18.3).

Whoever opened it, the connection serves both ways: responses go back on it, and new requests to its far end use it too.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from softswitch.errors import PeerError
from softswitch.sip.framing import KeepAlive, StreamFraming
from softswitch.sip.peer import Peer, Transport

PONG = b"\r\n"  # RFC 5626 §3.5.1
MOST_UNSENT_BYTES = 1024 * 1024


class Owner(Protocol):
    """Who keeps the connections. One that was admitted is `disconnected` at its end, `connected` or not."""

    def admits(self, connection: "Connection") -> bool: ...
    def connected(self, connection: "Connection") -> None: ...
    def received(self, connection: "Connection", data: bytes) -> None: ...
    def unframed(self, connection: "Connection", refused: bytes, error: PeerError) -> None: ...
    def disconnected(self, connection: "Connection") -> None: ...
    def dropped(self, name: str) -> None: ...


class Connection(asyncio.Protocol):
    """`remote` and `local` are (host, port) once it is made; `used_at` is when something last went either way.

    `spoken_at` is when that was a message and no keep-alive; until there was one, when it was opened.
    """

    transport = Transport.TCP
    domain = ""

    def __init__(self, owner: Owner, now: Callable[[], float], *, is_ours: bool = False) -> None:
        """`is_ours`: we open it."""
        self.is_ours = is_ours
        self.remote: tuple[str, int] = ("", 0)
        self.local: tuple[str, int] = ("", 0)
        self.used_at = self.spoken_at = now()
        self.has_spoken = False
        """Whether a message has come, and not only keep-alives."""
        self._owner = owner
        self._now = now
        self._framing = StreamFraming()
        self._transport: asyncio.Transport | None = None

    @property
    def peer(self) -> Peer:
        return Peer(self.transport, *self.remote, self.local[1], self.domain)

    @property
    def is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)
        if self._admitted():
            self._owner.connected(self)

    def _take(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its base class
        self._transport = transport
        self.remote = transport.get_extra_info("peername")[:2]
        self.local = transport.get_extra_info("sockname")[:2]

    def _admitted(self) -> bool:
        is_admitted = self._owner.admits(self)
        if not is_admitted:
            self.abort()
        return is_admitted

    def data_received(self, data: bytes) -> None:
        self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        """Bytes of SIP."""
        self.used_at = self._now()
        try:
            for item in self._framing.feed(data):
                if isinstance(item, bytes):
                    self.has_spoken, self.spoken_at = True, self.used_at
                    self._owner.received(self, item)
                elif item is KeepAlive.PING:
                    self.send(PONG)
        except PeerError as error:
            self._owner.unframed(self, self._framing.refused, error)
            self.close()

    def send(self, data: bytes) -> None:
        """Write; a peer that does not read loses its connection before it can fill the memory."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() + len(data) > MOST_UNSENT_BYTES:
            self._owner.dropped("slow_reader")
            self._transport.abort()
            return
        self.used_at = self._now()
        if data is not PONG:
            self.spoken_at = self.used_at
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self._owner.disconnected(self)
