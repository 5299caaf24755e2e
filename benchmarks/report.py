"""One question, one table: how every benchmark prints its answer and keeps it as JSON.

A benchmark makes a `Report`, adds a row for each measurement and a note for what a reader must know to believe it;
`show()` prints the table, `write()` puts the same figures with the machine they were measured on into
`benchmarks/results/`. Machines differ by a factor of two, so a row should hold a ratio to something measured in the
same run.
"""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"

Cell = str | int | float | bool | None


class Report:
    """The answer to one question: rows under named columns, notes below, the machine beside."""

    def __init__(self, question: str, columns: Sequence[str]) -> None:
        self.question = question
        self.columns = tuple(columns)
        self.rows: list[dict[str, Cell]] = []
        self.notes: list[str] = []

    def row(self, *cells: Cell) -> None:
        """Add a measurement: one cell a column, in their order."""
        self.rows.append(dict(zip(self.columns, cells, strict=True)))

    def note(self, sentence: str) -> None:
        """Add a sentence under the table."""
        self.notes.append(sentence)

    def show(self) -> None:
        """Print the table, the notes and the machine."""
        table = Table(title=self.question, title_justify="left", title_style="bold")
        for column in self.columns:
            table.add_column(column, justify="right" if self._is_number(column) else "left")
        for row in self.rows:
            table.add_row(*(_written(cell) for cell in row.values()))
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}", markup=False, highlight=False)
        console.print("  machine: " + ", ".join(f"{key} {value}" for key, value in machine().items()), style="dim")

    def write(self, path: str | Path) -> Path:
        """Write the figures as JSON; a bare name lands in `benchmarks/results/NAME.json`."""
        path = Path(path)
        if not path.suffix:
            path = RESULTS / f"{path}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._as_json(), indent=2) + "\n")
        return path

    def _as_json(self) -> dict[str, object]:
        return {
            "question": self.question,
            "command": _command(),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "rows": self.rows,
            "notes": self.notes,
        }

    def _is_number(self, column: str) -> bool:
        return any(isinstance(row[column], int | float) for row in self.rows)


def machine() -> dict[str, str]:
    """What the figures were measured on: cores, processor, kernel, Python, numpy."""
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _command() -> str:
    """The line that repeats this run."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    program = f"-m {spec.name}" if spec is not None else sys.argv[0]
    return " ".join(["python", program, *sys.argv[1:]])


def _written(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
