"""The yardstick of every media figure: the same sockets and packets, `map(recv_into)` and `map(send)`, nothing else.

A process with one connected UDP socket a leg wakes every 20 ms, reads one packet of each, sends one packet on each.
No header is read, no sample mixed. What that costs is the kernel's price plus Python's thinnest loop; a bridge is
measured as a multiple of it, in the same run on the same machine.

    with BareLoop(legs=1000, far_ports=load.ports) as bare:
        load.run(bare.ports, seconds=10)
    bare.result.cpu_share

Run in the process itself: `python -m benchmarks.bare_loop` (the ports as JSON on stdin, its result on SIGTERM).
"""

import gc
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

TICK_S = 0.020
SETTLE_TICKS = 100


@dataclass(frozen=True, slots=True)
class BareResult:
    """CPU of the bare loop, after settling."""

    legs: int
    ticks: int
    cpu_share: float  # of a core
    tick_ms: float  # CPU, user and system
    packets_per_tick: float  # received


class BareLoop:
    """The handle of the process."""

    def __init__(self, legs: int, far_ports: list[int]) -> None:
        assert len(far_ports) == legs
        command = [sys.executable, "-m", "benchmarks.bare_loop"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(far_ports) + "\n")
        self._process.stdin.flush()
        self.ports: list[int] = json.loads(self._process.stdout.readline())
        self.result: BareResult | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> BareResult:
        """End it and take its figures."""
        assert self._process.stdout is not None
        self._process.terminate()
        self.result = BareResult(**json.loads(self._process.stdout.readline()))
        self._process.wait()
        return self.result

    def __enter__(self) -> "BareLoop":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def run(sockets: list[socket.socket]) -> BareResult:
    """Tick until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    receive = [memoryview(bytearray(192)) for _ in sockets]
    send = [memoryview(bytes([0x80, 0]) + bytes(170)) for _ in sockets]
    ticks = packets = 0
    cpu = 0.0
    due = time.monotonic()
    while not stopped:
        due += TICK_S
        time.sleep(max(0.0, due - time.monotonic()))
        if ticks == SETTLE_TICKS:
            cpu, packets = time.process_time(), 0
        packets += _through(map(socket.socket.recv_into, sockets, receive))
        _through(map(socket.socket.send, sockets, send))
        ticks += 1
    counted = max(1, ticks - SETTLE_TICKS)
    spent = (time.process_time() - cpu) / counted
    return BareResult(
        len(sockets), counted, round(spent / TICK_S, 4), round(spent * 1000, 3), round(packets / counted, 1)
    )


def _through(outcomes: "map[int]") -> int:
    done = 0
    while True:
        results: list[int] = []
        try:
            results.extend(outcomes)
        except OSError:
            done += len(results)
            continue
        return done + len(results)


def _connected(far_port: int) -> socket.socket:
    leg = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    leg.setblocking(False)
    leg.bind(("127.0.0.1", 0))
    leg.connect(("127.0.0.1", far_port))
    return leg


def main() -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    sockets = [_connected(port) for port in json.loads(sys.stdin.readline())]
    print(json.dumps([leg.getsockname()[1] for leg in sockets]), flush=True)
    if hasattr(os, "SCHED_FIFO"):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
        except PermissionError:
            pass
    gc.freeze()
    gc.disable()
    print(json.dumps(asdict(run(sockets))), flush=True)


if __name__ == "__main__":
    main()
