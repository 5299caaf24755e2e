"""How does one room scale, and who hears whom in it?

    python -m benchmarks.conference_scale --legs 50,250,1000,2000,4000

One room over real sockets, five talkers, everyone may speak, everything on (jitter buffer, levels, talker events, RTCP,
DTMF). The far end is `benchmarks.rtp_load`: by spectrum it tells which frame of which talker each sampled leg hears,
and how late. The yardstick is `benchmarks.bare_loop` with as many sockets and packets, measured just before and just
after on the same machine. The room is built through media's door, without SIP; the CPU is that of the media process
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
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from benchmarks.bare_loop import BareLoop
from benchmarks.processes import spent_cpu_s
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from media import Engine, MediaSettings, Room, Stream

TALKERS = 5
PORTS = (10000, 32766)
"""Below the kernel's own ports, from which the far end takes its."""
BUSY = os.cpu_count() or 1
MEGABYTE = 1024 * 1024
COLUMNS = (
    "legs", "beside", "bare core", "media core", "ratio", "delivered %", "on time %", "delay ms p50", "p99", "heard %",
    "own voice", "memory MB", "late ticks", "phones late",
)  # fmt: skip

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp-mux\r\n"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One room of one size."""

    far_end: LoadResult
    core: float
    memory_bytes: int
    late_ticks: int


def main() -> None:
    arguments = _arguments()
    report = Report("How does one room with five talkers scale?", COLUMNS)
    sizes = map(int, arguments.legs.split(","))
    for legs, busy in [(legs, busy) for legs in sizes for busy in ((0, BUSY) if arguments.signalling else (0,))]:
        with _busy_processes(busy):
            bare, run = _beside_the_yardstick(legs, arguments.seconds)
        far_end = run.far_end
        report.row(
            legs,
            f"{busy} busy" if busy else "nothing",
            bare,
            run.core,
            run.core / bare,
            100 * far_end.delivered_share,
            100 * far_end.on_time_share,
            far_end.delay_p50_ms,
            far_end.delay_p99_ms,
            100 * far_end.heard_share,
            far_end.own_voice_frames,
            run.memory_bytes / MEGABYTE,
            run.late_ticks,
            far_end.late_sends,
        )
        report.show()
    report.note("bare core: the same sockets and packets, map(recv_into) and map(send), nothing else, before and after")
    report.note("heard: of the talkers' frames that the sampled legs should have heard; own voice: frames of an echo")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write("conference_scale"))


def _beside_the_yardstick(legs: int, seconds: float) -> tuple[float, Run]:
    """The bare loop's core, as the mean of before and after, and our run."""
    before = bare_core(legs, seconds / 2)
    run = asyncio.run(_room(legs, seconds))
    return (before + bare_core(legs, seconds / 2)) / 2, run


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
        load.run(bare.ports, seconds)
        return bare.stop().cpu_share


async def _room(legs: int, seconds: float) -> Run:
    with RtpLoad(legs, TALKERS) as load:
        engine = Engine(MediaSettings(ports=PORTS))
        await engine.start()
        try:
            room = engine.open_room("benchmark")
            streams = [_joined(engine, room, port) for port in load.ports]
            await asyncio.sleep(0.5)
            return await _measured(engine, load, streams, seconds)
        finally:
            await engine.stop()


def _joined(engine: Engine, room: Room, far_port: int) -> Stream:
    stream = engine.open_stream(lambda event: None)  # noqa: ARG005 - nobody presses keys
    stream.answer(OFFER.format(port=far_port).encode())
    room.join(stream)
    return stream


async def _measured(engine: Engine, load: RtpLoad, streams: list[Stream], seconds: float) -> Run:
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


def media_cpu_s() -> float:
    return sum(map(spent_cpu_s, _media_processes()))


def media_memory_bytes() -> int:
    return max(child.memory_full_info().pss for child in _media_processes())


def late_ticks(engine: Engine) -> int:
    return int(engine.counters().get("late_ticks", 0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", default="50,250,1000,2000,4000", help="sizes of the room, with commas")
    parser.add_argument("--seconds", type=float, default=10, help="how long each is measured")
    parser.add_argument("--signalling", action="store_true", help="measure each also beside busy processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
