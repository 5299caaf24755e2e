"""What is too old is forgotten, in both databases, a few rows at a time; what is not stays."""

import asyncio
from pathlib import Path

import pytest

from softswitch.call import CallAnswered
from softswitch.ladder import Ladder
from softswitch.records import Retention
from softswitch.records.retention import ROWS_AT_ONCE
from softswitch.settings import RecordSettings
from softswitch.store import ListQuery, Store
from tests.store.conftest import postgres, url
from tests.store.records import columns_and_rows

__all__ = ["postgres", "url"]

pytestmark = pytest.mark.real_time

NOW = 1_800_000_000.0
OLD, YOUNG = "2027-01-05T08:00:00.000Z", "2027-01-15T07:00:00.000Z"
"""Ten days and an hour before NOW, which is 2027-01-15T08:00:00Z."""


@pytest.fixture
async def store(url: str, tmp_path: Path) -> Store:
    store = await Store.open(url, tmp_path)
    rows = [{"dr_sid": f"{date}-{n}", "date_start": date, "date_stop": date} for date in (OLD, YOUNG) for n in range(3)]
    await store.add_records("call_drs", *columns_and_rows(rows))
    stays = [{"call_sid": row["dr_sid"], **row} for row in rows]
    await store.add_records("conference_calls", *columns_and_rows(stays))
    for date in (OLD, YOUNG):
        await store.create("callbacks_dead", {"event": "call_dr", "url": "http://x", "date_created": date})
    return store


async def kept(store: Store) -> tuple[int, ...]:
    """How many records of calls, of attendances, and dead letters there are."""
    pages = [await store.list(kind, ListQuery(limit=1)) for kind in ("call_drs", "conference_calls", "callbacks_dead")]
    return tuple(page.total or 0 for page in pages)


@pytest.mark.parametrize(
    ("days", "letters", "left"),
    [(0, 0, (6, 6, 2)), (7, 0, (3, 3, 2)), (0, 7, (6, 6, 1)), (11, 11, (6, 6, 2)), (7, 7, (3, 3, 1))],
)
async def test_what_is_older_than_is_wanted_is_removed(
    store: Store, days: int, letters: int, left: tuple[int, ...]
) -> None:
    wanted = RecordSettings(keep_days=days, keep_dead_letters_days=letters)
    retention = Retention(store, lambda: wanted, lambda _: None, wall_clock=lambda: NOW)
    await retention.forget()
    assert await kept(store) == left
    assert retention.forgotten == 14 - sum(left)
    await store.close()


async def test_no_transaction_removes_more_than_a_few_rows(store: Store) -> None:
    assert await store.forget("call_drs", "date_stop", "2027-01-08", 2) == 2
    assert await store.forget("call_drs", "date_stop", "2027-01-08", 2) == 1
    assert await store.forget("call_drs", "date_stop", "2027-01-08", 2) == 0
    assert ROWS_AT_ONCE <= 1000
    await store.close()


def test_the_ladder_forgets_too() -> None:
    now = 1000.0
    ladder = Ladder(10, clock=lambda: now, wall_clock=lambda: NOW + now)
    ladder.on_event(CallAnswered("1", now, 1.0))
    now = 2000.0
    ladder.on_event(CallAnswered("2", now, 1.0))
    ladder.forget(NOW + 1500)
    assert len(ladder) == 1


async def test_a_store_out_of_reach_is_asked_again_and_ends_nothing() -> None:
    class Unreachable:
        async def forget(self, resource: str, column: str, before: str, at_most: int) -> int:
            raise OSError("no route")

    retention = Retention(Unreachable(), lambda: RecordSettings(keep_days=1), lambda _: None)
    running = asyncio.create_task(retention.run())
    await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
