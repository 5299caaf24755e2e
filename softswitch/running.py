"""The switch of a data directory as other processes find it, `softswitch.pid` and `softswitch.lock`; and `drain`."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from softswitch.errors import ConfigError
from softswitch.options import Config

PID_FILE = "softswitch.pid"
LOCK_FILE = "softswitch.lock"
LOOKS_EVERY_S = 0.2
TAKEN_ACCEPTED = (
    "another folder for a second switch (SOFTSWITCH_DATA__DIRECTORY, with ports of its own); `softswitch drain` ends "
    "the first one with its last call"
)


@contextmanager
def alone_in(directory: Path, file: str) -> Iterator[None]:
    """Keeps a second switch off `directory`. Raises `ConfigError`, which calls the settings file `file`.

    The lock ends with the process, however it ends, and children do not have it.
    """
    with contextlib.ExitStack() as opened:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = opened.enter_context((directory / LOCK_FILE).open("a"))
        except OSError as error:
            raise _unwritable(directory, file, error) from None
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise ConfigError(file, "data.directory", _taken(directory), TAKEN_ACCEPTED) from None
        except OSError:  # a file system that has no locks
            pass
        yield


def _taken(directory: Path) -> str:
    number = process_of(directory)
    process = f" (process {number})" if number is not None else ""
    return f"a switch is already running on {directory.absolute()}{process}"


def _unwritable(directory: Path, file: str, error: OSError) -> ConfigError:
    accepted = "a folder that this user can write, on a disk with room"
    return ConfigError(file, "data.directory", f"{directory} can't be written: {error.strerror}", accepted)


@contextmanager
def pid_file(directory: Path, file: str) -> Iterator[Path]:
    """Says that this process serves from `directory`, as long as it does. Raises `ConfigError`, as `alone_in`."""
    path = directory / PID_FILE
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise _unwritable(directory, file, error) from None
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
