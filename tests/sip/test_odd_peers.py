"""Far ends that do what RFC 3261 allows and hardly anybody does, or what it forbids: each was once our bug."""

import asyncio
import random
from typing import Any

import pytest

from softswitch.sip.digest import Credentials
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.resolver import Found
from softswitch.sip.session.events import Answered, Ended, Offered, OfferRefused, Provisional, Reanswered
from softswitch.sip.session.states import State
from softswitch.sip.stack import Stack
from softswitch.sip.uri import Uri
from tests.sip.phones import ANSWER, Phone, RawPeer
from tests.wire import Wire

HOST = "10.0.0.1"
SDP = "v=0 raw"
CONTACT = [("Contact", "<sip:raw@10.0.0.9>")]


async def phone_and_peer(**settings: Any) -> tuple[Phone, RawPeer]:
    wire = Wire(delay_s=0.01)
    return await Phone(wire, HOST, 1, **settings).start(), RawPeer(wire)


class Connected(asyncio.Protocol):
    """One end of a connection."""

    is_lost = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _: Any) -> None:
        self.is_lost = True


async def talk(peer: RawPeer) -> Response:
    """A call of the peer that is up."""
    peer.say("INVITE", HOST, body=SDP)
    answer = await peer.response(200)
    peer.say("ACK", HOST, to_tag=answer.to.tag, branch="z9hG4bKack")
    return answer


@pytest.mark.parametrize(
    ("method", "status"), [("SUBSCRIBE", 489), ("MESSAGE", 405), ("NOTIFY", 405), ("PUBLISH", 405)]
)
async def test_a_subscription_within_a_call_is_refused_and_no_bug(method: str, status: int) -> None:
    phone, peer = await phone_and_peer()
    phone.stack.on_request = lambda request, peer: Response.for_request(request, 403)
    answer = await talk(peer)
    peer.say(method, HOST, to_tag=answer.to.tag, cseq=2, headers="Event: kpml\nExpires: 60\n")
    assert (await peer.response(status)).cseq.method == method
    assert phone.stack.drops["our_bug"] == 0


class NoTcp(Wire):
    """No connection stands here: after `refused_after_s` each is refused, or (None) nothing is ever heard of it."""

    refused_after_s: float | None = 0.0
    attempts = 0

    async def connect_stream(self, *way: Any) -> None:
        self.attempts += 1
        if self.refused_after_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self.refused_after_s or 0.0)
        await super().connect_stream(*way)


LARGE = [("Identity", "x" * 1500)]


async def call_large(phone: Phone, peer: RawPeer) -> float:
    """A call that no datagram should carry, and the seconds until it came as one."""
    began_at = asyncio.get_running_loop().time()
    phone.call(peer.host, headers=LARGE)
    invite = await peer.request("INVITE")
    took_s = asyncio.get_running_loop().time() - began_at
    assert invite.via.transport == "UDP"
    peer.answer(invite, 486, HOST)
    await peer.request("ACK")
    assert phone.heard(Ended)[-1].status == 486
    return took_s


async def test_an_invite_too_large_for_udp_goes_by_udp_where_tcp_is_refused() -> None:
    wire = NoTcp(delay_s=0.01)
    phone, peer = await Phone(wire, HOST, 1).start(), RawPeer(wire)
    for _ in range(2):
        assert await call_large(phone, peer) < 0.1
    assert wire.attempts == 1, "the second call knows"


async def test_who_drops_tcp_in_silence_costs_one_large_call_a_second_and_no_other_call_anything() -> None:
    """Every ten minutes one large call waited ten seconds."""
    wire = NoTcp(delay_s=0.01)
    wire.refused_after_s = None
    phone, peer = await Phone(wire, HOST, 1).start(), RawPeer(wire)
    assert await call_large(phone, peer) == pytest.approx(1.0, abs=0.1)
    attempts = []
    for _ in range(40):
        assert await call_large(phone, peer) < 0.1
        attempts.append(wire.attempts)
        await asyncio.sleep(200)
    assert attempts == [1] * 3 + [2] * 6 + [3] * 12 + [4] * 19, "asked again after 10, 20, 40 minutes"
    assert phone.stack.counts()["sendings"] == 0


async def test_who_comes_to_hear_tcp_is_called_over_tcp_again() -> None:
    wire = NoTcp(delay_s=0.01)
    wire.refused_after_s = None
    phone, peer = await Phone(wire, HOST, 1).start(), RawPeer(wire)
    await call_large(phone, peer)
    wire.refused_after_s = 0.0
    peer.socket.close()
    other = await Phone(wire, peer.host, 2).start()
    for _ in range(3):
        await asyncio.sleep(400)
        session = phone.call(other.host, headers=LARGE)
        await asyncio.sleep(1)
        session.hang_up()
        await asyncio.sleep(1)
    transports = [session.peer.transport for session in other.calls]
    assert transports == [Transport.UDP, Transport.UDP, Transport.TCP]


async def test_a_large_call_hung_up_while_tcp_is_sought_never_rings() -> None:
    wire = NoTcp(delay_s=0.01)
    wire.refused_after_s = None
    phone, peer = await Phone(wire, HOST, 1).start(), RawPeer(wire)
    session = phone.call(peer.host, headers=LARGE)
    await asyncio.sleep(0.5)
    session.hang_up()
    await asyncio.sleep(40)
    assert phone.ended().status == 487
    assert not [packet for packet in wire.packets if packet.data.startswith(b"INVITE")]
    assert phone.has_left_nothing()


async def test_a_connection_that_comes_too_late_for_one_large_call_serves_the_next() -> None:
    wire = NoTcp(delay_s=0.01)
    wire.refused_after_s = 3.0
    phone, other = await Phone(wire, HOST, 1).start(), await Phone(wire, "10.0.0.2", 2).start()
    for _ in range(2):
        phone.call(other.host, headers=LARGE)
        await asyncio.sleep(5)
    assert [session.peer.transport for session in other.calls] == [Transport.UDP, Transport.TCP]
    assert wire.attempts == 1


async def test_an_invite_too_large_for_udp_stays_a_datagram_where_the_owner_says_so_or_a_phone_is_behind_nat() -> None:
    wire = Wire(delay_s=0.01)
    phone, other = await Phone(wire, HOST, 1).start(), await Phone(wire, "10.0.0.2", 2).start()
    to_flow = {"flow": Peer(Transport.UDP, other.host, 5060)}
    for way in ({"by_udp_alone": True}, to_flow):
        session = phone.call(other.host, headers=[("Identity", "x" * 1500)], **way)
        await asyncio.sleep(1)
        assert session.state is State.CONFIRMED
        session.reoffer(SDP.encode() + b"x" * 1500)
        await asyncio.sleep(1)
        session.hang_up()
    assert len(other.heard(Offered)) == 2
    assert not [packet for packet in wire.packets if b"SIP/2.0/TCP" in packet.data]


async def test_who_answers_503_over_tcp_is_not_asked_again_over_udp() -> None:
    wire = Wire(delay_s=0.01)
    phone, other = await Phone(wire, HOST, 1).start(), await Phone(wire, "10.0.0.2", 2).start()
    other.on_call = lambda session: session.reject(503)
    phone.call(other.host, headers=[("Identity", "x" * 1500)])
    await asyncio.sleep(40)
    assert len(other.calls) == 1
    assert phone.ended().status == 503


async def test_a_re_invite_that_gets_100_and_nothing_more_is_cancelled_and_the_session_goes_on() -> None:
    phone, peer = await phone_and_peer()
    answer = await talk(peer)
    phone.calls[0].reoffer(b"v=0 new")
    invite = await peer.request("INVITE")
    peer.answer(invite, 100, HOST)
    peer.say("INVITE", HOST, to_tag=answer.to.tag, cseq=2, branch="z9hG4bKhold", body=SDP)
    await peer.response(491)
    cancel = await peer.request("CANCEL")
    peer.answer(cancel, 200, HOST)
    peer.answer(invite, 487, HOST)
    await peer.request("ACK")
    assert [refused.status for refused in phone.heard(OfferRefused)] == [487]
    phone.on_event = lambda session, event: session.accept(ANSWER) if isinstance(event, Offered) else None
    peer.say("INVITE", HOST, to_tag=answer.to.tag, cseq=3, branch="z9hG4bKagain", body=SDP)
    await peer.response(200)
    peer.say("ACK", HOST, to_tag=answer.to.tag, cseq=3, branch="z9hG4bKack3")
    await asyncio.sleep(100)
    assert phone.heard(Ended) == []


async def test_who_leaves_a_re_invite_and_its_cancel_without_an_answer_is_lost() -> None:
    phone, peer = await phone_and_peer()
    await talk(peer)
    phone.calls[0].reoffer(b"v=0 new")
    peer.answer(await peer.request("INVITE"), 100, HOST)
    peer.answer(await peer.request("CANCEL"), 200, HOST)
    bye = await peer.request("BYE")
    assert (bye.headers.get("Reason") or "").startswith("Q.850;cause=102")
    peer.answer(bye, 200, HOST)
    assert phone.ended().status == 408
    await asyncio.sleep(70)
    assert phone.has_left_nothing()


async def test_a_2xx_that_crosses_the_cancel_of_a_re_invite_is_taken() -> None:
    phone, peer = await phone_and_peer()
    await talk(peer)
    phone.calls[0].reoffer(b"v=0 new")
    invite = await peer.request("INVITE")
    peer.answer(invite, 100, HOST)
    await peer.request("CANCEL")
    peer.answer(invite, 200, HOST, body=SDP.encode())
    await peer.request("ACK")
    await asyncio.sleep(100)
    assert len(phone.heard(Reanswered)) == 1
    assert phone.heard(Ended) == []


@pytest.mark.parametrize("is_heard", [False, True])
async def test_a_2xx_without_contact_to_a_call_that_was_hung_up_ends_it(is_heard: bool) -> None:
    phone, peer = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    if is_heard:
        peer.answer(invite, 180, HOST)
        await asyncio.sleep(1)
    session.hang_up()
    peer.socket.send(Response.for_request(invite, 200, to_tag="raw", body=SDP.encode()).encode(), HOST, 5060)
    await asyncio.sleep(70)
    assert phone.has_left_nothing()


async def test_forks_beyond_the_sixteenth_are_counted_and_get_no_answer() -> None:
    phone, peer = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    for number in range(18):
        peer.answer(invite, 180, HOST, tag=f"fork{number}")
    await asyncio.sleep(1)
    assert phone.stack.drops["too_many_forks"] == 2
    for number in range(18):
        peer.answer(invite, 200, HOST, tag=f"fork{number}", body=SDP.encode())
    await asyncio.sleep(1)
    assert phone.stack.drops["too_many_forks"] == 4


async def test_a_prack_that_our_200_has_overtaken_gets_200() -> None:
    phone, peer = await phone_and_peer()

    def take(session: Any) -> None:
        session.ring(180)
        session.answer(ANSWER)

    phone.on_call = take
    peer.say("INVITE", HOST, body=SDP, headers="Require: 100rel\n")
    ringing = await peer.response(180)
    await peer.response(200)
    for cseq, status in ((2, 200), (3, 481)):
        rack = f"RAck: {ringing.headers.get('RSeq')} 1 INVITE\n"
        peer.say("PRACK", HOST, to_tag=ringing.to.tag, cseq=cseq, headers=rack)
        while (answer := await peer.response(status)).cseq.method != "PRACK":
            pass
        assert answer.cseq.number == cseq


async def test_an_invite_with_sdp_beside_isup_is_taken() -> None:
    phone, peer = await phone_and_peer()
    isup = "Content-Type: application/isup;version=itu-t92+\nContent-Disposition: signal;handling=optional\n\nxx\n"
    body = f"--b\nContent-Type: application/sdp\n\n{SDP}\n--b\n{isup}--b--\n".replace("\n", "\r\n")
    invite = Request("INVITE", f"sip:bob@{HOST}", body=body.encode())
    for name, value in (
        ("Via", f"SIP/2.0/UDP {peer.host}:5060;branch=z9hG4bKm"), ("Max-Forwards", "70"), ("Call-ID", "call-1"),
        ("From", f"<sip:raw@{peer.host}>;tag=raw"), ("To", f"<sip:bob@{HOST}>"), ("CSeq", "1 INVITE"),
        ("Contact", f"<sip:raw@{peer.host}>"), ("Content-Type", "multipart/mixed;boundary=b"),
    ):  # fmt: skip
        invite.headers.add(name, value)
    peer.send(invite.encode(), HOST)
    await peer.response(200)
    assert phone.calls[0].remote_offer == SDP.encode()


async def test_a_description_whose_type_nobody_has_written_is_one() -> None:
    """An offer in INVITE and re-INVITE, and the answer to ours; any other body without a type gets 415."""
    phone, peer = await phone_and_peer()
    peer.say("INVITE", HOST, body=SDP, has_type=False)
    answer = await peer.response(200)
    peer.say("ACK", HOST, to_tag=answer.to.tag, branch="z9hG4bKack")
    assert phone.calls[0].remote_offer == SDP.encode()
    peer.say("INVITE", HOST, to_tag=answer.to.tag, cseq=2, body="<xml/>", has_type=False)
    assert (await peer.response(415)).cseq.number == 2
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.send(Response.for_request(invite, 200, to_tag="raw", headers=CONTACT, body=SDP.encode()).encode(), HOST)
    await peer.request("ACK")
    assert [event.sdp for event in phone.heard(Answered)] == [SDP.encode()]


async def test_a_422_whose_min_se_is_no_number_ends_the_call() -> None:
    phone, peer = await phone_and_peer()
    phone.call(peer.host)
    peer.answer(await peer.request("INVITE"), 422, HOST, headers=[("Min-SE", "abc")])
    await peer.request("ACK")
    assert phone.ended().status == 422
    assert (phone.stack.drops["response_malformed"], phone.stack.drops["our_bug"]) == (1, 0)


async def test_a_183_whose_rseq_is_no_number_is_forgotten_and_the_call_goes_on() -> None:
    phone, peer = await phone_and_peer()
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    peer.answer(invite, 183, HOST, headers=[("Require", "100rel"), ("RSeq", "abc")])
    peer.answer(invite, 200, HOST, body=b"v=0 a")
    await peer.request("ACK")
    assert not phone.heard(Provisional)
    assert (phone.stack.drops["response_malformed"], phone.stack.drops["our_bug"]) == (1, 0)


async def test_who_calls_every_nonce_stale_is_not_asked_for_ever() -> None:
    phone, peer = await phone_and_peer()
    asking = asyncio.create_task(
        phone.stack.request("OPTIONS", Uri.parse(f"sip:{peer.host}"), credentials=Credentials("a", "b"))
    )
    challenge = 'Digest realm="x", nonce="n", algorithm=MD5, qop="auth", stale=true'
    for _ in range(4):
        peer.answer(await peer.request("OPTIONS"), 401, HOST, headers=[("WWW-Authenticate", challenge)])
    assert (await asking).status == 401


async def test_a_200_whose_to_can_t_be_read_ends_the_call_at_once() -> None:
    phone, peer = await phone_and_peer()
    phone.call(peer.host)
    answer = Response.for_request(await peer.request("INVITE"), 200, to_tag="x", body=b"v=0 a")
    answer.headers.set("To", "<sip:bob")
    peer.socket.send(answer.encode(), HOST, 5060)
    await asyncio.sleep(1)
    assert phone.ended().status == 502
    await asyncio.sleep(60)
    assert phone.has_left_nothing()


async def test_a_reinvite_answered_by_nonsense_leaves_the_session_as_it_was() -> None:
    phone, peer = await phone_and_peer()
    answer = await talk(peer)
    await asyncio.sleep(1)
    phone.calls[0].reoffer(b"v=0 new")
    peer.answer(await peer.request("INVITE"), 422, HOST, tag="", headers=[("Min-SE", "abc")])
    await asyncio.sleep(1)
    assert [refused.status for refused in phone.heard(OfferRefused)] == [422]
    phone.calls[0].reoffer(b"v=0 newer")
    assert (await peer.request("INVITE")).body == b"v=0 newer", answer


async def test_five_hundred_forks_of_one_callee_cost_us_sixteen() -> None:
    phone, peer = await phone_and_peer()
    session = phone.call(peer.host)
    invite = await peer.request("INVITE")
    for status in (180, 200):
        for fork in range(500):
            peer.answer(invite, status, HOST, tag=f"t{fork}", body=b"v=0 a" if status == 200 else b"")
        await asyncio.sleep(1)
    assert (len(session.early), len(session.acks)) <= (16, 16)
    assert phone.stack.counts()["transactions"] < 20
    assert len(phone.heard(Answered)) == 1


async def test_who_has_hung_up_rings_nowhere_else() -> None:
    wire = Wire(delay_s=0.01)
    first, second = RawPeer(wire, "10.0.0.8"), RawPeer(wire, "10.0.0.9")

    class Dns:
        async def ask(self, _name: str, kind: str) -> Found:
            return Found((first.host, second.host) if kind == "A" else (), 60.0)

    phone = Phone(wire, HOST, 1)
    phone.stack = Stack(network=wire, random=random.Random(1), dns=Dns())
    await phone.stack.listen("UDP", HOST, 5060)
    session = phone.call("pbx.example")
    await first.request("INVITE")
    session.hang_up()
    await asyncio.sleep(60)
    assert not second.socket._waiting
    assert not phone.heard(Provisional)
    assert phone.has_left_nothing()


async def test_a_refresh_refused_once_is_tried_again() -> None:
    phone, peer = await phone_and_peer(session_expires_s=90)
    phone.call(peer.host)
    invite = await peer.request("INVITE")
    headers = [("Session-Expires", "90;refresher=uac"), ("Require", "timer")]
    peer.answer(invite, 200, HOST, headers=headers, body=b"v=0 a")
    first = await peer.request("INVITE", 60)
    peer.answer(first, 500, HOST)
    again = await peer.request("INVITE", 20)
    assert again.cseq.number > first.cseq.number
    peer.answer(again, 200, HOST, headers=headers, body=b"v=0 a")
    await asyncio.sleep(20)
    assert not phone.heard(Ended)


async def test_who_opens_connections_and_sends_only_keep_alives_loses_them() -> None:
    wire = Wire(delay_s=0.001)
    phone = await Phone(wire, HOST, 1).start()

    silent = Connected()
    await wire.connect_stream(HOST, 5060, lambda: silent, "10.6.6.6")
    for _ in range(6):
        await asyncio.sleep(10)
        if not silent.is_lost:
            silent.transport.write(b"\r\n\r\n")
    assert silent.is_lost
    assert phone.stack.drops["silent_connection"] == 1


async def test_where_strangers_have_filled_every_place_a_trunk_is_served() -> None:
    wire = Wire(delay_s=0.01)
    phone = await Phone(wire, HOST, 1, most_server_transactions=3).start()
    phone.on_call = lambda session: None
    trunk, stranger = RawPeer(wire, "10.0.0.8"), RawPeer(wire, "10.9.9.9")
    phone.stack.knows = lambda peer: peer.host == trunk.host
    for number in range(4):
        stranger.say("INVITE", HOST, call_id=f"s{number}", branch=f"z9hG4bKs{number}", body=SDP)
    await stranger.response(503)
    phone.on_call = lambda session: session.answer(ANSWER)
    trunk.say("INVITE", HOST, body=SDP)
    await trunk.response(200)
    assert len(phone.calls) == 4


async def test_a_name_whose_naptr_or_aaaa_nobody_answers_leads_where_its_a_says() -> None:
    class Dns:
        def __init__(self, *broken: str) -> None:
            self.broken = broken

        async def ask(self, _name: str, kind: str) -> Found:
            if kind in self.broken:
                raise OSError("SERVFAIL")
            return Found(("192.0.2.1",) if kind == "A" else (), 60.0)

    wire = Wire()
    for broken in (("NAPTR",), ("NAPTR", "SRV"), ("AAAA",), ("NAPTR", "SRV", "AAAA")):
        stack = Stack(network=wire, dns=Dns(*broken))
        (target,) = await stack._client._resolver.resolve(Uri.parse("sip:x@pbx.example"))
        assert target.host == "192.0.2.1"
    with pytest.raises(OSError, match="no address"):
        await Stack(network=wire, dns=Dns("A", "AAAA"))._client._resolver.resolve(Uri.parse("sip:x@pbx.example"))


async def test_keep_alives_keep_a_connection_only_for_those_who_have_something_here() -> None:
    wire = Wire(delay_s=0.001)
    phone = await Phone(wire, HOST, 1, tcp_idle_s=100.0).start()
    phone.stack.knows = lambda peer: peer.host == "10.0.0.2"
    options = (
        b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\n"
        b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    hosts = ("10.0.0.2", "10.6.6.6")
    connections = [Connected() for _ in hosts]
    for host, connection in zip(hosts, connections, strict=True):
        await wire.connect_stream(HOST, 5060, lambda connection=connection: connection, host)
        await asyncio.sleep(0.1)
        connection.transport.write(options)
    for _ in range(20):
        await asyncio.sleep(20)
        for connection in connections:
            if not connection.is_lost:
                connection.transport.write(b"\r\n\r\n")
    assert [connection.is_lost for connection in connections] == [False, True]
    assert phone.stack.drops["idle_connection"] == 1


async def test_no_caller_chooses_how_long_a_timer_of_ours_takes_memory() -> None:
    phone, peer = await phone_and_peer()
    await talk(peer)
    for number in range(20):
        call = {"call_id": f"c{number}", "branch": f"z9hG4bK{number}"}
        long_s = 2**31 + number
        wishes = f"Expires: {long_s}\nSupported: timer\nSession-Expires: {long_s}\nMin-SE: {long_s}\n"
        peer.say("INVITE", HOST, body=SDP, headers=wishes, **call)
        answer = await peer.response(200)
        peer.say("ACK", HOST, to_tag=answer.to.tag, call_id=call["call_id"], branch=f"z9hG4bKa{number}")
        peer.say("BYE", HOST, to_tag=answer.to.tag, call_id=call["call_id"], branch=f"z9hG4bKb{number}", cseq=2)
        await peer.response(200)
    assert max(phone.stack._performer.alarm._timers._lanes) <= 86400
