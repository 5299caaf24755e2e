"""The number plan changes while calls are up: what a call still asks of the plan may be there no more."""

import asyncio
from pathlib import Path
from typing import Any

from softswitch.call import Call
from tests.stories.town import CONFERENCE, HERE, PSTN, Town, talking, town

OWN_GROUP = {"name": "own", "trunks": [{"name": "own carrier", "address": "127.0.0.60"}]}
HALL = "12025550101"
IN_A_HALL: dict[str, Any] = {
    "endpoints": [{**CONFERENCE, "name": "hall"}],
    "dids": [{"phonenumber": HALL, "endpoint": "hall"}],
}


def without_group(it: Town, name: str) -> None:
    groups = [group for group in it.app.plan.numbers.trunk_groups if group.name != name]
    users = [user.model_copy(update={"trunk_group": None}) for user in it.app.plan.numbers.users]
    it.app.adopt(it.app.plan.with_parts(trunk_groups=groups, users=users))


def without_hall(it: Town) -> None:
    ends = [end for end in it.app.plan.numbers.endpoints if end.name != "hall"]
    it.app.adopt(it.app.plan.with_parts(endpoints=ends, dids=[]))


async def test_a_transfer_by_a_user_whose_trunk_group_is_gone_is_refused_and_they_talk_on(tmp_path: Path) -> None:
    async with town(tmp_path, groups=[PSTN, OWN_GROUP], users=[{"trunk_group": "own"}, {}, {}]) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        without_group(it, "own")
        ann.refer(f"<sip:13105550177@{HERE}>")
        await asyncio.sleep(2)
        assert "SIP/2.0 404 Not Found" in it.messages(ann.host)[-1]
        assert not ann.session.has_ended


async def test_a_forward_of_a_user_whose_trunk_group_is_gone_leads_nowhere(tmp_path: Path) -> None:
    users = [{}, {"trunk_group": "own", "forward_busy": "13105550177"}, {}]
    async with town(tmp_path, groups=[PSTN, OWN_GROUP], users=users) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        without_group(it, "own")
        bob.refuse(486)
        assert (await ann.ended()).status == 404


async def test_a_forward_and_a_transfer_of_users_who_are_gone_do_as_they_wanted(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_busy": "1003"}, {}]) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        ann.dial("1002")
        await bob.rings()
        users = [user for user in it.app.plan.numbers.users if user.username == "1003"]
        it.app.adopt(it.app.plan.with_parts(users=users, dids=[]))
        bob.refuse(486)
        await cid.picks_up()
        await ann.answered()
        ann.refer(f"<sip:1003@{HERE}>")
        await asyncio.sleep(2)
        ann.hang_up()
        await asyncio.sleep(2)


async def test_a_place_in_a_conference_that_is_gone_is_given_to_nobody(tmp_path: Path) -> None:
    async with town(tmp_path, **IN_A_HALL) as it:
        ann = await it.phone("1001")
        await it.phone("1003")
        ann.dial(HALL)
        await ann.answered()
        await asyncio.sleep(1)
        without_hall(it)
        ann.refer(f"<sip:1003@{HERE}>")
        await asyncio.sleep(2)
        assert not ann.session.has_ended
        assert "SIP/2.0 404 Not Found" in it.messages(ann.host)[-1]


async def test_a_place_in_a_conference_that_is_gone_is_taken_by_nobody(tmp_path: Path) -> None:
    async with town(tmp_path, **IN_A_HALL) as it:
        ann, desk = await it.phone("1001"), await it.phone("1001-desk")
        ann.dial(HALL)
        await ann.answered()
        await asyncio.sleep(1)
        without_hall(it)
        desk.dial(HALL, headers=[("Replaces", ann.dialog_of(ann.session).replace("%3B", ";").replace("%3D", "="))])
        assert (await desk.ended()).status == 404
        assert not ann.session.has_ended


async def test_a_transfer_into_a_conference_that_is_gone_leaves_the_talk_as_it_was(tmp_path: Path) -> None:
    async with town(tmp_path, **IN_A_HALL) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial(HALL)
        await ann.answered()
        there = ann.session
        await talking(it, ann, bob)
        without_hall(it)
        ann.refer(f"<sip:{HALL}@{HERE}?Replaces={ann.dialog_of(there)}>")
        await asyncio.sleep(2)
        assert ann.notified[-1].startswith("SIP/2.0 404")
        assert not ann.session.has_ended
        assert not bob.session.has_ended


async def test_who_is_called_into_a_place_that_is_gone_with_who_gave_it_is_hung_up(tmp_path: Path) -> None:
    async with town(tmp_path, **IN_A_HALL) as it:
        ann, cid = await it.phone("1001"), await it.phone("1003")
        ann.dial(HALL)
        await ann.answered()
        await asyncio.sleep(1)
        ann.refer(f"<sip:1003@{HERE}>")
        await cid.rings()
        ann.hang_up()
        without_hall(it)
        await asyncio.sleep(1)
        cid.answer()
        assert (await cid.ended()).by == "remote"


async def test_a_trunk_group_that_goes_while_a_signature_is_looked_at_sends_no_call(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        carrier, bob = await it.carrier(), await it.phone("1002")

        async def takes_its_time(_: Call) -> None:
            await asyncio.sleep(1)

        it.app.switch.verify = takes_its_time
        carrier.dial("12025550112")
        await asyncio.sleep(0.5)
        without_group(it, "pstn")
        assert (await carrier.ended()).status == 403
        assert not bob.sessions
