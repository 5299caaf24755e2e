"""TLS between stacks on the wire, in virtual time: what is believed, what is counted, what is reused."""

import asyncio
import random
import ssl
from pathlib import Path
from typing import Any

import pytest

from softswitch.sip.headers import Address
from softswitch.sip.message import Response
from softswitch.sip.parser import parse
from softswitch.sip.resolver import Found
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.stack import Stack
from softswitch.sip.transport.tls import Tls, TlsSettings
from softswitch.sip.uri import Uri
from tests.certificates import Authority
from tests.wire import Wire

HERE, THERE = "10.0.0.1", "10.0.0.2"


class Zone:
    """bob.example and carol.example are both at THERE."""

    async def ask(self, name: str, kind: str) -> Found:
        known = kind == "A" and name in ("bob.example", "carol.example")
        return Found((THERE,) if known else (), 60.0)


class House:
    """Stacks of one test, each with a certificate of one authority."""

    def __init__(self, folder: Path) -> None:
        self.wire = Wire()
        self.authority = Authority(folder)
        self.stacks: list[Stack] = []

    async def open(
        self, host: str, *names: str, expired: bool = False, tls: dict[str, Any] | None = None, **settings: Any
    ) -> Stack:
        certificate, key = self.authority.issue(*(names or (host,)), expired=expired)
        files = TlsSettings(certificate, key, **{"ca": self.authority.root, **(tls or {})})
        chance = random.Random(len(self.stacks))
        stack = Stack(StackSettings(**settings), network=self.wire, random=chance, dns=Zone(), tls=Tls(files))
        await stack.listen("TLS", host, 5061)
        self.stacks.append(stack)
        return stack

    def connects(self) -> int:
        """How many connections were ever made: each begins with a TLS record of the client's."""
        openings = {(one.source, one.destination) for one in self.wire.packets if one.data[:1] == b"\x16"}
        return len(openings) // 2

    async def close(self) -> None:
        for stack in self.stacks:
            await stack.close()
        await asyncio.sleep(1)


@pytest.fixture
async def house(tmp_path: Path) -> Any:
    house = House(tmp_path)
    yield house
    await house.close()


async def ask(stack: Stack, uri: str) -> Response:
    return await stack.request("OPTIONS", Uri.parse(uri))


async def test_two_stacks_talk_and_nothing_readable_is_on_the_wire(house: House) -> None:
    one, _ = await house.open(HERE), await house.open(THERE)
    response = await ask(one, f"sip:bob@{THERE};transport=tls")
    assert response.status == 200
    assert response.via.transport == "TLS"
    assert (response.via.host, response.via.port) == (HERE, 5061)
    sent = b"".join(packet.data for packet in house.wire.packets)
    assert sent
    assert b"OPTIONS" not in sent
    assert b"SIP/2.0" not in sent


async def test_a_sips_uri_is_tls_on_5061_and_has_a_sips_contact(house: House) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    calls: list[Session] = []
    other.on_invite = lambda session: (calls.append(session), session.answer(b"v=0"))[0]
    session = one.invite(
        Uri.parse(f"sips:bob@{THERE}"), from_=Address.parse(f"<sips:a@{HERE}>"), offer=b"v=0", on_event=lambda _: None
    )
    await asyncio.sleep(1)
    assert str(calls[0].request.contact) == f"<sips:{HERE}:5061>"
    session.hang_up()
    await asyncio.sleep(40)
    assert not any(one.counts().values())
    assert not any(other.counts().values())


async def test_a_whole_call_runs_over_one_connection_whoever_asks(house: House) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    calls: list[Session] = []
    other.on_invite = lambda session: (calls.append(session), session.answer(b"v=0"))[0]
    one.invite(
        Uri.parse(f"sip:bob@{THERE};transport=tls"),
        from_=Address.parse(f"<sip:a@{HERE}>"),
        offer=b"v=0",
        on_event=lambda _: None,
    )
    await asyncio.sleep(1)
    calls[0].hang_up()
    await asyncio.sleep(40)
    assert house.connects() == 1
    assert not any(one.counts().values())
    assert not any(other.counts().values())


async def test_a_host_name_must_be_in_the_certificate(house: House) -> None:
    one, _ = await house.open(HERE), await house.open(THERE, "bob.example")
    assert (await ask(one, "sip:bob.example:5061;transport=tls")).status == 200
    assert (await ask(one, "sip:carol.example:5061;transport=tls")).status == 503
    assert one.drops["tls_certificate_refused"] == 1


async def test_who_proved_to_be_one_domain_is_not_believed_to_be_another_on_the_same_address(house: House) -> None:
    one, _ = await house.open(HERE), await house.open(THERE, "bob.example")
    await ask(one, "sip:bob.example:5061;transport=tls")
    assert (await ask(one, f"sip:{THERE}:5061;transport=tls")).status == 503


async def test_an_unknown_authority_is_refused_and_with_the_check_off_taken(house: House, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "Stranger")
    careful = await house.open(HERE, tls={"ca": stranger.root})
    careless = await house.open("10.0.0.3", tls={"verify_peer": False})
    await house.open(THERE)
    assert (await ask(careful, f"sip:{THERE};transport=tls")).status == 503
    assert careful.drops["tls_certificate_refused"] == 1
    assert (await ask(careless, f"sip:{THERE};transport=tls")).status == 200


async def test_an_expired_certificate_is_refused(house: House) -> None:
    one, _ = await house.open(HERE), await house.open(THERE, expired=True)
    assert (await ask(one, f"sip:{THERE};transport=tls")).status == 503
    assert one.drops["tls_certificate_refused"] == 1


async def test_where_clients_must_show_a_certificate_a_stranger_gets_nowhere(house: House, tmp_path: Path) -> None:
    strict = await house.open(THERE, tls={"verify_client": True})
    friend, stranger = await house.open(HERE), House(tmp_path / "..")
    stranger.authority = Authority(tmp_path, "Stranger")
    stranger.wire = house.wire
    other = await stranger.open("10.0.0.3", tls={"ca": house.authority.root})
    assert (await ask(friend, f"sip:{THERE};transport=tls")).status == 200
    assert (await ask(other, f"sip:{THERE};transport=tls")).status == 503
    assert strict.drops["tls_certificate_refused"] == 1
    await stranger.close()


async def test_tls_1_1_is_refused(house: House) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    stack = await house.open(THERE)
    stack_of_the_past = await house.open(HERE, tls={"verify_peer": False})
    stack_of_the_past.tls.client = old  # type: ignore[union-attr]
    assert (await ask(stack_of_the_past, f"sip:{THERE};transport=tls")).status == 503
    assert stack.drops["tls_handshake_failed"] == 1


class Stranger(asyncio.Protocol):
    """Opens a connection and says what it likes."""

    def __init__(self, says: bytes = b"") -> None:
        self.says, self.heard, self.is_lost = says, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.says)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True


GARBAGE = {
    "plain SIP": b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK1\r\n\r\n",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(4096),
    "noise": random.Random(7).randbytes(4096),
    "a record that promises more than it may": b"\x16\x03\x01\xff\xff" + bytes(70_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_on_the_tls_port_is_counted_and_closed(house: House, garbage: bytes) -> None:
    stack = await house.open(THERE)
    stranger = Stranger(garbage)
    await house.wire.connect_stream(THERE, 5061, lambda: stranger, "10.0.0.9")
    await asyncio.sleep(1)
    assert stranger.is_lost
    assert stack.drops["tls_handshake_failed"] == 1
    assert (await ask(await house.open(HERE), f"sip:{THERE};transport=tls")).status == 200


async def test_who_never_finishes_the_handshake_is_closed_and_counts_as_a_connection(house: House) -> None:
    stack = await house.open(THERE, tcp_connections=2)
    silent = [Stranger(b"\x16\x03\x01") for _ in range(3)]
    for stranger in silent:
        await house.wire.connect_stream(THERE, 5061, lambda stranger=stranger: stranger, "10.0.0.9")
    await asyncio.sleep(1)
    assert [stranger.is_lost for stranger in silent] == [False, False, True]
    assert stack.drops["too_many_connections"] == 1
    await asyncio.sleep(15)
    assert all(stranger.is_lost for stranger in silent)
    assert stack.drops["tls_handshake_timeout"] == 2
    assert (await ask(await house.open(HERE), f"sip:{THERE};transport=tls")).status == 200


async def opened(house: House, source: str, count: int, says: bytes = b"\x16\x03\x01") -> list[bool]:
    """So many connections from one address, and which of them were closed again."""
    strangers = [Stranger(says) for _ in range(count)]
    for stranger in strangers:
        await house.wire.connect_stream(THERE, 5061, lambda stranger=stranger: stranger, source)
    await asyncio.sleep(1)
    return [stranger.is_lost for stranger in strangers]


async def test_one_source_has_so_many_handshakes_under_way_and_others_are_served(house: House) -> None:
    stack = await house.open(THERE, tls_handshakes_of_source=2)
    assert await opened(house, "10.0.0.9", 3) == [False, False, True]
    assert await opened(house, "2001:db8:0:1::9", 2) == [False, False]
    assert await opened(house, "2001:db8:0:1:ffff::7", 1) == [True]
    assert stack.drops["too_many_handshakes_of_source"] == 2
    assert (await ask(await house.open(HERE), f"sip:{THERE};transport=tls")).status == 200
    await asyncio.sleep(15)
    assert await opened(house, "10.0.0.9", 2) == [False, False]


async def test_so_many_handshakes_are_under_way_in_all_and_our_own_calls_are_none_of_them(house: House) -> None:
    stack, other = await house.open(THERE, tls_handshakes=2), await house.open(HERE)
    assert await opened(house, "10.0.0.8", 1) + await opened(house, "10.0.0.9", 2) == [False, False, True]
    assert stack.drops["too_many_handshakes"] == 1
    assert (await ask(stack, f"sip:{HERE};transport=tls")).status == 200
    assert not other.drops


async def test_one_source_has_so_many_connections_and_gets_room_when_they_end(house: House) -> None:
    stack, caller = await house.open(THERE, tcp_connections_of_source=1), await house.open(HERE, tcp_idle_s=20)
    assert (await ask(caller, f"sip:{THERE};transport=tls")).status == 200
    assert await opened(house, HERE, 1) == [True]
    assert stack.drops["too_many_connections_of_source"] == 1
    await asyncio.sleep(60)
    assert await opened(house, HERE, 1) == [False]


async def test_garbage_after_the_handshake_ends_the_connection_alone(house: House) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    await ask(one, f"sip:{THERE};transport=tls")
    broken = next(iter(one._transports._connections.values()))
    broken._transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))  # type: ignore[union-attr]
    await asyncio.sleep(1)
    assert other.drops["tls_broken"] == 1
    assert (await ask(one, f"sip:{THERE};transport=tls")).status == 200


async def test_new_files_hold_for_new_connections_and_the_old_ones_stay(house: House, tmp_path: Path) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    await ask(one, f"sip:{THERE};transport=tls")
    tls = other.tls
    assert tls is not None
    for old, new in zip(
        (tls.settings.certificate, tls.settings.key), house.authority.issue("bob.example"), strict=True
    ):
        old.write_bytes(new.read_bytes())
    tls.reload()
    assert (await ask(one, f"sip:{THERE};transport=tls")).status == 200
    assert (await ask(one, "sip:bob.example:5061;transport=tls")).status == 200


async def test_files_that_do_not_fit_change_nothing(house: House) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    tls = other.tls
    assert tls is not None
    tls.settings.key.write_bytes(house.authority.issue("bob.example")[1].read_bytes())
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        tls.reload()
    assert (await ask(one, f"sip:{THERE};transport=tls")).status == 200


async def test_a_stack_without_a_certificate_says_that_it_can_not(house: House) -> None:
    bare = Stack(network=house.wire)
    await bare.listen("TCP", HERE, 5060)
    with pytest.raises(OSError, match="no TLS"):
        await bare.listen("TLS", HERE, 5061)
    assert (await ask(bare, f"sip:{THERE};transport=tls")).status == 503
    assert bare.drops["no_tls"] == 1
    await bare.close()


async def test_messages_larger_than_a_tls_record_arrive_whole(house: House) -> None:
    one, other = await house.open(HERE), await house.open(THERE)
    seen: list[int] = []
    other.trace = lambda direction, _, data: seen.append(len(data)) if direction == "in" else None
    response = await one.request("OPTIONS", Uri.parse(f"sip:{THERE};transport=tls"), body=b"x" * 40_000)
    assert response.status < 500
    assert seen[0] > 40_000
    assert isinstance(parse(response.encode()), Response)
