"""What stays of a call between two parties, and what can be seen of it while it is up."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from softswitch.call import Call, Event, LegStarted
from softswitch.call.cdr import CallRecord, concluded, opened
from softswitch.call.sids import Sids
from softswitch.records import Records
from tests.store.records import by_column
from tests.stories.town import SECOND_TRUNK, Town, town, two_talking_and_a_third, two_trunks


def keep_records(it: Town) -> list[CallRecord]:
    """The records of the calls to come, as they end."""
    kept: list[CallRecord] = []
    open_records: dict[str, CallRecord] = {}
    sids = Sids(it.app.plan)

    def on_started(call: Call) -> None:
        open_records[call.id] = opened(call, 0.0, sids)

    def on_ended(call: Call) -> None:
        kept.append(concluded(open_records.pop(call.id, None) or opened(call, 0.0, sids), call, 0.0, sids))

    it.app.switch.on_started, it.app.switch.on_ended = on_started, on_ended
    return kept


async def test_the_record_of_a_call_between_two_phones_names_both_legs(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, bob = await it.phone("1001"), await it.phone("1002", law=8)
        ours = ann.dial("1002")
        theirs = await bob.picks_up()
        await ann.answered()
        bob.hang_up()
        await ann.ended()
        (record,) = records
        assert (record.number_src, record.number_dst, record.direction) == ("1001", "1002", "inbound")
        assert (record.sipcallid_src, record.sipcallid_dst) == (ours.call_id, theirs.call_id)
        assert (record.ip_src, record.ip_dst) == (ann.host, bob.host)
        assert (record.codec_src, record.codec_dst, record.transcoded) == ("PCMU", "PCMA", True)
        assert (record.disconnect_originator, record.sipcause, record.q850_cause) == ("DST", 200, 16)
        assert record.user_data == {"user_src": "1001", "user_dst": "1002"}


async def test_the_number_in_the_record_is_the_user_s_and_not_what_his_phone_calls_its_contact(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, desk = await it.phone("1001"), await it.phone("1002-desk")
        ann.dial("1002")
        assert (await desk.picks_up()).request.uri.username == "1002-desk"
        await ann.answered()
        desk.hang_up()
        await ann.ended()
        assert records[0].number_dst_transformed == "1002"


async def test_the_record_of_a_call_out_has_its_trunk_and_every_step_of_the_failover(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        records = keep_records(it)
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial("13105550177")
        await first.rings()
        first.refuse(503, "Overloaded")
        await second.picks_up()
        await ann.answered()
        ann.hang_up()
        await second.ended()
        await asyncio.sleep(1)
        (record,) = records
        assert (record.direction, record.number_external) == ("outbound", "13105550177")
        assert (record.ip_dst, record.disconnect_originator) == (SECOND_TRUNK, "SRC")
        assert record.user_data is not None
        assert record.user_data["failover"] == [
            {"target": "trunk pstn/first", "status": 503, "reason": "Overloaded"},
            {"target": "trunk pstn/second", "status": 200, "reason": "OK"},
        ]


async def test_the_record_of_a_call_that_nobody_answered_has_the_leg_that_was_rung(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        carrier, bob = await it.carrier(), await it.phone("1002")
        carrier.dial("12025550112")
        session = await bob.rings()
        bob.refuse(486)
        await carrier.ended()
        (record,) = records
        assert (record.sipcause, record.q850_cause, record.date_talk) == (486, 17, None)
        assert (record.ip_dst, record.sipcallid_dst) == (bob.host, session.call_id)
        assert (record.number_external, record.direction) == ("13105550199", "inbound")


async def test_both_legs_are_told_as_events_with_their_call_ids(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        heard: list[Event] = []
        it.app.events.subscribe(heard.append)
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        session = await bob.picks_up()
        await ann.answered()
        (leg,) = [event for event in heard if isinstance(event, LegStarted)]
        assert (leg.sip_call_id, leg.target) == (session.call_id, "contact of 1002")
        (call,) = it.app.switch.calls.values()
        assert leg.call_id == call.id
        assert call.callee is not None
        assert call.callee.user is not None
        assert call.callee.user.username == "1002"


async def test_the_record_of_a_transferred_call_says_to_whom(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await bob.ended()
        ann.hang_up()
        await cid.ended()
        before, after = records
        assert before.user_data == {
            "user_src": "1001",
            "user_dst": "1002",
            "transfers": ["1003"],
            "transferred_to": after.dr_sid,
        }
        assert after.user_data == {
            "user_src": "1001",
            "user_dst": "1003",
            "transferred_by": "1002",
            "transferred_from": [before.dr_sid],
        }
        assert (before.sipcallid_src, before.ip_dst) == (after.sipcallid_src, bob.host)
        assert (after.number_src, after.number_dst, after.ip_dst) == ("1001", "1003", cid.host)
        assert (before.disconnect_originator, after.disconnect_originator) == ("DST", "SRC")


class Shelf:
    """A store that takes each record once."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.added = 0

    async def add_records(self, resource: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        assert resource == "call_drs"
        self.added += len(rows)
        self.rows |= {row["dr_sid"]: row for row in by_column(columns, rows)}


async def test_each_part_of_a_transferred_call_reaches_the_store_once(tmp_path: Path) -> None:
    """A transfer that fails, one that succeeds, and one of what came of it."""
    async with town(tmp_path) as it:
        shelf = Shelf()
        records = Records(tmp_path, shelf, sids=Sids(it.app.plan), quality_of=lambda _: None)
        await records.open()
        it.app.events.subscribe(records.on_event, *records.hears)
        it.app.switch.on_started, it.app.switch.on_ended = records.on_started, records.on_ended
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.refuse(486)
        await asyncio.sleep(1)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings(2)
        cid.answer()
        await bob.ended()
        await asyncio.sleep(1)
        cid.refer("<sip:1002@127.0.0.1>")
        await bob.rings(2)
        bob.answer()
        await cid.ended()
        ann.hang_up()
        await bob.ended()
        await asyncio.sleep(1)
        await records.close()
        assert shelf.added == len(shelf.rows) == 4
        assert records.alive == {}
        steps = [(row["number_dst"], row["sipcause"], row["date_talk"] is not None) for row in shelf.rows.values()]
        assert steps == [("1003", 486, False), ("1002", 200, True), ("1003", 200, True), ("1002", 200, True)]
        went_on_in = [row["user_data"].get("transferred_to") for row in shelf.rows.values()]
        sids = list(shelf.rows)
        assert went_on_in == [None, sids[2], sids[3], None]
