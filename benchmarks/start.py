"""How long until the switch is ready, and what does it cost while nobody calls?

    python -m benchmarks.start

The real `softswitch serve` with its API, its store and its media process, from the start of the program to the line
that says that it is ready: once with an empty data folder, where it makes its database and reads the number plan into
it, and then as it finds it. The yardstick is an interpreter that does nothing but import what the switch is made of.
Then nobody calls, and the CPU of all its processes is counted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.processes import PROJECT, SwitchProcess
from benchmarks.report import Report

IMPORTS = "import softswitch.app, softswitch.configuration, softswitch.api.serve"
SETTLED_S = 2.0
COLUMNS = ("start", "ready s", "imports s", "ratio", "CPU at rest %", "memory MB", "processes")
MEGABYTE = 1024 * 1024


def main() -> None:
    arguments = _arguments()
    report = Report("How long until the switch is ready, and what does it cost at rest?", COLUMNS)
    for name, is_first in (("first, empty data folder", True), ("later", False)):
        imports_s = [_imports_s() for _ in range(arguments.rounds)]
        ready_s = [_ready_s(is_first=is_first) for _ in range(arguments.rounds)]
        report.row(name, median(ready_s), median(imports_s), median(ready_s) / median(imports_s), None, None, None)
    with tempfile.TemporaryDirectory() as folder, SwitchProcess(Path(folder)) as switch:
        report.row("at rest", None, None, None, *_at_rest(switch, arguments.seconds))
    report.note(f"the median of {arguments.rounds} starts; at rest for {arguments.seconds:g} s")
    report.note("imports: an interpreter that imports what the switch is made of, and ends")
    report.show()
    print(report.write("start"))


def _imports_s() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=PROJECT)
    return time.monotonic() - began


def _ready_s(*, is_first: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        if not is_first:
            with SwitchProcess(Path(folder)) as switch:
                time.sleep(SETTLED_S)
            switch.log_path.unlink()
        switch = SwitchProcess(Path(folder))
        ready_s = switch.start()
        switch.stop()
        return ready_s


def _at_rest(switch: SwitchProcess, seconds: float) -> tuple[float, float, int]:
    """CPU in percent of a core, memory, and how many processes there are."""
    time.sleep(SETTLED_S)
    cpu_s, began = switch.cpu_s(), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (switch.cpu_s() - cpu_s) / (time.monotonic() - began)
    return percent, switch.memory_bytes() / MEGABYTE, len(switch.cpu_by_process())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often it is started")
    parser.add_argument("--seconds", type=float, default=20, help="how long it is left at rest")
    return parser.parse_args()


if __name__ == "__main__":
    main()
