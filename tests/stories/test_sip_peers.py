"""What real carriers, proxies, phones and attackers send: the peer is bytes."""

import asyncio
import random
from itertools import pairwise
from typing import Any

import pytest

from softswitch.sip.digest import Challenger, Credentials
from softswitch.sip.message import Request, Response
from softswitch.sip.session.events import Answered, Ended, Offered, OfferRefused, Provisional, Reanswered
from softswitch.sip.session.states import State
from softswitch.sip.uri import Uri
from tests.sip.phones import ANSWER, OFFER, Phone, RawPeer
from tests.wire import Wire

HOST = "10.0.0.1"
SDP = "v=0 raw"


async def phone_and_peer(**settings: Any) -> tuple[Phone, RawPeer, Wire]:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1, **settings).start()
    return phone, RawPeer(wire), wire


async def answered(phone: Phone, peer: RawPeer, **fields: Any) -> str:
    """A confirmed call from the peer; returns our tag."""
    peer.say("INVITE", HOST, body=SDP, **fields)
    response = await peer.response(200)
    peer.say("ACK", HOST, to_tag=response.to.tag, **(fields | {"branch": "z9hG4bKack"}))
    await asyncio.sleep(0.1)
    return response.to.tag or ""


# --- a call comes in ------------------------------------------------------------------------------------------------


async def test_the_200_repeats_record_route_and_carries_contact_and_allow() -> None:
    phone, peer, _ = await phone_and_peer()
    routes = "Record-Route: <sip:p1;lr>, <sip:p2;lr>\nRecord-Route: <sip:p3;lr>\n"
    peer.say("INVITE", HOST, headers=routes, body=SDP)
    response = await peer.response(200)
    assert response.headers.all("Record-Route") == ["<sip:p1;lr>, <sip:p2;lr>", "<sip:p3;lr>"]
    assert response.headers.get("Contact") == f"<sip:{HOST}:5060>"
    assert "UPDATE" in response.tokens("Allow")
    assert phone.calls[0].dialog is not None
    assert [str(route) for route in phone.calls[0].dialog.route_set] == ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]


async def test_our_bye_takes_the_route_of_the_invite() -> None:
    phone, peer, _ = await phone_and_peer()
    headers = "Record-Route: <sip:10.0.0.9:5060;lr>, <sip:far.example;lr>\n"
    peer.say("INVITE", HOST, headers=headers, body=SDP)
    response = await peer.response(200)
    peer.say("ACK", HOST, to_tag=response.to.tag, branch="z9hG4bKack")
    await asyncio.sleep(0.1)
    phone.calls[0].hang_up()
    bye = await peer.request("BYE")
    assert str(bye.uri) == "sip:raw@10.0.0.9:5060"
    assert bye.headers.all("Route") == ["<sip:10.0.0.9:5060;lr>", "<sip:far.example;lr>"]
    assert bye.headers.get("Reason") == 'Q.850;cause=16;text="Normal call clearing"'


async def test_a_strict_router_gets_its_own_address_as_the_request_uri() -> None:
    phone, peer, _ = await phone_and_peer()
    peer.say("INVITE", HOST, headers="Record-Route: <sip:10.0.0.9:5060>\n", body=SDP)
    response = await peer.response(200)
    peer.say("ACK", HOST, to_tag=response.to.tag, branch="z9hG4bKack")
    await asyncio.sleep(0.1)
    phone.calls[0].hang_up()
    bye = await peer.request("BYE")
    assert str(bye.uri) == "sip:10.0.0.9:5060"
    assert bye.headers.all("Route") == ["<sip:raw@10.0.0.9:5060>"]


async def test_trying_comes_after_200_ms_of_silence_only() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: None
    peer.say("INVITE", HOST, body=SDP)
    await peer.response(100)
    assert asyncio.get_running_loop().time() == pytest.approx(1000.22)
    phone.calls[0].reject(486)
    await peer.response(486)


async def test_a_repeated_invite_is_one_call() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, body=SDP)
    await peer.response(180)
    peer.say("INVITE", HOST, body=SDP)
    await peer.response(180)
    assert len(phone.calls) == 1


async def test_the_same_invite_on_another_path_is_a_482() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, body=SDP)
    peer.say("INVITE", HOST, body=SDP, branch="z9hG4bKelsewhere")
    await peer.response(482)
    assert len(phone.calls) == 1


async def test_a_ringing_call_is_refreshed_every_minute() -> None:
    phone, peer, wire = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, body=SDP)
    await asyncio.sleep(130)
    assert sum(packet.data.startswith(b"SIP/2.0 180") for packet in wire.packets) == 3


async def test_an_invite_that_expires_ends_with_487() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, headers="Expires: 20\n", body=SDP)
    await peer.response(487)
    assert asyncio.get_running_loop().time() == pytest.approx(1020.02, abs=0.01)
    assert phone.ended().status == 487


async def test_a_refusal_is_repeated_until_its_ack() -> None:
    phone, peer, wire = await phone_and_peer()
    phone.on_call = lambda session: session.reject(404)
    peer.say("INVITE", HOST, body=SDP)
    await asyncio.sleep(4)
    assert sum(packet.data.startswith(b"SIP/2.0 404") for packet in wire.packets) == 4
    response = await peer.response(404)
    peer.say("ACK", HOST, to_tag=response.to.tag, branch="z9hG4bKINVITE1")
    await asyncio.sleep(30)
    assert sum(packet.data.startswith(b"SIP/2.0 404") for packet in wire.packets) == 4
    assert phone.has_left_nothing()


async def test_a_bye_before_the_answer_ends_the_call() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, body=SDP)
    response = await peer.response(180)
    peer.say("BYE", HOST, to_tag=response.to.tag, cseq=2)
    await peer.response(200)
    await peer.response(487)
    assert phone.ended().status == 487


async def test_a_cancel_that_matches_nothing_is_a_481() -> None:
    _, peer, _ = await phone_and_peer()
    peer.say("CANCEL", HOST)
    await peer.response(481)


async def test_a_cancel_after_the_answer_changes_nothing() -> None:
    phone, peer, _ = await phone_and_peer()
    peer.say("INVITE", HOST, body=SDP)
    ours = (await peer.response(200)).to.tag
    peer.say("CANCEL", HOST, branch="z9hG4bKINVITE1")
    response = await peer.response(200)
    assert response.cseq.method == "CANCEL"
    peer.say("ACK", HOST, to_tag=ours, branch="z9hG4bKack")
    await asyncio.sleep(1)
    assert phone.calls[0].state is State.CONFIRMED


async def test_a_required_100rel_makes_a_180_reliable_and_a_lost_prack_refuses() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, headers="Require: 100rel\n", body=SDP)
    response = await peer.response(180)
    assert response.tokens("Require") == ("100rel",)
    await peer.response(504)
    assert phone.ended().reason == "No PRACK"


async def test_a_prack_that_matches_nothing_is_a_481_and_the_right_one_ends_the_repetition() -> None:
    phone, peer, wire = await phone_and_peer()
    phone.on_call = lambda session: session.ring()
    peer.say("INVITE", HOST, headers="Require: 100rel\n", body=SDP)
    response = await peer.response(180)
    tag, rseq = response.to.tag, response.number("RSeq") or 0
    peer.say("PRACK", HOST, to_tag=tag, cseq=2, headers=f"RAck: {rseq + 1} 1 INVITE\n")
    await peer.response(481)
    peer.say("PRACK", HOST, to_tag=tag, cseq=3, headers=f"RAck: {rseq}  1 INVITE\n")
    await peer.response(200)
    await asyncio.sleep(40)
    assert sum(packet.data.startswith(b"SIP/2.0 180") for packet in wire.packets) == 1


async def test_an_offer_in_the_prack_is_answered_in_its_200() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_call = lambda session: session.ring(183, sdp=ANSWER)
    phone.on_event = lambda session, event: session.accept(b"v=0 again") if isinstance(event, Offered) else None
    peer.say("INVITE", HOST, headers="Supported: 100rel\n", body=SDP)
    response = await peer.response(183)
    headers = f"RAck: {response.number('RSeq')} 1 INVITE\n"
    peer.say("PRACK", HOST, to_tag=response.to.tag, cseq=2, headers=headers, body="v=0 better")
    assert (await peer.response(200)).body == b"v=0 again"
    assert phone.heard(Offered) == [Offered(b"v=0 better")]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("INVITE", "Require: foo\n", 420),
        ("FETCH", "", 501),
        ("REFER", "", 405),
        ("INVITE", "Session-Expires: 60\nSupported: timer\n", 422),
        ("OPTIONS", "", 200),
    ],
)
async def test_what_a_request_outside_of_a_dialog_gets(method: str, headers: str, status: int) -> None:
    _, peer, _ = await phone_and_peer()
    peer.say(method, HOST, headers=headers)
    response = await peer.response(status)
    if status == 422:
        assert response.headers.get("Min-SE") == "90"
    if status == 420:
        assert response.tokens("Unsupported") == ("foo",)


# --- within a dialog ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("INFO", 200), ("NOTIFY", 405), ("FETCH", 501), ("UPDATE", 200)]
)
async def test_what_a_request_within_a_dialog_gets(method: str, status: int) -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer)
    peer.say(method, HOST, to_tag=tag, cseq=2)
    await peer.response(status)
    assert phone.calls[0].state is State.CONFIRMED


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE", "OPTIONS"])
async def test_a_request_of_an_unknown_dialog_is_a_481(method: str) -> None:
    _, peer, _ = await phone_and_peer()
    peer.say(method, HOST, to_tag="nobody")
    await peer.response(481)


async def test_an_old_cseq_is_a_500() -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer, cseq=10)
    peer.say("INFO", HOST, to_tag=tag, cseq=9)
    await peer.response(500)


async def test_an_overlapping_re_invite_is_a_500_with_retry_after() -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer)
    peer.say("INVITE", HOST, to_tag=tag, cseq=2, body=SDP)
    peer.say("INVITE", HOST, to_tag=tag, cseq=3, body=SDP)
    response = await peer.response(500)
    assert 0 <= (response.number("Retry-After") or 0) <= 10


async def test_a_cancelled_re_invite_leaves_the_call_as_it_was() -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer)
    peer.say("INVITE", HOST, to_tag=tag, cseq=2, body=SDP)
    await asyncio.sleep(0.1)
    peer.say("CANCEL", HOST, to_tag=tag, cseq=2, branch="z9hG4bKINVITE2")
    await peer.response(487)
    phone.calls[0].accept(ANSWER)
    await asyncio.sleep(1)
    assert phone.calls[0].state is State.CONFIRMED
    assert not phone.heard(Ended)


async def test_a_re_invite_moves_the_remote_target() -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer)
    phone.on_event = lambda session, event: session.accept(ANSWER) if isinstance(event, Offered) else None
    peer.port = 5070
    peer.say("INVITE", HOST, to_tag=tag, cseq=2, body=SDP)
    await asyncio.sleep(0.1)
    assert phone.calls[0].dialog is not None
    assert phone.calls[0].dialog.remote_target.port == 5070


@pytest.mark.parametrize(("status", "says_bye"), [(481, False), (408, True)])
async def test_a_481_or_408_within_the_dialog_ends_the_session(status: int, says_bye: bool) -> None:
    phone, peer, wire = await phone_and_peer()
    await answered(phone, peer)
    phone.calls[0].info("text/plain", b"x")
    peer.answer(await peer.request("INFO"), status, HOST)
    await asyncio.sleep(1)
    assert (phone.ended().by, phone.ended().status) == ("remote", status)
    assert any(packet.data.startswith(b"BYE ") for packet in wire.packets) == says_bye


async def test_a_refused_re_offer_leaves_the_session_as_it_was() -> None:
    phone, peer, _ = await phone_and_peer()
    await answered(phone, peer)
    phone.calls[0].reoffer(b"v=0 new")
    peer.answer(await peer.request("INVITE"), 488, HOST)
    await peer.request("ACK")
    assert phone.heard(OfferRefused) == [OfferRefused(488, "Not Acceptable Here")]
    assert phone.calls[0].state is State.CONFIRMED


async def test_a_bye_while_our_re_invite_is_open_ends_cleanly() -> None:
    phone, peer, _ = await phone_and_peer()
    tag = await answered(phone, peer)
    phone.calls[0].reoffer(b"v=0 new")
    invite = await peer.request("INVITE")
    peer.say("BYE", HOST, to_tag=tag, cseq=2)
    await peer.response(200)
    peer.answer(invite, 481, HOST)
    await asyncio.sleep(70)
    assert phone.ended().by == "remote"
    assert phone.has_left_nothing()


async def test_an_answer_that_is_overtaken_by_our_bye_is_acknowledged_and_starts_nothing() -> None:
    phone, peer, _ = await phone_and_peer()
    await answered(phone, peer)
    phone.calls[0].reoffer(b"v=0 new")
    invite = await peer.request("INVITE")
    phone.calls[0].hang_up()
    peer.answer(await peer.request("BYE"), 200, HOST)
    peer.answer(invite, 200, HOST, headers=[("Session-Expires", "1800;refresher=uac")], body=ANSWER)
    await peer.request("ACK")
    await asyncio.sleep(70)
    assert phone.ended().by == "local"
    assert phone.has_left_nothing()


# --- a call goes out ------------------------------------------------------------------------------------------------


async def test_a_retransmitted_183_is_acknowledged_once() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    reliable = [("Require", "100rel"), ("RSeq", "7")]
    for _ in range(3):
        peer.answer(invite, 183, HOST, headers=reliable, body=ANSWER)
    prack = await peer.request("PRACK")
    assert prack.headers.get("RAck") == f"7 {invite.cseq.number} INVITE"
    peer.answer(prack, 200, HOST)
    await asyncio.sleep(1)
    assert len(phone.heard(Provisional)) == 1
    peer.answer(invite, 183, HOST, headers=[("Require", "100rel"), ("RSeq", "9")])
    await asyncio.sleep(1)
    assert len(phone.heard(Provisional)) == 1


async def test_a_200_that_comes_again_gets_the_same_ack_again() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.answer(invite, 200, HOST, body=ANSWER)
    first = await peer.request("ACK")
    peer.answer(invite, 200, HOST, body=ANSWER)
    assert (await peer.request("ACK")).encode() == first.encode()
    assert len(phone.heard(Answered)) == 1


async def test_the_2xx_of_a_later_fork_is_acknowledged_and_hung_up() -> None:
    phone, peer, _ = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.answer(invite, 180, HOST, tag="one")
    peer.answer(invite, 180, HOST, tag="two")
    peer.answer(invite, 200, HOST, tag="two", body=ANSWER)
    assert (await peer.request("ACK")).to.tag == "two"
    peer.answer(invite, 200, HOST, tag="one", body=ANSWER)
    assert (await peer.request("ACK")).to.tag == "one"
    assert (await peer.request("BYE")).to.tag == "one"
    assert session.state is State.CONFIRMED
    assert len(phone.heard(Answered)) == 1


async def test_a_200_after_our_cancel_is_acknowledged_and_hung_up() -> None:
    phone, peer, _ = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.answer(invite, 180, HOST)
    await asyncio.sleep(0.1)
    session.hang_up()
    peer.answer(await peer.request("CANCEL"), 200, HOST)
    peer.answer(invite, 200, HOST, body=ANSWER)
    await peer.request("ACK")
    peer.answer(await peer.request("BYE"), 200, HOST)
    await asyncio.sleep(70)
    assert not phone.heard(Answered)
    assert phone.ended().by == "local"
    assert phone.has_left_nothing()


async def test_a_cancel_nobody_heeds_is_over_after_64_t1() -> None:
    phone, peer, _ = await phone_and_peer()
    session = phone.call(peer.host)
    peer.answer(await peer.request("INVITE"), 180, HOST)
    await asyncio.sleep(0.1)
    session.hang_up()
    peer.answer(await peer.request("CANCEL"), 200, HOST)
    await asyncio.sleep(33)
    assert phone.has_left_nothing()


async def test_the_ack_of_the_2xx_follows_the_route_of_the_response() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    routes = [("Record-Route", "<sip:second;lr>"), ("Record-Route", "<sip:10.0.0.9;lr>")]
    peer.answer(invite, 200, HOST, headers=routes, body=ANSWER)
    ack = await peer.request("ACK")
    assert ack.headers.all("Route") == ["<sip:10.0.0.9;lr>", "<sip:second;lr>"]


async def test_a_422_is_tried_again_with_the_longer_interval() -> None:
    phone, peer, _ = await phone_and_peer(session_expires_s=100)
    phone.call(peer.host)
    peer.answer(await peer.request("INVITE"), 422, HOST, headers=[("Min-SE", "3600")])
    again = await peer.request("INVITE")
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("3600", "3600")
    assert phone.events == []


@pytest.mark.parametrize(("status", "header"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
async def test_a_challenge_is_answered_once(status: int, header: str) -> None:
    phone, peer, _ = await phone_and_peer()
    challenger = Challenger("acme", b"secret")
    phone.call(peer.host, credentials=Credentials("alice", "wonder"))
    invite = await peer.request("INVITE")
    peer.answer(invite, status, HOST, headers=[(header, value) for value in challenger.challenge(1000.0)])
    await peer.request("ACK")
    again = await peer.request("INVITE")
    assert again.cseq.number == invite.cseq.number + 1
    assert again.from_.tag == invite.from_.tag
    if status == 401:
        assert challenger.verify(again, {"alice": "wonder"}.get, 1000.0).name == "OK"
    peer.answer(again, 200, HOST, body=ANSWER)
    ack = await peer.request("ACK")
    assert ("Authorization" if status == 401 else "Proxy-Authorization") in ack.headers
    assert len(phone.heard(Answered)) == 1


async def test_a_wrong_password_ends_the_call_with_the_second_challenge() -> None:
    phone, peer, _ = await phone_and_peer()
    challenger = Challenger("acme", b"secret")
    phone.call(peer.host, credentials=Credentials("alice", "wrong"))
    for _ in range(2):
        headers = [("WWW-Authenticate", value) for value in challenger.challenge(1000.0)]
        peer.answer(await peer.request("INVITE"), 401, HOST, headers=headers)
    await asyncio.sleep(1)
    assert phone.ended().status == 401


async def test_a_stale_nonce_is_answered_anew() -> None:
    phone, peer, _ = await phone_and_peer()
    challenger = Challenger("acme", b"secret")
    phone.call(peer.host, credentials=Credentials("alice", "wonder"))
    for stale in (False, True):
        headers = [("WWW-Authenticate", value) for value in challenger.challenge(1000.0, stale)]
        peer.answer(await peer.request("INVITE"), 401, HOST, headers=headers)
    await peer.request("INVITE")
    assert phone.events == []


async def test_a_challenged_bye_is_sent_again_with_credentials() -> None:
    phone, peer, _ = await phone_and_peer()
    challenger = Challenger("acme", b"secret")
    session = phone.call(peer.host, credentials=Credentials("alice", "wonder"))
    peer.answer(await peer.request("INVITE"), 200, HOST, body=ANSWER)
    await peer.request("ACK")
    session.hang_up()
    headers = [("WWW-Authenticate", value) for value in challenger.challenge(1000.0)]
    peer.answer(await peer.request("BYE"), 401, HOST, headers=headers)
    assert "Authorization" in (await peer.request("BYE")).headers


async def test_a_request_outside_of_a_dialog_answers_its_challenge_too() -> None:
    phone, peer, _ = await phone_and_peer()
    challenger = Challenger("acme", b"secret")
    credentials = Credentials("alice", "wonder")
    asked = asyncio.create_task(phone.stack.request("MESSAGE", Uri.parse("sip:10.0.0.9"), credentials=credentials))
    headers = [("WWW-Authenticate", value) for value in challenger.challenge(1000.0)]
    peer.answer(await peer.request("MESSAGE"), 401, HOST, headers=headers)
    peer.answer(await peer.request("MESSAGE"), 202, HOST)
    assert (await asked).status == 202


async def test_a_late_answer_without_sdp_uses_what_the_reliable_183_agreed() -> None:
    phone, peer, _ = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.answer(invite, 183, HOST, headers=[("Require", "100rel"), ("RSeq", "1")], body=ANSWER)
    peer.answer(await peer.request("PRACK"), 200, HOST)
    peer.answer(invite, 200, HOST)
    await peer.request("ACK")
    assert session.state is State.CONFIRMED
    session.reoffer(b"v=0 new")
    again = await peer.request("INVITE")
    peer.answer(again, 200, HOST, body=b"v=0 agreed")
    await peer.request("ACK")
    assert phone.heard(Reanswered) == [Reanswered(b"v=0 agreed")]


async def test_a_far_end_without_update_is_refreshed_by_re_invite() -> None:
    phone, peer, _ = await phone_and_peer(session_expires_s=120)
    await answered(phone, peer)
    again = await peer.request("INVITE", 70)
    assert again.body == ANSWER
    assert again.headers.get("Session-Expires") == "120;refresher=uac"
    peer.answer(again, 200, HOST, headers=[("Session-Expires", "120;refresher=uac")], body=b"v=0 raw")
    await peer.request("ACK")
    again = await peer.request("INVITE", 70)
    assert again.cseq.number > 1


async def test_a_refused_refresh_is_tried_again_another_way() -> None:
    _phone, peer, _ = await phone_and_peer(session_expires_s=120)
    peer.say("INVITE", HOST, headers="Allow: INVITE, UPDATE\n", body=SDP)
    response = await peer.response(200)
    peer.say("ACK", HOST, to_tag=response.to.tag, branch="z9hG4bKack")
    peer.answer(await peer.request("UPDATE", 70), 501, HOST)
    assert (await peer.request("INVITE")).body == ANSWER


async def test_a_refresher_that_stays_away_gets_a_bye() -> None:
    _phone, peer, _ = await phone_and_peer()
    peer.say("INVITE", HOST, headers="Supported: timer\nSession-Expires: 120;refresher=uac\n", body=SDP)
    response = await peer.response(200)
    assert response.headers.get("Session-Expires") == "120;refresher=uac"
    peer.say("ACK", HOST, to_tag=response.to.tag, branch="z9hG4bKack")
    bye = await peer.request("BYE", 130)
    assert bye.headers.get("Reason") == 'Q.850;cause=102;text="Session expired"'
    assert asyncio.get_running_loop().time() == pytest.approx(1088, abs=0.1)


async def test_our_update_in_glare_is_sent_again() -> None:
    phone, peer, _ = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    reliable = [("Require", "100rel"), ("RSeq", "1"), ("Allow", "INVITE, UPDATE, PRACK")]
    peer.answer(invite, 183, HOST, headers=reliable, body=ANSWER)
    peer.answer(await peer.request("PRACK"), 200, HOST)
    await asyncio.sleep(0.1)
    session.reoffer(b"v=0 early")
    peer.answer(await peer.request("UPDATE"), 491, HOST)
    again = await peer.request("UPDATE")
    peer.answer(again, 200, HOST, body=b"v=0 yes")
    await asyncio.sleep(0.1)
    assert phone.heard(Reanswered) == [Reanswered(b"v=0 yes")]


async def test_an_update_with_an_offer_is_answered_and_one_without_refreshes() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.on_event = lambda session, event: session.accept(b"v=0 ok") if isinstance(event, Offered) else None
    tag = await answered(phone, peer)
    peer.say("UPDATE", HOST, to_tag=tag, cseq=2, body="v=0 theirs")
    assert (await peer.response(200)).body == b"v=0 ok"
    peer.say("UPDATE", HOST, to_tag=tag, cseq=3)
    assert (await peer.response(200)).body == b""


async def test_a_reliable_answer_to_a_closed_connection_goes_to_the_via() -> None:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1).start()
    caller = await Phone(wire, "10.0.0.3", 2).start()
    phone.on_call = lambda session: session.ring()
    caller.call(HOST, params=";transport=tcp")
    await asyncio.sleep(1)
    for connection in list(phone.stack._transports._connections.values()):
        connection.close()
    await asyncio.sleep(1)
    phone.calls[0].answer(ANSWER)
    await asyncio.sleep(1)
    assert phone.calls[0].state is State.CONFIRMED
    await phone.stack.close()
    await caller.stack.close()


async def test_closing_the_stack_answers_who_still_waits() -> None:
    phone, _, _wire = await phone_and_peer()
    asked = asyncio.create_task(phone.stack.request("OPTIONS", Uri.parse("sip:10.0.0.9")))
    await asyncio.sleep(1)
    await phone.stack.close()
    assert (await asked).status == 503


# --- the wire -------------------------------------------------------------------------------------------------------


async def test_the_response_goes_to_the_source_when_rport_asks_for_it() -> None:
    _, _, wire = await phone_and_peer()
    nat = RawPeer(wire, "203.0.113.5", 41000)
    nat.send(
        "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bKnat\nFrom: <sip:a@b>;tag=1\n"
        "To: <sip:x>\nCall-ID: n\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n",
        HOST,
    )
    response = await nat.response(200)
    assert (response.via.received, response.via.rport) == ("203.0.113.5", 41000)


async def test_without_rport_the_response_goes_to_the_port_of_the_via() -> None:
    _, peer, wire = await phone_and_peer()
    other_port = RawPeer(wire, "10.0.0.9", 5099)
    peer.send(
        "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP host.example:5099;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\n"
        "To: <sip:x>\nCall-ID: n\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n",
        HOST,
    )
    assert (await other_port.response(200)).via.received == "10.0.0.9"


async def test_a_phone_behind_nat_gets_our_bye_where_it_called_from() -> None:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1).start()
    nat = RawPeer(wire, "203.0.113.5", 41000)
    text = (
        "{0} sip:x SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bK{0}\nFrom: <sip:a@b>;tag=1\n"
        "To: <sip:x>{1}\nCall-ID: n\nCSeq: 1 {0}\nContact: <sip:a@192.168.1.5:5060>\nContent-Length: 0\n\n"
    )
    nat.send(text.format("INVITE", ""), HOST)
    response = await nat.response(200)
    nat.send(text.format("ACK", f";tag={response.to.tag}"), HOST)
    await asyncio.sleep(0.1)
    phone.calls[0].hang_up()
    await nat.request("BYE")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_a_phone_whose_nat_moves_it_gets_our_bye_where_its_last_offer_came_from(method: str) -> None:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1).start()
    phone.on_event = lambda session, event: session.accept(ANSWER) if isinstance(event, Offered) else None
    before, after = RawPeer(wire, "203.0.113.5", 41000), RawPeer(wire, "203.0.113.5", 41777)
    text = (
        "{0} sip:x SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bK{0}{2}\nFrom: <sip:a@b>;tag=1\n"
        "To: <sip:x>{1}\nCall-ID: n\nCSeq: {2} {0}\nContact: <sip:a@192.168.1.5:5060>\nContent-Length: 0\n\n"
    )
    before.send(text.format("INVITE", "", 1), HOST)
    tag = f";tag={(await before.response(200)).to.tag}"
    before.send(text.format("ACK", tag, 1), HOST)
    after.send(text.format(method, tag, 2), HOST)
    await after.response(200)
    if method == "INVITE":
        after.send(text.format("ACK", tag, 2), HOST)
    await asyncio.sleep(0.1)
    phone.calls[0].hang_up()
    await after.request("BYE")


async def test_a_phone_that_has_opened_another_connection_gets_our_bye_over_that_one() -> None:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1).start()
    phone.on_event = lambda session, event: session.accept(ANSWER) if isinstance(event, Offered) else None
    caller = await Phone(wire, "10.0.0.3", 2).start()
    session = caller.call(HOST, params=";transport=tcp")
    await asyncio.sleep(1)
    for connection in list(phone.stack._transports._connections.values()):
        connection.close()
    for _, listener in caller.stack._transports._listeners:
        listener.close()  # behind its NAT nobody can open a connection to it
    await asyncio.sleep(1)
    session.reoffer(OFFER)
    await asyncio.sleep(1)
    phone.calls[0].hang_up()
    await asyncio.sleep(1)
    assert caller.ended().by == "remote"
    for each in (phone, caller):
        await each.stack.close()


async def test_over_the_limit_an_invite_gets_503_with_retry_after_and_the_calls_go_on() -> None:
    phone, peer, _ = await phone_and_peer(most_server_transactions=5)
    for number in range(20):
        peer.say("INVITE", HOST, body=SDP, call_id=f"call-{number}", branch=f"z9hG4bK{number}")
    response = await peer.response(503)
    assert response.number("Retry-After") == 3
    assert len(phone.calls) == 5
    assert phone.stack.drops["overload"] == 15


async def test_answers_are_kept_for_repeats_as_long_as_there_is_room_and_never_refuse_anything_new() -> None:
    phone, peer, _ = await phone_and_peer(most_server_transactions=5, most_spent_transactions=10)
    for number in range(100):
        peer.say("OPTIONS", HOST, call_id=f"ask-{number}", branch=f"z9hG4bK{number}")
        assert (await peer.response(200)).call_id == f"ask-{number}"
    assert phone.stack.counts()["transactions"] == 11
    assert phone.stack.drops == {"forgotten_early": 89}
    await asyncio.sleep(40)
    assert phone.has_left_nothing()


async def test_one_timer_ends_all_answers_and_until_then_a_repeat_gets_its_own_again() -> None:
    phone, peer, _ = await phone_and_peer()
    heard = []
    for number in range(20):
        peer.say("OPTIONS", HOST, call_id=f"ask-{number}", branch=f"z9hG4bK{number}")
        heard.append((await peer.response(200)).encode())
        await asyncio.sleep(0.1)
    assert (phone.stack.counts()["transactions"], phone.stack.counts()["timers"]) == (20, 1)
    await asyncio.sleep(29.0)
    peer.say("OPTIONS", HOST, call_id="ask-3", branch="z9hG4bK3")
    assert (await peer.response(200)).encode() == heard[3]
    await asyncio.sleep(4.0)
    assert phone.has_left_nothing()


async def test_however_many_calls_there_were_a_switch_at_rest_takes_the_next() -> None:
    phone, peer, _ = await phone_and_peer(most_server_transactions=5)
    for number in range(20):
        call_id = f"call-{number}"
        tag = await answered(phone, peer, call_id=call_id, branch=f"z9hG4bK{number}")
        peer.say("BYE", HOST, to_tag=tag, cseq=2, call_id=call_id, branch=f"z9hG4bKbye{number}")
        assert (await peer.response(200)).cseq.method == "BYE"
        if number % 4 == 3:
            await asyncio.sleep(40)
    assert phone.stack.drops == {}
    assert phone.has_left_nothing()


async def test_behind_with_reading_for_longer_than_set_new_calls_get_503_and_hang_ups_their_200() -> None:
    phone, peer, wire = await phone_and_peer(overloaded_after_s=1.0)
    tag = await answered(phone, peer)
    wire._datagrams[HOST, 5060].behind_since = asyncio.get_running_loop().time()
    await answered(phone, peer, call_id="in a burst", branch="z9hG4bKburst")
    await asyncio.sleep(1)
    peer.say("INVITE", HOST, body=SDP, call_id="late", branch="z9hG4bKlate")
    assert (await peer.response(503)).number("Retry-After") == 3
    peer.say("BYE", HOST, to_tag=tag, cseq=2, branch="z9hG4bKbye")
    assert (await peer.response(200)).cseq.method == "BYE"
    assert phone.stack.drops["overload"] == 1


async def test_half_a_second_behind_what_may_wait_is_told_to_come_one_after_another_and_calls_are_served() -> None:
    patience = {"busy_after_s": 0.5, "overloaded_after_s": 1.0}
    phone, peer, wire = await phone_and_peer(retries_per_s=10.0, retry_within_s=5, **patience)
    wire._datagrams[HOST, 5060].behind_since = asyncio.get_running_loop().time()
    await asyncio.sleep(0.6)
    for number in range(40):
        peer.say("OPTIONS", HOST, call_id=f"ask-{number}", branch=f"z9hG4bK{number}")
    told = [(await peer.response(503)).number("Retry-After") for _ in range(40)]
    assert set(told) == {3, 4, 5}
    assert [before > after for before, after in pairwise(told)].count(True) == 1
    await answered(phone, peer, call_id="a call", branch="z9hG4bKcall")
    assert phone.stack.drops == {"overload": 40}
    peer.say("OPTIONS", HOST, call_id="proven", branch="z9hG4bKproven", headers="Authorization: Digest x=y\n")
    assert (await peer.response(200)).call_id == "proven"


async def test_a_stranger_gets_silence_and_a_session_is_served_from_anywhere() -> None:
    phone, peer, wire = await phone_and_peer()
    tag = await answered(phone, peer)
    phone.stack.ignores = lambda _: True
    sent = len(wire.packets)
    peer.say("OPTIONS", HOST, call_id="stranger")
    peer.say("INVITE", HOST, call_id="stranger", branch="z9hG4bKs", body=SDP)
    peer.send("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKbad\n\n", HOST)
    await asyncio.sleep(1)
    assert len(wire.packets) == sent + 3
    assert phone.stack.drops["ignored"] == 3
    peer.say("BYE", HOST, to_tag=tag, cseq=2)
    await peer.response(200)


async def test_an_answer_of_the_owner_gets_a_tag() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.stack.on_request = lambda request, _: Response.for_request(request, 403)
    peer.say("REGISTER", HOST)
    assert (await peer.response(403)).to.tag


async def test_a_garbage_storm_leaves_no_exception_and_no_state(caplog: pytest.LogCaptureFixture) -> None:
    phone, peer, _ = await phone_and_peer()
    chance = random.Random(11)
    seeds = [
        Response.for_request(
            Request("INVITE", "sip:x", [("Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKg")]), 200
        ).encode(),
        f"INVITE sip:bob@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKg\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:x>\r\nCall-ID: n\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.9>\r\nMin-SE: 90\r\nRSeq: 1\r\n"
        f"Session-Expires: 1800;refresher=uac\r\nExpires: 5\r\nContent-Length: 3\r\n\r\nv=0".encode(),
    ]
    for number in range(3000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 5 == 0:
            data = bytearray(chance.randbytes(chance.randrange(0, 300)))
        peer.send(bytes(data), HOST)
    for data in (b"", b"\r\n\r\n", b"\x00" * 4, b"INVITE", b"SIP/2.0 200", b"\r\n" * 100):
        peer.send(data, HOST)
    await asyncio.sleep(100)
    for session in phone.calls:
        session.hang_up()
    await asyncio.sleep(100)
    assert phone.stack.drops["our_bug"] == 0
    assert not caplog.records
    assert phone.has_left_nothing()


async def test_an_owner_that_fails_is_logged_and_the_call_refused(caplog: pytest.LogCaptureFixture) -> None:
    phone, peer, _ = await phone_and_peer()

    def breaks(_: Any) -> None:
        raise RuntimeError("a bug of ours")

    phone.on_call = breaks
    peer.say("INVITE", HOST, body=SDP)
    assert (await peer.response(503)).headers.get("Reason")
    assert phone.stack.drops["our_bug"] == 1
    assert "call-1" in caplog.text


async def test_an_offer_is_what_the_invite_carries() -> None:
    phone, peer, _ = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    assert invite.body == OFFER
    assert invite.headers.get("Contact") == f"<sip:{HOST}:5060>"
    assert invite.tokens("Supported") == ("100rel", "timer", "replaces")
