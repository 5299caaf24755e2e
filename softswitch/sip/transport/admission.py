"""How many connections others may open, and how many handshakes may be under way: in all, and from one source.

`Transports` asks before it takes one. A source is an address, of IPv6 its /64. What we open ourselves counts in the
total alone.
"""

from collections import Counter
from dataclasses import dataclass

from softswitch.sip.peer import network_of
from softswitch.sip.transport.tcp import Connection


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one process allows its TCP and TLS peers. Handshakes: of TLS, those that are not finished."""

    connections: int = 4096
    connections_of_source: int = 1024
    handshakes: int = 1024
    handshakes_of_source: int = 128
    idle_s: float = 300.0
    first_message_s: float = 32.0
    """Who has opened a connection and says nothing on it for so long, keep-alives apart, loses it."""
    connect_timeout_s: float = 10.0
    handshake_timeout_s: float = 10.0


class Admission:
    """The connections that are there, and whether there is room for another one."""

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._all: set[Connection] = set()
        self._shaking: set[Connection] = set()
        self._of_source: Counter[str] = Counter()
        self._shaking_of_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def shaking(self) -> frozenset[Connection]:
        """Those whose handshake is under way."""
        return frozenset(self._shaking)

    def refusal(self, connection: Connection) -> str:
        """The name of the drop where there is no room; empty where there is."""
        limits, source = self._limits, network_of(connection.remote[0])
        if len(self._all) >= limits.connections:
            return "too_many_connections"
        if connection.is_ours:
            return ""
        if self._of_source[source] >= limits.connections_of_source:
            return "too_many_connections_of_source"
        if len(self._shaking) >= limits.handshakes:
            return "too_many_handshakes"
        if self._shaking_of_source[source] >= limits.handshakes_of_source:
            return "too_many_handshakes_of_source"
        return ""

    def enter(self, connection: Connection) -> None:
        """It is there, and its handshake under way."""
        self._all.add(connection)
        self._shaking.add(connection)
        if not connection.is_ours:
            source = network_of(connection.remote[0])
            self._of_source[source] += 1
            self._shaking_of_source[source] += 1

    def shaken(self, connection: Connection) -> bool:
        """Its handshake is over, however it went; whether it was under way."""
        if connection not in self._shaking:
            return False
        self._shaking.remove(connection)
        if not connection.is_ours:
            _count_down(self._shaking_of_source, network_of(connection.remote[0]))
        return True

    def leave(self, connection: Connection) -> None:
        """It is gone."""
        self.shaken(connection)
        if connection in self._all:
            self._all.remove(connection)
            if not connection.is_ours:
                _count_down(self._of_source, network_of(connection.remote[0]))


def _count_down(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
