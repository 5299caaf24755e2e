"""Stores without objects that are there at once: the migrations are run once a process, and what they make is copied.

For tests whose subject is not how a database comes to be: those of the migrations, of the program as a process and of
its start run them all.
"""

import functools
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from softswitch.store import Store
from softswitch.store.database import FILE, migrate


async def open_blank(directory: Path) -> Store:
    """What `Store.open("", directory)` gives: the database that is there, else a blank one."""
    write_blank(directory / FILE)
    return await Store.open("", directory)


def write_blank(file: Path) -> None:
    """An SQLite database of the present schema, without even the first partner; one that is there stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_bytes(_blank())


@functools.cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            migrate(connection)
        engine.dispose()
        return file.read_bytes()
