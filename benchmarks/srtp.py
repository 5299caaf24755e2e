"""What does it cost to encrypt a leg?

    python -m benchmarks.srtp --calls 100

Calls that pass two media processes, which relay them to each other: once with plain RTP between the two, once with
SRTP. The difference is what two encrypted legs cost a call. The far end is `benchmarks.rtp_load`, plain both times: it
tells that the right voices come through, and how late.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass

from benchmarks.conference_scale import OFFER, PORTS, media_cpu_s
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from media import Encryption, Engine, MediaSettings, Stream

TALKERS = 5
PACKETS_A_SECOND = 100  # of a leg: 50 in, 50 out
COLUMNS = (
    "calls", "encrypted legs", "plain core", "encrypted core", "us a packet", "% of a core a leg", "delivered %",
    "on time %", "delay ms p50", "heard %", "wrong voice",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    far_end: LoadResult
    core: float
    suite: str


def main() -> None:
    arguments = _arguments()
    report = Report("What does it cost to encrypt a leg?", COLUMNS)
    suite = ""
    for calls in map(int, arguments.calls.split(",")):
        plain = asyncio.run(_calls(calls, arguments.seconds, "off"))
        secure = asyncio.run(_calls(calls, arguments.seconds, "required"))
        far_end, more, suite = secure.far_end, secure.core - plain.core, secure.suite
        report.row(
            calls,
            2 * calls,
            plain.core,
            secure.core,
            1e6 * more / (2 * calls * PACKETS_A_SECOND),
            100 * more / (2 * calls),
            100 * far_end.delivered_share,
            100 * far_end.on_time_share,
            far_end.delay_p50_ms,
            100 * far_end.heard_share,
            far_end.own_voice_frames,
        )
        report.show()
    report.note(f"core: of both media processes; the suite is {suite}")
    report.show()
    print(report.write("srtp"))


async def _calls(calls: int, seconds: float, encryption: Encryption) -> Run:
    with RtpLoad(2 * calls, TALKERS, pairs=True) as load:
        near, far = Engine(MediaSettings(ports=PORTS)), Engine(MediaSettings(ports=PORTS))
        await near.start()
        await far.start()
        try:
            outer = [_answered(engine, port) for engine, port in _sides(near, far, load.ports)]
            inner = [_between(near, far, encryption) for _ in range(calls)]
            for number, (left, right) in enumerate(inner):
                near.bridge(outer[number], left)
                far.bridge(outer[calls + number], right)
            await asyncio.sleep(0.5)
            return Run(*await _measured(load, outer, seconds), inner[0][0].encryption)
        finally:
            await near.stop()
            await far.stop()


def _sides(near: Engine, far: Engine, ports: list[int]) -> list[tuple[Engine, int]]:
    """The first half of the phones calls over the one engine, the second over the other."""
    half = len(ports) // 2
    return [(near if number < half else far, port) for number, port in enumerate(ports)]


def _answered(engine: Engine, far_port: int) -> Stream:
    stream = engine.open_stream(_ignore)
    stream.answer(OFFER.format(port=far_port).encode())
    return stream


def _between(near: Engine, far: Engine, encryption: Encryption) -> tuple[Stream, Stream]:
    """A leg of each engine, whose far end is the other."""
    left, right = (engine.open_stream(_ignore, encryption=encryption) for engine in (near, far))
    left.accept(right.answer(left.offer()))
    return left, right


def _ignore(_event: object) -> None:
    """Nobody presses keys."""


async def _measured(load: RtpLoad, outer: list[Stream], seconds: float) -> tuple[LoadResult, float]:
    """The middle of the run: after settling, before the end."""
    far_end = asyncio.create_task(asyncio.to_thread(load.run, [stream.address[1] for stream in outer], seconds))
    await asyncio.sleep(SETTLE_S + 0.2)
    cpu_s, began = media_cpu_s(), time.monotonic()
    await asyncio.sleep(seconds - 0.5)
    core = (media_cpu_s() - cpu_s) / (time.monotonic() - began)
    return await far_end, core


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", default="100", help="calls at once, with commas")
    parser.add_argument("--seconds", type=float, default=10, help="how long each is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
