"""Records for others: CSV and JSON lines out of a real database."""

import csv
import io
import json
from pathlib import Path

import pytest

from softswitch.call.cdr import CallRecord, columns, date, row
from softswitch.records.export import export
from softswitch.store import Store
from tests.store.blank import open_blank

FIRST = 1_800_000_000


async def filled(folder: Path, count: int) -> Store:
    store = await open_blank(folder)
    rows = [
        row(
            CallRecord(
                dr_sid=f"{number:08}-0000-4000-8000-000000000000",
                call_id=f"{number:08}",
                date_start=date(FIRST + number),
                date_stop=date(FIRST + number + 1),
                number_src='say "hi", he said\n',
                quality={"src": {"mos": 4.3}},
            ),
            date(FIRST + number + 2),
        )
        for number in range(count)
    ]
    await store.add_records("call_drs", columns(CallRecord), rows)
    return store


@pytest.mark.real_time
async def test_csv_has_a_header_and_every_record_once_in_order(tmp_path: Path) -> None:
    store = await filled(tmp_path, 2500)
    out = io.StringIO(newline="")
    assert await export(store, out, "call_drs", "csv") == 2500
    await store.close()
    out.seek(0)
    rows = list(csv.DictReader(out))
    assert [found["call_id"] for found in rows] == [f"{number:08}" for number in range(2500)]
    assert rows[0]["number_src"] == 'say "hi", he said\n'
    assert (json.loads(rows[0]["quality"]), rows[0]["price"]) == ({"src": {"mos": 4.3}}, "")


@pytest.mark.real_time
async def test_json_lines_between_two_dates(tmp_path: Path) -> None:
    store = await filled(tmp_path, 10)
    out = io.StringIO()
    await export(store, out, "call_drs", "jsonl", since=date(FIRST + 3), until=date(FIRST + 6))
    await store.close()
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [record["call_id"] for record in found] == ["00000002", "00000003", "00000004"]
    assert found[0]["quality"] == {"src": {"mos": 4.3}}


@pytest.mark.real_time
async def test_nothing_to_export_is_an_empty_file(tmp_path: Path) -> None:
    store = await filled(tmp_path, 0)
    out = io.StringIO()
    assert await export(store, out, "conference_calls", "csv") == 0
    await store.close()
    assert out.getvalue() == ""
