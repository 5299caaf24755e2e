"""A call that a user forwards to a DID is from then on a call to that DID."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from softswitch.call import Call
from tests.endpoints.mediator.street import REDIRECT, street
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CONFERENCE, DIDS, ROOM, Town, town

NUMBER = "12025550101"
HALL = {"name": "hall", "type": "conference", "call_flow": "direct_host", "capacity": 1, "meeting_rooms": [ROOM]}
FORWARDS = [{}, {}, {"forward_unregistered": NUMBER}]


def to_the_hall(**more: Any) -> dict[str, Any]:
    did = {"phonenumber": NUMBER, "endpoint": "hall", **more}
    return {"users": FORWARDS, "dids": [*DIDS, did], "endpoints": [HALL]}


def the_call(it: Town) -> Call:
    (call,) = it.app.switch.calls.values()
    return call


async def test_a_forwarded_call_runs_with_the_did_it_was_forwarded_to(tmp_path: Path) -> None:
    async with town(tmp_path, **to_the_hall()) as it:
        ann = await it.phone("1001")
        ann.dial("1003")
        await ann.answered()
        call = the_call(it)
        assert call.did is not None
        assert call.did.phonenumber == call.to_number == NUMBER
        assert call.destination is not None
        assert call.destination.name == "hall"
        assert call.dialled_number == "1003"


async def test_the_record_of_a_call_forwarded_to_a_conference_does_not_name_the_phone_that_was_busy(
    tmp_path: Path,
) -> None:
    busy = to_the_hall() | {"users": [{}, {"forward_busy": NUMBER}, {}]}
    async with town(tmp_path, **busy) as it:
        records, ann, bob = keep_records(it), await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.refuse(486)
        await ann.answered()
        ann.hang_up()
        await asyncio.sleep(1)
        (record,) = records
        assert (record.number_dst, record.number_dst_transformed) == ("1002", NUMBER)
        assert (record.ip_dst, record.sipcallid_dst) == (None, None)


async def test_a_forwarded_call_goes_by_the_transformations_of_the_did(tmp_path: Path) -> None:
    rules = [{"type": "set", "field": "number_src", "value": "12025550999"}]
    async with town(tmp_path, **to_the_hall(transformations=rules)) as it:
        ann = await it.phone("1001")
        ann.dial("1003")
        await ann.answered()
        assert the_call(it).from_number == "12025550999"


async def test_a_forward_finds_no_room_where_the_endpoint_of_the_did_is_full_until_a_call_ends(tmp_path: Path) -> None:
    async with town(tmp_path, **to_the_hall()) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1003")
        await ann.answered()
        bob.dial("1003")
        assert (await bob.ended()).status == 503
        ann.hang_up()
        await asyncio.sleep(1)
        bob.dial("1003")
        await bob.answered()


async def test_a_call_forwarded_to_a_redirect_number_finds_its_binding(tmp_path: Path) -> None:
    users = [{}, {}, {"forward_unregistered": REDIRECT}]
    async with street(tmp_path, users=users) as it:
        it.bind("1002")
        ann, bob = await it.town.phone("1001"), await it.town.phone("1002")
        ann.dial("1003")
        await bob.picks_up()
        await ann.answered()


async def test_a_binding_that_leads_to_a_conference_finds_no_room_where_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFERENCE, "capacity", 1)
    async with street(tmp_path) as it:
        it.bind(NUMBER)
        ann, bob = await it.town.phone("1001"), await it.town.phone("1002")
        ann.dial(REDIRECT)
        await ann.answered()
        bob.dial(REDIRECT)
        assert (await bob.ended()).status == 503
        ann.hang_up()
        await asyncio.sleep(1)
        bob.dial(REDIRECT)
        await bob.answered()
