"""Phones of bytes at a running stack: registering, being asked, being slowed down, keeping NATs open."""

import asyncio
import struct
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from softswitch.call import Event
from softswitch.registrar import PhoneMoved, SourceBanned
from softswitch.sip import Address, Credentials, Peer, Request, Response, Transport, Uri
from softswitch.sip.stack import Stack
from tests.registrar.house import HERE, House, Telephone, house
from tests.wire import Wire

GUARD = {"wrong_passwords": 3, "window_s": 60, "ban_s": 300, "slowed_s": 1}


async def test_a_phone_registers_and_goes_and_both_are_told() -> None:
    async with house() as home:
        phone = Telephone(home)
        assert (await phone.register()).status == 200
        assert (await phone.register(0)).status == 200
        told = [event.change for event in home.events if isinstance(event, PhoneMoved)]
        assert told == ["registered", "unregistered"]
        assert home.phones.answers == {401: 2, 200: 2}
        await phone.close()


async def test_a_phone_that_stays_away_expires() -> None:
    async with house(registrar={"qualify_s": 0}) as home:
        phone = Telephone(home)
        await phone.register(60)
        await asyncio.sleep(62)
        assert len(home.phones.location) == 0
        assert [event.change for event in home.events if isinstance(event, PhoneMoved)][-1] == "expired"
        await phone.close()


async def test_a_wrong_password_waits_for_its_403() -> None:
    async with house(guard=GUARD) as home:
        phone = Telephone(home)
        phone.password = "guess"
        began = asyncio.get_running_loop().time()
        assert (await phone.register()).status == 403
        assert asyncio.get_running_loop().time() - began > 1
        await phone.close()


async def test_a_scan_of_extensions_learns_nothing_and_ends_in_a_ban() -> None:
    async with house(guard=GUARD) as home:
        answers = []
        for username in ("1001", "4711", "1002", "4712"):
            phone = Telephone(home, username, "10.6.6.6")
            phone.password = "guess"
            began = asyncio.get_running_loop().time()
            response = await phone.register()
            took_s = round(asyncio.get_running_loop().time() - began, 6)
            answers.append((response.status, response.reason, [name for name, _ in response.headers], took_s))
            await phone.close()
        assert len({str(answer) for answer in answers}) == 1
        (banned,) = [event for event in home.events if isinstance(event, SourceBanned)]
        assert (banned.source, banned.wrong_passwords) == ("10.6.6.6", 3)
        neighbour = Telephone(home)
        assert (await neighbour.register()).status == 200
        await neighbour.close()


async def test_wrong_passwords_leave_a_line_in_the_log_with_their_source() -> None:
    async with house(guard={**GUARD, "wrong_passwords": 0}) as home:
        for number in (1, 1, 2):
            phone = Telephone(home, "1001", f"10.6.6.{number}")
            phone.password = "guess"
            assert (await phone.register()).status == 403
            await phone.close()
        with capture_logs() as lines:
            await asyncio.sleep(30)
        told = [line for line in lines if line["event"] == "wrong passwords"]
        assert [(line["count"], line["sources"]) for line in told] == [(3, "10.6.6.1 (2), 10.6.6.2 (1)")]


async def test_many_wrong_passwords_at_once_wait_in_a_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.registrar.guard.MOST_SLOWED", 3)
    async with house(guard={**GUARD, "wrong_passwords": 0}) as home:
        phones = [Telephone(home, "1001", f"10.6.6.{number}") for number in range(6)]
        for phone in phones:
            phone.password = "guess"
        asked = [asyncio.create_task(phone.register()) for phone in phones]
        await asyncio.sleep(5)
        assert sum(one.done() for one in asked) == 3
        assert home.phones.unanswered == 3
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        for phone in phones:
            await phone.close()


async def test_while_many_register_it_is_not_quiet_and_some_time_later_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at all objects held the loop for 250 ms in a storm of registrations, and refused 256 of them."""
    monkeypatch.setattr("softswitch.registrar.phones.QUIET_PER_S", 2)
    async with house() as home:
        phone = Telephone(home)
        assert home.phones.is_quiet
        for _ in range(15):
            await phone.register()
        await asyncio.sleep(2)
        assert not home.phones.is_quiet
        await asyncio.sleep(15)
        assert home.phones.is_quiet
        await phone.close()


async def test_what_we_do_not_have_may_not_be_required() -> None:
    async with house() as home:
        phone = Telephone(home)
        assert (await phone.register(600, "", "Require: path, outbound")).status == 200
        refused = await phone.register(600, "", "Require: path, gruu")
        assert (refused.status, refused.headers.get("Unsupported")) == (420, "gruu")
        await phone.close()


async def test_strangers_who_get_silence_may_register() -> None:
    async with house() as home:
        home.stack.ignores = lambda _: True
        phone = Telephone(home)
        assert (await phone.register()).status == 200
        with pytest.raises(TimeoutError):
            await phone.ask("OPTIONS")
        await phone.close()


# ---- is it still there?


async def test_every_phone_is_asked_and_one_that_stops_to_answer_is_called_last() -> None:
    async with house(registrar={"qualify_s": 10}) as home:
        phone = Telephone(home)
        await phone.register()
        assert (await phone.request()).method == "OPTIONS"
        (binding,) = home.phones.location.of("1001")
        await asyncio.sleep(1)
        assert binding.has_answered
        phone.answers = 0
        await asyncio.sleep(60)
        assert binding.is_down
        phone.answers = 200
        await asyncio.sleep(30)
        assert not binding.is_down
        changes = [event.change for event in home.events if isinstance(event, PhoneMoved)]
        assert changes == ["registered", "not reachable", "reachable"]
        await phone.close()


async def test_a_phone_that_never_answers_options_is_not_taken_for_dead() -> None:
    async with house(registrar={"qualify_s": 10}) as home:
        phone = Telephone(home)
        phone.answers = 0
        await phone.register()
        await asyncio.sleep(100)
        (binding,) = home.phones.location.of("1001")
        assert not binding.is_down
        await phone.close()


async def test_any_answer_to_options_is_an_answer() -> None:
    async with house(registrar={"qualify_s": 10}) as home:
        phone = Telephone(home)
        phone.answers = 486
        await phone.register()
        await asyncio.sleep(20)
        (binding,) = home.phones.location.of("1001")
        assert binding.has_answered
        await phone.close()


async def test_a_phone_behind_nat_is_asked_where_it_registered_from() -> None:
    async with house(registrar={"qualify_s": 10}) as home:
        phone = Telephone(home, host="198.51.100.7", port=40001)
        await phone.register(600, "<sip:1001@192.168.1.5:5060>")
        asked = await phone.request()
        assert str(asked.uri) == "sip:1001@192.168.1.5:5060"
        await phone.close()


async def test_questions_to_many_phones_are_spread_over_the_interval() -> None:
    wire = Wire(delay_s=0.005)
    async with house(wire, registrar={"qualify_s": 10}) as home:
        phones = [Telephone(home, "1001", f"10.0.1.{number}") for number in range(10)]
        for phone in phones:
            await phone.register()
        wire.packets.clear()
        await asyncio.sleep(20)
        at = [packet.at for packet in wire.packets if packet.data.startswith(b"OPTIONS")]
        assert 19 <= len(at) <= 21
        gaps = [later - earlier for earlier, later in pairwise(at)]
        assert max(gaps) < 1.3
        for phone in phones:
            await phone.close()


# ---- flows


async def test_a_phone_over_tcp_is_asked_over_its_connection_and_lost_with_it() -> None:
    async with house(registrar={"qualify_s": 10}) as home:
        phone = Stack(network=home.wire)
        asked: list[Peer] = []

        def answer(request: Request, peer: Peer) -> Response | None:
            asked.append(peer)
            return phone.answer_options(request, peer)

        phone.on_request = answer
        await phone.listen("TCP", "10.0.0.2", 5060)
        connection = await registered_over_tcp(home, phone)
        await asyncio.sleep(15)
        assert asked == [Peer(Transport.TCP, HERE, 5060, connection.port)]
        await phone.close()
        await asyncio.sleep(1)
        ((target,),) = home.phones.location.targets(home.phones.guard._users["1001"], home.phones._clock())
        assert target.flow is None
        assert home.phones.location.of("1001")[0].is_down
        asked_before = home.phones.qualify.counts["asked"]
        await asyncio.sleep(60)
        assert home.phones.qualify.counts["asked"] == asked_before


async def registered_over_tcp(home: House, phone: Stack) -> Peer:
    """The connection that a REGISTER came over."""
    response = await phone.request(
        "REGISTER",
        Uri.parse(f"sip:{HERE};transport=tcp"),
        from_=Address.parse(f"<sip:1001@{HERE}>"),
        to=Address.parse(f"<sip:1001@{HERE}>"),
        headers=[("Contact", "<sip:1001@10.0.0.2:5060;transport=tcp>")],
        credentials=Credentials("1001", "one-secret"),
    )
    assert response.status == 200
    (binding,) = home.phones.location.of("1001")
    assert binding.peer.transport is Transport.TCP
    return binding.peer


# ---- keep-alives over UDP


async def test_empty_lines_keep_a_nat_open_and_are_no_garbage() -> None:
    async with house() as home:
        socket = home.wire.datagrams("10.0.0.2", 5060)
        for data in (b"\r\n\r\n", b"\r\n", b""):
            socket.send(data, HERE, 5060)
        await asyncio.sleep(1)
        assert (home.stack.drops, socket.receive()) == ({}, None)


async def test_a_stun_binding_request_is_answered_with_the_address_it_came_from() -> None:
    async with house() as home:
        socket = home.wire.datagrams("192.0.2.1", 32853)
        transaction = bytes(range(12))
        socket.send(struct.pack("!HHI", 1, 0, 0x2112A442) + transaction, HERE, 5060)
        data, _ = await socket.received()
        kind, length, cookie = struct.unpack("!HHI", data[:8])
        assert (kind, length, cookie, data[8:20]) == (0x0101, 12, 0x2112A442, transaction)
        # RFC 5769 §2.2: the XOR-MAPPED-ADDRESS of 192.0.2.1 port 32853
        assert data[20:] == bytes.fromhex("002000080001a147e112a643")


async def test_what_is_neither_is_dropped_with_its_name() -> None:
    async with house() as home:
        socket = home.wire.datagrams("10.0.0.2", 5060)
        socket.send(b"\x00\x01 no stun at all", HERE, 5060)
        socket.send(b"\r\n\r\nOPTIONS sip:x SIP/2.0\r\n\r\n", HERE, 5060)
        await asyncio.sleep(1)
        assert sum(home.stack.drops.values()) == 2


async def test_a_bug_in_one_duty_is_counted_and_the_others_and_itself_go_on() -> None:
    async with house(registrar={"qualify_s": 20}) as home:

        def stumble(event: Event) -> None:
            if isinstance(event, PhoneMoved) and (event.user, event.change) == ("1001", "expired"):
                raise RuntimeError("a bug")

        home.published.subscribe(stumble)
        phones = [Telephone(home, "1001"), Telephone(home, "1002", "10.0.0.3")]
        for phone, expires_s in zip(phones, (60, 62), strict=True):
            await phone.register(expires_s)
        await asyncio.sleep(61)
        asked = home.phones.qualify.counts["asked"]
        await asyncio.sleep(9)
        assert home.failures == {"expiry of contacts": 1}
        assert len(home.phones.location) == 0
        assert asked == 6
        assert (await phones[0].register()).status == 200
        for phone in phones:
            await phone.close()
