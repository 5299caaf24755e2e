"""The database behind the store: found, opened, brought to the present schema.

SQLite by default, one file under the data directory; PostgreSQL by its URL. A database that can't be used is refused
with one sentence.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

FILE = "softswitch.db"
BUSY_TIMEOUT_S = 10
WRITES = "writes"
"""Execution option of an engine whose transactions will write."""

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA case_sensitive_like=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}",
)


def database_url(url: str, directory: Path) -> str:
    """The URL of SQLAlchemy for `[store] url`; nothing there means SQLite in the data directory."""
    if not url:
        return f"sqlite+aiosqlite:///{directory / FILE}"
    scheme, _, rest = url.partition("://")
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    return f"{driver.get(scheme, scheme)}://{rest}"


def create_engine(url: str) -> AsyncEngine:
    """The engine for a URL of `database_url`."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Any) -> None:
    """A writer says so at once: two that begin by reading could not both go on."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


async def open_database(url: str, directory: Path) -> AsyncEngine:
    """The database, at the present schema. Raises `ConfigError` where it can't be used."""
    from softswitch.store.columns import metadata

    directory.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url(url, directory))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return engine
