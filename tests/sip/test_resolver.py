"""RFC 3263 with a zone of our own."""

import asyncio
import random
from collections import Counter

import pytest

from softswitch.sip.identifiers import Identifiers
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.resolver import Found, Naptr, Resolver, Srv
from softswitch.sip.uri import Uri
from tests.sip.phones import Phone, RawPeer
from tests.wire import Wire

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS


class Zone:
    """Answers from a table, counts the questions."""

    def __init__(self, **records: tuple[object, ...]) -> None:
        self.records = records
        self.asked: Counter[str] = Counter()
        self.is_down = False

    async def ask(self, name: str, kind: str) -> Found:
        self.asked[f"{kind} {name}"] += 1
        if self.is_down:
            raise OSError("no name server answers")
        key = f"{kind}_{name.rstrip('.').replace('.', '_')}"
        return Found(tuple(self.records.get(key, ())), 60.0)  # type: ignore[arg-type]


def resolver(zone: Zone, seed: int = 1) -> Resolver:
    return Resolver(zone, Identifiers(random.Random(seed)), lambda: NOW[0])


NOW = [0.0]


def test_a_numeric_host_needs_no_question() -> None:
    found = resolver(Zone())
    assert found.resolve_now(Uri.parse("sip:a@10.0.0.1")) == [Peer(UDP, "10.0.0.1", 5060)]
    assert found.resolve_now(Uri.parse("sip:a@10.0.0.1:5070;transport=tcp")) == [Peer(TCP, "10.0.0.1", 5070)]
    assert found.resolve_now(Uri.parse("sip:a@[::1]:5070")) == [Peer(UDP, "::1", 5070)]
    assert found.resolve_now(Uri.parse("sip:a@example.com;maddr=10.0.0.3")) == [Peer(UDP, "10.0.0.3", 5060)]
    assert found.resolve_now(Uri.parse("sip:a@example.com")) is None


async def test_naptr_names_the_transport_srv_the_hosts_and_a_the_addresses() -> None:
    zone = Zone(
        NAPTR_x_org=(Naptr(20, 0, "SIP+D2U", "_sip._udp.x.org."), Naptr(10, 0, "SIP+D2T", "_sip._tcp.x.org.")),
        SRV__sip__tcp_x_org=(Srv(1, 0, 5070, "t.x.org"),),
        SRV__sip__udp_x_org=(Srv(1, 0, 5080, "u.x.org"),),
        A_t_x_org=("10.0.0.1",),
        AAAA_t_x_org=("::1",),
        A_u_x_org=("10.0.0.2",),
    )
    assert await resolver(zone).resolve(Uri.parse("sip:x.org")) == [
        Peer(TCP, "10.0.0.1", 5070),
        Peer(TCP, "::1", 5070),
        Peer(UDP, "10.0.0.2", 5080),
    ]


async def test_without_naptr_srv_is_asked_and_without_srv_the_host_itself() -> None:
    zone = Zone(SRV__sip__udp_x_org=(Srv(1, 0, 5080, "u"),), A_u=("10.0.0.2",), A_y_org=("10.0.0.3",))
    assert await resolver(zone).resolve(Uri.parse("sip:x.org")) == [Peer(UDP, "10.0.0.2", 5080)]
    assert await resolver(zone).resolve(Uri.parse("sip:y.org")) == [Peer(UDP, "10.0.0.3", 5060)]


async def test_sips_is_tls_and_keeps_the_domain_that_the_far_end_must_prove() -> None:
    zone = Zone(
        NAPTR_x_org=(Naptr(10, 0, "SIP+D2U", "_sip._udp.x.org."), Naptr(20, 0, "SIPS+D2T", "_sips._tcp.x.org.")),
        SRV__sips__tcp_x_org=(Srv(1, 0, 5071, "t.x.org"),),
        A_t_x_org=("10.0.0.1",),
        SRV__sips__tcp_y_org=(Srv(1, 0, 5072, "t.x.org"),),
        A_z_org=("10.0.0.3",),
    )
    found = resolver(zone)
    assert found.resolve_now(Uri.parse("sips:a@10.0.0.1")) == [Peer(TLS, "10.0.0.1", 5061)]
    assert found.resolve_now(Uri.parse("sip:a@10.0.0.1;transport=tls")) == [Peer(TLS, "10.0.0.1", 5061)]
    assert await found.resolve(Uri.parse("sips:x.org")) == [Peer(TLS, "10.0.0.1", 5071, domain="x.org")]
    assert await found.resolve(Uri.parse("sip:y.org;transport=tls")) == [Peer(TLS, "10.0.0.1", 5072, domain="y.org")]
    assert await found.resolve(Uri.parse("sips:z.org;transport=tcp")) == [Peer(TLS, "10.0.0.3", 5061, domain="z.org")]


async def test_a_sip_uri_goes_over_tls_only_where_the_domain_or_the_uri_says_so() -> None:
    zone = Zone(SRV__sips__tcp_x_org=(Srv(1, 0, 5071, "t"),), A_t=("10.0.0.1",), A_x_org=("10.0.0.2",))
    assert await resolver(zone).resolve(Uri.parse("sip:x.org")) == [Peer(UDP, "10.0.0.2", 5060)]
    zone.records["NAPTR_x_org"] = (Naptr(10, 0, "SIPS+D2T", "_sips._tcp.x.org."),)
    assert await resolver(zone).resolve(Uri.parse("sip:x.org")) == [Peer(TLS, "10.0.0.1", 5071, domain="x.org")]


async def test_a_port_or_a_transport_leaves_out_what_they_decide() -> None:
    zone = Zone(SRV__sip__tcp_x_org=(Srv(1, 0, 5080, "u"),), A_u=("10.0.0.2",), A_x_org=("10.0.0.3",))
    found = resolver(zone)
    assert await found.resolve(Uri.parse("sip:x.org:5099")) == [Peer(UDP, "10.0.0.3", 5099)]
    assert await found.resolve(Uri.parse("sip:x.org;transport=tcp")) == [Peer(TCP, "10.0.0.2", 5080)]
    assert "NAPTR x.org" not in zone.asked


async def test_srv_goes_by_priority_and_within_one_by_weight() -> None:
    zone = Zone(
        SRV__sip__udp_x_org=(Srv(2, 0, 1, "10.0.0.9"), Srv(1, 90, 1, "10.0.0.1"), Srv(1, 10, 1, "10.0.0.2")),
    )
    found = resolver(zone)
    first = Counter([(await found.resolve(Uri.parse("sip:x.org;transport=udp")))[0].host for _ in range(500)])
    assert 400 < first["10.0.0.1"] < 490
    assert first["10.0.0.9"] == 0
    assert {(await found.resolve(Uri.parse("sip:x.org;transport=udp")))[2].host} == {"10.0.0.9"}


async def test_answers_are_kept_for_their_ttl() -> None:
    zone = Zone(A_x_org=("10.0.0.3",))
    found = resolver(zone)
    for _ in range(3):
        await found.resolve(Uri.parse("sip:x.org:5060"))
    assert zone.asked["A x.org"] == 1
    NOW[0] += 61
    await found.resolve(Uri.parse("sip:x.org:5060"))
    assert zone.asked["A x.org"] == 2


async def test_a_name_without_address_is_an_error() -> None:
    with pytest.raises(OSError, match="has no address"):
        await resolver(Zone()).resolve(Uri.parse("sip:nowhere.example"))


async def test_the_next_target_is_tried_when_the_first_is_unreachable_or_overloaded() -> None:
    wire = Wire(delay_s=0.01)
    phone = Phone(wire, "10.0.0.1", 1)
    hosts = ("10.0.0.20", "10.0.0.21", "10.0.0.22")
    phone.stack._client._resolver = resolver(
        Zone(SRV__sip__udp_x_org=tuple(Srv(number, 0, 5060, host) for number, host in enumerate(hosts)))
    )
    await phone.start()
    overloaded, fine = RawPeer(wire, hosts[1]), RawPeer(wire, hosts[2])
    session = phone.call("x.org", params=";transport=udp")
    invite = await overloaded.request("INVITE")
    overloaded.answer(invite, 503, "10.0.0.1")
    again = await fine.request("INVITE")
    assert again.via.branch != invite.via.branch
    fine.answer(again, 200, "10.0.0.1", body=b"v=0")
    await fine.request("ACK")
    assert session.state.name == "CONFIRMED"


async def test_a_name_server_that_is_silent_makes_a_503() -> None:
    wire = Wire()
    phone = await Phone(wire, "10.0.0.1", 1).start()
    zone = Zone()
    zone.is_down = True
    phone.stack._client._resolver = resolver(zone)
    phone.call("x.org")
    await asyncio.sleep(1)
    assert phone.ended().status == 503
    assert phone.has_left_nothing()
