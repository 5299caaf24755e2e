"""Ears: every member speaks a tone of its own, and by the spectrum of what each hears we know who hears whom.

    ears = Ears(engine, wire)
    alice, bob = ears.member("alice"), ears.member("bob")
    room.join(alice.stream); room.join(bob.stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"alice": {"bob"}, "bob": {"alice"}}

Members are bytes at the far end: RTP as any phone sends it. Over a `Wire` they live in virtual time, over sockets (no
wire) in real time.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media import Engine, Stream
from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U
from media.ports import open_udp
from tests.wire import Wire

FRAME_SAMPLES = 160
TICK_S = 0.02
RATE_HZ = 8000
BLOCK_SAMPLES = 800
HALF = 1 << 31
FIRST_HZ, STEP_HZ = 310, 70  # no tone is a harmonic of another, for as many as fit below 4 kHz
AMPLITUDE = 4000
AUDIBLE = 0.05  # of the tone's own amplitude
AUDIBLE_IN_REAL_TIME = 0.2  # frames that a busy machine loses spread the tones beside them
SETTLING_S = 0.3  # latching, jitter buffers, and talkers found
HEADER = struct.Struct("!BBHII")
OFFER = (
    "v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP {types}\r\n{attributes}"
)
LAWS = {0: (ENCODE_U, DECODE_U), 8: (ENCODE_A, DECODE_A)}


def offer(host: str, port: int, types: str, attributes: str = "") -> bytes:
    """A session description as any phone sends it."""
    family = "IP6" if ":" in host else "IP4"
    return OFFER.format(family=family, host=host, port=port, types=types, attributes=attributes).encode()


class Member:
    """One phone. `speaks`: its tone; otherwise it sends silence. `heard` is what came, as packets with their time."""

    def __init__(self, name: str, tone_hz: float, stream: Stream, payload_type: int) -> None:
        self.name = name
        self.tone_hz = tone_hz
        self.stream = stream
        self.payload_type = payload_type
        self.speaks = True
        self.sends = True
        self.events: list[Any] = []
        self.heard: list[tuple[float, bytes]] = []
        self.sequence = self.timestamp = 0
        self.ssrc = int(tone_hz)
        self.send: Callable[[bytes], None]

    def frame(self) -> NDArray[np.int16]:
        """The next 20 ms of its tone."""
        at = self.timestamp + np.arange(FRAME_SAMPLES)
        return (AMPLITUDE * np.sin(2 * np.pi * self.tone_hz * at / RATE_HZ)).astype(np.int16)

    def speak(self) -> None:
        """Sends one packet."""
        encode, _ = LAWS[self.payload_type]
        frame = self.frame() if self.speaks else np.zeros(FRAME_SAMPLES, np.int16)
        header = HEADER.pack(0x80, self.payload_type, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        if self.sends:
            self.send(header + encode[frame.view(np.uint16)].tobytes())
        self.sequence += 1
        self.timestamp += FRAME_SAMPLES

    def hear(self, packet: bytes) -> None:
        self.heard.append((asyncio.get_running_loop().time(), packet))

    def samples(self, since: float = 0.0) -> NDArray[np.int16]:
        """What was heard, decoded, in the order of its timestamps and each once; keys and noise are left out."""
        audio = [packet for at, packet in self.heard if at >= since and packet[1] & 0x7F in LAWS]
        timestamps = [struct.unpack("!I", packet[4:8])[0] for packet in audio]
        by_time = {
            (at - timestamps[0] + HALF) & 0xFFFFFFFF: packet for at, packet in zip(timestamps, audio, strict=True)
        }
        parts = [
            LAWS[packet[1] & 0x7F][1][np.frombuffer(packet[12:], np.uint8)] for _, packet in sorted(by_time.items())
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def amplitude(self, tone_hz: float, since: float = 0.0) -> float:
        """How loud a tone is in what was heard; a seam in it, where a frame was lost or left out, does not matter."""
        samples = self.samples(since).astype(float)
        blocks = samples[: len(samples) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES)
        if not len(blocks):
            return 0.0
        window = np.hanning(BLOCK_SAMPLES)
        turning = np.exp(-2j * np.pi * tone_hz * np.arange(BLOCK_SAMPLES) / RATE_HZ)
        return float(np.sqrt(np.mean(np.abs(2 * (blocks * window) @ turning / window.sum()) ** 2)))


class Ears:
    """All members of a test, and the clock by which they speak."""

    def __init__(self, engine: Engine, wire: Wire | None = None) -> None:
        self.engine, self.wire = engine, wire
        self.members: dict[str, Member] = {}
        self.listening_since = 0.0
        self.longest_wait_s = 0.0  # how late this process itself was at most
        self._ports: list[Any] = []

    def member(self, name: str, *, codec: str = "PCMU", attributes: str = "", host: str = "10.0.0.9") -> Member:
        """A phone that has just called: its stream has answered its offer."""
        tone_hz = FIRST_HZ + STEP_HZ * len(self.members)
        events: list[Any] = []
        stream = self.engine.open_stream(events.append)
        payload_type = {"PCMU": 0, "PCMA": 8}[codec]
        member = Member(name, tone_hz, stream, payload_type)
        member.events = events
        port = self._open(member, host)
        types = f"{payload_type} 101"
        attributes += "a=rtpmap:101 telephone-event/8000\r\n"
        stream.answer(offer(*port, types, attributes))
        self.members[name] = member
        return member

    async def listen(self, seconds: float) -> None:
        """Everybody speaks for so long; what was heard at the beginning is forgotten."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.listening_since = start + min(SETTLING_S, seconds / 2)
        for tick in range(round(seconds / TICK_S)):
            for member in self.members.values():
                member.speak()
            due = start + (tick + 1) * TICK_S
            await asyncio.sleep(due - loop.time())
            self.longest_wait_s = max(self.longest_wait_s, loop.time() - due)

    def matrix(self, audible: float | None = None) -> dict[str, set[str]]:
        """Who heard whom in the last `listen`: whose tone came with more than this part of its amplitude."""
        if audible is None:
            audible = AUDIBLE_IN_REAL_TIME if self.wire is None else AUDIBLE
        return {
            name: {
                other.name
                for other in self.members.values()
                if member.amplitude(other.tone_hz, self.listening_since) > audible * AMPLITUDE
            }
            for name, member in self.members.items()
        }

    def close(self) -> None:
        for port in self._ports:
            port.close()

    def _open(self, member: Member, host: str) -> tuple[str, int]:
        if self.wire is not None:
            port = self.wire.datagrams(host, 0, lambda data, _host, _port: member.hear(data))
            member.send = lambda data: port.send(data, *member.stream.address)
            self._ports.append(port)
            return port.address
        return self._open_socket(member)

    def _open_socket(self, member: Member) -> tuple[str, int]:
        sock = open_udp(self.engine.settings.address, 0)
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, lambda: member.hear(sock.recv(2048)))
        member.send = lambda data: sock.sendto(data, member.stream.address) and None
        self._ports.append(_Closing(sock, loop))
        address: tuple[str, int] = sock.getsockname()[:2]
        return address


class _Closing:
    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._sock, self._loop = sock, loop

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()
