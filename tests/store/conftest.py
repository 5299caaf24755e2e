"""A store in each of the two databases; a test that takes `store` runs once with SQLite and once with PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from softswitch.store import Store
from tests.store.postgres import new_database, server

DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres")))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The beginning of the URL of a server that runs."""
    with server() as base:
        yield base


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    return await new_database(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(url, tmp_path)
    yield store
    await store.close()
