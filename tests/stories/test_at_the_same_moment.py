"""Messages of several far ends that come in the same moment: all of them are there before the task of the call runs."""

import asyncio
from pathlib import Path

import pytest

from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import Phone, calling, talking, town, two_talking_and_a_third


def replaces(phone: Phone) -> list[tuple[str, str]]:
    """The Replaces header of whoever takes the place of this phone in its present call."""
    return [("Replaces", phone.dialog_of(phone.session).replace("%3B", ";").replace("%3D", "="))]


@pytest.mark.parametrize("key_first", [True, False])
async def test_a_key_and_the_hang_up_of_the_other_side(tmp_path: Path, key_first: bool) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        if not key_first:
            bob.hang_up()
        ann.session.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
        if key_first:
            bob.hang_up()
        assert (await ann.ended()).q850 == 16


@pytest.mark.parametrize("to", ["1003@127.0.0.1", "attended"])
async def test_a_refer_and_the_hang_up_of_whom_it_is_about(tmp_path: Path, to: str) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        first = ann.session
        if to == "attended":
            await talking(it, ann, cid)
            second = ann.session
            to = f"1003@127.0.0.1?Replaces={ann.dialog_of(second)}"
            ann.sessions.append(first)
        ann.refer(f"<sip:{to}>")
        bob.hang_up()
        await asyncio.sleep(1)
        first.hang_up()
        await asyncio.sleep(5)
        assert all(call.caller.end is None for call in it.app.switch.calls.values())


async def test_a_phone_answers_as_another_picks_the_call_up_that_rings_at_a_third(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, cid = await it.phone("1001"), await it.phone("1003")
        bob, desk = await it.phone("1002"), await it.phone("1002-desk")
        ann.dial("1002")
        await bob.rings()
        await desk.rings()
        bob.ring()
        desk.ring()
        await asyncio.sleep(1)
        cid.dial("1002", headers=replaces(desk))
        bob.answer()
        await ann.answered()
        await asyncio.sleep(1)
        up = [phone for phone in (bob, desk, cid) if not phone.session.has_ended]
        assert len(up) == 1
        ann.hang_up()
        await asyncio.sleep(1)
        assert it.app.switch.calls == {}
        assert len(records) == 2


async def test_two_pick_the_same_call_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        desk = await it.phone("1003-desk")
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        await asyncio.sleep(1)
        for phone in (cid, desk):
            phone.dial("1002", headers=replaces(bob))
        await ann.answered()
        await asyncio.sleep(1)
        assert [phone.session.has_ended for phone in (cid, desk)] == [False, True]
        ann.hang_up()
        await cid.ended()


async def test_two_take_the_place_of_the_same_side(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        desk = await it.phone("1003-desk")
        await talking(it, ann, bob)
        for phone in (cid, desk):
            phone.dial("1002", headers=replaces(bob))
        await asyncio.sleep(3)
        assert [phone.session.has_ended for phone in (cid, desk)] == [False, True]
        ann.hang_up()
        await cid.ended()


async def test_all_phones_of_a_user_answer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        phones = [await it.phone(name) for name in ("1002", "1002-desk", "1002-car")]
        ann.dial("1002")
        for phone in phones:
            await phone.rings()
        for phone in phones:
            phone.answer()
        await ann.answered()
        await asyncio.sleep(1)
        assert sum(not phone.session.has_ended for phone in phones) == 1
        ann.hang_up()


async def test_the_caller_cancels_as_it_is_answered(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await calling(ann, bob)
        bob.answer()
        ann.hang_up()
        assert (await bob.ended()).by == "remote"


async def test_a_wrong_password_and_a_caller_who_does_not_wait_for_the_answer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        ann.password = "wrong"
        ann.dial("1002")
        await asyncio.sleep(0.1)
        ann.hang_up()
        await asyncio.sleep(10)
        assert it.app.switch.calls == {}
