"""Calls of the whole switch over TLS, and where audio has to be encrypted, in virtual time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from softswitch.sip import Address, Credentials, Transport, Uri
from softswitch.sip.transport.tls import Tls, TlsSettings
from tests.certificates import Authority
from tests.stories.town import CARRIER, HERE, SECOND_TRUNK, Phone, Town, town

OVER_TLS = {"name": "pstn", "acls": [f"{CARRIER}/32"], "trunks": [
    {"name": "carrier", "address": CARRIER, "port": 5061, "transport": "tls"},
]}  # fmt: skip


def sip(authority: Authority, **tls: Any) -> dict[str, Any]:
    """The switch's own settings: TLS with a certificate of this authority, and only such believed."""
    certificate, key = authority.issue(HERE)
    files = {"certificate": certificate, "key": key, "ca": authority.root, "verify_peer": True}
    return {"transports": ["udp", "tls"], "options_every_s": 0, "tls": {**files, **tls}}


async def speaks_tls(phone: Phone, authority: Authority) -> Phone:
    certificate, key = authority.issue(phone.host)
    phone.stack.tls = Tls(TlsSettings(certificate, key, authority.root))
    await phone.stack.listen(Transport.TLS, phone.host, 5061)
    return phone


def readable(it: Town, host: str) -> bytes:
    return b"".join(packet.data for packet in it.wire.packets if host in (packet.destination[0], packet.source[0]))


async def test_a_call_over_a_tls_trunk_goes_both_ways_on_one_connection_and_can_not_be_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with town(tmp_path, groups=[OVER_TLS], sip=sip(authority)) as it:
        ann, carrier = await it.phone("1001"), await speaks_tls(await it.carrier(), authority)
        ann.dial("13105550177")
        session = await carrier.picks_up()
        await ann.answered()
        await asyncio.sleep(2)
        assert ann.hears(carrier.tone_hz)
        assert carrier.hears(ann.tone_hz)
        contact = session.request.contact
        assert contact is not None
        assert (contact.uri.port, contact.uri.transport) == (5061, "tls")
        carrier.hang_up()
        await ann.ended()
        assert b"INVITE" not in readable(it, CARRIER)
        assert len({packet.source for packet in it.wire.packets if packet.destination == (CARRIER, 5061)}) == 1


async def test_a_trunk_whose_certificate_is_not_believed_is_told_nothing_and_the_next_is_tried(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "Stranger")
    second = {"name": "second", "address": SECOND_TRUNK, "port": 5061, "transport": "tls", "priority": 1}
    groups = [{**OVER_TLS, "trunks": [*OVER_TLS["trunks"], second]}]
    async with town(tmp_path, groups=groups, sip=sip(authority)) as it:
        ann = await it.phone("1001")
        false, true = await it.carrier(), await it.carrier(SECOND_TRUNK)
        await speaks_tls(false, stranger)
        await speaks_tls(true, authority)
        ann.dial("13105550177")
        await true.picks_up()
        await ann.answered()
        assert false.requests == []
        assert false.sessions == []
        assert it.app.stack.drops["tls_certificate_refused"] == 1
        ann.hang_up()
        await true.ended()


async def test_a_call_to_a_phone_goes_back_on_the_connection_it_has_registered_over(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with town(tmp_path, sip=sip(authority, verify_peer=False)) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002", registers=False)
        await speaks_tls(bob, authority)
        aor = Address(Uri.parse(f"sip:1002@{HERE}"))
        registered = await bob.stack.request(
            "REGISTER",
            Uri.parse(f"sip:{HERE}:5061;transport=tls"),
            from_=aor,
            to=aor,
            headers=[("Contact", f"<sip:1002@{bob.host}:5999;transport=tls>"), ("Expires", "600")],
            credentials=Credentials("1002", bob.password),
        )
        assert registered.status == 200
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        await asyncio.sleep(2)
        assert ann.hears(bob.tone_hz)
        ann.hang_up()
        await bob.ended()
        streams = {frozenset((packet.source, packet.destination)) for packet in it.wire.packets if _is_tls(packet.data)}
        assert len(streams) == 1


def _is_tls(data: bytes) -> bool:
    return data[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and data[1:3] in (b"\x03\x01", b"\x03\x03")


async def test_a_user_who_must_encrypt_and_does_not_is_refused_with_488_and_nobody_is_rung(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{"media_encryption": "required"}, {}, {}]) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        assert (await ann.ended()).status == 488
        assert bob.sessions == []


@pytest.mark.parametrize(("policy", "profile"), [("offered", "RTP/AVP"), ("required", "RTP/SAVP")])
async def test_what_is_offered_to_a_user_s_phone_is_as_its_plan_says(tmp_path: Path, policy: str, profile: str) -> None:
    async with town(tmp_path, users=[{}, {"media_encryption": policy}, {}]) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        session = await bob.rings()
        offer = (session.remote_offer or b"").decode()
        assert f" {profile} " in offer
        assert offer.count("a=crypto:") == 2
        bob.answer()  # in plain RTP, as an old phone would
        if policy == "offered":
            await ann.answered()
            await asyncio.sleep(2)
            assert ann.hears(bob.tone_hz)
            ann.hang_up()
        else:
            assert (await bob.ended()).q850 == 88
            assert (await ann.ended()).status >= 400


async def test_a_plain_offer_is_what_others_get(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        session = await bob.rings()
        assert b"crypto" not in (session.remote_offer or b"")
        bob.answer()
        await ann.answered()
        ann.hang_up()
