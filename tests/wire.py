"""A network in memory, for SIP and for RTP: datagrams that get lost, late, doubled and reordered, and faithful streams.

Hosts are any addresses a test likes; nothing is opened in the kernel. All chance comes from one seed, and all delay
from the running loop's clock, so in virtual time a run can be repeated to the byte. It has the shape of
`softswitch.sip.transport.network`, so a Stack takes it as its network; media, which pulls once per tick instead of
being called, uses `Datagrams.receive`.
"""

import asyncio
import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EPHEMERAL_FROM = 49152

Address = tuple[str, int]
Receive = Callable[[bytes, str, int], None]
Unreachable = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Packet:
    """One datagram or one write on a stream, as it left the sender."""

    at: float
    source: Address
    destination: Address
    data: bytes


class Wire:
    """All the hosts of one test. Probabilities are 0 ... 1 for each datagram; streams only have the delay.

    `refuses(packet) -> bool` loses chosen datagrams ("every ACK"); `packets` holds what was sent if `record`.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        loss: float = 0.0,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        reorder: float = 0.0,
        duplicate: float = 0.0,
        record: bool = True,
    ) -> None:
        self.loss, self.reorder, self.duplicate = loss, reorder, duplicate
        self.delay_s, self.jitter_s = delay_s, jitter_s
        self.refuses: Callable[[Packet], bool] = lambda _packet: False
        self.sends_icmp = True
        self.packets: list[Packet] = []
        self.counts: Counter[str] = Counter()
        self._record = record
        self._random = random.Random(seed)
        self._datagrams: dict[Address, Datagrams] = {}
        self._listeners: dict[Address, Listener] = {}
        self._next_port = EPHEMERAL_FROM
        self._in_flight: list[tuple[float, int, Packet]] = []
        self._sent = 0

    def datagrams(
        self, host: str, port: int = 0, receive: Receive | None = None, unreachable: Unreachable | None = None
    ) -> "Datagrams":
        """A UDP socket; without `receive` packets wait for `Datagrams.receive`. OSError when the port is taken."""
        address = (host, port or self._free_port())
        if address in self._datagrams:
            raise OSError(98, f"{host}:{port} is in use")
        self._datagrams[address] = endpoint = Datagrams(self, address, receive, unreachable)
        return endpoint

    async def open_datagrams(self, host: str, port: int, receive: Receive, unreachable: Unreachable) -> "Datagrams":
        return self.datagrams(host, port, receive, unreachable)

    async def listen_stream(self, host: str, port: int, accept: Callable[[], asyncio.Protocol]) -> "Listener":
        address = (host, port or self._free_port())
        if address in self._listeners:
            raise OSError(98, f"{host}:{port} is in use")
        self._listeners[address] = listener = Listener(self, address, accept)
        return listener

    async def connect_stream(
        self, host: str, port: int, connect: Callable[[], asyncio.Protocol], local_host: str
    ) -> None:
        """A connection to a listener; ConnectionRefusedError when there is none."""
        await asyncio.sleep(self.delay_s)
        listener = self._listeners.get((host, port))
        if listener is None:
            raise ConnectionRefusedError(111, f"nobody listens at {host}:{port}")
        here, there = stream_pair(self, (local_host, self._free_port()), listener.address)
        there.attach(listener.accept())
        here.attach(connect())

    def carry(self, packet: Packet) -> None:
        """Takes one datagram from its sender; what happens to it is up to the settings and the seed."""
        self._note(packet)
        self.counts["sent"] += 1
        if self._is_lost(packet):
            self.counts["lost"] += 1
            return
        self._schedule(packet, self._delay())
        if self.duplicate and self._random.random() < self.duplicate:
            self.counts["duplicated"] += 1
            self._schedule(packet, self._delay())

    def _is_lost(self, packet: Packet) -> bool:
        return (self.loss > 0 and self._random.random() < self.loss) or self.refuses(packet)

    def _delay(self) -> float:
        delay_s = self.delay_s + (self._random.uniform(0, self.jitter_s) if self.jitter_s else 0.0)
        if self.reorder and self._random.random() < self.reorder:
            self.counts["reordered"] += 1
            delay_s += 2 * max(self.delay_s, self.jitter_s, 0.01)
        return delay_s

    def _schedule(self, packet: Packet, delay_s: float) -> None:
        """A heap of our own, because timers of equal time fire in any order and packets must not."""
        loop = asyncio.get_running_loop()
        self._sent += 1
        heapq.heappush(self._in_flight, (loop.time() + delay_s, self._sent, packet))
        if delay_s > 0:
            loop.call_later(delay_s, self._arrive)
        else:
            loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        _, _, packet = heapq.heappop(self._in_flight)
        endpoint = self._datagrams.get(packet.destination)
        if endpoint is not None:
            self.counts["delivered"] += 1
            endpoint.arrived(packet)
            return
        self.counts["unreachable"] += 1
        sender = self._datagrams.get(packet.source)
        if self.sends_icmp and sender is not None and sender.unreachable is not None:
            sender.unreachable(*packet.destination)

    def _note(self, packet: Packet) -> None:
        if self._record:
            self.packets.append(packet)

    def _free_port(self) -> int:
        self._next_port += 2
        return self._next_port

    def closed(self, endpoint: "Datagrams | Listener") -> None:
        table: dict[Address, Any] = self._datagrams if isinstance(endpoint, Datagrams) else self._listeners
        if table.get(endpoint.address) is endpoint:
            del table[endpoint.address]


class Datagrams:
    """One UDP socket. Whoever opened it is called with each packet, or takes them with `receive`."""

    def __init__(
        self, wire: Wire, address: Address, receive: Receive | None, unreachable: Unreachable | None = None
    ) -> None:
        self.address = address
        self.unreachable = unreachable
        self.is_open = True
        self.behind_since: float | None = None
        self._wire = wire
        self._receive = receive
        self._waiting: deque[tuple[bytes, Address]] = deque()
        self._arrival: asyncio.Future[None] | None = None

    def send(self, data: bytes, host: str, port: int) -> None:
        if self.is_open:
            self._wire.carry(Packet(asyncio.get_running_loop().time(), self.address, (host, port), bytes(data)))

    def receive(self) -> tuple[bytes, Address] | None:
        """The oldest packet that waits and its sender, or None."""
        return self._waiting.popleft() if self._waiting else None

    async def received(self) -> tuple[bytes, Address]:
        """The next packet and its sender; waits for one."""
        while not self._waiting:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self._waiting.popleft()

    def arrived(self, packet: Packet) -> None:
        if self._receive is not None:
            self._receive(packet.data, *packet.source)
            return
        self._waiting.append((packet.data, packet.source))
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def close(self) -> None:
        self.is_open = False
        self._wire.closed(self)


class Listener:
    """A listening stream socket."""

    def __init__(self, wire: Wire, address: Address, accept: Callable[[], asyncio.Protocol]) -> None:
        self.address = address
        self.accept = accept
        self._wire = wire

    def close(self) -> None:
        self._wire.closed(self)


class Stream(asyncio.Transport):
    """One end of a connection, as asyncio's transports behave: in order, nothing lost, `write` never waits."""

    def __init__(self, wire: Wire, local: Address, remote: Address) -> None:
        super().__init__({"sockname": local, "peername": remote})
        self.other: Stream
        self._wire = wire
        self._local, self._remote = local, remote
        self._protocol: asyncio.Protocol | None = None
        self._closing = False
        self._paused = False
        self._in_flight: deque[bytes | None] = deque()
        self._held: list[bytes | None] = []

    def attach(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        asyncio.get_running_loop().call_soon(protocol.connection_made, self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        packet = Packet(asyncio.get_running_loop().time(), self._local, self._remote, bytes(data))
        self._wire._note(packet)
        self._send(packet.data)

    def _send(self, data: bytes | None) -> None:
        """None is the end of the stream."""
        self._in_flight.append(data)
        asyncio.get_running_loop().call_later(self._wire.delay_s, self._deliver)

    def _deliver(self) -> None:
        self.other._arrived(self._in_flight.popleft())

    def _arrived(self, data: bytes | None) -> None:
        if self._paused:
            self._held.append(data)
        elif data is None:
            self._lost()
        elif self._protocol is not None and not self._closing:
            self._protocol.data_received(data)

    def _lost(self) -> None:
        if not self._closing:
            self._closing = True
            self._finish(None)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(None)
            self._finish(None)

    def abort(self) -> None:
        self.close()

    def _finish(self, error: Exception | None) -> None:
        if self._protocol is not None:
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for data in held:
            self._arrived(data)

    def is_reading(self) -> bool:
        return not self._paused

    def get_write_buffer_size(self) -> int:
        return sum(len(data) for data in self.other._held if data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The far end's pause is what fills the buffer here; see `get_write_buffer_size`."""


def stream_pair(wire: Wire, left: Address, right: Address) -> tuple[Stream, Stream]:
    """The two ends of one connection."""
    one, other = Stream(wire, left, right), Stream(wire, right, left)
    one.other, other.other = other, one
    return one, other
