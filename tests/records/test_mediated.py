"""Records of mediated calls: through the journal, also for a switch that is killed, and the callback at the end."""

from pathlib import Path
from typing import Any

from softswitch.call import Events
from softswitch.call.cdr import CallRecord
from softswitch.callbacks import Callbacks, Reports
from softswitch.callbacks.bodies import Owners
from softswitch.endpoints.mediator import DialoutFailed, MediatorRecord
from softswitch.records.lines import Closed, DialoutClosed, Mediating, Opened, encode, read
from tests.records.test_records import Shelf, records_in

START = "2026-11-23T12:00:00.000Z"


def mediated(dr_sid: str = "a", **values: Any) -> MediatorRecord:
    names = {"event_type": "binding", "reference_sid": "b1", "date_start": START, "number_src": "1", **values}
    return MediatorRecord(dr_sid=dr_sid, **names)


async def test_a_mediated_call_that_a_kill_has_cut_off_is_closed_at_the_next_start(tmp_path: Path) -> None:
    shelf = Shelf()
    before = records_in(tmp_path, shelf)
    await before.open()
    for line in (
        Opened(CallRecord(dr_sid="a", call_id="a", date_start=START)),
        Mediating(mediated()),
        Mediating(mediated(stage="talk", date_talk="2026-11-23T12:00:05.000Z")),
    ):
        before.journal.write(encode(line))
    before.journal.close().release()
    after = records_in(tmp_path, shelf)
    assert await after.open() == 1
    await after.close()
    (row,) = shelf.rows["mediator_calls"].values()
    assert (row["dr_sid"], row["stage"], row["date_talk"]) == ("a", "talk", "2026-11-23T12:00:05.000Z")
    assert (row["q850_cause"], row["disconnect_reason"]) == (41, "The switch was restarted")
    assert row["date_stop"] >= START


async def test_a_dialout_that_called_nobody_is_recorded_once(tmp_path: Path) -> None:
    shelf = Shelf()
    records = records_in(tmp_path, shelf)
    await records.open()
    told: list[MediatorRecord] = []
    records.on_mediated = told.append
    records.on_event(DialoutFailed(mediated("d", event_type="dialout", date_stop=START, sipcause=487)))
    await records.flush()
    await records.flush()
    await records.close()
    (row,) = shelf.rows["mediator_calls"].values()
    assert (row["event_type"], row["sipcause"], row["partner_sid"]) == ("dialout", 487, "us")
    assert [record.dr_sid for record in told] == ["d"]
    assert shelf.calls == []


def test_what_ends_a_mediation_is_among_what_is_imported(tmp_path: Path) -> None:
    call = CallRecord(dr_sid="a", call_id="a", date_start=START)
    lines = (Mediating(mediated("x")), Closed(call, [], mediated()), DialoutClosed(mediated("d")))
    path = tmp_path / "segment"
    path.write_bytes(b"".join(map(encode, lines)))
    story = read([_Segment(path)], only_closed=True)  # type: ignore[list-item]
    assert set(story.closed) == {"a", "d"}
    assert story.mediated == {}


class _Segment:
    def __init__(self, path: Path) -> None:
        self.path = path


async def test_the_callback_carries_the_record(tmp_path: Path) -> None:
    callbacks = Callbacks(Shelf(), Events())  # type: ignore[arg-type]
    owners = Owners(lambda _: None, lambda _: None, "us")
    reports = Reports(callbacks, lambda name: "http://receiver.test/" if name == "app_mediator" else None, owners)
    reports.on_mediated(mediated(attributes={"order": "4711"}))
    assert callbacks.queued == 1
