"""The real programs a benchmark or an interop test runs: our switch and SIPp, as child processes on free ports.

`SwitchProcess` is `softswitch serve` with the shipped configuration, moved by its environment variables to ports and
a data folder of its own, so that any number of them live beside each other. `run_sipp` runs SIPp once and returns its
own statistics and the CPU time it spent.
"""

import contextlib
import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

PROJECT = Path(__file__).resolve().parent.parent
SCENARIOS = Path(__file__).parent / "sipp"
CONFERENCE = "12025550101"
ALL_HANDS = "12025550102"
FAR_END, NEAR_END = 0, 1  # of the cores we may use: the phones', and that of what is measured
READY = re.compile(r"softswitch is ready: SIP on udp 127\.0\.0\.1:(\d+)")
TLS = re.compile(r"SIP on .*tls 127\.0\.0\.1:(\d+)")

_OPTIONS = (
    "OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{tag};rport\r\n"
    "From: <sip:ready@{host}>;tag={tag}\r\nTo: <sip:{host}>\r\nCall-ID: {tag}\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


class SwitchProcess:
    """`softswitch serve` as it ships, in a process of its own. A context manager: it runs inside the block."""

    program: tuple[str, ...] = ("softswitch", "serve")
    ready_within_s = 15.0

    def __init__(
        self,
        folder: Path,
        *,
        config: Path = PROJECT / "config",
        media_ports: tuple[int, int] = (10000, 29999),
        **environment: str,
    ) -> None:
        self.config = config
        self.host, self.port = "127.0.0.1", 0
        self.folder = folder
        self.log_path = folder / "switch.log"
        self._environment = {
            "SOFTSWITCH_SIP__PORT": "0",
            "SOFTSWITCH_SIP__TLS__PORT": "0",
            "SOFTSWITCH_API__PORT": "0",
            "SOFTSWITCH_MEDIA__PORTS": str(list(media_ports)),
            "SOFTSWITCH_DATA__DIRECTORY": f'"{folder / "data"}"',
            "PYTHONUNBUFFERED": "1",
        } | environment
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def tls_port(self) -> int:
        """Where SIP is heard over TLS; the settings have to ask for it."""
        found = TLS.search(self.log)
        assert found is not None, "this switch speaks no TLS"
        return int(found[1])

    @property
    def recordings(self) -> list[Path]:
        return sorted((self.folder / "data").rglob("*.wav"))

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> float:
        """Start it, wait until it says that it is ready; the seconds that took. Raises RuntimeError with its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        self._log = self.log_path.open("ab")
        told_before = len(self.log)
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self.program, "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=os.environ | self._environment,
        )
        while time.monotonic() < began + self.ready_within_s:
            if self._process.poll() is not None:
                self._log.close()
                raise RuntimeError(f"the switch ended at its start:\n{self.log}")
            if ready := READY.search(self.log, told_before):
                self.port = int(ready[1])
                return time.monotonic() - began
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the switch does not become ready:\n{self.log}")

    def stop(self) -> int:
        """Ask it to end, as systemd would; kill it when it does not within 10 s. Returns its exit status."""
        if self._process is None:
            return 0
        family = self._family()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        status = self._process.wait()
        if self._log is not None:
            self._log.close()
        return status

    def kill(self) -> None:
        """`kill -9` of the signalling process alone; what happens to its media process is part of the test."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def media_process(self) -> psutil.Process:
        """The media process that carries the calls: of the children, the one with the most sockets."""
        return max(psutil.Process(self.pid).children(recursive=True), key=lambda child: child.num_fds())

    def cpu_s(self) -> float:
        """CPU seconds that all our processes have spent so far."""
        return sum(spent_cpu_s(process) for process in self._family())

    def cpu_by_process(self) -> dict[int, float]:
        """The same, by process id."""
        return {process.pid: spent_cpu_s(process) for process in self._family()}

    def memory_bytes(self) -> int:
        """Memory of all our processes; pages they share are counted once."""
        return sum(_proportional_bytes(process) for process in self._family())

    def open_files(self) -> int:
        return sum(process.num_fds() for process in self._family())

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        return []


@dataclass(frozen=True, slots=True)
class SippResult:
    """What SIPp says of its run, and what it cost."""

    status: int
    created: int
    successful: int
    failed: int
    retransmissions: int
    counter: int
    """What the scenario counts by `counter="1"`."""
    response_ms: float
    """On average from `start_rtd` to `rtd` of the scenario: of a call its set-up."""
    most_up: int
    """Calls at one time, seen once a second."""
    elapsed_s: float
    cpu_s: float
    output: str = field(repr=False)

    @property
    def calls_per_second(self) -> float:
        return self.successful / self.elapsed_s if self.elapsed_s else 0.0


def run_sipp(
    target: str,
    number: str = ALL_HANDS,
    *,
    scenario: str | Path = "uac",
    calls: int = 1,
    rate: float = 10,
    hold_ms: int = 0,
    at_most: int = 5000,
    keys: Mapping[str, object] | None = None,
    folder: Path,
    port: int = 0,
    extra: Sequence[str] = (),
    timeout_s: float = 60,
) -> SippResult:
    """Run SIPp as the caller until its calls are done. `scenario`: a built-in name, or the path of an XML file.

    `folder` takes its statistics and is its working directory: sound files of a scenario lie there. `port` is its own
    port, any free one by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    statistics = folder / f"sipp-{time.monotonic_ns()}.csv"
    built_in = isinstance(scenario, str)
    command = ["sipp", target, "-sn" if built_in else "-sf", str(scenario), "-s", number, "-i", "127.0.0.1"]
    command += [
        "-p",
        str(port or free_port()),
        "-m",
        str(calls),
        "-r",
        str(rate),
        "-d",
        str(hold_ms),
        "-l",
        str(at_most),
    ]
    command += ["-nostdin", "-timeout", str(timeout_s), "-timeout_error", "-trace_stat", "-stf", str(statistics)]
    command += ["-fd", "1", *extra]
    for key, value in (keys or {}).items():
        command += ["-key", key, str(value)]
    began = time.monotonic()
    with (folder / "sipp.out").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
        _, wait_status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(wait_status)
    rows = _rows(statistics)
    totals = rows[-1] if rows else {}
    return SippResult(
        status=process.returncode,
        created=int(totals.get("TotalCallCreated", 0)),
        successful=int(totals.get("SuccessfulCall(C)", 0)),
        failed=int(totals.get("FailedCall(C)", 0)),
        retransmissions=int(totals.get("Retransmissions(C)", 0)),
        counter=int(totals.get("GenericCounter1(C)") or 0),
        response_ms=_milliseconds(totals.get("ResponseTime1(C)", "")),
        most_up=max((int(row["CurrentCall"]) for row in rows), default=0),
        elapsed_s=elapsed_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        output=(folder / "sipp.out").read_text(errors="replace"),
    )


def answers_options(host: str, port: int, *, wait_s: float) -> bool:
    """Whether a SIP server gives any answer to OPTIONS over UDP within `wait_s`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(wait_s)
        probe.connect((host, port))
        via = "{}:{}".format(*probe.getsockname())
        try:
            probe.send(_OPTIONS.format(host=host, port=port, via=via, tag=time.monotonic_ns()).encode())
            return probe.recv(2048).startswith(b"SIP/2.0")
        except OSError:
            time.sleep(wait_s / 2)
            return False


def free_port() -> int:
    """A port that is free for UDP and TCP on 127.0.0.1, and so is the one above it."""
    while True:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            port = _bound(held, socket.SOCK_STREAM, 0)
            _bound(held, socket.SOCK_DGRAM, port)
            _bound(held, socket.SOCK_DGRAM, port + 1)
            _bound(held, socket.SOCK_STREAM, port + 1)
            return port


def pin(process: int, core: int) -> None:
    """Lets a process run on one of our cores only, `FAR_END` or `NEAR_END`; nothing where there is only one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if core < len(cores) > 1:
        os.sched_setaffinity(process, {cores[core]})


def spent_cpu_s(process: psutil.Process) -> float:
    """CPU seconds of one process so far; 0 when it has gone."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0
    return int(getattr(memory, "pss", memory.rss))


def _bound(held: contextlib.ExitStack, kind: socket.SocketKind, port: int) -> int:
    opened = held.enter_context(socket.socket(socket.AF_INET, kind))
    opened.bind(("127.0.0.1", port))
    return int(opened.getsockname()[1])


def _milliseconds(text: str) -> float:
    """Of SIPp's hours:minutes:seconds:microseconds."""
    hours, minutes, seconds, microseconds = map(int, text.split(":")) if text else (0, 0, 0, 0)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + microseconds / 1000


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines(), delimiter=";")) if path.exists() else []
