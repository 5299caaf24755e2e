"""Far ends and a bare loop inside the measuring process: everything happens in turn, so every packet is there in time.

Caches are warm and nothing waits, which makes this the floor of what a tick costs; `conference_scale` measures in real
time. What sends and hears at the far ends is not counted.
"""

import resource
import socket
import time
from collections import deque

import numpy as np

PACKET_BYTES = 172
RECEIVE, SEND = socket.socket.recv_into, socket.socket.send
BUFFER_BYTES = 2048


def udp() -> socket.socket:
    """A bound, non-blocking UDP socket."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


class Callers:
    """The far ends of n legs: RTP of 20 ms each, sequence numbers and timestamps right, payload as given."""

    def __init__(self, addresses: list[tuple[str, int]], payloads: list[bytes]) -> None:
        count = len(addresses)
        self.sockets = [udp() for _ in addresses]
        for sock, address in zip(self.sockets, addresses, strict=True):
            sock.connect(address)
        self.packets = np.zeros((count, PACKET_BYTES), np.uint8)
        self.packets[:, 0] = 0x80
        self._sequence = self.packets[:, 2:4].view(">u2")[:, 0]
        self._timestamp = self.packets[:, 4:8].view(">u4")[:, 0]
        self.packets[:, 8:12].view(">u4")[:, 0] = np.arange(1, count + 1)
        for row, payload in enumerate(payloads):
            self.packets[row, 12:] = np.frombuffer(payload, np.uint8)
        self._views = [memoryview(packet) for packet in self.packets]
        self._heard = [memoryview(bytearray(BUFFER_BYTES))] * count
        self.ticks = 0

    def send(self) -> None:
        """One packet of each."""
        self._sequence[:] = self.ticks & 0xFFFF
        self._timestamp[:] = self.ticks * 160 & 0xFFFFFFFF
        self.ticks += 1
        deque(map(SEND, self.sockets, self._views), 0)

    def hear(self) -> int:
        """Takes one packet of each; returns how many came."""
        lengths: list[int] = []
        calls = map(RECEIVE, self.sockets, self._heard)
        while True:
            try:
                lengths.extend(calls)
                return len(lengths) - lengths.count(0)
            except BlockingIOError:
                lengths.append(0)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


class BareLoop:
    """n connected sockets; `tick` receives one packet of each and sends one to each."""

    def __init__(self, legs: int) -> None:
        self.sockets = [udp() for _ in range(legs)]
        self.callers = Callers([sock.getsockname() for sock in self.sockets], [b"\xff" * 160] * legs)
        for sock, caller in zip(self.sockets, self.callers.sockets, strict=True):
            sock.connect(caller.getsockname())
        memory = np.zeros((2, legs, 192), np.uint8)
        self._in = [memoryview(row)[4:] for row in memory[0]]
        self._out = [memoryview(row)[4 : 4 + PACKET_BYTES] for row in memory[1]]

    def tick(self) -> tuple[int, int]:
        """CPU nanoseconds of receiving and of sending."""
        began_at = time.process_time_ns()
        lengths: list[int] = []
        lengths.extend(map(RECEIVE, self.sockets, self._in))
        received_at = time.process_time_ns()
        deque(map(SEND, self.sockets, self._out), 0)
        return received_at - began_at, time.process_time_ns() - received_at

    def close(self) -> None:
        self.callers.close()
        for sock in self.sockets:
            sock.close()


def raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
