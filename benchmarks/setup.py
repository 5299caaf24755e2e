"""How much later does a call stand when it goes through the switch?

    python -m benchmarks.setup

SIPp calls SIPp at 100 calls/s, first directly, then through the switch (a DID that leads to a third party: two legs,
two media streams, relay, records), in turns. The set-up time is what the caller sees from its INVITE to the 200. The
answer is what the switch adds, and the CPU time that both legs of a call cost. SIPp reads a clock of 4 ms steps, so a
caller of our own with a fine clock (`raw_caller`) takes the same turns; its medians are the ones that count.
"""

import argparse
import contextlib
import csv
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.processes import PROJECT, SippResult, SwitchProcess, free_port, run_sipp
from benchmarks.raw_caller import RawCaller
from benchmarks.report import Report

NUMBER = "12025550101"
TURNS = 3
GOAL_MS = 5.0

PLAN = """
[[trunk_groups]]
name = "pstn"
acls = ["127.0.0.0/8"]

[[endpoints]]
name = "far"
type = "third_party"

[[endpoints.addresses]]
ip = "127.0.0.1"
port = {port}
direction = "outbound"

[[dids]]
phonenumber = "{number}"
endpoint = "far"
"""

HOLD_MS = 500

COLUMNS = (
    "way", "caller", "turn", "calls", "failed", "repeated", "mean ms", "p50 ms", "p90 ms", "p99 ms", "ours ms/call",
    "SIPp ms/call",
)  # fmt: skip


def main() -> None:
    arguments = _arguments()
    calls = arguments.rate * arguments.seconds
    report = Report(f"What does the switch add to the set-up of a call, at {arguments.rate} calls/s?", COLUMNS)
    medians: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as place, _far_end(Path(place)) as port:
        folder = Path(place)
        config = _config(folder / "config", port)
        with SwitchProcess(folder / "switch", config=config) as switch:
            _run(switch.address, 50, arguments.rate, folder / "warm")
            for turn in range(1, TURNS + 1):
                for way, target in (("direct", f"127.0.0.1:{port}"), ("through the switch", switch.address)):
                    before_s = switch.cpu_s()
                    result, times_ms = _run(target, calls, arguments.rate, folder / f"{way} {turn}")
                    ours_ms = 1000 * (switch.cpu_s() - before_s) / calls
                    medians.setdefault((way, "SIPp"), []).append(float(np.percentile(times_ms, 50)))
                    _row(report, way, turn, result, times_ms, ours_ms if way != "direct" else None)
                    fine_ms = _run_raw(report, way, turn, target, calls, arguments.rate)
                    medians.setdefault((way, "raw"), []).append(float(np.percentile(fine_ms, 50)))
    for caller in ("SIPp", "raw"):
        added = np.median(medians["through the switch", caller]) - np.median(medians["direct", caller])
        report.note(f"added at the median, as {caller} sees it: {added:.2f} ms (goal: at most {GOAL_MS:g} ms)")
    report.note("set-up: from the caller's INVITE to the 200 that it hears; ours and SIPp: CPU time a call")
    report.show()
    print(report.write("setup"))


def _run(target: str, calls: int, rate: int, folder: Path) -> tuple[SippResult, np.ndarray]:
    """The caller, and the set-up time of each call."""
    extra = ("-trace_rtt", "-rtt_freq", "1")
    result = run_sipp(target, NUMBER, calls=calls, rate=rate, hold_ms=HOLD_MS, folder=folder, extra=extra)
    (file,) = folder.glob("*_rtt.csv")
    rows = csv.DictReader(file.read_text().splitlines(), delimiter=";")
    return result, np.array([float(row["response_time_ms"]) for row in rows])


def _run_raw(report: Report, way: str, turn: int, target: str, calls: int, rate: int) -> np.ndarray:
    host, _, port = target.partition(":")
    times_ms = RawCaller((host, int(port)), NUMBER, free_port()).place(calls, rate, HOLD_MS / 1000)
    report.row(way, "raw", turn, calls, calls - len(times_ms), None, *_figures(times_ms), None, None)
    return times_ms


def _row(report: Report, way: str, turn: int, result: SippResult, times_ms: np.ndarray, ours_ms: float | None) -> None:
    failed, per_call_ms = result.created - result.successful, 1000 * result.cpu_s / result.created
    counts = (result.created, failed, result.retransmissions)
    report.row(way, "SIPp", turn, *counts, *_figures(times_ms), ours_ms, per_call_ms)


def _figures(times_ms: np.ndarray) -> list[float]:
    """Mean and percentiles, as the columns have them."""
    return [float(np.mean(times_ms)), *(float(value) for value in np.percentile(times_ms, [50, 90, 99]))]


@contextlib.contextmanager
def _far_end(folder: Path) -> Iterator[int]:
    """SIPp that takes every call; its port."""
    port = free_port()
    command = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-l", "5000"]
    with (folder / "uas.out").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
        try:
            yield port
        finally:
            process.kill()
            process.wait()


def _config(folder: Path, port: int) -> Path:
    folder.mkdir()
    shutil.copy(PROJECT / "config" / "softswitch.toml", folder)
    (folder / "numbers.toml").write_text(PLAN.format(port=port, number=NUMBER))
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=100, help="calls a second")
    parser.add_argument("--seconds", type=int, default=10, help="how long each turn is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
