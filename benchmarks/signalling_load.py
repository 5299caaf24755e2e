"""Does signalling make the ticks of a conference late?

    python -m benchmarks.signalling_load --legs 1000 --rate 300

One room of the real `softswitch serve`, in which every leg is a call over SIP; the far end of the audio is
`benchmarks.rtp_load`. The same room is measured in turn: left alone, and while SIPp places complete calls
(INVITE, 200, ACK, BYE) to it on the same switch, each of which opens a stream, joins the room, leaves it and closes the
stream. The yardstick is the room left alone. Then the same on a second switch whose media process asks for no real-time
priority: what somebody gets whose system grants none.
"""

import argparse
import asyncio
import re
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.meeting import join, token
from benchmarks.processes import SippResult, SwitchProcess, free_port, run_sipp
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from softswitch.sip import Stack, Transport

TALKERS = 5
TICKS_PER_SECOND = 50
COLUMNS = (
    "media priority", "legs", "calls/s", "failed", "on time %", "delivered %", "delay ms p50", "p99", "heard %",
    "ticks", "late", "skipped", "media core", "signalling core", "phones late",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ticks:
    """Counters of the media process since its start."""

    run: int
    late: int
    skipped: int

    def since(self, before: "Ticks") -> "Ticks":
        return Ticks(self.run - before.run, self.late - before.late, self.skipped - before.skipped)


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of the room; `calls` where there were any beside it."""

    far_end: LoadResult
    ticks: Ticks
    media_core: float
    signalling_core: float
    calls: SippResult | None


class Metrics:
    """The clock of the media process, as the switch tells it to Prometheus."""

    def __init__(self, api_port: int, token: str) -> None:
        url = f"http://127.0.0.1:{api_port}/switch/v1/metrics"
        self._request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})

    def ticks(self) -> Ticks:
        with urllib.request.urlopen(self._request, timeout=10) as answer:
            text = answer.read().decode()
        names = ("ticks_total", "late_ticks_total", "skipped_ticks_total")
        return Ticks(*(_figure(text, f"softswitch_media_{name}") for name in names))


def _figure(text: str, name: str) -> int:
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return round(float(found[1])) if found is not None else 0


def main() -> None:
    arguments = _arguments()
    report = Report("Does signalling make the ticks of a conference late?", COLUMNS)
    for realtime in (True, False):
        alone, loaded = asyncio.run(_measure(arguments, realtime=realtime))
        for runs in (alone, loaded):
            report.row("real-time" if realtime else "none", arguments.legs, *_figures(runs))
    report.note(f"{arguments.rounds} rounds of {arguments.seconds:g} s, alone and beside calls in turn")
    report.note("cores, calls/s, delay p50: the median of the rounds; all else: the worst, of ticks the sum")
    report.note("late: begun over 10 ms after their time; skipped: left out, 20 ms and more after it")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write("signalling_load"))


def _figures(runs: list[Run]) -> list[float]:
    """The cells of one row, from "calls/s" on."""
    far_ends = [run.far_end for run in runs]
    calls = [run.calls for run in runs if run.calls is not None]
    return [
        median(result.calls_per_second for result in calls) if calls else 0,
        sum(result.created - result.successful for result in calls),
        100 * min(far_end.on_time_share for far_end in far_ends),
        100 * min(far_end.delivered_share for far_end in far_ends),
        median(far_end.delay_p50_ms for far_end in far_ends),
        max(far_end.delay_p99_ms for far_end in far_ends),
        100 * min(far_end.heard_share for far_end in far_ends),
        sum(run.ticks.run for run in runs),
        sum(run.ticks.late for run in runs),
        sum(run.ticks.skipped for run in runs),
        median(run.media_core for run in runs),
        median(run.signalling_core for run in runs),
        max(far_end.late_sends for far_end in far_ends),
    ]


async def _measure(arguments: argparse.Namespace, *, realtime: bool) -> tuple[list[Run], list[Run]]:
    """The runs of the room left alone, and of the room beside calls."""
    api_port = free_port()
    settings = {"SOFTSWITCH_API__PORT": str(api_port), "SOFTSWITCH_MEDIA__REALTIME": str(realtime).lower()}
    with (
        tempfile.TemporaryDirectory() as folder,
        RtpLoad(arguments.legs, TALKERS) as load,
        SwitchProcess(Path(folder), **settings) as switch,
    ):
        metrics = Metrics(api_port, await token(switch))
        phones = Stack()
        await phones.listen(Transport.UDP, "127.0.0.1", 0)
        ports = await join(phones, switch, load.ports)
        alone, loaded = [], []
        for _ in range(arguments.rounds):
            alone.append(await _run(switch, load, ports, metrics, arguments.seconds, 0))
            loaded.append(await _run(switch, load, ports, metrics, arguments.seconds, arguments.rate))
        await phones.close()
        return alone, loaded


async def _run(
    switch: SwitchProcess, load: RtpLoad, ports: list[int], metrics: Metrics, seconds: float, rate: int
) -> Run:
    """The room for so long; what is counted begins after the settling time, the calls a second before it."""
    far_end = asyncio.create_task(asyncio.to_thread(load.run, ports, seconds))
    await asyncio.sleep(SETTLE_S - 1)
    calls = asyncio.create_task(asyncio.to_thread(_calls, switch, rate, seconds + 1)) if rate else None
    await asyncio.sleep(1)
    before, cpu_s = await asyncio.to_thread(metrics.ticks), switch.cpu_by_process()
    await asyncio.sleep(seconds - 0.5)
    after, cpu_after_s = await asyncio.to_thread(metrics.ticks), switch.cpu_by_process()
    spent = {pid: after_s - cpu_s.get(pid, 0.0) for pid, after_s in cpu_after_s.items()}
    ticks = after.since(before)
    lasted_s = max(1, ticks.run + ticks.skipped) / TICKS_PER_SECOND
    media = spent.get(switch.media_process().pid, 0.0) / lasted_s
    signalling = spent.get(switch.pid, 0.0) / lasted_s
    return Run(await far_end, ticks, media, signalling, None if calls is None else await calls)


def _calls(switch: SwitchProcess, rate: int, seconds: float) -> SippResult:
    return run_sipp(
        switch.address, calls=round(rate * seconds), rate=rate, folder=switch.folder, timeout_s=seconds + 40
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=300, help="calls a second")
    parser.add_argument("--seconds", type=float, default=6, help="how long each is measured a round")
    parser.add_argument("--rounds", type=int, default=2, help="how often, in turn")
    return parser.parse_args()


if __name__ == "__main__":
    main()
