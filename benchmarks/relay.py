"""What do calls of two legs cost that are only relayed?

    python -m benchmarks.relay --calls 50,250,500,1000

Pairs of legs over real sockets, everything on (jitter buffer, concealment, levels, RTCP, DTMF); all phones talk all the
time. The far end is `benchmarks.rtp_load`: by spectrum it tells which frame of which voice a phone hears, and how late.
The yardstick is `benchmarks.bare_loop` with as many sockets and packets; both are measured in turn, as
`benchmarks.conference_scale` does. The pairs are built through media's door, without SIP; the CPU is that of the media
process alone.
"""

import argparse
import asyncio

from benchmarks.conference_scale import OFFER, PORTS, Run, figures, in_turn, measured, pin_media
from benchmarks.processes import FAR_END, pin
from benchmarks.report import Report
from benchmarks.rtp_load import RtpLoad
from media import Engine, MediaSettings, Stream

TALKERS = 5
COLUMNS = (
    "calls", "legs", "bare core", "media core", "ratio", "least", "most", "delivered %", "on time %", "delay ms p50",
    "p99", "heard %", "wrong voice", "memory MB", "late ticks", "phones late",
)  # fmt: skip


def main() -> None:
    arguments = _arguments()
    report = Report("What do calls of two legs cost that are only relayed?", COLUMNS)
    for calls in map(int, arguments.calls.split(",")):
        runs = in_turn(_calls, 2 * calls, arguments.seconds, arguments.rounds)
        report.row(calls, 2 * calls, *figures(runs))
        report.show()
    report.note(f"{arguments.rounds} rounds, bare loop and calls in turn, the far end on another core than both")
    report.note("bare core: the same sockets and packets, map(recv_into) and map(send), nothing else")
    report.note("cores, ratio, delay p50: the median of the rounds; all else: the worst of them")
    report.note("heard: of the frames that the sampled phones should have heard; wrong voice: frames of anybody else")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write("relay"))


async def _calls(legs: int, seconds: float) -> Run:
    with RtpLoad(legs, TALKERS, pairs=True) as load:
        pin(load.pid, FAR_END)
        engine = Engine(MediaSettings(ports=PORTS))
        await engine.start()
        try:
            streams = [_answered(engine, port) for port in load.ports]
            for one, other in zip(streams[: legs // 2], streams[legs // 2 :], strict=True):
                engine.bridge(one, other)
            pin_media()
            await asyncio.sleep(0.5)
            return await measured(engine, load, streams, seconds)
        finally:
            await engine.stop()


def _answered(engine: Engine, far_port: int) -> Stream:
    stream = engine.open_stream(lambda event: None)  # noqa: ARG005 - nobody presses keys
    stream.answer(OFFER.format(port=far_port).encode())
    return stream


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", default="50,250,500,1000", help="calls at once, with commas")
    parser.add_argument("--seconds", type=float, default=4, help="how long calls and a bare loop are measured a round")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are measured, in turn")
    return parser.parse_args()


if __name__ == "__main__":
    main()
