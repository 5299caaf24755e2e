"""The API over HTTP without a socket: the whole application, a store of its own, an admin's token."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from softswitch.api.app import create_api
from softswitch.api.context import ApiContext
from softswitch.settings import Settings
from softswitch.store import Store
from tests.api.declared import Declared
from tests.store.blank import open_blank
from tests.store.conftest import migrated_database, postgres
from tests.store.postgres import drop_database

__all__ = ["postgres"]

DECLARED = Declared()

WITH_EACH_DATABASE = frozenset({"test_conference", "test_lists", "test_storage", "test_trunk_groups"})
SQLITE = "sqlite"
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.peer("postgres"))


@dataclass(frozen=True)
class Api:
    """`client` carries an admin's token; `stranger` carries nothing."""

    context: ApiContext
    app: ASGIApp
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient

    def with_token(self, secret: str) -> httpx.AsyncClient:
        return _client(self.app, {"Authorization": f"Bearer {secret}"})

    def with_login(self, login: str, password: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://switch", auth=httpx.BasicAuth(login, password)
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What asks the database is tried with both. These modules are real_time: a server knows no virtual time."""
    if "api" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in WITH_EACH_DATABASE:
        metafunc.parametrize("api", [SQLITE, POSTGRESQL], indirect=True)


@pytest.fixture
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    url = await migrated_database(request.getfixturevalue("postgres")) if _wants_postgres(request) else ""
    store = await Store.open(url, tmp_path) if url else await open_blank(tmp_path)
    settings = Settings.model_validate({"data": {"directory": str(tmp_path)}})
    context = ApiContext.of(store, settings)
    secret = await context.tokens.create_first()
    app = await asyncio.to_thread(create_api, context)
    admin, stranger = _client(app, {"Authorization": f"Bearer {secret}"}), _client(app, {})
    for client in (admin, stranger):
        await DECLARED.ask(client)
    yield Api(context, app, admin, stranger)
    await store.close()
    if url:
        await drop_database(url)


def _wants_postgres(request: pytest.FixtureRequest) -> bool:
    return getattr(request, "param", SQLITE) != SQLITE


def _client(app: ASGIApp, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://switch", headers=headers)
