"""From the INVITE to the answer: forking, early media, ringback, failover, forwarding, loops."""

import asyncio
from pathlib import Path

from softswitch.sip import Provisional
from tests.sip.phones import RawPeer
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, HERE, RINGBACK_HZ, SECOND_TRUNK, calling, hear_each_other, town, two_trunks


async def test_all_phones_of_a_user_ring_and_the_first_answer_wins(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1002-hand")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.ring()
        hand.ring()
        await ann.ringing()
        hand.answer()
        await ann.answered()
        assert (await desk.ended()).status == 487
        cancel = next(text for text in it.messages(desk.host, "CANCEL"))
        assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in cancel
        await asyncio.sleep(2)
        assert ann.hears(hand.tone_hz)
        assert hand.hears(ann.tone_hz)
        assert not ann.hears(desk.tone_hz)


async def test_two_phones_that_answer_at_once_are_one_call(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1002-hand")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.answer()
        hand.answer()
        await ann.answered()
        await asyncio.sleep(1)
        assert [desk.session.has_ended, hand.session.has_ended].count(True) == 1


async def test_phones_ring_one_after_another_by_their_q(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"ring_s": 10}, {}]) as it:
        ann = await it.phone("1001")
        desk, hand = await it.phone("1002-desk", q="0.9"), await it.phone("1002-hand", q="0.4")
        await calling(ann, desk)
        assert not hand.sessions
        await hand.rings()
        assert (await desk.ended()).status == 487
        hand.answer()
        await ann.answered()


async def test_one_busy_phone_does_not_speak_for_the_other(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1002-hand")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.refuse(486)
        await asyncio.sleep(1)
        hand.answer()
        await ann.answered()


async def test_a_phone_that_says_6xx_speaks_for_all(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1002-hand")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.refuse(603, "Decline")
        assert (await ann.ended()).status == 603
        assert (await hand.ended()).status == 487


async def test_early_media_of_the_far_end_is_heard(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial("13105550177")
        await carrier.rings()
        carrier.ring(183, early_media=True)
        assert (await ann.ringing(183)).sdp
        await asyncio.sleep(2)
        assert ann.hears(carrier.tone_hz)
        carrier.answer()
        await ann.answered()
        await asyncio.sleep(1)
        assert ann.hears(carrier.tone_hz)
        assert carrier.hears(ann.tone_hz)


async def test_ringing_without_media_is_left_to_the_callers_phone(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        assert (await ann.ringing()).sdp is None


async def test_after_early_media_has_gone_we_make_the_ringback(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial("13105550177")
        await first.rings()
        first.ring(183, early_media=True)
        await asyncio.sleep(1)
        first.refuse(503)
        await second.rings()
        second.ring()
        await asyncio.sleep(1)
        assert ann.hears(RINGBACK_HZ)
        second.answer()
        await ann.answered()
        await asyncio.sleep(1)
        assert ann.hears(second.tone_hz)
        assert not ann.hears(RINGBACK_HZ)


async def test_the_next_trunk_is_tried_after_503_and_the_story_says_so(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial("13105550177")
        await first.rings()
        first.refuse(503, "Overloaded")
        await second.picks_up()
        await ann.answered()
        (call,) = it.app.switch.calls.values()
        assert [(tried.target, tried.status) for tried in call.tried] == [
            ("trunk pstn/first", 503),
            ("trunk pstn/second", 200),
        ]
        assert "trunk pstn/first: 503 Overloaded" in [step.why for step in call.story]


async def test_a_silent_trunk_fails_over_before_the_caller_gives_up(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        it.wire.sends_icmp = False
        ann.dial("13105550177")
        started_at = asyncio.get_running_loop().time()
        await second.rings()
        assert asyncio.get_running_loop().time() - started_at < 8
        second.answer()
        await ann.answered()


async def test_a_number_that_does_not_exist_is_the_answer_of_the_first_trunk(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial("13105550177")
        await first.rings()
        first.refuse(404, "Unallocated", headers=(("Reason", "Q.850;cause=1"),))
        ended = await ann.ended()
        assert (ended.status, ended.reason, ended.q850) == (404, "Unallocated", 1)
        assert not second.sessions


async def test_max_forwards_goes_down_and_ends_a_loop(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        assert (await bob.rings()).request.max_forwards == 69
        ann.hang_up()
        await bob.ended()
        ann.dial("1002", max_forwards=0)
        assert (await ann.ended()).status == 483


async def test_busy_calls_go_where_the_user_wants(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_busy": "1003"}, {}]) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        ann.dial("1002")
        await bob.rings()
        bob.refuse(486)
        session = await cid.picks_up()
        assert (session.request.headers.get("Diversion") or "").startswith("<sip:1002@")
        assert "reason=user-busy" in (session.request.headers.get("Diversion") or "")
        await ann.answered()
        await asyncio.sleep(1)
        assert ann.hears(cid.tone_hz)


async def test_calls_nobody_answers_go_to_the_pstn(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_no_answer": "13105550177", "ring_s": 15}, {}]) as it:
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        session = await carrier.picks_up()
        assert (await bob.ended()).status == 487
        assert session.request.uri.username == "13105550177"
        assert "reason=no-answer" in (session.request.headers.get("Diversion") or "")
        await ann.answered()


async def test_calls_of_a_user_without_a_phone_go_on(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_unregistered": "1003"}, {}]) as it:
        carrier, cid = await it.carrier(), await it.phone("1003")
        carrier.dial("12025550112")
        await cid.picks_up()
        await carrier.answered()


async def test_users_who_forward_to_each_other_end_in_482(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_unregistered": "1003"}, {"forward_unregistered": "1002"}]) as it:
        ann = await it.phone("1001")
        ann.dial("1002")
        assert (await ann.ended()).status == 482


async def test_a_call_that_ends_before_it_is_answered_says_why_in_a_word(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.refuse(488, "Not Acceptable Here")
        ended = await ann.ended()
        assert (ended.status, ended.q850) == (488, 65)


async def test_ringing_is_told_once_however_many_phones_ring(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, desk, hand = await it.phone("1001"), await it.phone("1002-desk"), await it.phone("1002-hand")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.ring()
        hand.ring()
        await asyncio.sleep(2)
        assert len([event for event in ann.events if isinstance(event, Provisional)]) == 1


async def test_a_6xx_counts_whatever_another_phone_says_in_the_same_moment(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"ring_s": 20}, {}]) as it:
        ann = await it.phone("1001")
        desk, hand = await it.phone("1002-desk"), await it.phone("1002-hand")
        last = await it.phone("1002-last", q="0.1")
        ann.dial("1002")
        await asyncio.gather(desk.rings(), hand.rings())
        desk.refuse(603, "Decline")
        hand.refuse(486, "Busy Here")
        assert (await ann.ended()).status == 603
        assert not last.sessions


async def test_a_request_with_our_own_via_is_a_loop(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        bob = await it.phone("1002")
        host, port = it.app.sip_address
        socket = it.wire.datagrams(CARRIER, 5099)
        lines = (
            f"INVITE sip:12025550112@{host} SIP/2.0",
            f"Via: SIP/2.0/UDP {CARRIER}:5099;branch=z9hG4bKnow",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKbefore",
            f"From: <sip:13105550199@{CARRIER}>;tag=1",
            f"To: <sip:12025550112@{host}>",
            "Call-ID: loop",
            "CSeq: 1 INVITE",
            f"Contact: <sip:{CARRIER}:5099>",
            "Content-Length: 0",
        )
        socket.send("\r\n".join([*lines, "", ""]).encode(), host, port)
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 482") for text in it.messages(CARRIER))
        assert not bob.sessions
        socket.close()


async def test_several_early_dialogs_are_heard_one_after_another_and_the_one_that_answers_stays(tmp_path: Path) -> None:
    """Behind the trunk a proxy forks: two announcements, then the second of them answers (RFC 3261 §13.2.2.4)."""
    async with town(tmp_path) as it:
        ann, first, second = await it.phone("1001"), await it.carrier("127.0.0.52"), await it.carrier("127.0.0.53")
        proxy = RawPeer(it.wire, CARRIER)
        ann.dial("13105550177")
        invite = await proxy.request("INVITE")
        for phone in (first, second):
            phone.joins(invite.body)
        proxy.answer(invite, 183, HERE, tag="first", body=first.sdp())
        await ann.ringing(183)
        await asyncio.sleep(2)
        assert ann.hears(first.tone_hz)
        first.speaks = False
        proxy.answer(invite, 183, HERE, tag="second", body=second.sdp())
        await asyncio.sleep(2)
        assert ann.hears(second.tone_hz)
        proxy.answer(invite, 200, HERE, tag="second", body=second.sdp())
        await ann.answered()
        assert (await proxy.request("ACK")).to.tag == "second"
        await asyncio.sleep(2)
        assert ann.hears(second.tone_hz)
        assert second.hears(ann.tone_hz)
        ann.hang_up()
        proxy.answer(await proxy.request("BYE"), 200, HERE, tag="second")
        proxy.socket.close()


async def test_a_second_answer_of_a_fork_behind_a_trunk_is_hung_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, one, other = await it.phone("1001"), await it.carrier("127.0.0.52"), await it.carrier("127.0.0.53")
        proxy = RawPeer(it.wire, CARRIER)
        ann.dial("13105550177")
        invite = await proxy.request("INVITE")
        one.joins(invite.body)
        proxy.answer(invite, 200, HERE, tag="one", body=one.sdp())
        await ann.answered()
        proxy.answer(invite, 200, HERE, tag="other", body=other.sdp())
        bye = await proxy.request("BYE")
        assert bye.to.tag == "other"
        proxy.answer(bye, 200, HERE, tag="other")
        await asyncio.sleep(2)
        assert ann.hears(one.tone_hz)
        ann.hang_up()
        proxy.answer(await proxy.request("BYE"), 200, HERE, tag="one")
        proxy.socket.close()


async def test_a_call_that_was_forwarded_often_enough_is_not_forwarded_again(tmp_path: Path) -> None:
    """The PSTN brings back what a user forwards there, and each time one Diversion more."""
    async with town(tmp_path, users=[{}, {"forward_unregistered": "13105550177"}, {}]) as it:
        carrier = await it.carrier()
        diversions = [("Diversion", f"<sip:1202555011{number}@{CARRIER}>;reason=unavailable") for number in range(5)]
        carrier.dial("12025550112", headers=diversions)
        assert (await carrier.ended()).status == 482
        assert len(carrier.sessions) == 1


async def test_a_caller_with_no_codec_of_ours_rings_nobody(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002", offer=ann.sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 96").replace(b":0 PCMU", b":96 SPEEX"))
        assert (await ann.ended()).status == 488
        assert not bob.sessions


async def test_a_callee_who_answers_without_any_audio_ends_the_call_for_both(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        session = await bob.rings()
        session.answer(bob.sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 96").replace(b":0 PCMU", b":96 SPEEX"))
        assert (await ann.ended()).status in (488, 502)
        await bob.ended()


async def test_where_the_second_leg_has_no_port_the_caller_gets_503_and_nobody_is_left(tmp_path: Path) -> None:
    async with town(tmp_path, media={"ports": [20000, 20001]}) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        assert (await ann.ended()).status == 503
        assert not bob.sessions


async def test_a_phone_that_sends_its_calls_elsewhere_by_302_is_heeded(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        carrier, desk, hand = await it.carrier(), await it.phone("1002-desk"), await it.phone("1002-hand")
        cid = await it.phone("1003")
        carrier.dial("12025550112")
        await desk.rings()
        await hand.rings()
        hand.ring()
        desk.refuse(302, headers=[("Contact", "<sip:1003@127.0.0.1>")])
        session = await cid.picks_up()
        assert "reason=deflection" in (session.request.headers.get("Diversion") or "")
        assert (await hand.ended()).status == 487
        await carrier.answered()
        await asyncio.sleep(2)
        assert hear_each_other(carrier, cid)
        carrier.hang_up()
        await cid.ended()
        await asyncio.sleep(1)
        assert (records[0].redirect_uri, records[0].ip_dst) == ("sip:1003@127.0.0.1", cid.host)


async def test_a_phone_that_sends_its_calls_to_the_pstn_does_so_on_the_account_of_its_user(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        ann.dial("1002")
        await bob.rings()
        bob.refuse(302, headers=[("Contact", "<sip:19005550100@127.0.0.1>")])
        assert (await ann.ended()).status == 403
        ann.dial("1002")
        await bob.rings(2)
        bob.refuse(302, headers=[("Contact", "<sip:13105550177@127.0.0.1>")])
        await carrier.picks_up()
        await ann.answered()
        ann.hang_up()
        await carrier.ended()
        await asyncio.sleep(1)
        assert records[-1].number_billing == "12025550112"


async def test_a_302_to_nowhere_is_no_answer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.refuse(302, headers=[("Contact", "<sip:somebody@elsewhere.example>")])
        assert (await ann.ended()).status == 480


async def test_early_media_after_a_183_without_any_is_heard(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, _, carrier = await it.phone("1001"), await it.phone("1003"), await it.carrier()
        assert carrier.tone_hz != RINGBACK_HZ
        ann.dial("13105550177")
        await carrier.rings()
        carrier.ring(183)
        await ann.ringing(183)
        await asyncio.sleep(1)
        carrier.ring(183, early_media=True)
        await asyncio.sleep(2)
        assert ann.hears(carrier.tone_hz)


async def test_where_the_phone_that_was_heard_refuses_and_another_rings_the_caller_hears_ringing(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as it:
        ann, _, bob, desk = [await it.phone(name) for name in ("1001", "1003", "1002", "1002-desk")]
        ann.dial("1002")
        await bob.rings()
        await desk.rings()
        bob.ring()
        desk.ring(183, early_media=True)
        await asyncio.sleep(2)
        assert ann.hears(desk.tone_hz)
        ann.forget()
        desk.refuse(486)
        await asyncio.sleep(2)
        assert not ann.hears(desk.tone_hz)
        assert ann.has_heard(RINGBACK_HZ)
        bob.answer()
        await ann.answered()
        await asyncio.sleep(1)
        assert hear_each_other(ann, bob)


async def test_a_phone_that_can_not_be_reached_is_forwarded_like_one_that_is_not_registered(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"forward_unregistered": "1003"}, {}]) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        it.phones.remove(bob)
        await bob.close()
        ann.dial("1002")
        session = await cid.picks_up()
        assert "reason=unavailable" in (session.request.headers.get("Diversion") or "")
        await ann.answered()


async def test_where_no_port_is_left_for_a_caller_without_an_offer_who_was_answered_he_is_forwarded_nowhere(
    tmp_path: Path,
) -> None:
    forwards = [{}, {"forward_unregistered": "1003"}, {}]
    async with town(tmp_path, users=forwards, media={"ports": [10000, 10001]}) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        ann.dial("1002", late_offer=True)
        await bob.rings()
        bob.answer()
        ended = await ann.ended()
        assert (ended.status, ended.reason) == (503, "No media port free")
        await bob.ended()
        assert not cid.sessions
