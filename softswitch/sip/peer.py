"""Where a message came from, or where it goes."""

from enum import StrEnum
from typing import NamedTuple

from softswitch.sip.grammar import format_host_port


class Transport(StrEnum):
    """The transports this stack speaks, as Via spells them."""

    UDP = "UDP"
    TCP = "TCP"


class Peer(NamedTuple):
    """A numeric address without brackets, and the local port (0: any) that talks with it."""

    transport: Transport
    host: str
    port: int
    local_port: int = 0

    @property
    def is_reliable(self) -> bool:
        return self.transport is not Transport.UDP

    def __str__(self) -> str:
        return f"{self.transport.lower()}:{format_host_port(self.host, self.port)}"
