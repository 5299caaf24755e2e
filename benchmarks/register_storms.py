"""All phones come at once: does every one end registered, and do callers get through meanwhile?

    python -m benchmarks.register_storms               # 20,000 phones, 4,000 of them begin each second

Phones of SIPp behind NAT register over UDP (`sipp/refresh.xml`) at the real `softswitch serve` with its database, more
of them than it can serve: they send again what gets no answer, and come back when a 503 tells them to. Three storms:
all refresh; all refresh from another port, as behind an access router that was restarted; the switch is killed,
started again, and all refresh. Beside each SIPp calls a conference 20 times a second, as it does before.
"""

import argparse
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks.processes import SCENARIOS, SippResult, SwitchProcess, free_port, run_sipp
from benchmarks.register import MEGABYTE, USERS, csv_of, populated
from benchmarks.report import Report
from benchmarks.sustained import SETTLED_AFTER_S

CALLS_PER_S, CALLING_S = 20, 20
PATIENCE_S = 120.0
COLUMNS = (
    "run", "phones", "begun/s", "took s", "not registered", "503s", "repeated", "ours ms each", "calls", "failed",
    "set-up ms", "memory MB", "kB a contact",
)  # fmt: skip


class Storms:
    """Phones, callers, and what the switch makes of both."""

    def __init__(self, switch: SwitchProcess, folder: Path, report: Report, phones: int) -> None:
        self._switch, self._folder, self._report, self._phones = switch, folder, report, phones
        self._csv = csv_of(folder, range(phones))
        self._threads = ThreadPoolExecutor(1)

    def calls(self) -> Future[SippResult]:
        """Callers for half a minute from now on."""
        folder, count = self._folder / "calls", CALLS_PER_S * CALLING_S
        return self._threads.submit(run_sipp, self._switch.address, calls=count, rate=CALLS_PER_S, folder=folder)

    def storm(self, name: str, *, port: int, rate: float, is_new: bool = False) -> None:
        """All phones from one port, so many beginning each second; `is_new`: none of them was registered before."""
        ours_s, memory = self._switch.cpu_s(), self._switch.memory_bytes()
        calls = self.calls()
        phones = run_sipp(
            self._switch.address,
            scenario=SCENARIOS / "refresh.xml",
            calls=self._phones,
            rate=rate,
            at_most=self._phones,
            keys={"expires": 3600},
            folder=self._folder,
            port=port,
            extra=["-inf", str(self._csv), "-default_behaviors", "none"],
            timeout_s=PATIENCE_S,
        )
        calling = calls.result()
        ours_s = self._switch.cpu_s() - ours_s
        time.sleep(SETTLED_AFTER_S if is_new else 0)
        grown = (self._switch.memory_bytes() - memory) / 1024 / self._phones if is_new else None
        begun = phones.created, round(rate), phones.elapsed_s, phones.created - phones.successful
        cost = phones.counter, phones.retransmissions, 1000 * ours_s / max(1, phones.created)
        self.row(name, calling, *begun, *cost, grown=grown)

    def row(self, name: str, calls: SippResult, *phones: float, grown: float | None = None) -> None:
        known = phones or [None] * 7
        calling = calls.created, calls.created - calls.successful, calls.response_ms
        self._report.row(name, *known, *calling, self._switch.memory_bytes() / MEGABYTE, grown)


def storms(report: Report, phones: int, rate: float) -> None:
    """The three of them, one after another."""
    first, other = free_port(), free_port()
    with populated(SOFTSWITCH_SIP__PORT=str(free_port())) as (switch, folder):
        it = Storms(switch, folder, report, phones)
        it.row("callers alone", it.calls().result())
        it.storm("all register, one after another", port=first, rate=rate / 8, is_new=True)
        it.storm("all refresh at once", port=first, rate=rate)
        it.storm("all at once from another port", port=other, rate=rate)
        switch.kill()
        switch.stop()
        switch.log_path.unlink()
        ready_s = switch.start()
        it.storm("the switch was killed and started", port=other, rate=rate)
    report.note(f"after its kill the switch was ready again within {ready_s:.1f} s, with {phones} contacts")
    report.note(f"ours ms each: with the {CALLS_PER_S * CALLING_S} calls beside")
    report.note(f"memory where contacts are new: {SETTLED_AFTER_S:.0f} s later, when no transaction is left")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phones", type=int, default=USERS)
    parser.add_argument("--rate", type=float, default=4000, help="phones that begin each second")
    asked = parser.parse_args()
    report = Report("All phones come at once: does every one end registered, and do callers get through?", COLUMNS)
    storms(report, asked.phones, asked.rate)
    report.show()
    print(report.write("register_storms"))


if __name__ == "__main__":
    main()
