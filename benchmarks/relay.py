"""What do calls of two legs cost that are only relayed?

    python -m benchmarks.relay --calls 50,250,500,1000

Pairs of legs over real sockets, everything on (jitter buffer, concealment, levels, RTCP, DTMF); all phones talk all the
time. The far end is `benchmarks.rtp_load`: by spectrum it tells which frame of which voice a phone hears, and how late.
The yardstick is `benchmarks.bare_loop` with as many sockets and packets, measured just before and just after on the
same machine. The pairs are built through media's door, without SIP; the CPU is that of the media process alone.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass

from benchmarks.conference_scale import (
    MEGABYTE,
    OFFER,
    PORTS,
    bare_core,
    late_ticks,
    media_cpu_s,
    media_memory_bytes,
    pin_media,
)
from benchmarks.processes import FAR_END, pin
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from media import Engine, MediaSettings, Stream

TALKERS = 5
COLUMNS = (
    "calls", "legs", "bare core", "media core", "ratio", "delivered %", "on time %", "delay ms p50", "p99", "heard %",
    "wrong voice", "memory MB", "late ticks", "phones late",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """So many calls at once."""

    far_end: LoadResult
    core: float
    memory_bytes: int
    late_ticks: int


def main() -> None:
    arguments = _arguments()
    report = Report("What do calls of two legs cost that are only relayed?", COLUMNS)
    for calls in map(int, arguments.calls.split(",")):
        before = bare_core(2 * calls, arguments.seconds / 2)
        run = asyncio.run(_calls(calls, arguments.seconds))
        bare = (before + bare_core(2 * calls, arguments.seconds / 2)) / 2
        far_end = run.far_end
        report.row(
            calls,
            2 * calls,
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
    report.note("heard: of the frames that the sampled phones should have heard; wrong voice: frames of anybody else")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write("relay"))


async def _calls(calls: int, seconds: float) -> Run:
    with RtpLoad(2 * calls, TALKERS, pairs=True) as load:
        pin(load.pid, FAR_END)
        engine = Engine(MediaSettings(ports=PORTS))
        await engine.start()
        try:
            streams = [_answered(engine, port) for port in load.ports]
            for one, other in zip(streams[:calls], streams[calls:], strict=True):
                engine.bridge(one, other)
            pin_media()
            await asyncio.sleep(0.5)
            return await _measured(engine, load, streams, seconds)
        finally:
            await engine.stop()


def _answered(engine: Engine, far_port: int) -> Stream:
    stream = engine.open_stream(lambda event: None)  # noqa: ARG005 - nobody presses keys
    stream.answer(OFFER.format(port=far_port).encode())
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", default="50,250,500,1000", help="calls at once, with commas")
    parser.add_argument("--seconds", type=float, default=10, help="how long each is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
