"""From the answer to the end: hold, keys, other codecs, delayed offers, Replaces."""

import asyncio
from pathlib import Path

import pytest

from softswitch.sip import OfferRefused
from tests.stories.town import MUSIC_HZ, calling, hear_each_other, replaces_of, talking, town, two_talking_and_a_third


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_whoever_is_held_hears_music_and_no_re_invite(tmp_path: Path, direction: str) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        invites = len(it.messages(bob.host, "INVITE"))
        ann.hold(direction)
        await asyncio.sleep(2)
        assert bob.hears(MUSIC_HZ)
        assert not bob.hears(ann.tone_hz)
        assert len(it.messages(bob.host, "INVITE")) == invites
        ann.resume()
        await asyncio.sleep(2)
        assert not bob.hears(MUSIC_HZ)
        assert hear_each_other(ann, bob)


async def test_the_callee_holds_too(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.hold()
        await asyncio.sleep(2)
        assert ann.hears(MUSIC_HZ)
        bob.resume()
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)


async def test_a_new_codec_on_one_leg_does_not_disturb_the_other(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        before = len(it.messages(bob.host))
        ann.laws = [8]
        ann.session.reoffer(ann.sdp())
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)
        assert ann.law == 8
        assert len(it.messages(bob.host)) == before


async def test_a_caller_who_leaves_the_offer_to_us(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002", late_offer=True)
        await bob.picks_up()
        await ann.answered()
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)


async def test_a_callee_who_asks_for_an_offer_in_the_call(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.session.reoffer(None)
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)


async def test_keys_go_across_as_events_and_only_once(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        await ann.press("1234#")
        await asyncio.sleep(2)
        assert bob.pressed == "1234#"
        await bob.press("90")
        await asyncio.sleep(2)
        assert ann.pressed == "90"


async def test_keys_as_info_become_events_for_a_far_end_that_has_them(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        ann.session.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
        await asyncio.sleep(2)
        assert bob.pressed == "5"


async def test_keys_are_info_for_a_far_end_that_sends_info_and_has_no_events(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        bob.takes_events = False
        await talking(it, ann, bob)
        bob.session.info("application/dtmf-relay", b"Signal=1\r\nDuration=160\r\n")
        await asyncio.sleep(1)
        await ann.press("7")
        await asyncio.sleep(1)
        assert bob.pressed == "7"


async def test_keys_are_tones_for_a_far_end_that_has_nothing_else(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        bob.takes_events = False
        ann.speaks = False
        await talking(it, ann, bob)
        bob.forget()
        await ann.press("5")
        await asyncio.sleep(0.3)
        assert bob.has_heard(770, 1336)
        assert not bob.keys


async def test_a_user_takes_his_call_over_with_another_phone(tmp_path: Path) -> None:
    """INVITE with Replaces (RFC 3891 §1: moving a call from the desk to the hand)."""
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1003")
        await talking(it, ann, desk)
        replaces = replaces_of(desk.session)
        hand.dial("1001", headers=[("Replaces", replaces), ("Require", "replaces")])
        await hand.answered()
        await desk.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, hand)
        hand.hang_up()
        await ann.ended()


async def test_an_invite_that_replaces_nothing_gets_481(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        ann.dial("1002", headers=[("Replaces", "none;to-tag=a;from-tag=b")])
        assert (await ann.ended()).status == 481


async def test_a_re_invite_we_can_not_take_leaves_the_talk_as_it_was(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        ann.session.reoffer(
            ann.sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 96 101").replace(b"rtpmap:0 PCMU", b"rtpmap:96 X")
        )
        assert (await ann.seen(OfferRefused)).status == 488
        await asyncio.sleep(1)
        assert hear_each_other(ann, bob)


async def test_each_leg_keeps_its_session_alive_by_itself(tmp_path: Path) -> None:
    """RFC 4028: the refresher of one leg says nothing on the other."""
    async with town(tmp_path, sip={"transports": ["udp"], "session_expires_s": 90}) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        since = it.now
        await asyncio.sleep(300)
        refreshes = [line for line in it.flow(ann, since) + it.flow(bob, since) if "UPDATE" in line]
        assert len(refreshes) >= 4
        assert hear_each_other(ann, bob)


async def test_a_phone_that_is_gone_ends_the_call_for_the_other(tmp_path: Path) -> None:
    async with town(tmp_path, sip={"transports": ["udp"], "session_expires_s": 90}) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        it.wire.sends_icmp = False
        it.wire.refuses = lambda packet: bob.host in (packet.source[0], packet.destination[0])
        ended = await ann.ended()
        assert ended.by == "remote"


async def test_a_re_invite_that_crosses_another_is_tried_again(tmp_path: Path) -> None:
    """Both sides hold at one moment: each hold is answered by its own leg, so nothing collides."""
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        ann.hold()
        bob.hold()
        await asyncio.sleep(3)
        ann.resume()
        bob.resume()
        await asyncio.sleep(3)
        assert hear_each_other(ann, bob)


async def test_a_talk_is_ended_by_an_operator(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        (call,) = it.app.switch.calls.values()
        it.app.switch.end(call, "Ended by an operator")
        await asyncio.gather(ann.ended(), bob.ended())


async def test_a_call_that_rings_elsewhere_is_picked_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, ringing = await calling(ann, bob)
        replaces = replaces_of(ringing) + ";early-only"
        cid.dial("1002", headers=[("Replaces", replaces)])
        await cid.answered()
        await ann.answered()
        assert (await bob.ended()).status == 487
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        assert len(it.app.switch.calls) == 1
        cid.hang_up()
        await ann.ended()


async def test_a_talk_is_not_taken_by_who_wants_it_only_while_it_rings(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        replaces = replaces_of(bob.session) + ";early-only"
        cid.dial("1001", headers=[("Replaces", replaces)])
        assert (await cid.ended()).status == 486
        assert hear_each_other(ann, bob)


async def test_a_caller_who_hangs_up_as_he_is_picked_up_leaves_no_ghost(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, ringing = await calling(ann, bob)
        replaces = replaces_of(ringing)
        cid.dial("1002", headers=[("Replaces", replaces)])
        ann.hang_up()
        await cid.ended()
