"""A talk whose other side is brought to an endpoint: a conference with or without a code, a third party, a mediator."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.endpoints.mediator.street import REDIRECT, street
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import (
    DIDS,
    MUSIC_HZ,
    Phone,
    Town,
    hear_each_other,
    replaces_of,
    talking,
    town,
    two_talking_and_a_third,
)

HALL, GUARDED, CRM = "12025550101", "12025550102", "12025550106"
CRM_HOST = "127.0.0.71"
QUIET = {"conference_quiet_enabled": "on"}
ROOM = {"name": "room", "properties": QUIET}
CODED = {**ROOM, "access_codes": [{"access_code": "111111", "role": "host"}]}
ENDPOINTS: list[dict[str, Any]] = [
    {"name": "hall", "type": "conference", "call_flow": "direct_host", "meeting_rooms": [ROOM]},
    {"name": "guarded", "type": "conference", "call_flow": "secured", "meeting_rooms": [CODED]},
    {"name": "crm", "type": "third_party", "addresses": [{"ip": CRM_HOST, "port": 5090}]},
]
PLAN: dict[str, Any] = {
    "dids": [
        *DIDS,
        {"phonenumber": HALL, "endpoint": "hall"},
        {"phonenumber": GUARDED, "endpoint": "guarded"},
        {"phonenumber": CRM, "endpoint": "crm"},
    ],
    "endpoints": ENDPOINTS,
}


def with_hall(**more: Any) -> dict[str, Any]:
    return PLAN | {"endpoints": [ENDPOINTS[0] | more, *ENDPOINTS[1:]]}


async def in_the_hall(phone: Phone) -> None:
    phone.dial(HALL)
    await phone.answered()
    await asyncio.sleep(2)


def states(it: Town) -> list[str]:
    return sorted(call.state for call in it.app.switch.calls.values())


@pytest.mark.parametrize("who", ["the callee", "the caller"])
async def test_the_other_party_is_in_the_conference_and_the_transferor_is_not(tmp_path: Path, who: str) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        await in_the_hall(cid)
        await talking(it, ann, bob)
        transferor, other = (bob, ann) if who == "the callee" else (ann, bob)
        transferor.refer(f"<sip:{HALL}@127.0.0.1>")
        await transferor.ended()
        await asyncio.sleep(3)
        assert transferor.notified == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
        assert hear_each_other(other, cid)
        assert not other.hears(MUSIC_HZ)
        assert states(it) == ["talking", "talking"]
        assert {call.address_dst.partition("@")[0] for call in it.app.switch.calls.values()} == {f"sip:{HALL}"}
        other.hang_up()
        await asyncio.sleep(1)
        before, after = records
        assert (before.number_src, before.number_dst, before.disconnect_reason) == ("1001", "1002", "Transferred")
        assert before.disconnect_originator == ("DST" if transferor is bob else "SRC")
        assert (after.number_src, after.number_dst, after.ip_src) == (other.user, HALL, other.host)
        assert (after.direction, after.disconnect_originator, after.sipcause) == ("inbound", "SRC", 200)
        assert before.user_data is not None
        assert before.user_data["transferred_to"] == after.dr_sid
        assert after.user_data == {
            "user_src": other.user,
            "transferred_by": transferor.user,
            "transferred_from": [before.dr_sid],
        }


async def test_the_party_that_was_transferred_enters_the_code_of_the_conference_itself(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer(f"<sip:{GUARDED}@127.0.0.1>")
        await bob.ended()
        await ann.press("111111#")
        await asyncio.sleep(2)
        cid.dial(GUARDED)
        await cid.answered()
        await cid.press("111111#")
        await asyncio.sleep(4)
        assert hear_each_other(ann, cid)


async def test_a_caller_of_the_pstn_is_brought_to_a_conference_and_keeps_his_place_on_the_trunk(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        carrier, bob, cid = await it.carrier(), await it.phone("1002"), await it.phone("1003")
        await in_the_hall(cid)
        await talking(it, carrier, bob, "12025550112")
        bob.refer(f"<sip:{HALL}@127.0.0.1>")
        await bob.ended()
        await asyncio.sleep(3)
        assert hear_each_other(carrier, cid)
        assert it.app.switch.gates_in_use() == {
            "the switch": 2,
            "trunk group pstn": 1,
            "trunk carrier": 1,
            "endpoint hall": 2,
        }


async def test_a_transfer_to_a_conference_that_is_full_is_refused_and_they_talk_on(tmp_path: Path) -> None:
    async with town(tmp_path, **with_hall(capacity=1)) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        await in_the_hall(cid)
        await talking(it, ann, bob)
        bob.refer(f"<sip:{HALL}@127.0.0.1>")
        await asyncio.sleep(2)
        assert any(text.startswith("SIP/2.0 503") for text in it.messages(bob.host))
        assert hear_each_other(ann, bob)
        cid.hang_up()
        await asyncio.sleep(1)
        bob.refer(f"<sip:{HALL}@127.0.0.1>")
        await bob.ended()
        assert it.app.switch.gates_in_use()["endpoint hall"] == 1


async def test_a_transfer_to_a_third_party_hears_its_ringing_and_then_talks_with_it(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, bob = await it.phone("1001"), await it.phone("1002")
        crm = await Phone(it, "crm", CRM_HOST, 1210, port=5090).start()
        await talking(it, ann, bob)
        bob.refer(f"<sip:{CRM}@127.0.0.1>")
        session = await crm.picks_up()
        assert (session.remote_address.uri.username, session.request.to.uri.username) == ("1001", CRM)
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, crm)
        assert bob.notified == ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]
        crm.hang_up()
        await ann.ended()
        assert [record.ip_dst for record in records] == [bob.host, CRM_HOST]


async def test_a_third_party_that_is_busy_leaves_the_talk_as_it_was(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, bob = await it.phone("1001"), await it.phone("1002")
        crm = await Phone(it, "crm", CRM_HOST, 1210, port=5090).start()
        await talking(it, ann, bob)
        bob.refer(f"<sip:{CRM}@127.0.0.1>")
        await crm.rings()
        crm.refuse(486)
        await asyncio.sleep(2)
        assert bob.notified[-1] == "SIP/2.0 486 Busy Here"
        assert hear_each_other(ann, bob)
        (failed,) = records
        assert (failed.number_src, failed.number_dst, failed.sipcause, failed.date_talk) == ("1001", CRM, 486, None)


async def test_a_transfer_to_a_redirect_number_is_masked_like_any_call_to_it(tmp_path: Path) -> None:
    async with street(tmp_path) as here:
        it = here.town
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        here.bind("1003", attributes={"hide_origination_did": "true"})
        await talking(it, ann, bob)
        here.hide("1001@", cid)
        bob.refer(f"<sip:{REDIRECT}@127.0.0.1>")
        await cid.picks_up()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        ann.hang_up()
        await cid.ended()


async def test_an_attended_transfer_into_a_conference_gives_the_place_of_the_transferor(tmp_path: Path) -> None:
    """Without a code, in his role, also where the room is full with him in it."""
    async with town(
        tmp_path,
        **PLAN | {"endpoints": [ENDPOINTS[0], {**ENDPOINTS[1], "capacity": 2}]},
    ) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        bob.hold()
        await asyncio.sleep(1)
        bob.direction = "sendrecv"
        for phone in (bob, cid):
            phone.dial(GUARDED)
            await phone.answered()
            await phone.press("111111#")
            await asyncio.sleep(3)
        second = bob.session
        assert hear_each_other(bob, cid)
        bob.bring_together(first, second, GUARDED)
        await asyncio.sleep(3)
        assert first.has_ended
        assert second.has_ended
        assert hear_each_other(ann, cid)
        assert states(it) == ["talking", "talking"]
        assert it.app.switch.gates_in_use()["endpoint guarded"] == 2


async def test_an_attendee_goes_on_at_another_phone_of_his(tmp_path: Path) -> None:
    """INVITE with Replaces takes a place in a conference like one in a talk."""
    async with town(tmp_path, **PLAN) as it:
        desk, hand, cid = await it.phone("1002-desk"), await it.phone("1001"), await it.phone("1003")
        for phone in (desk, cid):
            await in_the_hall(phone)
        replaces = replaces_of(desk.session)
        hand.dial(HALL, headers=[("Replaces", replaces)])
        await hand.answered()
        await desk.ended()
        await asyncio.sleep(3)
        assert hear_each_other(hand, cid)


async def test_a_call_that_was_transferred_is_transferred_again(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await bob.ended()
        await asyncio.sleep(1)
        cid.refer(f"<sip:{HALL}@127.0.0.1>")
        await cid.ended()
        await in_the_hall(bob)
        assert hear_each_other(ann, bob)
        ann.hang_up()
        bob.hang_up()
        await asyncio.sleep(1)
        of_ann = [record for record in records if record.number_src == "1001"]
        assert [record.number_dst for record in of_ann] == ["1002", "1003", HALL]
        assert len({record.dr_sid for record in records}) == len(records) == 4


async def in_the_guarded_one(phone: Phone) -> None:
    phone.dial(GUARDED)
    await phone.answered()
    await phone.press("111111#")
    await asyncio.sleep(3)


def at_the_guarded_one(it: Town) -> list[str]:
    (meeting,) = it.app.endpoints["guarded"].meetings()  # type: ignore[attr-defined]
    return [str(attendee.role) for attendee in meeting.attendees]


async def test_an_attendee_gives_his_place_to_a_user_who_is_rung_in_his_name(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        for phone in (cid, ann):
            await in_the_guarded_one(phone)
        ann.refer("<sip:1002@127.0.0.1>")
        assert (await bob.rings()).remote_address.uri.username == "1001"
        bob.ring()
        await asyncio.sleep(1)
        assert hear_each_other(ann, cid), "she stays until somebody comes"
        bob.answer()
        await ann.ended()
        await asyncio.sleep(2)
        assert ann.notified == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
        assert hear_each_other(bob, cid)
        assert at_the_guarded_one(it) == ["host", "host"]
        assert it.app.switch.gates_in_use()["endpoint guarded"] == 2
        bob.hang_up()
        await asyncio.sleep(1)
        before, after = records
        assert (before.number_src, before.number_dst, before.sipcause) == ("1001", GUARDED, 200)
        assert before.user_data is not None
        assert before.user_data["transferred_to"] == after.dr_sid
        assert (after.number_src, after.number_dst, after.number_billing) == ("1002", GUARDED, None)
        assert after.user_data is not None
        assert after.user_data["transferred_by"] == "1001"
        assert after.user_data["transferred_from"] == [before.dr_sid]


async def test_an_attendee_whose_place_nobody_takes_stays(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        for phone in (cid, ann):
            await in_the_hall(phone)
        ann.refer("<sip:1002@127.0.0.1>")
        await bob.rings()
        bob.refuse(486)
        await asyncio.sleep(2)
        assert ann.notified == ["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"]
        assert hear_each_other(ann, cid)


async def test_a_number_outside_is_called_into_the_place_on_the_account_of_who_gives_it(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        records = keep_records(it)
        ann, cid, carrier = await it.phone("1001"), await it.phone("1003"), await it.carrier()
        for phone in (cid, ann):
            await in_the_hall(phone)
        ann.refer("<sip:13105550177@127.0.0.1>")
        session = await carrier.picks_up()
        assert session.remote_address.uri.username == "12025550111"
        await ann.ended()
        await asyncio.sleep(3)
        assert hear_each_other(carrier, cid)
        carrier.hang_up()
        await asyncio.sleep(1)
        before, after = records
        assert (before.number_billing, after.number_billing) == (HALL, "12025550111")


async def test_who_gives_his_place_away_and_hangs_up_at_once_gives_it_all_the_same(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        for phone in (cid, ann):
            await in_the_guarded_one(phone)
        ann.refer("<sip:1002@127.0.0.1>")
        await bob.rings()
        ann.hang_up()
        await asyncio.sleep(1)
        bob.answer()
        await asyncio.sleep(3)
        assert hear_each_other(bob, cid)
        assert it.app.switch.gates_in_use()["endpoint guarded"] == 2


async def test_the_last_host_gives_his_place_away_and_the_meeting_goes_on(tmp_path: Path) -> None:
    at_once = {"conference_stop_how": "host", "conference_stop_wait": "0"}
    async with town(tmp_path, **with_hall(meeting_rooms=[{"name": "room", "properties": QUIET | at_once}])) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await in_the_hall(ann)
        ann.refer("<sip:1002@127.0.0.1>")
        await bob.picks_up()
        await ann.ended()
        await asyncio.sleep(5)
        assert states(it) == ["talking"]


@pytest.mark.parametrize("is_up", [True, False], ids=["who answered", "who rings yet"])
async def test_an_attendee_brings_whom_he_talks_with_by_the_dialog_of_the_conference(
    tmp_path: Path, is_up: bool
) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        for phone in (cid, ann):
            await in_the_guarded_one(phone)
        conference = ann.session
        talk = ann.dial("1002")
        await bob.rings()
        bob.ring()
        await asyncio.sleep(1)
        if is_up:
            bob.answer()
            await asyncio.sleep(2)
        ann.bring_together(conference, talk, "1002")
        if not is_up:
            await bob.rings(2)
            bob.answer()
        await asyncio.sleep(3)
        assert (talk.has_ended, conference.has_ended) == (True, True)
        assert hear_each_other(bob, cid)
        assert ann.notified[-1] == "SIP/2.0 200 OK"
        assert at_the_guarded_one(it) == ["host", "host"]
        assert it.app.switch.gates_in_use()["endpoint guarded"] == 2


@pytest.mark.parametrize(
    ("to", "status"),
    [
        (HALL, 403),
        (CRM, 403),
        ("nobody", 404),
        ("1003", 480),
        ("1002@127.0.0.1?Replaces=nothing%3Bto-tag%3Da%3Bfrom-tag%3Db", 481),
    ],
)
async def test_a_place_that_can_not_be_given_away_is_kept(tmp_path: Path, to: str, status: int) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        for phone in (bob, ann):
            await in_the_hall(phone)
        ann.refer(f"<sip:{to}>" if "@" in to else f"<sip:{to}@127.0.0.1>")
        await asyncio.sleep(1)
        assert any(text.startswith(f"SIP/2.0 {status}") for text in it.messages(ann.host))
        assert hear_each_other(ann, bob)


async def test_a_refer_in_the_conference_is_answered_though_whom_it_wants_brought_hangs_up_in_the_same_moment(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await in_the_hall(ann)
        conference = ann.session
        talk, _ = await talking(it, ann, bob)
        ann.bring_together(conference, talk, "1002")
        bob.hang_up()
        await asyncio.sleep(1)
        assert it.messages(ann.host, "SIP/2.0 481")
        assert conference.has_ended is False
        ann.refer("<sip:1003@127.0.0.1>")
        await asyncio.sleep(1)
        assert it.messages(ann.host, "SIP/2.0 480"), "the next one is heard"


async def test_whoever_of_several_phones_takes_a_place_counts_as_a_call_as_long_as_he_is_there(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, desk = [await it.phone(name) for name in ("1001", "1002", "1002-desk")]
        await in_the_hall(ann)
        ann.refer("<sip:1002@127.0.0.1>")
        await bob.rings()
        await desk.rings()
        assert it.app.switch.gates_in_use()["the switch"] == 2
        first = list(it.app.switch.calls.values())[-1].caller
        (desk if first.session.call_id == bob.session.call_id else bob).answer()
        await ann.ended()
        await asyncio.sleep(1)
        assert it.app.switch.gates_in_use() == {"the switch": 1, "endpoint hall": 1}


async def test_a_talk_that_a_transfer_has_come_back_to_counts_as_one_call(tmp_path: Path) -> None:
    async with town(tmp_path, **PLAN) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        for tries in range(1, 4):
            ann.refer("<sip:1003@127.0.0.1>")
            await cid.rings(tries)
            cid.refuse(486)
            await asyncio.sleep(1)
        assert it.app.switch.gates_in_use() == {"the switch": 1}
        assert hear_each_other(ann, bob)
