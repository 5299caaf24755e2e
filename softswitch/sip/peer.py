"""Where a message came from, or where it goes."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from softswitch.sip.grammar import format_host_port

NETWORK_OF_IPV6 = 4
"""Groups of an IPv6 address that name its network: who has one address of a /64 has them all."""


class Transport(StrEnum):
    """The transports this stack speaks, as Via spells them."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"

    @property
    def default_port(self) -> int:
        return 5061 if self is Transport.TLS else 5060


class Peer(NamedTuple):
    """A numeric address without brackets, and the local port (0: any) that talks with it.

    `domain` is the host name the address was found by, where the far end has to prove that it is that one (TLS).
    """

    transport: Transport
    host: str
    port: int
    local_port: int = 0
    domain: str = ""

    @property
    def is_reliable(self) -> bool:
        return self.transport is not Transport.UDP

    @property
    def place(self) -> "Peer":
        """The same far end, whichever way it was found and whatever socket of ours talks with it."""
        return Peer(self.transport, self.host, self.port)

    def __str__(self) -> str:
        return f"{self.transport.lower()}:{format_host_port(self.host, self.port)}"


@lru_cache(maxsize=4096)
def udp_peer(host: str, port: int, local_port: int) -> Peer:
    """Whence a datagram came, one object for all from there: transactions and bindings remember it for long."""
    return Peer(Transport.UDP, host, port, local_port)


def network_of(host: str) -> str:
    """Who is behind an address, as far as limits go: the address itself; of IPv6 its /64."""
    if ":" not in host or "." in host:
        return host
    return ":".join(_groups(host)[:NETWORK_OF_IPV6]) + "::/64"


def _groups(host: str) -> list[str]:
    head, gap, tail = host.partition("%")[0].partition("::")
    first, last = head.split(":") if head else [], tail.split(":") if tail else []
    return first + ["0"] * (8 - len(first) - len(last)) + last if gap else first
