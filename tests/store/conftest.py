"""A store in each of the two databases; a test that takes `store` runs once with SQLite and once with PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from softswitch.store import Store
from tests.store.blank import write_blank
from tests.store.postgres import drop_database, new_database, server

TEMPLATE = "migrated"
DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres")))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The beginning of the URL of a server that runs."""
    with server() as base:
        yield base


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without objects."""
    if request.param == "sqlite":
        write_blank(tmp_path / "test.db")
        yield f"sqlite:///{tmp_path}/test.db"
    else:
        url = await migrated_database(request.getfixturevalue("postgres"))
        yield url
        await drop_database(url)


async def migrated_database(base: str) -> str:
    """A copy of one that was migrated: migrations once a session, not once a test."""
    try:
        return await new_database(base, TEMPLATE)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(base + "postgres")
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        await connection.close()
        store = await Store.open(base + TEMPLATE, Path())
        await store.close()
        return await new_database(base, TEMPLATE)


@pytest.fixture(params=DATABASES)
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database in which nothing is, not even tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        url = await new_database(request.getfixturevalue("postgres"))
        yield url
        await drop_database(url)


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(url, tmp_path)
    yield store
    await store.close()
