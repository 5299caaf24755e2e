"""The switch that runs on a data directory, as other processes find it: `softswitch.pid`; and `softswitch drain`."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from softswitch.options import Config

PID_FILE = "softswitch.pid"
LOOKS_EVERY_S = 0.2


@contextmanager
def pid_file(directory: Path) -> Iterator[Path]:
    """Says that this process serves from `directory`, as long as it does."""
    path = directory / PID_FILE
    path.write_text(f"{os.getpid()}\n")
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            if path.read_text() == f"{os.getpid()}\n":
                path.unlink()


def process_of(directory: Path) -> int | None:
    """The process that serves from `directory`; None where there is none."""
    try:
        number = int((directory / PID_FILE).read_text())
    except (OSError, ValueError):
        return None
    return number if _lives(number) else None


def drain(
    wait: Annotated[bool, typer.Option(help="Wait until the last call has ended and the switch with it.")] = True,
    config: Config = None,
) -> None:
    """Let a running switch take no new calls (503 with Retry-After); it ends with its last call."""
    from softswitch.configuration import load_configuration

    directory = load_configuration(config).settings.data.directory
    number = process_of(directory)
    if number is None:
        typer.echo(f"no switch runs on {directory}", err=True)
        raise typer.Exit(1)
    os.kill(number, signal.SIGUSR1)
    while wait and _lives(number):
        time.sleep(LOOKS_EVERY_S)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
