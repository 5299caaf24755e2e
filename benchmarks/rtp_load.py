"""The far end of every media benchmark: N phones in one process of its own, each with its own UDP socket.

Every phone sends 50 packets a second of PCMU, the phones spread evenly over the 20 ms; all but the talkers send a
quiet room. A talker's frame number can be read back from what others hear: frame `i` of talker `k` is one pure tone on
bin `BAND * k + i % BAND` of the 50 Hz raster that a 20 ms frame resolves exactly. So a listener's packet says by its
spectrum who is heard and which frame of his that is, and with the kernel's receive time stamp how long it took.
Reports (RTCP) that come to the same port are read and not counted. With `pairs` the phones are not in one room: phone i
talks with phone i + N/2 alone, and a voice that anybody else hears counts as one's own.

    with RtpLoad(legs=1000, talkers=5) as load:
        ...                                   # have the bridge send to 127.0.0.1, ports load.ports
        result = load.run(bridge_ports, seconds=10)

Run in the process itself: `python -m benchmarks.rtp_load LEGS TALKERS` (speaks JSON lines on stdin and stdout).
"""

import json
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass

import numpy as np

TICK_S = 0.020
FRAME_SAMPLES = 160
PACKET_BYTES = 172
PHASES = 20  # groups of phones, one a millisecond
SAMPLED_LEGS = 40  # listeners whose packets are looked into
FIRST_BIN = 6  # 300 Hz
BAND = 13  # bins a talker owns: his frame number modulo 13
AMPLITUDE = 2500
SO_TIMESTAMPNS = 35  # Linux; the kernel's receive time, CLOCK_REALTIME
ON_TIME_S = 0.020  # a packet later than this against its own stream's rhythm is late
SETTLE_S = 2.0  # not measured: latching, jitter buffers, talkers found


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What the phones saw, after the settling time."""

    legs: int
    seconds: float
    sent: int
    received: int
    delivered_share: float  # received of what a full stream would have brought
    on_time_share: float  # of the sampled legs' packets that were due
    delay_p50_ms: float
    delay_p99_ms: float
    frames_heard: int  # talkers' frames found again in the sampled legs
    heard_share: float  # of (sampled leg, talker, frame) that should have been heard
    own_voice_frames: int  # frames in which a talker heard himself
    cpu_share: float  # of a core, spent by the phones
    late_sends: int  # milliseconds in which the phones themselves were late by more than 5 ms


class RtpLoad:
    """The handle: starts the process, tells it where to send, brings its result back."""

    def __init__(self, legs: int, talkers: int = 5, *, pairs: bool = False) -> None:
        self.legs = legs
        command = [sys.executable, "-m", "benchmarks.rtp_load", str(legs), str(talkers), *(["pairs"] if pairs else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports: list[int] = self._answer()["ports"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, bridge_ports: list[int], seconds: float) -> LoadResult:
        """Send to 127.0.0.1:`bridge_ports` (one a phone, in order) and measure; blocks until it is over."""
        self._tell({"ports": bridge_ports, "seconds": seconds})
        return LoadResult(**self._answer())

    def start(self, bridge_ports: list[int], seconds: float) -> None:
        """The same without waiting; `result` waits."""
        self._tell({"ports": bridge_ports, "seconds": seconds})

    def result(self) -> LoadResult:
        return LoadResult(**self._answer())

    def _tell(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the phones died with status {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> "RtpLoad":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Phones:
    """All phones: rows of one packet array on the way out, a drain of their sockets on the way in."""

    def __init__(self, legs: int, talkers: int, *, pairs: bool = False) -> None:
        self.legs, self.talkers = legs, talkers
        self.partners = {talker: talker + legs // 2 for talker in range(talkers)} if pairs else {}
        self.sockets = [_phone_socket() for _ in range(legs)]
        spread = np.linspace(0, legs - 1, min(legs, SAMPLED_LEGS)).astype(int)
        self.sampled = sorted({*range(talkers), *self.partners.values(), *spread})
        for leg in self.sampled:
            self.sockets[leg].setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.packets = _first_packets(legs)
        self.groups = [np.arange(phase, legs, PHASES) for phase in range(PHASES)]
        views = [memoryview(row) for row in self.packets]
        listeners = set(range(legs)) - set(self.sampled)
        self.senders = [([self.sockets[i] for i in group], [views[i] for i in group]) for group in self.groups]
        self.readers = [[self.sockets[i] for i in group if i in listeners] for group in self.groups]
        self.looked_at = [[i for i in group if i not in listeners] for group in self.groups]
        self.voices = [_voice(talker) for talker in range(talkers)]
        self.frame = np.zeros(legs, np.int64)
        self.sent_at = [deque[float](maxlen=BAND) for _ in range(talkers)]
        self.sink = [memoryview(bytearray(2048))] * legs
        self.heard = _Heard(talkers, self.partners)
        self.sent = self.received = self.late_sends = 0
        self.counting = False

    @property
    def ports(self) -> list[int]:
        return [phone.getsockname()[1] for phone in self.sockets]

    def run(self, bridge_ports: list[int], seconds: float) -> LoadResult:
        for phone, port in zip(self.sockets, bridge_ports, strict=True):
            phone.connect(("127.0.0.1", port))
        self.heard = _Heard(self.talkers, self.partners)  # a second run begins to count anew
        self.sent = self.received = self.late_sends = 0
        start = time.monotonic() + 0.05
        count_from = int(SETTLE_S / TICK_S) * PHASES
        last = count_from + int(seconds / TICK_S) * PHASES
        cpu = 0.0
        for step in range(last):
            if step == count_from:
                self.counting, cpu = True, _cpu_s()
            self._wait(start + step * TICK_S / PHASES)
            self._turn(step % PHASES)
        return self._result(seconds, (_cpu_s() - cpu) / seconds)

    def _wait(self, until: float) -> None:
        left = until - time.monotonic()
        if left > 0:
            time.sleep(left)
        elif left < -0.005 and self.counting:
            self.late_sends += 1

    def _turn(self, phase: int) -> None:
        """One group's turn, every 20 ms: read what came for it, then speak."""
        self._read(phase)
        group = self.groups[phase]
        self.packets[group, 2:8] = _sequence_and_timestamp(self.frame[group])
        for talker in group[group < self.talkers]:
            self._speak(int(talker))
        self.frame[group] += 1
        sockets, views = self.senders[phase]
        sent = _outcomes(map(socket.socket.send, sockets, views)).count(PACKET_BYTES)
        if self.counting:
            self.sent += sent

    def _speak(self, talker: int) -> None:
        number = int(self.frame[talker]) % BAND
        self.packets[talker, 12:] = self.voices[talker][number]
        self.sent_at[talker].append(time.time())
        self.heard.last_frame[talker] = (number, self.sent_at[talker])

    def _read(self, phase: int) -> None:
        readers = self.readers[phase]
        lengths = _outcomes(map(socket.socket.recv_into, readers, self.sink))
        reported = [phone for phone, length in zip(readers, lengths, strict=True) if length not in (0, PACKET_BYTES)]
        lengths += _outcomes(map(socket.socket.recv_into, reported, self.sink))
        received = lengths.count(PACKET_BYTES)
        for leg in self.looked_at[phase]:
            received += self._look(leg)
        if self.counting:
            self.received += received

    def _look(self, leg: int) -> int:
        packets = 0
        while True:
            try:
                data, ancillary, _, _ = self.sockets[leg].recvmsg(2048, 64)
            except OSError:
                return packets
            if len(data) != PACKET_BYTES:
                continue
            packets += 1
            if self.counting:
                seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                self.heard.packet(leg, data, seconds + nanoseconds * 1e-9)

    def _result(self, seconds: float, cpu_share: float) -> LoadResult:
        due = seconds / TICK_S
        delays = np.array(self.heard.delays or [np.nan]) * 1000
        listened = sum(due * (self.talkers - (leg < self.talkers)) for leg in self.sampled)
        listened = due * len(self.partners) if self.partners else listened
        return LoadResult(
            legs=self.legs,
            seconds=seconds,
            sent=self.sent,
            received=self.received,
            delivered_share=round(self.received / (due * self.legs), 5),
            on_time_share=round(self.heard.on_time(len(self.sampled) * due), 5),
            delay_p50_ms=round(float(np.percentile(delays, 50)), 1),
            delay_p99_ms=round(float(np.percentile(delays, 99)), 1),
            frames_heard=len(self.heard.delays),
            heard_share=round(len(self.heard.delays) / max(1, listened), 4),
            own_voice_frames=self.heard.own_voice,
            cpu_share=round(cpu_share, 3),
            late_sends=self.late_sends,
        )


class _Heard:
    """What the sampled legs heard: whose frames, how late, and how regular the packets came."""

    def __init__(self, talkers: int, partners: dict[int, int]) -> None:
        self.talkers, self.partners = talkers, partners
        self.last_frame: dict[int, tuple[int, deque[float]]] = {}
        self.delays: list[float] = []
        self.own_voice = 0
        self.arrivals: dict[int, list[tuple[int, float]]] = {}
        self.decode = _mulaw_samples()

    def packet(self, leg: int, data: bytes, at: float) -> None:
        sequence = int.from_bytes(data[2:4], "big")
        self.arrivals.setdefault(leg, []).append((sequence, at))
        spectrum = np.abs(np.fft.rfft(self.decode[np.frombuffer(data, np.uint8, offset=12)]))
        for talker in range(self.talkers):
            band = spectrum[FIRST_BIN + BAND * talker : FIRST_BIN + BAND * (talker + 1)]
            number = int(band.argmax())
            if band[number] < AMPLITUDE * FRAME_SAMPLES / 8 or band[number] ** 2 < 0.8 * (band @ band):
                continue  # not there, or a frame torn by concealment
            if talker == leg or self.partners.get(talker, leg) != leg:
                self.own_voice += 1
            else:
                self._delay(talker, number, at)

    def _delay(self, talker: int, number: int, at: float) -> None:
        """The frame's audio begins when its last sample was due to be sent: the packet's own time of sending."""
        newest, sent_at = self.last_frame[talker]
        back = (newest - number) % BAND
        if back < len(sent_at):
            self.delays.append(at - sent_at[len(sent_at) - 1 - back])

    def on_time(self, due: float) -> float:
        """Share of the packets due that came within 20 ms of their stream's own rhythm (its median)."""
        on_time = 0
        for packets in self.arrivals.values():
            sequence = np.unwrap(np.array([p[0] for p in packets], float), period=65536)
            offset = np.array([p[1] for p in packets]) - sequence * TICK_S
            on_time += int((offset - np.median(offset) <= ON_TIME_S).sum())
        return on_time / due


def _phone_socket() -> socket.socket:
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.setblocking(False)
    phone.bind(("127.0.0.1", 0))
    return phone


def _first_packets(legs: int) -> np.ndarray:
    packets = np.full((legs, PACKET_BYTES), 0xFF, np.uint8)
    quiet = np.random.default_rng(1).integers(0, 8, (legs, FRAME_SAMPLES), dtype=np.uint8)
    packets[:, 12:] = 0xFF - quiet - 128 * (quiet & 1)  # a quiet room: the eight smallest steps, both signs
    packets[:, 0], packets[:, 1] = 0x80, 0
    packets[:, 8:12] = np.arange(1, legs + 1, dtype=">u4").view(np.uint8).reshape(legs, 4)
    return packets


def _sequence_and_timestamp(frame: np.ndarray) -> np.ndarray:
    fields = np.empty((len(frame), 6), np.uint8)
    fields[:, :2] = (frame & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
    fields[:, 2:] = (frame * FRAME_SAMPLES & 0xFFFFFFFF).astype(">u4").view(np.uint8).reshape(-1, 4)
    return fields


def _voice(talker: int) -> np.ndarray:
    """The talker's 13 frames, uint8 [13, 160] mu-law."""
    time_axis = np.arange(FRAME_SAMPLES) / 8000
    bins = FIRST_BIN + BAND * talker + np.arange(BAND)
    samples = AMPLITUDE * np.sin(2 * np.pi * 50 * bins[:, None] * time_axis)
    decode = _mulaw_samples()
    order = np.argsort(decode)
    nearest = np.clip(np.searchsorted(decode[order], samples), 1, 255)
    lower = decode[order][nearest - 1]
    nearest -= samples - lower < decode[order][nearest] - samples
    return order[nearest].astype(np.uint8)


def _mulaw_samples() -> np.ndarray:
    """G.711 mu-law, the benchmark's own reading of it: float64[256]."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(int) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(float)


def _outcomes(calls: "map[int]") -> list[int]:
    """Run the map to its end; a socket without a packet (or a refused send) gives 0 and stops nobody."""
    results: list[int] = []
    while True:
        try:
            results.extend(calls)
            return results
        except OSError:
            results.append(0)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    legs, talkers = int(sys.argv[1]), int(sys.argv[2])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    phones = Phones(legs, min(talkers, legs), pairs="pairs" in sys.argv[3:])
    print(json.dumps({"ports": phones.ports}), flush=True)
    if hasattr(os, "SCHED_FIFO"):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            pass
    for line in sys.stdin:
        order = json.loads(line)
        result = phones.run(order["ports"], order["seconds"])
        print(json.dumps(asdict(result)), flush=True)
        phones.counting = False


if __name__ == "__main__":
    main()
