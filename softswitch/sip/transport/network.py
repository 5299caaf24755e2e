"""What the stack needs of a network, and the real one. Tests give an in-memory one of the same shape."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from softswitch.sip.transport.udp import UdpSocket

Receive = Callable[[bytes, str, int], None]
Unreachable = Callable[[str, int], None]

LISTEN_BACKLOG = 512


class Datagrams(Protocol):
    """An open UDP socket; `address` is what it is bound to."""

    @property
    def address(self) -> tuple[str, int]: ...
    @property
    def behind_since(self) -> float | None:
        """Since when (monotonic seconds) the oldest has been waiting that could not be read; None when all was read."""

    def send(self, data: bytes, host: str, port: int) -> None: ...
    def close(self) -> None: ...


class Listener(Protocol):
    """A listening stream socket."""

    @property
    def address(self) -> tuple[str, int]: ...
    def close(self) -> None: ...


class Network(Protocol):
    """Opens sockets. Hosts are numeric and come without brackets; every method may raise `OSError`."""

    async def open_datagrams(self, host: str, port: int, receive: Receive, unreachable: Unreachable) -> Datagrams: ...
    async def listen_stream(self, host: str, port: int, accept: Callable[[], asyncio.Protocol]) -> Listener: ...
    async def connect_stream(
        self, host: str, port: int, connect: Callable[[], asyncio.Protocol], local_host: str
    ) -> None: ...


class SystemNetwork:
    """The kernel's network."""

    async def open_datagrams(self, host: str, port: int, receive: Receive, unreachable: Unreachable) -> Datagrams:
        return UdpSocket(asyncio.get_running_loop(), host, port, receive, unreachable)

    async def listen_stream(self, host: str, port: int, accept: Callable[[], asyncio.Protocol]) -> Listener:
        loop = asyncio.get_running_loop()
        return _Server(await loop.create_server(accept, host, port, backlog=LISTEN_BACKLOG))

    async def connect_stream(
        self, host: str, port: int, connect: Callable[[], asyncio.Protocol], local_host: str
    ) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(connect, host, port, local_addr=(local_host, 0) if local_host else None)


class _Server:
    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        name = server.sockets[0].getsockname()
        self.address: tuple[str, int] = (name[0], name[1])

    def close(self) -> None:
        self._server.close()


def local_host_towards(host: str) -> str:
    """The address of this machine that packets to `host` leave from, by the kernel's routing table; nothing is sent."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        name: str = probe.getsockname()[0]
        return name
