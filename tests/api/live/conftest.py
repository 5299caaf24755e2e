"""The house of every test in here, and what its clock waits for: the database's thread, requests on real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import httpx
import pytest

from tests.api.live.house import House, house
from tests.virtual_time import wait_for


def _is_real(client: httpx.AsyncClient) -> bool:
    return isinstance(client._transport, httpx.AsyncHTTPTransport)


@pytest.fixture(autouse=True)
def others_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for(monkeypatch, aiosqlite.Connection, "_execute", when=lambda connection: True)
    wait_for(monkeypatch, httpx.AsyncClient, "send", when=_is_real)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home
