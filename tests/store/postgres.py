"""A PostgreSQL server of the tests' own: from the distribution's package, on a free port.

It is gone with whoever started it, however that ends: a process beside it waits for that, stops it, and removes its
folder.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

UNPRIVILEGED = "nobody"
"""Who runs it when the tests run as root, whom PostgreSQL refuses."""

WATCH = 'read -r _; "$1" stop -m immediate -D "$2/data"; rm -rf "$2"'
"""Reads from a pipe that nobody writes to, which ends when the process that holds its other end does."""

SPEED = ("fsync=off", "full_page_writes=off", "autovacuum=off", "listen_addresses=127.0.0.1")


@dataclass(frozen=True)
class Server:
    """One that can be stopped and started again."""

    folder: Path
    port: int

    @property
    def base(self) -> str:
        """The beginning of a URL, to which the name of a database belongs."""
        return f"postgresql://test@127.0.0.1:{self.port}/"

    def start(self) -> None:
        settings = (*SPEED, f"port={self.port}", f"unix_socket_directories={self.folder}")
        options = " ".join(f"-c {option}" for option in settings)
        _run("pg_ctl", "start", "-w", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log")

    def stop(self, mode: str = "immediate") -> None:
        _run("pg_ctl", "stop", "-m", mode, "-D", self.folder / "data")


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The beginning of a URL, to which the name of a database belongs."""
    with own_server() as one:
        yield one.base


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """Runs; whoever stops it starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="softswitch-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    with _gone_with_us(folder):
        _run("initdb", "-D", folder / "data", "-A", "trust", "-U", "test", "-E", "UTF8", "--locale=C", "--no-sync")
        one = Server(folder, _free_port())
        one.start()
        yield one


@contextlib.contextmanager
def _gone_with_us(folder: Path) -> Iterator[None]:
    """Whatever runs in this folder, and the folder, are gone at the end of this, or of this process."""
    watch = ["sh", "-c", WATCH, "watch", _binary("pg_ctl"), folder]
    apart: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(watch, stdin=subprocess.PIPE, cwd="/", **apart, **_as_user()):
        yield


async def new_database(base: str, template: str = "template1") -> str:
    """The URL of a database of its own: an empty one, or a copy of `template`."""
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(base + "postgres")
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()
    return base + name


async def drop_database(url: str) -> None:
    """What a test has made goes with it: some hundred of them would have to be written to the disk."""
    base, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{base}/postgres")
    try:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


def _run(program: str, *arguments: object) -> None:
    done = subprocess.run(
        [_binary(program), *map(str, arguments)],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        **_as_user(),
    )
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr.decode()}")


def _binary(program: str) -> Path:
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))


def _as_user() -> dict[str, Any]:
    return {"user": UNPRIVILEGED, "extra_groups": ()} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
