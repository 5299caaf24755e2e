"""Whole calls between two stacks, in virtual time."""

import asyncio
from typing import Any

import pytest

from softswitch.sip.session.events import (
    Answered,
    Confirmed,
    Ended,
    InfoReceived,
    Offered,
    OfferRefused,
    Provisional,
    Reanswered,
)
from softswitch.sip.session.states import State
from softswitch.sip.uri import Uri
from tests.sip.phones import ANSWER, OFFER, two_phones
from tests.wire import Wire


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_a_call_is_answered_and_the_caller_hangs_up() -> None:
    alice, bob = await two_phones()
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    assert kinds(alice.events) == ["Answered"]
    assert kinds(bob.events) == ["Confirmed"]
    assert bob.calls[0].remote_offer == OFFER
    assert alice.heard(Answered)[0].sdp == ANSWER
    session.hang_up(q850=16, reason="Bye")
    assert alice.ended() == Ended("local", 200, "Bye", 16)
    await asyncio.sleep(1)
    assert bob.ended() == Ended("remote", 200, "Bye", 16)
    await asyncio.sleep(40)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()
    assert not alice.stack.drops
    assert not bob.stack.drops


async def test_the_callee_hangs_up() -> None:
    alice, bob = await two_phones()
    alice.call(bob.host)
    await asyncio.sleep(1)
    bob.calls[0].hang_up()
    await asyncio.sleep(1)
    assert alice.ended().by == "remote"
    assert bob.ended().by == "local"


async def test_hanging_up_twice_is_hanging_up_once() -> None:
    alice, bob = await two_phones()
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.hang_up()
    session.hang_up()
    await asyncio.sleep(1)
    assert kinds(bob.events) == ["Confirmed", "Ended"]
    assert alice.ended()


@pytest.mark.parametrize("status", [404, 403, 486, 488, 503, 603])
async def test_a_refusal_is_handed_on_as_it_is(status: int) -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda session: session.reject(status, "Because", headers=(("Reason", "Q.850;cause=3"),))
    alice.call(bob.host)
    await asyncio.sleep(1)
    ended = alice.ended()
    assert (ended.by, ended.status, ended.reason, ended.q850) == ("remote", status, "Because", 3)
    await asyncio.sleep(40)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_a_cause_without_a_reason_header_comes_from_the_status() -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda session: session.reject(486)
    alice.call(bob.host)
    await asyncio.sleep(1)
    assert alice.ended().q850 == 17


async def test_hanging_up_a_ringing_call_refuses_it_by_its_cause() -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda session: session.ring()
    alice.call(bob.host)
    await asyncio.sleep(1)
    bob.calls[0].hang_up(q850=17, reason="Busy")
    await asyncio.sleep(1)
    assert (alice.ended().status, alice.ended().q850) == (486, 17)


async def test_early_media_comes_reliably_and_the_answer_waits_for_its_prack() -> None:
    wire = Wire(delay_s=0.1)
    alice, bob = await two_phones(wire)

    def ring_and_answer(session: Any) -> None:
        session.ring(183, sdp=ANSWER)
        session.answer(ANSWER)

    bob.on_call = ring_and_answer
    alice.call(bob.host)
    await asyncio.sleep(2)
    assert kinds(alice.events) == ["Provisional", "Answered"]
    assert alice.heard(Provisional)[0].sdp == ANSWER
    methods = [packet.data.split(b" ")[0:2] for packet in wire.packets]
    assert [b"PRACK", b"sip:10.0.0.2:5060"] in methods
    sent = [packet.data.split(b"\r\n")[0] for packet in wire.packets]
    assert sent.index(b"SIP/2.0 200 OK") > [line[:5] for line in sent].index(b"PRACK")


async def test_two_early_responses_are_acknowledged_one_after_the_other() -> None:
    alice, bob = await two_phones()

    def ring_twice(session: Any) -> None:
        session.ring(183, sdp=ANSWER)
        session.ring(180, sdp=ANSWER)

    bob.on_call = ring_twice
    alice.call(bob.host)
    await asyncio.sleep(2)
    assert [event.status for event in alice.heard(Provisional)] == [183, 180]


async def test_a_call_without_an_offer_is_offered_by_the_callee() -> None:
    alice, bob = await two_phones()
    session = alice.call(bob.host, offer=None)
    bob.on_call = lambda incoming: incoming.answer(b"v=0 bobs offer")
    await asyncio.sleep(1)
    assert bob.calls[0].remote_offer is None
    assert alice.heard(Answered)[0].sdp == b"v=0 bobs offer"
    assert not bob.heard(Confirmed)
    session.accept(b"v=0 alices answer")
    await asyncio.sleep(1)
    assert bob.heard(Confirmed) == [Confirmed(b"v=0 alices answer")]
    session.hang_up()
    await asyncio.sleep(40)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_an_offer_in_a_reliable_183_is_answered_in_the_prack() -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda incoming: incoming.ring(183, sdp=b"v=0 bobs offer")
    session = alice.call(bob.host, offer=None)
    await asyncio.sleep(0.2)
    assert alice.heard(Offered) == [Offered(b"v=0 bobs offer")]
    session.accept(b"v=0 alices answer")
    await asyncio.sleep(1)
    assert bob.heard(Reanswered) == [Reanswered(b"v=0 alices answer")]
    bob.calls[0].answer(b"unused")
    await asyncio.sleep(1)
    assert alice.heard(Answered)[0].sdp is None
    assert session.state is State.CONFIRMED


async def test_hold_and_resume_by_re_invite() -> None:
    alice, bob = await two_phones()
    bob.on_event = lambda session, event: session.accept(b"v=0 held") if isinstance(event, Offered) else None
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.reoffer(b"v=0 sendonly")
    await asyncio.sleep(1)
    assert bob.heard(Offered) == [Offered(b"v=0 sendonly")]
    assert alice.heard(Reanswered) == [Reanswered(b"v=0 held")]
    bob.calls[0].reoffer(b"v=0 from bob")
    alice.on_event = lambda session, event: session.refuse(488, "No") if isinstance(event, Offered) else None
    await asyncio.sleep(1)
    assert bob.heard(OfferRefused) == [OfferRefused(488, "No")]
    assert session.state is State.CONFIRMED


async def test_a_re_invite_without_sdp_gets_an_offer() -> None:
    alice, bob = await two_phones()
    bob.on_event = lambda session, event: session.accept(b"v=0 bobs") if isinstance(event, Offered) else None
    alice.on_event = lambda session, event: session.accept(b"v=0 mine") if isinstance(event, Offered) else None
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.reoffer(None)
    await asyncio.sleep(1)
    assert bob.heard(Offered) == [Offered(None)]
    assert alice.heard(Offered) == [Offered(b"v=0 bobs")]
    assert bob.heard(Reanswered) == [Reanswered(b"v=0 mine")]


async def test_glare_is_waited_out_and_both_offers_get_their_answer() -> None:
    alice, bob = await two_phones(Wire(delay_s=0.1))
    for phone in (alice, bob):
        phone.on_event = lambda session, event: session.accept(b"v=0 yes") if isinstance(event, Offered) else None
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.reoffer(b"v=0 a")
    bob.calls[0].reoffer(b"v=0 b")
    await asyncio.sleep(10)
    assert alice.heard(Reanswered) == [Reanswered(b"v=0 yes")]
    assert bob.heard(Reanswered) == [Reanswered(b"v=0 yes")]
    assert alice.heard(Offered) == [Offered(b"v=0 b")]
    assert bob.heard(Offered) == [Offered(b"v=0 a")]
    assert session.state is bob.calls[0].state is State.CONFIRMED


async def test_an_offer_before_the_answer_goes_by_update() -> None:
    wire = Wire(delay_s=0.01)
    alice, bob = await two_phones(wire)
    bob.on_call = lambda session: session.ring(183, sdp=ANSWER)
    bob.on_event = lambda session, event: session.accept(b"v=0 updated") if isinstance(event, Offered) else None
    session = alice.call(bob.host, headers=())
    await asyncio.sleep(1)
    bob.calls[0].timer.peer_updates = True
    session.timer.peer_updates = True
    session.reoffer(b"v=0 before the answer")
    await asyncio.sleep(1)
    assert any(packet.data.startswith(b"UPDATE ") for packet in wire.packets)
    assert alice.heard(Reanswered) == [Reanswered(b"v=0 updated")]
    bob.calls[0].answer(ANSWER)
    await asyncio.sleep(1)
    assert session.state is State.CONFIRMED


async def test_info_is_answered_and_handed_on() -> None:
    alice, bob = await two_phones()
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    await asyncio.sleep(1)
    assert bob.heard(InfoReceived) == [InfoReceived("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")]


async def test_cancel_while_it_rings() -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda session: session.ring()
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    session.hang_up(q850=16, reason="Changed my mind")
    assert alice.ended().status == 487
    await asyncio.sleep(1)
    assert (bob.ended().by, bob.ended().status, bob.ended().reason) == ("remote", 487, "Changed my mind")
    await asyncio.sleep(40)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_cancel_crosses_the_200_and_the_call_ends_by_bye() -> None:
    wire = Wire(delay_s=0.2)
    alice, bob = await two_phones(wire)
    bob.on_call = lambda session: session.ring()
    session = alice.call(bob.host)
    await asyncio.sleep(1)
    bob.calls[0].answer(ANSWER)
    session.hang_up()
    await asyncio.sleep(2)
    assert alice.ended().by == "local"
    assert kinds(bob.events) == ["Confirmed", "Ended"]
    assert any(packet.data.startswith(b"CANCEL ") for packet in wire.packets)
    assert any(packet.data.startswith(b"BYE ") for packet in wire.packets)
    await asyncio.sleep(70)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_hanging_up_before_anything_was_heard_waits_with_the_cancel() -> None:
    alice, bob = await two_phones(Wire(delay_s=0.1))
    bob.on_call = lambda session: session.ring()
    alice.call(bob.host).hang_up()
    await asyncio.sleep(2)
    assert bob.ended().status == 487
    await asyncio.sleep(40)
    assert alice.has_left_nothing()


async def test_the_ack_never_comes_and_the_callee_says_bye() -> None:
    wire = Wire(delay_s=0.01)
    wire.refuses = lambda packet: packet.data.startswith(b"ACK ")
    alice, bob = await two_phones(wire)
    alice.call(bob.host)
    await asyncio.sleep(31)
    assert not bob.heard(Ended)
    answers = [packet for packet in wire.packets if b"CSeq" in packet.data and packet.data.startswith(b"SIP/2.0 200")]
    assert len(answers) == 10  # at 0, 0.5, 1.5, 3.5, 7.5 … 27.5 s
    await asyncio.sleep(2)
    assert (bob.ended().status, bob.ended().reason) == (408, "No ACK")
    assert alice.ended().by == "remote"
    await asyncio.sleep(70)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_a_callee_that_hangs_up_at_once_says_bye_after_the_ack() -> None:
    wire = Wire(delay_s=0.1)
    alice, bob = await two_phones(wire)

    def answer_and_leave(session: Any) -> None:
        session.answer(ANSWER)
        session.hang_up()

    bob.on_call = answer_and_leave
    alice.call(bob.host)
    await asyncio.sleep(2)
    order = [packet.data.split(b" ")[0] for packet in wire.packets]
    assert order.index(b"ACK") < order.index(b"BYE")
    assert kinds(alice.events) == ["Answered", "Ended"]
    assert kinds(bob.events) == ["Ended"]


async def test_nobody_answers_within_the_ring_limit() -> None:
    alice, bob = await two_phones()
    bob.on_call = lambda session: session.ring()
    alice.call(bob.host)
    await asyncio.sleep(200)
    assert (alice.ended().status, alice.ended().q850) == (408, 19)
    assert bob.ended().status == 487


async def test_nobody_is_there() -> None:
    alice, _ = await two_phones()
    alice.call("10.0.0.77")
    await asyncio.sleep(1)
    assert alice.ended().status == 503


async def test_a_silent_far_end_is_given_up_after_64_t1() -> None:
    wire = Wire(delay_s=0.01)
    wire.sends_icmp = False
    alice, _ = await two_phones(wire)
    alice.call("10.0.0.77")
    await asyncio.sleep(31)
    assert not alice.events
    await asyncio.sleep(2)
    assert alice.ended().status == 408
    assert alice.has_left_nothing()


async def test_the_session_is_refreshed_by_update_and_lives() -> None:
    wire = Wire(delay_s=0.01)
    alice, bob = await two_phones(wire, session_expires_s=120)
    session = alice.call(bob.host)
    await asyncio.sleep(600)
    assert session.state is bob.calls[0].state is State.CONFIRMED
    assert sum(packet.data.startswith(b"UPDATE ") for packet in wire.packets) == 9


async def test_a_session_nobody_refreshes_ends_on_both_sides() -> None:
    wire = Wire(delay_s=0.01)
    alice, bob = await two_phones(wire, session_expires_s=120)
    alice.call(bob.host)
    await asyncio.sleep(10)
    wire.refuses = lambda packet: True
    await asyncio.sleep(110)
    assert alice.ended().status == 408
    assert bob.ended().reason == "Session expired"
    await asyncio.sleep(70)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_thirty_percent_loss_still_completes() -> None:
    wire = Wire(3, loss=0.3, delay_s=0.02, jitter_s=0.03, duplicate=0.1, reorder=0.1)
    alice, bob = await two_phones(wire)

    def ring_and_answer(session: Any) -> None:
        session.ring(183, sdp=ANSWER)
        session.answer(ANSWER)

    bob.on_call = ring_and_answer
    sessions = [alice.call(bob.host) for _ in range(30)]
    await asyncio.sleep(60)
    assert [session.state for session in sessions] == [State.CONFIRMED] * 30
    for session in sessions:
        session.hang_up()
    await asyncio.sleep(140)
    assert len(bob.heard(Ended)) == 30
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_a_thousand_callers_hung_up_at_once_leave_nothing() -> None:
    alice, bob = await two_phones(Wire(delay_s=0.01, record=False))
    sessions = [alice.call(bob.host) for _ in range(1000)]
    await asyncio.sleep(2)
    assert bob.stack.counts()["sessions"] == 1000
    for session in bob.calls:
        session.hang_up()
    await asyncio.sleep(70)
    assert {session.state for session in sessions} == {State.ENDED}
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()


async def test_a_call_over_tcp_uses_one_connection_both_ways() -> None:
    wire = Wire(delay_s=0.01)
    alice, bob = await two_phones(wire)
    session = alice.call(bob.host, params=";transport=tcp")
    await asyncio.sleep(1)
    assert session.state is State.CONFIRMED
    bob.calls[0].hang_up()
    await asyncio.sleep(1)
    assert alice.ended().by == "remote"
    assert len({frozenset((packet.source, packet.destination)) for packet in wire.packets}) == 1
    await asyncio.sleep(70)
    assert alice.has_left_nothing()
    assert bob.has_left_nothing()
    await alice.stack.close()
    await bob.stack.close()


async def test_an_invite_too_large_for_udp_goes_by_tcp() -> None:
    wire = Wire(delay_s=0.01)
    alice, bob = await two_phones(wire)
    session = alice.call(bob.host, offer=b"v=0 " + b"x" * 1400)
    await asyncio.sleep(1)
    assert session.state is State.CONFIRMED
    assert session.peer.transport == "TCP"


async def test_options_outside_of_a_dialog_says_what_we_can_do() -> None:
    alice, bob = await two_phones()
    response = await alice.stack.request("OPTIONS", Uri.parse(f"sip:{bob.host}"))
    assert response.status == 200
    assert "INVITE" in response.tokens("Allow")


async def test_a_request_nobody_answers_is_a_408() -> None:
    wire = Wire()
    wire.sends_icmp = False
    alice, _ = await two_phones(wire)
    assert (await alice.stack.request("OPTIONS", Uri.parse("sip:10.0.0.77"))).status == 408
