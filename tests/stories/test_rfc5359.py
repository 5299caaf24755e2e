"""The services of RFC 5359, as far as they are the switch's: hold, transfer, forwarding, find-me, taking a call over.

What phones do among themselves there, a back-to-back user agent does in their place.
"""

import asyncio
from pathlib import Path

from tests.stories.town import MUSIC_HZ, hear_each_other, replaces_of, talking, town, two_talking_and_a_third


async def test_2_1_call_hold(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        since = it.now
        bob.hold()
        await asyncio.sleep(2)
        assert it.flow(bob, since) == ["> INVITE", "< 200", "> ACK"]
        assert not ann.hears(bob.tone_hz)
        bob.resume()
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)


async def test_2_2_consultation_hold(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        bob.hold()
        await asyncio.sleep(1)
        bob.direction = "sendrecv"
        await talking(it, bob, cid)
        assert hear_each_other(bob, cid)
        assert ann.hears(MUSIC_HZ)
        bob.hang_up()
        await cid.ended()
        bob.sessions.append(first)
        bob.resume()
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)


async def test_2_3_music_on_hold(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.hold()
        await asyncio.sleep(2)
        assert ann.hears(MUSIC_HZ)


async def test_2_4_unattended_transfer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        since = it.now
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        assert it.flow(bob, since)[:4] == ["> REFER", "< 202", "< NOTIFY", "> 200"]


async def test_2_5_attended_transfer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        second, _ = await talking(it, bob, cid)
        bob.bring_together(first, second, "1003")
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        assert first.has_ended
        assert second.has_ended


async def test_2_8_call_forwarding_busy(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_busy": "1003"}, {}]) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        ann.dial("1002")
        await bob.rings()
        bob.refuse(486)
        await cid.picks_up()
        await ann.answered()


async def test_2_9_call_forwarding_no_answer(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_no_answer": "1003", "ring_s": 12}, {}]) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        await cid.picks_up()
        assert (await bob.ended()).status == 487
        await ann.answered()


async def test_2_10_a_third_party_is_added_in_a_conference(tmp_path: Path) -> None:
    """Where phones mix, the switch has a room: everybody is transferred to its number."""
    dids = [{"phonenumber": "12025550101", "endpoint": "conference"}]
    async with town(tmp_path, dids=dids) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        for phone in (ann, bob, cid):
            phone.dial("12025550101")
            await phone.answered()
        await asyncio.sleep(3)
        assert hear_each_other(ann, bob)
        assert hear_each_other(bob, cid)


async def test_2_12_find_me(tmp_path: Path) -> None:
    """The desk rings, then the one in the hand, then a number outside."""
    users = [{}, {"forward_no_answer": "13105550177", "ring_s": 8}, {}]
    async with town(tmp_path, users=users) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        desk, hand = await it.phone("1002-desk", q="0.9"), await it.phone("1002-hand", q="0.2")
        ann.dial("1002")
        for phone in (desk, hand):
            await phone.rings()
            phone.ring()
        await carrier.picks_up()
        await ann.answered()
        assert [(await phone.ended()).status for phone in (desk, hand)] == [487, 487]


async def test_2_16_a_talk_is_taken_over_by_another_phone(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        replaces = replaces_of(bob.session)
        cid.dial("1001", headers=[("Replaces", replaces)])
        await cid.answered()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
