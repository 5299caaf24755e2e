"""The database behind the store: found, opened, brought to the present schema.

SQLite by default, one file under the data directory; PostgreSQL by its URL. A database that can't be used (damaged,
made by a newer version of this program, another program's, out of reach) is refused with one sentence. Migrations run
in one transaction: either all of them are done, or nothing has happened.
"""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from softswitch.errors import ConfigError
from softswitch.store.columns import as_json
from softswitch.store.errors import StoreError, told

FILE = "softswitch.db"
BUSY_TIMEOUT_S = 10
SETTLED_S = 1.0
"""Longer than any file system's dates are coarse, and than a look at them takes."""
WRITES = "writes"
"""Execution option of an engine whose transactions will write."""

WAL_PAGES = 4000
"""After so many the pages in the log are brought to their places: those that every record touches once for many."""
CACHE_KIB = 8000

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA case_sensitive_like=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}",
    f"PRAGMA wal_autocheckpoint={WAL_PAGES}",
    f"PRAGMA cache_size=-{CACHE_KIB}",
)

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
CONNECT_TIMEOUT_S = 10

AWAY = (OperationalError, InterfaceError, NoConnectionFreeError, ConnectionError)
"""What says that the database can't be reached or takes nothing now, and nothing of what it was asked."""

OF_THE_ROW = frozenset({"22", "23", "42"})
"""Classes of PostgreSQL's error codes that are about values, constraints and statements; others are about itself."""

ACCEPTED_URL = "postgresql://user:password@host/database, sqlite:///path, or nothing for SQLite in the data directory"

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))
"""Of the schema, oldest first: each file there leads from the one before it to its own."""

VERSION_TABLE = "alembic_version"
WRITER_LOCK = 0x50F7
"""An advisory lock of PostgreSQL: of programs that start or change something at once, one does and the others wait."""


async def open_database(url: str, directory: Path) -> AsyncEngine:
    """The database at `url`, else in `directory`, at the present schema. Raises `ConfigError`."""
    engine = create_engine(database_url(url, directory))
    async with opening(engine):
        if not url:
            directory.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - before the first call
        async with engine.execution_options(**{WRITES: True}).begin() as connection:
            await _bring_up(connection)
    return engine


def database_url(url: str, directory: Path) -> str:
    """The URL of SQLAlchemy for `[store] url`; nothing there means SQLite in the data directory."""
    if not url:
        return f"sqlite+aiosqlite:///{directory / FILE}"
    scheme, _, rest = url.partition("://")
    return f"{DRIVERS.get(scheme, scheme)}://{rest}"


def create_engine(url: str) -> AsyncEngine:
    """The engine for a URL of `database_url`. Raises `ConfigError` for one that is none of ours."""
    try:
        drivername = make_url(url).drivername
        if drivername not in DRIVERS.values():
            raise ArgumentError
        engine = create_async_engine(
            url,
            connect_args=_connect_arguments(drivername),
            pool_pre_ping=drivername == DRIVERS["postgresql"],  # so that a restart of the server fails nobody's request
            hide_parameters=True,  # of statements in errors: passwords are among them
            json_serializer=as_json,
            json_deserializer=msgspec.json.decode,
        )
    except (SQLAlchemyError, ValueError):
        raise ConfigError("store", "url", "is no URL of a database we know", ACCEPTED_URL) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin)
    else:
        event.listen(engine.sync_engine, "handle_error", _blame_the_server, retval=True)
    return engine


async def write_alone(connection: AsyncConnection) -> None:
    """Until the end of this transaction no other program changes what is configured. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"))


def last_written(engine: AsyncEngine) -> tuple[tuple[int, int], ...] | None:
    """When somebody last wrote to the files of the database, and how large they are. None where that says nothing:
    a server's, or files written to so lately that the next write could bear the same date."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path:
        return None
    stats = []
    for name in (path, f"{path}-wal"):
        with contextlib.suppress(OSError):
            stats.append(Path(name).stat())
    if not stats or max(found.st_mtime for found in stats) > time.time() - SETTLED_S:
        return None
    return tuple((found.st_mtime_ns, found.st_size) for found in stats)


@contextlib.asynccontextmanager
async def opening(engine: AsyncEngine) -> AsyncIterator[None]:
    """Makes one sentence, a `ConfigError`, of whatever a database says that can't be used, and lets go of it."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        await engine.dispose()
        raise _unusable(engine, error) from None
    except StoreError as error:
        await engine.dispose()
        raise ConfigError(_name(engine), error.field, f"has something there that can't be: {error.message}") from None
    except BaseException:
        await engine.dispose()
        raise


@contextlib.contextmanager
def answering(engine: AsyncEngine) -> Iterator[None]:
    """For what can't go on without the database: whatever it says against what it is asked is a `ConfigError`."""
    try:
        yield
    except (SQLAlchemyError, ConnectionError) as error:
        raise _unusable(engine, error) from None


def _unusable(engine: AsyncEngine, error: Exception) -> ConfigError:
    return ConfigError(_name(engine), "", f"can't be used as the database: {told(error)}")


def _name(engine: AsyncEngine) -> str:
    """Its file, or its URL without the password."""
    is_file = engine.dialect.name == "sqlite"
    return str(engine.url.database) if is_file else engine.url.render_as_string(hide_password=True)


def _connect_arguments(drivername: str) -> dict[str, Any]:
    """A list is planned for its very values: for any prefix whatever PostgreSQL would read the whole table."""
    if drivername == DRIVERS["sqlite"]:
        return {}
    settings = {"plan_cache_mode": "force_custom_plan", "jit": "off"}
    return {"server_settings": settings, "timeout": CONNECT_TIMEOUT_S, "async_creator_fn": _connected}


async def _connected(*where: Any, **how: Any) -> Any:
    """A connection of asyncpg. Raises `ConnectionError`, whatever it was that stood in its way."""
    import asyncpg

    try:
        return await asyncpg.connect(*where, **how)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


def _blame_the_server(context: ExceptionContext) -> BaseException | None:
    """A server that shuts down, is full or busy says so in an error like any other: here it is an `OperationalError`,
    so that nobody takes it for a refusal of his row."""
    error = context.original_exception
    state = getattr(error, "sqlstate", None) or ""
    if not context.is_disconnect and (not state or state[:2] in OF_THE_ROW):
        return None
    return OperationalError(None, None, error, connection_invalidated=context.is_disconnect)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Any) -> None:
    """A writer says so at once: two that begin by reading could not both go on."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


# ---- the schema


async def _bring_up(connection: AsyncConnection) -> None:
    await write_alone(connection)
    version = await connection.run_sync(_version)
    if version == VERSIONS[-1]:
        return
    where = connection.engine.url.render_as_string(hide_password=True)
    if version is not None and version not in VERSIONS:
        newest = f"this program knows versions up to {VERSIONS[-1]}"
        raise ConfigError(where, "", f"was written by a newer softswitch (schema {version}; {newest})")
    await connection.run_sync(migrate)


def _version(connection: Connection) -> str | None:
    """The version of the schema; None where there is no table at all. Raises `ConfigError` for another program's."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608
    if tables:
        where = connection.engine.url.render_as_string(hide_password=True)
        raise ConfigError(where, "", f"is the database of another program (it has a table {tables[0]})")
    return None


def migrate(connection: Connection, to: str = "head") -> None:
    """Runs the migrations on a connection, in its transaction. Only here Alembic is needed, so only here imported."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
