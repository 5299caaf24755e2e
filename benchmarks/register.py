"""What does a registration cost beside what SIPp spends as the phone, and how many phones can be held?

    python -m benchmarks.register                      # rate, cost, and a minute at 80 % of the highest rate
    python -m benchmarks.register --held               # 1,000, 5,000, 20,000 contacts, and a storm of refreshes

A registration is REGISTER, 401, REGISTER with digest credentials, 200, by SIPp over UDP against the real `softswitch
serve` as it ships, with its database, but for `qualify_s = 0`, since SIPp's phones answer no OPTIONS. SIPp knows MD5
alone and stops at the sight of another algorithm, so it is offered that (`md5_agents`).

The rate doubles in bursts of 4 s until registrations fail, which gives its order; steps of 40 s, longer than a
transaction lives, find what is sustained. Sustained means that every registration succeeds, no message is sent again
and registrations do not pile up; a 503 of our own overload guard is a failure. Then it stays at 80 % of the highest for
a minute.

The yardstick is SIPp's own CPU time as the phone in the same run. Both share the machine's cores, so the highest rate
is that of the pair.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import PROJECT, SCENARIOS, SippResult, SwitchProcess, free_port, run_sipp
from benchmarks.report import Report
from benchmarks.sustained import API_BUILT_S, SETTLED_AFTER_S, SHARE_OF_HIGHEST, STEP_S, highest

USERS = 20_000
PASSWORD = "correct-horse"
FIRST_RATE = 400
STORM_RATE = 500
HELD = (1000, 5000, 20_000)
MEGABYTE = 1024 * 1024

COLUMNS = (
    "run", "registrations/s", "registrations", "failed", "repeated", "ours ms each", "SIPp ms each", "ratio",
    "memory MB", "kB a contact",
)  # fmt: skip


class Meter:
    """Registers users by SIPp and notes what that cost."""

    def __init__(self, switch: SwitchProcess, folder: Path, report: Report) -> None:
        self._switch, self._folder, self._report = switch, folder, report
        self._port = free_port()

    def run(self, name: str, rate: float, users: range, *, seconds: float = 0, settle: bool = False) -> SippResult:
        """Every user of the range once, or one after another for so many seconds; adds a row.

        `settle`: the memory once no transaction is left.
        """
        count = round(rate * seconds) or len(users)
        before, memory_before = self._switch.cpu_s(), self._switch.memory_bytes()
        result = run_sipp(
            self._switch.address,
            scenario=SCENARIOS / "register.xml",
            calls=count,
            rate=rate,
            at_most=20_000,
            keys={"expires": 3600},
            folder=self._folder,
            port=self._port,
            extra=["-inf", str(csv_of(self._folder, users))],
            timeout_s=count / rate + 40,
        )
        ours = self._switch.cpu_s() - before
        if settle:
            time.sleep(SETTLED_AFTER_S)
        memory = self._switch.memory_bytes()
        self._report.row(
            name,
            round(result.calls_per_second, 1),
            result.created,
            result.created - result.successful,
            result.retransmissions,
            1000 * ours / max(1, result.created),
            1000 * result.cpu_s / max(1, result.created),
            ours / result.cpu_s if result.cpu_s else None,
            memory / MEGABYTE,
            (memory - memory_before) / 1024 / len(users) if settle else None,
        )
        return result

    def steady(self, rate: float, seconds: float) -> SippResult:
        """Registrations at `rate` for so long."""
        return self.run(f"{seconds:.0f} s", rate, range(USERS), seconds=seconds)


def rates(report: Report, seconds: int) -> None:
    """The highest rate, and a minute at 80 % of it."""
    with populated() as (switch, folder):
        meter = Meter(switch, folder, report)
        meter.run("warm-up", FIRST_RATE, range(FIRST_RATE))
        most = highest(meter.steady, FIRST_RATE)
        rate = SHARE_OF_HIGHEST * most
        minute = meter.run(f"{seconds} s at 80 %", rate, range(USERS), seconds=seconds)
    failed = minute.created - minute.successful
    report.note(
        f"highest rate sustained for {STEP_S:.0f} s: {most:.0f} registrations/s; SIPp and the switch share the cores"
    )
    report.note(f"{seconds} s at {rate:.0f} registrations/s: {failed} of {minute.created} failed; 0 is wanted")


def held(report: Report) -> None:
    """More and more contacts, and all of them refreshed at once."""
    with populated() as (switch, folder):
        meter = Meter(switch, folder, report)
        meter.run("warm-up", STORM_RATE, range(USERS - 500, USERS), settle=True)
        first = 0
        for last in HELD:
            upto = min(last, USERS - 500)
            meter.run(f"{last} contacts held", STORM_RATE, range(first, upto), settle=True)
            first = upto
        meter.run("all refreshed in a storm", STORM_RATE, range(USERS))
    report.note(f"the storm: {USERS} phones at {STORM_RATE}/s; kB a contact: growth of memory over those that were new")


class _Populated(SwitchProcess):
    """Its number plan takes a while to read."""

    ready_within_s = 90.0


@contextmanager
def populated(**more: str) -> Iterator[tuple[SwitchProcess, Path]]:
    """A switch that knows all the users; `more` goes into its environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "config"
        config.mkdir()
        shipped = PROJECT / "config"
        (config / "softswitch.toml").write_text((shipped / "softswitch.toml").read_text())
        users = "".join(f'\n[[users]]\nusername = "u{n}"\npassword = "{PASSWORD}"\n' for n in range(USERS))
        (config / "numbers.toml").write_text((shipped / "numbers.toml").read_text() + users)
        environment = {
            "SOFTSWITCH_REGISTRAR__MD5_AGENTS": '["SIPp"]',
            "SOFTSWITCH_REGISTRAR__QUALIFY_S": "0",
            "SOFTSWITCH_LOGS__LEVEL": "warning",
        } | more
        with _Populated(folder / "switch", config=config, **environment) as switch:
            time.sleep(API_BUILT_S)
            yield switch, folder
            assert "Traceback" not in switch.log, switch.log[-3000:]


def csv_of(folder: Path, users: range) -> Path:
    """Names and passwords of these users for SIPp."""
    path = folder / f"users-{users.start}-{users.stop}.csv"
    lines = [f"u{n};[authentication username=u{n} password={PASSWORD}]\n" for n in users]
    path.write_text("SEQUENTIAL\n" + "".join(lines))
    return path


def main() -> None:
    arguments = _arguments()
    report = Report("What does a registration cost beside SIPp, and how many phones can be held?", COLUMNS)
    if arguments.held:
        held(report)
    else:
        rates(report, arguments.seconds)
    report.show()
    print(report.write("register_held" if arguments.held else "register"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long at 80 percent")
    parser.add_argument("--held", action="store_true", help="contacts held instead of rates")
    return parser.parse_args()


if __name__ == "__main__":
    main()
