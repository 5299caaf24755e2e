"""The database goes away and comes back: who asks meanwhile is told so, and nothing that was taken is lost."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError

from softswitch.api.app import create_api
from softswitch.api.context import ApiContext
from softswitch.records.importing import Importer
from softswitch.settings import Settings
from softswitch.store import AWAY, Store
from softswitch.store.database import FILE
from tests.api.conftest import Api
from tests.store.postgres import Server, new_database, own_server
from tests.store.records import columns_and_rows

pytestmark = pytest.mark.real_time

GROUPS = "/core/v2/trunk_groups"
IMPATIENT = "PRAGMA busy_timeout=20"


@pytest.fixture
def impatient(api: Api) -> Api:
    """Waits for the lock of SQLite no longer than a test can."""
    engine = api.context.store._engine.sync_engine
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(IMPATIENT), insert=True)
    return api


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """By another program, for writing."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_a_database_that_another_locks_is_503_for_who_writes_and_read_all_the_same(
    impatient: Api, tmp_path: Path
) -> None:
    client: httpx.AsyncClient = impatient.client
    made = (await client.post(GROUPS, json={"name": "before"})).json()
    address = f"{GROUPS}/{made['trunk_group_sid']}"
    with locked(tmp_path / FILE):
        for answer in (
            await client.post(GROUPS, json={"name": "meanwhile"}),
            await client.patch(address, json={"name": "meanwhile"}),
            await client.delete(address),
        ):
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            assert answer.json() == {"errors": [{"field": "", "message": "the store does not answer now"}]}
        assert (await client.get(address)).json()["name"] == "before"
    assert (await client.patch(address, json={"name": "after"})).json()["name"] == "after"
    assert [group.name for group in impatient.context.store.plan.numbers.trunk_groups] == ["after"]


async def test_a_stranger_is_told_nothing_but_that_the_store_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def list_(*_: Any, **__: Any) -> None:
        raise OperationalError(None, None, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(api.context.store, "list", list_)
    for client in (api.with_token("sw_never_seen"), api.with_login("some", "body")):
        for path in ("/core/v2/endpoints", "/conference/v2/accounts"):
            answer = await client.get(path)
            assert answer.status_code in (401, 503)
            assert "disk" not in answer.text
    assert (await api.with_token("sw_never_seen").get(GROUPS)).status_code == 503


@pytest.fixture
def postgres_of_its_own() -> Iterator[Server]:
    with own_server() as one:
        yield one


@pytest.fixture
async def store(postgres_of_its_own: Server, tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(await new_database(postgres_of_its_own.base), tmp_path)
    yield store
    await store.close()


@pytest.mark.peer("postgres")
async def test_a_server_that_is_started_again_fails_no_request_after_it(
    postgres_of_its_own: Server, store: Store, tmp_path: Path
) -> None:
    """Connections from before the restart lay in the pool, and the first requests after it got them."""
    context = ApiContext.of(store, Settings.model_validate({"data": {"directory": str(tmp_path)}}))
    secret = await context.tokens.create_first()
    app = await asyncio.to_thread(create_api, context)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://switch", headers=headers) as api:
        assert {(await api.get(GROUPS)).status_code for _ in range(3)} == {200}
        await asyncio.gather(*(api.get(GROUPS) for _ in range(5)))
        await asyncio.to_thread(postgres_of_its_own.stop, "fast")
        assert (await api.get(GROUPS)).status_code == 503
        assert (await api.post(GROUPS, json={"name": "lost"})).status_code == 503
        await asyncio.to_thread(postgres_of_its_own.start)
        answers = await asyncio.gather(*(api.get(GROUPS) for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert (await api.post(GROUPS, json={"name": "kept"})).status_code == 200
    assert [group.name for group in store.plan.numbers.trunk_groups] == ["kept"]


@pytest.mark.peer("postgres")
async def test_a_server_that_is_going_down_or_coming_up_refuses_no_record_for_ever(
    postgres_of_its_own: Server, store: Store, tmp_path: Path
) -> None:
    """It says "is shutting down" in an error like that for a bad value: records were set aside as if they were bad."""
    importer = Importer(store, tmp_path, lambda: 0.0)
    problems: list[BaseException] = []
    is_over = asyncio.Event()

    async def write() -> None:
        while not is_over.is_set():
            row = {"dr_sid": str(len(problems)), "date_start": "2026", "date_stop": "2026", "sipcause": 200}
            try:
                await importer._add("call_drs", *columns_and_rows([row]))
            except (OSError, DBAPIError) as error:
                problems.append(error)
            await asyncio.sleep(0)

    writing = [asyncio.create_task(write()) for _ in range(3)]
    for mode in ("fast", "immediate"):
        await asyncio.to_thread(postgres_of_its_own.stop, mode)
        await asyncio.to_thread(postgres_of_its_own.start)
    is_over.set()
    await asyncio.gather(*writing)
    assert problems
    assert all(isinstance(problem, AWAY) for problem in problems)
    assert importer.refused == 0


def test_a_password_in_a_statement_is_in_no_error(tmp_path: Path) -> None:
    async def ask() -> str:
        store = await Store.open("", tmp_path)
        try:
            async with store._engine.connect() as connection:
                with pytest.raises(OperationalError) as failed:
                    await connection.exec_driver_sql("SELECT nothing WHERE ? = 1", ("hunter2",))
        finally:
            await store.close()
        return str(failed.value)

    assert "hunter2" not in asyncio.run(ask())
