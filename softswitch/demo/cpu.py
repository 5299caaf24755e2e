"""CPU seconds of this process and of its children, told apart. Linux only; elsewhere children are unknown."""

import os
import time
from pathlib import Path


def own_cpu_s() -> float:
    """This process: the switch, and the live view."""
    return time.process_time()


def children_cpu_s(*, but: int | None = None) -> float | None:
    """All children but one: the media processes. None where /proc does not say."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    try:
        children = {int(word) for path in lists for word in path.read_text().split()} - {but}
        return sum(_cpu_s(child) for child in children) if children else None
    except OSError:
        return None


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
