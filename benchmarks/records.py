"""What do a call's record, events, ladder and metrics cost; and is any record missing or double after `kill -9`?

    python -m benchmarks.records

First complete calls (INVITE, 200, ACK, BYE with a real media stream), placed by SIPp at one rate, in turns on two
switches: one as it ships, with the database, and one that nothing watches. The yardstick is the second. Then a switch
under load is killed and started again, 20 times at random moments, and every INVITE that was answered is looked up.
"""

import argparse
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.processes import SwitchProcess, free_port, run_sipp
from benchmarks.report import Report

COLUMNS = ("what", "calls", "failed", "ours ms/call", "signalling", "ratio")
KILL_COLUMNS = ("kills", "calls answered", "records", "missing", "double", "closed with cause 41")
LEAST_LIFE_S, LONGEST_LIFE_S = 0.5, 2.0
SETTLED_S = 4.0


class Unwatched(SwitchProcess):
    """The same switch without a store and without watchers, as `benchmarks.unwatched` runs it."""

    program = ("benchmarks.unwatched",)


def cost(report: Report, *, rate: int, seconds: float, rounds: int) -> float:
    """The median ratio of signalling and media together, of neighbouring runs."""
    calls = round(rate * seconds)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        watched = SwitchProcess(Path(folder) / "watched", **_environment())
        unwatched = Unwatched(Path(folder) / "unwatched", media_ports=(20000, 29999), **_environment())
        with watched, unwatched:
            for switch in (watched, unwatched):
                run_sipp(switch.address, calls=rate, rate=rate, folder=Path(folder))
            for _ in range(rounds):
                time.sleep(SETTLED_S)
                bare = _run(report, "unwatched", unwatched, rate, calls, Path(folder), None)
                full = _run(report, "watched", watched, rate, calls, Path(folder), bare)
                ratios.append(full / bare)
    return statistics.median(ratios)


def _run(
    report: Report, name: str, switch: SwitchProcess, rate: int, calls: int, folder: Path, bare: float | None
) -> float:
    before = switch.cpu_by_process()
    result = run_sipp(switch.address, calls=calls, rate=rate, folder=folder)
    time.sleep(SETTLED_S)
    spent = {pid: cpu_s - before.get(pid, 0.0) for pid, cpu_s in switch.cpu_by_process().items()}
    ours = 1000 * sum(spent.values()) / result.created
    signalling = 1000 * spent[switch.pid] / result.created
    report.row(name, result.created, result.created - result.successful, ours, signalling, bare and ours / bare)
    return ours


def kills(report: Report, *, times: int, rate: int) -> bool:
    """Whether every answered call has exactly one record."""
    answered: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        switch = SwitchProcess(folder, **_environment())
        for _ in range(times):
            with _load(switch, folder, rate) as load:
                time.sleep(random.uniform(LEAST_LIFE_S, LONGEST_LIFE_S))
                switch.kill()
            answered.update(load.answered)
        switch.log_path.unlink()
        switch.start()
        time.sleep(SETTLED_S)
        switch.stop()
        records = _records(folder / "data" / "softswitch.db")
    found = Counter(record for record, _ in records)
    missing = [call for call in answered if not found[call]]
    double = [call for call, count in found.items() if count > 1]
    cut_off = sum(cause == 41 for _, cause in records)
    report.row(times, len(answered), len(records), len(missing), len(double), cut_off)
    return not missing and not double


class _load:  # noqa: N801 - used as a function
    """Callers that talk for half a second each, with SIPp's log of the messages it got."""

    def __init__(self, switch: SwitchProcess, folder: Path, rate: int) -> None:
        self.answered: set[str] = set()
        self._switch, self._folder, self._rate = switch, folder / f"sipp-{time.monotonic_ns()}", rate

    def __enter__(self) -> "_load":
        self._switch.log_path.unlink(missing_ok=True)  # what it said in its last life is no sign of this one
        self._switch.start()
        self._thread = threading.Thread(target=self._call)
        self._thread.start()
        return self

    def _call(self) -> None:
        life_s = LONGEST_LIFE_S + 1
        run_sipp(
            self._switch.address,
            calls=round(self._rate * life_s),
            rate=self._rate,
            hold_ms=500,
            folder=self._folder,
            extra=("-trace_msg", "-message_file", str(self._folder / "messages"), "-recv_timeout", "1000"),
            timeout_s=life_s + 2,
        )

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        text = (self._folder / "messages").read_text(errors="replace")
        for message in re.split(r"-{20,} .*\n", text):
            if "SIP/2.0 200 OK" in message and "INVITE\n" in message.replace("\r", "") and "received" in message:
                found = re.search(r"^Call-ID: *(\S+)", message, re.MULTILINE | re.IGNORECASE)
                if found:
                    self.answered.add(found[1])


def _records(database: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(database) as connection:
        return list(connection.execute("SELECT sipcallid_src, q850_cause FROM call_drs"))


def _environment() -> dict[str, str]:
    return {"SOFTSWITCH_API__PORT": str(free_port()), "SOFTSWITCH_SIP__TRANSPORTS": '["udp"]'}


def main() -> None:
    arguments = _arguments()
    report = Report("What do record, events, ladder and metrics add to the cost of a call?", COLUMNS)
    ratio = cost(report, rate=arguments.rate, seconds=arguments.seconds, rounds=arguments.rounds)
    report.note(f"median ratio of neighbouring runs: {ratio:.3f}; at most 1.2 is wanted")
    report.show()
    print(report.write("records"))
    killed = Report("Is any record missing or double after kill -9 at random moments?", KILL_COLUMNS)
    good = kills(killed, times=arguments.kills, rate=arguments.kill_rate)
    killed.show()
    print(killed.write("records_kills"))
    sys.exit(0 if good and ratio <= 1.2 else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200, help="calls per second")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a run takes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kill-rate", type=int, default=40, help="calls per second while the switch is killed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
