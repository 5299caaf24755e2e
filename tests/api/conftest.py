"""The API over HTTP without a socket: the whole application, an SQLite store of its own, an admin's token."""

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

DECLARED = Declared()


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


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    store = await Store.open("", tmp_path)
    settings = Settings.model_validate({"data": {"directory": str(tmp_path)}})
    context = ApiContext.of(store, settings)
    secret = await context.tokens.create_first()
    app = await asyncio.to_thread(create_api, context)
    admin, stranger = _client(app, {"Authorization": f"Bearer {secret}"}), _client(app, {})
    for client in (admin, stranger):
        await DECLARED.ask(client)
    yield Api(context, app, admin, stranger)
    await store.close()


def _client(app: ASGIApp, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://switch", headers=headers)
