"""Records of real calls: on a switch with a real stack and engine, told to a journal, imported into a store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from softswitch.call import Call, Outcome
from softswitch.call.cdr import CallRecord, date
from softswitch.call.sids import Sids
from softswitch.endpoints.conference import AttendeeChanged, MeetingMoved
from softswitch.errors import CallRejected
from softswitch.plan import ConferenceEndpoint, Plan
from softswitch.plan.objects import with_sid
from softswitch.records import Records
from softswitch.records.lines import Closed, Opened, encode
from softswitch.records.records import GATHERED_S
from softswitch.sip import Address, Uri
from softswitch.sip.digest import Credentials
from tests.routing.plans import CONFERENCE, plan_of
from tests.store.records import by_column
from tests.test_switch import CARRIER, DID, NUMBER, PSTN, STRANGER, TRUNK, Board, Run, board, talk

NOON = 1_800_000_000.0
ROOM = '\n[[endpoints.meeting_rooms]]\nname = "standup"\n'


class Shelf:
    """Keeps rows by sid, as a database does; `down` makes it refuse."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {"call_drs": {}, "conference_calls": {}, "mediator_calls": {}}
        self.down = False
        self.batches = 0

    async def add_records(self, resource: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if self.down:
            raise ConnectionRefusedError("no database")
        self.batches += 1
        for row in by_column(columns, rows):
            self.rows[resource].setdefault(row.get("call_sid") or row["dr_sid"], row)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return list(self.rows["call_drs"].values())

    @property
    def attendances(self) -> list[dict[str, Any]]:
        return list(self.rows["conference_calls"].values())


def named(plan: Plan) -> Sids:
    """The plan as a store gives it: every object has a sid, here a word that says whose."""
    for group in plan.numbers.trunk_groups:
        with_sid(group, f"group {group.name}")
        for trunk in group.trunks:
            with_sid(trunk, f"trunk {trunk.name}")
    for endpoint in plan.numbers.endpoints:
        with_sid(endpoint, f"endpoint {endpoint.name}")
        for room in endpoint.meeting_rooms if isinstance(endpoint, ConferenceEndpoint) else ():
            with_sid(room, f"room {room.name}")
    return Sids(plan, partner="us", system_gateway="the PSTN")


def records_in(folder: Path, shelf: Shelf, plan: Plan | None = None) -> Records:
    loop = asyncio.get_running_loop()
    return Records(
        folder,
        shelf,
        sids=named(plan or Plan()),
        quality_of=lambda call: None,
        clock=loop.time,
        wall_clock=lambda: NOON + loop.time(),
    )


@asynccontextmanager
async def recorded(
    folder: Path, run: Run = talk, plan: str = PSTN + DID
) -> AsyncIterator[tuple[Board, Records, Shelf]]:
    """A switch whose calls are recorded. The records are closed, as at the end of the program, before the switch."""
    shelf = Shelf()
    async with board(folder, run, plan) as it:
        numbers = plan_of(folder, CONFERENCE + plan)
        records = records_in(folder, shelf, numbers)
        it.switch.adopt(numbers)
        await records.open()
        it.switch.on_started, it.switch.on_ended = records.on_started, records.on_ended
        it.switch.events.subscribe(records.on_event)
        importing = asyncio.create_task(records.run())
        yield it, records, shelf
        importing.cancel()
        it.stop.set()
        await it.serving
        await records.close()
        assert list((folder / "journal").iterdir()) == [], "a journal that was imported is empty"


async def test_an_answered_call_leaves_one_record_with_all_that_is_known(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        started_at = asyncio.get_running_loop().time()
        caller = await it.dial().answered()
        await asyncio.sleep(90)
        caller.session.hang_up()
        await caller.ended()
        await asyncio.sleep(5)
        (row,) = shelf.calls
        assert row["dr_sid"].startswith(row["call_id"])
        assert (row["number_src"], row["number_dst"], row["number_billing"]) == ("13105550199", NUMBER, NUMBER)
        assert (row["ip_src"], row["codec_src"], row["direction"]) == (CARRIER, "PCMU", "inbound")
        assert row["sipcallid_src"] == caller.session.call_id
        assert row["trunk_group_sid_src"] == "group pstn"
        assert (row["endpoint_sid_src"], row["endpoint_sid_dst"]) == (
            "the PSTN",
            "endpoint conference",
        )
        assert (row["sipcause"], row["q850_cause"], row["disconnect_originator"]) == (200, 16, "SRC")
        assert row["duration"] == pytest.approx(90, abs=1)
        assert row["duration_billing"] == 120
        assert row["date_start"] == date(NOON + started_at)
        assert row["date_start"] <= row["date_talk"] < row["date_stop"] <= row["date_insert"]
        assert row["price"] is row["cic"] is row["stir_attest"] is None


async def test_what_the_caller_says_of_himself_is_kept_as_it_came(tmp_path: Path) -> None:
    headers = {
        "P-Asserted-Identity": "<sip:13105550123@10.0.0.2>",
        "Diversion": "<sip:13105550100@10.0.0.2>;reason=no-answer",
        "Identity": "eyJhbGciOiJFUzI1NiJ9..x;info=<https://cert.example>",
    }
    async with recorded(tmp_path) as (it, _records, shelf):
        session = it.stacks[CARRIER].invite(
            Uri.parse(f"sip:{NUMBER}@10.0.0.1"),
            from_=Address(Uri.parse("sip:13105550199@10.0.0.2")),
            headers=headers.items(),
            on_event=lambda event: None,
        )
        await asyncio.sleep(1)
        session.hang_up()
        await asyncio.sleep(5)
        (row,) = shelf.calls
        assert (row["identity"], row["diversion_src"], row["stir_identity"]) == tuple(headers.values())
        assert (row["number_src"], row["number_src_original"]) == ("13105550123", "13105550199")


async def test_a_refused_call_has_its_record_too(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        await it.dial("19005550100").ended()
        await it.dial(host=STRANGER).ended()
        await asyncio.sleep(5)
        not_found, forbidden = shelf.calls
        assert (not_found["sipcause"], not_found["q850_cause"], not_found["trunk_group_sid_src"]) == (
            404,
            1,
            "group pstn",
        )
        assert (forbidden["sipcause"], forbidden["ip_src"], forbidden["trunk_group_sid_src"]) == (403, STRANGER, None)
        assert (not_found["date_talk"], not_found["duration"], not_found["duration_billing"]) == (None, 0, 0)


async def test_a_challenge_and_the_call_that_follows_are_one_attempt(tmp_path: Path) -> None:
    async with recorded(tmp_path, plan=TRUNK + DID) as (it, _records, shelf):
        caller = await it.dial(credentials=Credentials("acme", "secret")).answered()
        caller.session.hang_up()
        await it.dial(credentials=Credentials("acme", "wrong")).ended()
        await asyncio.sleep(5)
        assert [row["sipcause"] for row in shelf.calls] == [200, 401]
        assert shelf.calls[0]["trunk_sid_src"] == "trunk gateway"


async def test_calls_that_are_up_when_the_switch_stops_are_recorded(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        await it.dial().answered()
    (row,) = shelf.calls
    assert (row["sipcause"], row["q850_cause"], row["disconnect_originator"]) == (200, 41, "DST")


async def attend(call: Call) -> Outcome:
    """As the conference does it: two meetings, one after another."""
    await call.caller.answer()
    loop = asyncio.get_running_loop()
    for meeting, room in (("m1", "standup"), ("m2", "review")):
        call.events.publish(MeetingMoved(meeting, room, loop.time(), "", "open", ""))
        call.events.publish(AttendeeChanged(meeting, call.id, loop.time(), "entered", "participant"))
        await asyncio.sleep(10)
        call.events.publish(AttendeeChanged(meeting, call.id, loop.time(), "role", "host"))
        call.events.publish(AttendeeChanged(meeting, call.id, loop.time(), "name", f"Ada in {room}"))
        await asyncio.sleep(20)
        call.events.publish(AttendeeChanged(meeting, call.id, loop.time(), "left", "host"))
        call.events.publish(MeetingMoved(meeting, room, loop.time(), "open", "ended", ""))
    return Outcome.released("removed by a host")


async def test_each_attendance_has_a_record_of_its_own(tmp_path: Path) -> None:
    async with recorded(tmp_path, attend, ROOM + PSTN + DID) as (it, _records, shelf):
        await it.dial().ended()
        await asyncio.sleep(5)
        (call,) = shelf.calls
        first, second = shelf.attendances
        assert (first["call_sid"], first["dr_sid"], second["dr_sid"]) == (call["dr_sid"],) * 3
        assert (first["meeting_sid"], first["meeting_room_sid"]) == ("m1", "room standup")
        assert (first["role"], first["custom_name"]) == ("host", "Ada in standup")
        assert (first["duration_meeting"], second["duration_meeting"]) == (
            pytest.approx(30, abs=0.1),
            pytest.approx(30, abs=0.1),
        )
        assert first["date_disconnected"] < first["date_stop"] == call["date_stop"]
        assert (second["disconnect_cause"], second["disconnect_originator"]) == (16, "dst")
        assert second["disconnect_reason"] == "removed by a host"
        assert first["address_dst"] == "sip:12025550101@10.0.0.1"


async def test_what_was_alive_when_the_process_died_is_closed_once_with_cause_41(tmp_path: Path) -> None:
    shelf = Shelf()
    async with board(tmp_path, attend) as it:
        died = records_in(tmp_path, shelf)
        await died.open()
        it.switch.on_started = died.on_started  # and no end is ever written
        it.switch.events.subscribe(died.on_event)
        await it.dial().answered()
        await asyncio.sleep(5)
        died.journal.close().release()

        successor = records_in(tmp_path, shelf)
        assert await successor.open() == 1
        await successor.flush()
        again = records_in(tmp_path, shelf)
        assert await again.open() == 0
        await successor.close()
        await again.close()
    (call,), (attendance,) = shelf.calls, shelf.attendances
    assert (call["sipcause"], call["q850_cause"], call["disconnect_reason"]) == (200, 41, "The switch was restarted")
    assert call["date_talk"] is not None
    assert (attendance["dr_sid"], attendance["disconnect_cause"]) == (call["dr_sid"], 41)


async def test_a_kill_between_import_and_removal_of_the_segment_makes_no_record_double(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        await it.dial("19005550100").ended()
        await asyncio.sleep(2 * GATHERED_S)
        kept = segment_of(tmp_path).read_bytes()
        await asyncio.sleep(5)
        assert len(shelf.calls) == 1
        (tmp_path / "journal" / "00000000000000000001-1.jsonl").write_bytes(kept)
        successor = records_in(tmp_path, shelf)
        await successor.open()
        await successor.close()
        assert len(shelf.calls) == 1


async def test_a_call_that_outlives_many_segments_is_still_recovered(tmp_path: Path) -> None:
    shelf = Shelf()
    async with board(tmp_path) as it:
        died = records_in(tmp_path, shelf)
        await died.open()
        it.switch.on_started, it.switch.on_ended = died.on_started, died.on_ended
        await it.dial().answered()
        for _ in range(3):
            await it.dial("19005550100").ended()
            await died.flush()
        died.journal.close().release()
        assert len(shelf.calls) == 3
        successor = records_in(tmp_path, shelf)
        assert await successor.open() == 1
        await successor.close()
        it.switch.on_ended = lambda call: None
    assert sorted(row["sipcause"] for row in shelf.calls) == [404, 404, 404, 503]


async def test_while_the_store_is_down_calls_go_on_and_nothing_is_lost(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, records, shelf):
        shelf.down = True
        for _ in range(5):
            await it.dial("19005550100").ended()
            await asyncio.sleep(10)
        assert (shelf.calls, records.segments) == ([], 1)
        shelf.down = False
        await asyncio.sleep(120)
        assert len(shelf.calls) == 5


async def test_what_this_process_has_journalled_is_imported_without_being_read_back(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        shelf.down = True
        await it.dial("19005550100").ended()
        await asyncio.sleep(5)
        segment, _open_one = sorted((tmp_path / "journal").glob("*.jsonl"))
        segment.write_bytes(b"")
        shelf.down = False
        await asyncio.sleep(60)
        assert len(shelf.calls) == 1


async def test_what_is_too_much_to_remember_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.records.records.REMEMBERED_AT_MOST", 2)
    async with recorded(tmp_path) as (it, records, shelf):
        for _ in range(4):
            await it.dial("19005550100").ended()
        await records.flush()
        assert len(shelf.calls) == 4


async def test_a_kill_before_the_slate_is_wiped_makes_no_record_double(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, shelf):
        caller = await it.dial().answered()
        (slate,) = (tmp_path / "journal").glob("*.slate")
        kept = slate.read_bytes()
        assert kept.strip()
        caller.session.hang_up()
        await asyncio.sleep(5)
        assert len(shelf.calls) == 1
        (tmp_path / "journal" / "00000000000000000001-1.slate").write_bytes(kept)
        successor = records_in(tmp_path, shelf)
        assert await successor.open() == 1
        await successor.close()
        (call,) = shelf.calls
        assert call["q850_cause"] == 16


async def test_an_answer_and_a_refusal_are_safe_before_the_caller_hears_of_them(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (it, _records, _shelf):
        await it.dial().answered()
        (line,) = journalled(tmp_path)
        assert line["type"] == "opened"
        assert line["call"]["date_talk"] is not None
        await it.dial("19005550100").ended()
        assert journalled(tmp_path)[-1]["type"] == "closed"


async def test_a_call_that_has_rung_for_a_while_is_in_the_journal_and_its_answer_follows(tmp_path: Path) -> None:
    async def ring_first(call: Call) -> Outcome:
        call.caller.ring()
        await asyncio.sleep(2 * GATHERED_S)
        return await talk(call)

    async with recorded(tmp_path, ring_first) as (it, _records, _shelf):
        ringing = it.dial()
        await asyncio.sleep(1.5 * GATHERED_S)
        assert [line["type"] for line in journalled(tmp_path)] == ["opened"]
        await ringing.answered()
        assert [line["type"] for line in journalled(tmp_path)] == ["opened", "talks"]


async def test_a_call_that_its_endpoint_refuses_at_once_has_been_opened_all_the_same(tmp_path: Path) -> None:
    async def refuse(call: Call) -> Outcome:
        raise CallRejected(486, "Busy Here")

    async with recorded(tmp_path, refuse) as (it, records, _shelf):
        told: list[str] = []
        records.on_opened = lambda call, _: told.append(call.id)
        records.on_closed = lambda call, _: told.append(f"{call.id} is over")
        await it.dial().ended()
        (call_id, over) = told
        assert over == f"{call_id} is over"


async def test_what_ends_in_one_moment_is_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorded(tmp_path) as (it, records, shelf):
        callers = [await it.dial().answered() for _ in range(5)]
        await asyncio.sleep(2 * GATHERED_S)
        written: list[bytes] = []
        monkeypatch.setattr(records.journal, "_append", written.append)
        for caller in callers:
            caller.session.hang_up()
        await asyncio.sleep(2 * GATHERED_S)
        (together,) = written
        assert together.count(b'"type":"closed"') == 5
        await records.flush()
        assert len(shelf.calls) == 5


async def test_a_bug_in_one_record_costs_no_other_call_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with recorded(tmp_path) as (it, records, shelf):
        callers = [await it.dial().answered() for _ in range(3)]
        mine = list(it.switch.calls.values())[1]

        def quality_of(call: Call) -> None:
            if call is mine:
                raise LookupError("a bug of ours")

        monkeypatch.setattr(records, "_quality_of", quality_of)
        for caller in callers:
            caller.session.hang_up()
        await asyncio.sleep(3 * GATHERED_S)
        await records.flush()
        assert [str(one["exception"]) for one in told] == ["a bug of ours"]
        assert len(shelf.calls) == 2


def journalled(folder: Path) -> list[dict[str, Any]]:
    """What a successor would find now."""
    files = (segment_of(folder), *(folder / "journal").glob("*.slate"))
    lines = (line for file in files for line in file.read_bytes().splitlines() if line)
    return [msgspec.json.decode(line) for line in lines]


def segment_of(folder: Path) -> Path:
    """The one that is open."""
    return max((folder / "journal").glob("*.jsonl"))


async def test_a_journal_that_a_stopped_store_did_not_take_is_imported_at_the_next_start(tmp_path: Path) -> None:
    shelf = Shelf()
    async with board(tmp_path) as it:
        records = records_in(tmp_path, shelf)
        await records.open()
        it.switch.on_ended = records.on_ended
        await it.dial("19005550100").ended()
        shelf.down = True
        await records.close()
    assert shelf.calls == []
    shelf.down = False
    successor = records_in(tmp_path, shelf)
    await successor.open()
    await successor.close()
    assert len(shelf.calls) == 1


async def test_lines_torn_by_a_kill_are_counted_and_cost_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    whole = encode(Opened(CallRecord(dr_sid="a", call_id="a", date_start=date(NOON))))
    (folder / "00000000000000000001-1.jsonl").write_bytes(b'{"type":"opened","ca' + b"\n" + whole + whole[:30])
    shelf = Shelf()
    records = records_in(tmp_path, shelf)
    assert await records.open() == 1
    assert records.unreadable == 2
    await records.close()
    assert [row["dr_sid"] for row in shelf.calls] == ["a"]


class Picky(Shelf):
    """A database that refuses one call for ever, and everything else while `down`."""

    def __init__(self, dislikes: str) -> None:
        super().__init__()
        self.dislikes = dislikes

    async def add_records(self, resource: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if self.down:
            raise OperationalError("INSERT", {}, ConnectionRefusedError("no database"))
        if any(row["dr_sid"] == self.dislikes for row in by_column(columns, rows)):
            raise DBAPIError("INSERT", {}, ValueError("invalid byte sequence for encoding UTF8: 0x00"))
        await super().add_records(resource, columns, rows)


async def test_one_record_that_the_store_refuses_for_ever_holds_up_no_other(tmp_path: Path) -> None:
    """A NUL in a number stopped all records on PostgreSQL for good."""
    shelf = Picky("dr-3")
    records = records_in(tmp_path, shelf)
    await records.open()
    for number in range(7):
        records._close(Closed(CallRecord(dr_sid=f"dr-{number}", call_id=str(number), date_start=date(NOON)), []))
    shelf.down = True
    with pytest.raises(OperationalError):
        await records.flush()
    assert (shelf.calls, records.refused) == ([], 0)
    shelf.down = False
    await records.flush()
    assert sorted(row["dr_sid"] for row in shelf.calls) == [f"dr-{number}" for number in range(7) if number != 3]
    assert (records.refused, records.segments) == (1, 0)
    (line,) = (tmp_path / "journal" / "refused.jsonl").read_bytes().splitlines()
    kept = msgspec.json.decode(line)
    assert (kept["kind"], kept["row"]["dr_sid"]) == ("call_drs", "dr-3")
    await records.close()


async def test_a_word_that_no_store_takes_is_mended_in_journal_and_store_alike(tmp_path: Path) -> None:
    async def run(call: Call) -> Outcome:
        call.from_number, call.to_number = "a\x00b", "caf\udce9"
        return Outcome.released()

    async with recorded(tmp_path, run) as (it, records, shelf):
        await it.dial().ended()
        await records.flush()
        (record,) = shelf.calls
        assert (record["number_src_original"], record["number_dst_original"]) == ("13105550199", NUMBER)
        assert "\x00" not in str(record)
        str(record).encode()
