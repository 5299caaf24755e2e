"""How many complete calls a second, and what does one cost beside what SIPp itself spends on it?

    python -m benchmarks.call_rate                     # as it ships: with records, ladder, metrics
    python -m benchmarks.call_rate --unwatched         # the call alone
    python -m benchmarks.call_rate --at 200 400 800    # a minute at each of these rates, and no search

A complete call is INVITE, 200, ACK, BYE, 200 with a real media stream on our side, placed by SIPp's built-in caller
(`-sn uac`) to 12025550102 on the real `softswitch serve`. The rate doubles in bursts of 4 s until calls fail, which
gives its order; steps of 40 s, longer than a transaction lives, find what is sustained. Sustained means that every call
succeeds, no message is sent again and calls do not pile up; a 503 of our own overload guard is a failure. Then it stays
at 80 % of the highest for a minute; at last 1,000 callers join one room at 100 calls/s and hang up in one moment.

The yardstick is SIPp's own CPU time as the caller in the same run. Both share the machine's cores, so the highest rate
is that of the pair.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.processes import SCENARIOS, SippResult, SwitchProcess, run_sipp
from benchmarks.records import Unwatched
from benchmarks.report import Report
from benchmarks.sustained import API_BUILT_S, SETTLED_AFTER_S, SHARE_OF_HIGHEST, STEP_S, highest

FIRST_RATE = 100
MEGABYTE = 1024 * 1024

COLUMNS = (
    "run", "calls/s", "calls", "failed", "repeated", "ours ms/call", "signalling", "media", "SIPp ms/call", "ratio",
    "memory MB", "files",
)  # fmt: skip


class Meter:
    """Runs SIPp against the switch and notes what the run cost."""

    def __init__(self, switch: SwitchProcess, folder: Path, report: Report) -> None:
        self._switch, self._folder, self._report = switch, folder, report

    def run(self, name: str, rate: float, calls: int, *, timeout_s: float) -> SippResult:
        """`calls` calls at `rate`; adds a row."""
        before = self._switch.cpu_by_process()
        result = run_sipp(self._switch.address, calls=calls, rate=rate, folder=self._folder, timeout_s=timeout_s)
        self.row(name, result, before)
        return result

    def steady(self, rate: float, seconds: float) -> SippResult:
        """Calls at `rate` for so long."""
        return self.run(f"{seconds:.0f} s", rate, round(rate * seconds), timeout_s=seconds + 40)

    def storm(self, rate: int, calls: int) -> SippResult:
        """All join at `rate` and hang up in one moment."""
        before = self._switch.cpu_by_process()
        hold_ms = calls * 1000 // rate + 2000
        result = run_sipp(
            self._switch.address,
            scenario=SCENARIOS / "storm.xml",
            calls=calls,
            rate=rate,
            keys={"hold_ms": hold_ms, "gap_ms": -1000 / rate},
            folder=self._folder,
            timeout_s=hold_ms / 1000 + 40,
        )
        self.row(f"{calls} join, hang up at once", result, before)
        return result

    def row(self, name: str, result: SippResult, before: dict[int, float]) -> None:
        spent = {pid: cpu_s - before.get(pid, 0.0) for pid, cpu_s in self._switch.cpu_by_process().items()}
        per_call = 1000 / max(1, result.created)
        ours, signalling = sum(spent.values()), spent.get(self._switch.pid, 0.0)
        self._report.row(
            name,
            round(result.calls_per_second, 1),
            result.created,
            result.created - result.successful,
            result.retransmissions,
            ours * per_call,
            signalling * per_call,
            (ours - signalling) * per_call,
            result.cpu_s * per_call,
            ours / result.cpu_s if result.cpu_s else None,
            self._switch.memory_bytes() / MEGABYTE,
            self._switch.open_files(),
        )


def main() -> None:
    arguments = _arguments()
    report = Report("How many complete calls a second, and at what cost beside SIPp?", COLUMNS)
    kind = Unwatched if arguments.unwatched else SwitchProcess
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as switch:
        _idle_row(report, switch, "at rest")
        meter = Meter(switch, Path(folder), report)
        time.sleep(API_BUILT_S)
        meter.run("warm-up", FIRST_RATE, FIRST_RATE, timeout_s=20)
        for rate in arguments.at:
            meter.steady(rate, arguments.seconds)
        if not arguments.at:
            _search(meter, report, arguments)
            time.sleep(SETTLED_AFTER_S)
            _idle_row(report, switch, f"{SETTLED_AFTER_S:.0f} s later")
        if "Traceback" in switch.log:
            report.note("THE LOG HOLDS A TRACEBACK")
    report.note("repeated: messages SIPp sent again; signalling and media: our two kinds of process, ms of CPU a call")
    report.show()
    print(report.write("call_rate" + "_at" * bool(arguments.at) + "_unwatched" * arguments.unwatched))


def _search(meter: Meter, report: Report, arguments: argparse.Namespace) -> None:
    """The highest rate, a while at 80 % of it, and the storm."""
    most = highest(meter.steady, arguments.first_rate)
    rate, seconds = round(SHARE_OF_HIGHEST * most), arguments.seconds
    minute = meter.run(f"{seconds} s at 80 %", rate, rate * seconds, timeout_s=seconds + 60)
    meter.storm(100, arguments.storm)
    failed = minute.created - minute.successful
    report.note(f"highest rate sustained for {STEP_S:.0f} s: {most:.0f} calls/s; SIPp and the switch share the cores")
    report.note(f"{seconds} s at {rate} calls/s: {failed} of {minute.created} calls failed; 0 is wanted")


def _idle_row(report: Report, switch: SwitchProcess, name: str) -> None:
    memory_mb = switch.memory_bytes() / MEGABYTE
    report.row(name, None, None, None, None, None, None, None, None, None, memory_mb, switch.open_files())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long at 80 percent, or at each rate")
    parser.add_argument("--first-rate", type=int, default=FIRST_RATE, help="where the search begins")
    parser.add_argument("--unwatched", action="store_true", help="without store and watchers: the call alone")
    parser.add_argument("--at", type=int, nargs="+", default=[], metavar="RATE", help="stay at each of these instead")
    parser.add_argument("--storm", type=int, default=1000, help="callers that hang up in one moment")
    return parser.parse_args()


if __name__ == "__main__":
    main()
