"""Do memory and latency stay where they are?

    python -m benchmarks.soak --minutes 10

SIPp keeps calling 12025550102 on the real `softswitch serve` at a steady rate, each call staying some seconds in the
room. Every half minute a row: memory, open files, CPU, and how long the switch takes to answer OPTIONS in between.
"""

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.processes import SippResult, SwitchProcess, answers_options, run_sipp
from benchmarks.report import Report

MEGABYTE = 1024 * 1024
PROBES = 40
PROBE_GAP_S = 0.05
COLUMNS = ("minute", "memory MB", "files", "CPU %", "answer ms p50", "answer ms worst")


def main() -> None:
    arguments = _arguments()
    report = Report("Do memory and latency stay where they are?", COLUMNS)
    with tempfile.TemporaryDirectory() as folder, SwitchProcess(Path(folder)) as switch:
        results: list[SippResult] = []
        load = threading.Thread(target=lambda: results.append(_load(switch, Path(folder), arguments)))
        load.start()
        began = time.monotonic()
        while load.is_alive():
            _row(report, switch, began, arguments.every_s)
        report.note(f"{results[0].successful} calls, {results[0].failed} failed, {results[0].retransmissions} repeated")
        report.note(f"{arguments.rate} calls/s, each {arguments.hold_s} s in one room")
    report.show()
    print(report.write("soak"))


def _load(switch: SwitchProcess, folder: Path, arguments: argparse.Namespace) -> SippResult:
    return run_sipp(
        switch.address,
        calls=round(arguments.minutes * 60 * arguments.rate),
        rate=arguments.rate,
        hold_ms=arguments.hold_s * 1000,
        folder=folder,
        timeout_s=arguments.minutes * 60 + arguments.hold_s + 60,
    )


def _row(report: Report, switch: SwitchProcess, began: float, every_s: float) -> None:
    """Wait `every_s`, then measure."""
    cpu_s, at = switch.cpu_s(), time.monotonic()
    time.sleep(every_s)
    cpu_percent = 100 * (switch.cpu_s() - cpu_s) / (time.monotonic() - at)
    answers_ms = [_answer_ms(switch) for _ in range(PROBES)]
    report.row(
        round((time.monotonic() - began) / 60, 1),
        switch.memory_bytes() / MEGABYTE,
        switch.open_files(),
        cpu_percent,
        statistics.median(answers_ms),
        max(answers_ms),
    )


def _answer_ms(switch: SwitchProcess) -> float:
    time.sleep(PROBE_GAP_S)
    began = time.monotonic()
    answers_options(switch.host, switch.port, wait_s=2.0)
    return (time.monotonic() - began) * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=50, help="calls a second")
    parser.add_argument("--hold-s", type=int, default=4, help="seconds each call stays")
    parser.add_argument("--every-s", type=float, default=28, help="seconds between two rows")
    return parser.parse_args()


if __name__ == "__main__":
    main()
