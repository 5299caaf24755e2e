"""How does one room scale, and who hears whom in it?

    python -m benchmarks.conference_scale --legs 50,250,1000,2000,4000

One room over real sockets, five talkers, everyone may speak, everything on (jitter buffer, levels, talker events, RTCP,
DTMF). The far end is `benchmarks.rtp_load`: by spectrum it tells which frame of which talker each sampled leg hears,
and how late. The yardstick is `benchmarks.bare_loop` with as many sockets and packets. Bare loop and room take turns:
each room is compared with the bare loops before and after it, and the median is told with the least and the most. The
far end has a core of its own, bare loop and media process have the next one: who shares a cache with whom would be
another matter each time. The room is built through media's door, without SIP; the CPU is that of the media process
alone. With `--signalling` every size is measured again while processes that never rest take all cores, as signalling
under a flood of calls would: ticks must stay on time.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import psutil

from benchmarks.bare_loop import BareLoop
from benchmarks.processes import FAR_END, NEAR_END, pin, spent_cpu_s
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from media import Engine, MediaSettings, Room, Stream

TALKERS = 5
PORTS = (10000, 32766)
"""Below the kernel's own ports, from which the far end takes its."""
BUSY = os.cpu_count() or 1
MEGABYTE = 1024 * 1024
COLUMNS = (
    "legs", "beside", "bare core", "media core", "ratio", "least", "most", "delivered %", "on time %", "delay ms p50",
    "p99", "heard %", "own voice", "memory MB", "late ticks", "phones late",
)  # fmt: skip

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp-mux\r\n"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One room of one size, and what the bare loop needed just before and just after, in the mean."""

    far_end: LoadResult
    core: float
    memory_bytes: int
    late_ticks: int
    bare_core: float = 0.0

    @property
    def ratio(self) -> float:
        return self.core / self.bare_core


Measure = Callable[[int, float], Coroutine[Any, Any, Run]]
"""Measures so many legs for so many seconds."""


def main() -> None:
    arguments = _arguments()
    report = Report("How does one room with five talkers scale?", COLUMNS)
    sizes = map(int, arguments.legs.split(","))
    for legs, busy in [(legs, busy) for legs in sizes for busy in ((0, BUSY) if arguments.signalling else (0,))]:
        with _busy_processes(busy):
            runs = in_turn(_room, legs, arguments.seconds, arguments.rounds)
        report.row(legs, f"{busy} busy" if busy else "nothing", *figures(runs))
        report.show()
    report.note(f"{arguments.rounds} rounds, bare loop and room in turn, the far end on another core than both")
    report.note("bare core: the same sockets and packets, map(recv_into) and map(send), nothing else")
    report.note("cores, ratio, delay p50: the median of the rounds; all else: the worst of them")
    report.note("heard: of the talkers' frames that the sampled legs should have heard; own voice: frames of an echo")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write("conference_scale"))


def figures(runs: list[Run]) -> list[float]:
    """The cells of one size, from "bare core" on."""
    ratios = [run.ratio for run in runs]
    far_ends = [run.far_end for run in runs]
    return [
        median(run.bare_core for run in runs),
        median(run.core for run in runs),
        median(ratios),
        min(ratios),
        max(ratios),
        100 * min(far_end.delivered_share for far_end in far_ends),
        100 * min(far_end.on_time_share for far_end in far_ends),
        median(far_end.delay_p50_ms for far_end in far_ends),
        max(far_end.delay_p99_ms for far_end in far_ends),
        100 * min(far_end.heard_share for far_end in far_ends),
        max(far_end.own_voice_frames for far_end in far_ends),
        max(run.memory_bytes for run in runs) / MEGABYTE,
        max(run.late_ticks for run in runs),
        max(far_end.late_sends for far_end in far_ends),
    ]


def in_turn(measure: Measure, legs: int, seconds: float, rounds: int) -> list[Run]:
    """Bare, whole, bare, whole ... bare."""
    runs = []
    before = bare_core(legs, seconds)
    for _ in range(rounds):
        run = asyncio.run(measure(legs, seconds))
        after = bare_core(legs, seconds)
        runs.append(replace(run, bare_core=(before + after) / 2))
        before = after
    return runs


@contextlib.contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    """Processes of ordinary priority that compute without end."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def bare_core(legs: int, seconds: float) -> float:
    with RtpLoad(legs, TALKERS) as load, BareLoop(legs, load.ports) as bare:
        pin(load.pid, FAR_END)
        pin(bare.pid, NEAR_END)
        load.run(bare.ports, seconds)
        return bare.stop().cpu_share


async def _room(legs: int, seconds: float) -> Run:
    with RtpLoad(legs, TALKERS) as load:
        pin(load.pid, FAR_END)
        engine = Engine(MediaSettings(ports=PORTS))
        await engine.start()
        try:
            room = engine.open_room("benchmark")
            streams = [_joined(engine, room, port) for port in load.ports]
            pin_media()
            await asyncio.sleep(0.5)
            return await measured(engine, load, streams, seconds)
        finally:
            await engine.stop()


def _joined(engine: Engine, room: Room, far_port: int) -> Stream:
    stream = engine.open_stream(lambda event: None)  # noqa: ARG005 - nobody presses keys
    stream.answer(OFFER.format(port=far_port).encode())
    room.join(stream)
    return stream


async def measured(engine: Engine, load: RtpLoad, streams: list[Stream], seconds: float) -> Run:
    """The middle of the run: after settling, before the end."""
    far_end = asyncio.create_task(asyncio.to_thread(load.run, [stream.address[1] for stream in streams], seconds))
    await asyncio.sleep(SETTLE_S + 0.2)
    late, cpu_s, began = late_ticks(engine), media_cpu_s(), time.monotonic()
    await asyncio.sleep(seconds - 0.5)
    core = (media_cpu_s() - cpu_s) / (time.monotonic() - began)
    late, memory_bytes = late_ticks(engine) - late, media_memory_bytes()
    return Run(await far_end, core, memory_bytes, late)


def _media_processes() -> list[psutil.Process]:
    """The media process and its spare, of the children of this process."""
    return [child for child in psutil.Process().children(recursive=True) if "media.worker" in child.cmdline()]


def pin_media() -> None:
    """Where the bare loop was."""
    for process in _media_processes():
        pin(process.pid, NEAR_END)


def media_cpu_s() -> float:
    return sum(map(spent_cpu_s, _media_processes()))


def media_memory_bytes() -> int:
    return max(child.memory_full_info().pss for child in _media_processes())


def late_ticks(engine: Engine) -> int:
    return int(engine.counters().get("late_ticks", 0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", default="50,250,1000,2000,4000", help="sizes of the room, with commas")
    parser.add_argument("--seconds", type=float, default=4, help="how long a room and a bare loop are measured a round")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are measured, in turn")
    parser.add_argument("--signalling", action="store_true", help="measure each also beside busy processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
