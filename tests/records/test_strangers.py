"""A scan does not fill the store; calls of known senders all leave their record."""

import asyncio
from pathlib import Path

import pytest

from softswitch.records import Strangers
from tests.records.test_records import recorded
from tests.test_switch import STRANGER


def test_so_many_of_a_source_and_so_many_in_all_are_recorded_each_minute() -> None:
    strangers = Strangers(per_source=2, in_all=3)
    assert [strangers.may_leave_a_record("a", 0.0) for _ in range(3)] == [True, True, False]
    assert [strangers.may_leave_a_record("b", 1.0) for _ in range(2)] == [True, False]
    assert strangers.may_leave_a_record("c", 59.0) is False
    assert strangers.left_out == 3
    assert strangers.may_leave_a_record("a", 60.0) is True


def test_made_up_sources_cost_no_memory() -> None:
    strangers = Strangers(per_source=10, in_all=100)
    for n in range(10_000):
        strangers.may_leave_a_record(f"10.0.{n // 256}.{n % 256}", 0.0)
    assert (len(strangers._left), strangers.left_out) == (100, 9_900)


@pytest.mark.parametrize(("per_source", "recorded_calls"), [(0, 0), (2, 2), (10, 5)])
async def test_a_scan_leaves_few_records_and_known_senders_all_of_theirs(
    tmp_path: Path, per_source: int, recorded_calls: int
) -> None:
    async with recorded(tmp_path) as (it, records, shelf):
        records.strangers = Strangers(per_source, 100)
        for _ in range(5):
            assert (await it.dial(host=STRANGER).ended()).status == 403
        for _ in range(3):
            caller = await it.dial().answered()
            caller.session.hang_up()
            await caller.ended()
        await asyncio.sleep(5)
        statuses = sorted(row["sipcause"] for row in shelf.calls)
        assert statuses == [200] * 3 + [403] * recorded_calls
        assert records.strangers.left_out == 5 - recorded_calls
        assert it.switch.refused["unknown_sender"] == 5
