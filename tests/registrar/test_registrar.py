"""REGISTER, by the steps of RFC 3261 §10.3, and what RFC 3327 and RFC 5626 add to it."""

import pytest

from softswitch.sip.peer import Peer, Transport
from tests.registrar.phones import HOME, Home, Phone

NAT = Peer(Transport.UDP, "198.51.100.7", 40001, 5060)
INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'


def remaining(contacts: list[str]) -> list[int]:
    return [int(contact.rpartition("expires=")[2]) for contact in contacts]


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_phone_registers_after_one_challenge(algorithm: str) -> None:
    home = Home()
    phone = Phone(home, algorithm=algorithm)
    response = phone.register()
    assert (response.status, phone.cseq) == (200, 2)
    assert response.headers.all("Contact") == ["<sip:1001@192.0.2.10:5060>;expires=600"]
    assert response.headers.get("Date") == "Mon, 23 Nov 2026 12:00:00 GMT"
    assert home.contacts() == ["sip:1001@192.0.2.10:5060"]


def test_a_refresh_costs_one_round_trip_for_an_hour() -> None:
    home = Home()
    phone = Phone(home)
    phone.register()
    for _ in range(6):
        home.now += 540
        assert phone.register().status == 200
    assert phone.cseq == 2 + 6
    assert len(home.contacts()) == 1


def test_the_time_comes_from_the_parameter_before_the_header_before_ours() -> None:
    home = Home()
    phone = Phone(home)
    one, two, three = (f"<sip:1001@192.0.2.{host}>" for host in (1, 2, 3))
    response = phone.register(f"{one};expires=300", two, f"{three};expires=soon", headers=["Expires: 400"])
    assert remaining(response.headers.all("Contact")) == [300, 400, 600]


def test_what_is_too_long_is_shortened_and_what_is_too_short_is_refused_by_423() -> None:
    home = Home(min_expires_s=60, max_expires_s=3600)
    phone = Phone(home)
    assert remaining(phone.register(headers=["Expires: 86400"]).headers.all("Contact")) == [3600]
    refused = phone.register("<sip:1001@192.0.2.99>", headers=["Expires: 59"])
    assert (refused.status, refused.headers.get("Min-Expires")) == (423, "60")
    assert remaining(phone.fetch()) == [3600]


def test_several_contacts_stand_beside_each_other_and_all_are_listed_with_what_remains() -> None:
    home = Home()
    desk, mobile = Phone(home), Phone(home, contact="<sip:1001@192.0.2.11>;q=0.5")
    desk.register()
    home.now += 100
    response = mobile.register()
    listed = response.headers.all("Contact")
    assert [contact.partition(">")[0] for contact in listed] == ["<sip:1001@192.0.2.10:5060", "<sip:1001@192.0.2.11"]
    assert remaining(listed) == [500, 600]
    assert listed[1].startswith("<sip:1001@192.0.2.11>;q=0.5;")


def test_a_contact_is_the_same_by_the_rules_of_uris() -> None:
    home = Home()
    phone = Phone(home)
    phone.register("<sip:1001@HOST.example:5060;transport=udp>")
    phone.register("<sip:%31001@host.example:5060;transport=UDP;ob>")
    assert home.contacts() == ["sip:%31001@host.example:5060;transport=UDP;ob"]


def test_unregistering_one_contact_leaves_the_others() -> None:
    home = Home()
    desk, mobile = Phone(home), Phone(home, contact="<sip:1001@192.0.2.11>")
    desk.register()
    mobile.register()
    assert len(desk.unregister().headers.all("Contact")) == 1
    assert home.contacts() == ["sip:1001@192.0.2.11"]


def test_a_star_with_expires_0_removes_all() -> None:
    home = Home()
    desk, mobile = Phone(home), Phone(home, contact="<sip:1001@192.0.2.11>")
    desk.register()
    mobile.register()
    response = desk.register("*", headers=["Expires: 0"])
    assert (response.status, response.headers.all("Contact"), home.contacts()) == (200, [], [])
    assert home.location.users == 0


@pytest.mark.parametrize(
    ("contacts", "headers"),
    [(["*"], ["Expires: 60"]), (["*"], []), (["*", "<sip:1001@192.0.2.1>"], ["Expires: 0"])],
)
def test_a_star_that_says_anything_else_changes_nothing(contacts: list[str], headers: list[str]) -> None:
    home = Home()
    phone = Phone(home)
    phone.register()
    assert phone.register(*contacts, headers=headers).status == 400
    assert len(home.contacts()) == 1


@pytest.mark.parametrize(
    "bad",
    ["<tel:+12025550101>", "<sip:1001@192.0.2.9>;q=1.1", "<sip:1001@192.0.2.9>;q=high", "<mailto:someone@example.com>",
     "<sip:1001@192.0.2.9>;expires=10", "<sip:1001@192.0.2.9?subject=x>"],
)  # fmt: skip
def test_one_contact_that_can_not_be_taken_refuses_them_all(bad: str) -> None:
    home = Home()
    phone = Phone(home)
    assert phone.register("<sip:1001@192.0.2.8>", bad).status in (400, 423)
    assert home.contacts() == []


def test_a_register_that_was_overtaken_changes_nothing() -> None:
    home = Home()
    phone = Phone(home)
    phone.register()
    late = phone.request("<sip:1001@192.0.2.10:5060>;expires=0", challenge=phone.challenge)
    phone.uses = 5
    assert phone.register(f"{phone.contact};expires=1200").status == 200
    assert home.take(late).status == 400
    assert remaining(phone.fetch()) == [1200]


def test_a_phone_that_lost_its_memory_may_begin_again() -> None:
    home = Home()
    Phone(home, cseq=900).register()
    assert Phone(home).register().status == 200
    assert len(home.contacts()) == 1


def test_a_user_registers_himself_and_nobody_else() -> None:
    home = Home()
    assert Phone(home).register(to="1002").status == 403
    assert home.contacts("1002") == []


def test_an_address_of_record_of_another_domain_is_not_found_here() -> None:
    assert Phone(Home(domains=["elsewhere.example"])).register().status == 404
    assert Phone(Home(domains=["softswitch.example"])).register().status == 200


def test_the_phone_that_was_silent_the_longest_makes_room() -> None:
    home = Home(contacts=3)
    for host in range(1, 6):
        home.now += 1
        assert Phone(home, contact=f"<sip:1001@192.0.2.{host}>").register().status == 200
    assert home.contacts() == [f"sip:1001@192.0.2.{host}" for host in (3, 4, 5)]


def test_more_contacts_at_once_than_a_user_may_have_are_refused() -> None:
    home = Home(contacts=2)
    assert Phone(home).register(*(f"<sip:1001@192.0.2.{host}>" for host in (1, 2, 3))).status == 403
    assert home.contacts() == []


# ---- the way to a contact


def test_a_phone_behind_nat_is_called_where_its_register_came_from() -> None:
    home = Home()
    Phone(home, peer=NAT, contact="<sip:1001@10.1.1.1:5060>").register()
    ((target,),) = home.location.targets(home.guard._users["1001"], home.now)
    assert (str(target.uri), target.flow) == ("sip:1001@10.1.1.1:5060", NAT)


def test_a_phone_on_an_address_of_its_own_is_called_by_its_contact() -> None:
    home = Home()
    Phone(home).register()
    ((target,),) = home.location.targets(home.guard._users["1001"], home.now)
    assert target.flow is None


def test_a_phone_that_receives_where_it_sends_is_called_there_and_one_that_does_not_by_its_contact() -> None:
    home = Home()
    sends_from = HOME._replace(port=50000)
    Phone(home, peer=sends_from, contact="<sip:1001@192.0.2.10:5060>").register()
    Phone(home, "1002", peer=sends_from, contact="<sip:1002@192.0.2.10:5062>", via="SIP/2.0/UDP 192.0.2.10").register()
    flows = [home.location.targets(home.guard._users[name], home.now)[0][0].flow for name in ("1001", "1002")]
    assert flows == [sends_from, None]


def test_a_connection_is_used_again() -> None:
    home = Home()
    connection = Peer(Transport.TCP, "192.0.2.10", 51234, 5060)
    Phone(home, peer=connection, contact="<sip:1001@192.0.2.10:5060;transport=tcp>").register()
    ((target,),) = home.location.targets(home.guard._users["1001"], home.now)
    assert target.flow == connection


def test_a_path_is_the_route_of_calls_and_told_to_the_phone() -> None:
    home = Home(edge_proxies=[NAT.host])
    edge, inner = f"<sip:{NAT.host};lr>", "<sip:inner.example;lr>"
    response = Phone(home, peer=NAT).register(headers=[f"Path: {edge}, {inner}"])
    assert response.headers.all("Path") == [edge, inner]
    ((target,),) = home.location.targets(home.guard._users["1001"], home.now)
    assert (target.route, target.flow) == ((edge, inner), None)


@pytest.mark.parametrize(
    ("proxies", "path", "status"),
    [
        ([], "<sip:203.0.113.50;lr>", 420),
        (["198.51.100.0/24"], "<sip:203.0.113.50;lr>", 420),
        ([HOME.host], "<sip:203.0.113.50;lr>", 403),
        ([HOME.host], f"<sip:{HOME.host};maddr=203.0.113.50;lr>", 403),
        ([HOME.host], "<sip:carrier.example;lr>", 403),
    ],
)
def test_a_phone_can_not_have_its_calls_sent_to_a_carrier_by_a_path(proxies: list[str], path: str, status: int) -> None:
    home = Home(edge_proxies=proxies)
    refused = Phone(home, contact="<sip:19005551234@203.0.113.50>").register(headers=[f"Path: {path}"])
    assert (refused.status, home.contacts()) == (status, [])


def test_a_phone_can_not_have_its_calls_sent_to_a_carrier_by_maddr() -> None:
    home = Home()
    contact = f"<sip:19005551234@{HOME.host}:5060;maddr=203.0.113.50>"
    assert Phone(home, contact=contact).register().status == 400
    assert home.contacts() == []


def test_a_closed_connection_does_not_lead_calls_to_the_host_its_contact_has_named() -> None:
    home = Home()
    connection = Peer(Transport.TCP, HOME.host, 40001, 5060)
    ann = home.guard._users["1001"]
    Phone(home, peer=connection, contact="<sip:19005551234@203.0.113.50:5060>").register()
    assert home.location.targets(ann, home.now)[0][0].flow == connection
    home.location.lost(connection)
    assert home.location.targets(ann, home.now) == []
    assert [reason.why for reason in home.location.explain(ann, home.now)] == ["no phone can be reached"]


# ---- flows of RFC 5626


def test_a_flow_is_known_by_instance_and_reg_id_whatever_its_uri() -> None:
    home = Home()
    phone = Phone(home)
    response = phone.register(f"<sip:1001@192.0.2.10;ob>;{INSTANCE};reg-id=1")
    assert response.headers.get("Require") == "outbound"
    assert INSTANCE in (response.headers.get("Contact") or "")
    phone.register(f"<sip:1001@192.0.2.77;ob>;{INSTANCE};reg-id=1")
    assert home.contacts() == ["sip:1001@192.0.2.77;ob"]
    phone.register(f"<sip:1001@192.0.2.78;ob>;{INSTANCE};reg-id=2")
    assert len(home.contacts()) == 2


def test_of_two_flows_of_one_phone_the_newest_is_called() -> None:
    home = Home()
    for reg_id in (1, 2):
        home.now += 1
        Phone(home, peer=NAT._replace(port=40000 + reg_id)).register(f"<sip:1001@10.0.0.1>;{INSTANCE};reg-id={reg_id}")
    ((target,),) = home.location.targets(home.guard._users["1001"], home.now)
    assert target.flow is not None
    assert target.flow.port == 40002


def test_a_proxy_on_the_way_that_keeps_no_flows_gets_439() -> None:
    home = Home(edge_proxies=[HOME.host])
    phone = Phone(home, via="SIP/2.0/UDP proxy.example;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.10")
    assert phone.register(f"<sip:1001@192.0.2.10>;{INSTANCE};reg-id=1").status == 439
    path = [f"Path: <sip:{HOME.host};lr;ob>"]
    assert phone.register(f"<sip:1001@192.0.2.10>;{INSTANCE};reg-id=1", headers=path).status == 200


@pytest.mark.parametrize(
    "contact",
    ["<sip:1001\udcff@192.0.2.10>", '<sip:1001@192.0.2.10>;x="\x00"', f"<sip:1001@192.0.2.10>;x={'y' * 1100}"],
)
def test_a_contact_that_can_not_be_kept_or_sent_back_is_refused(contact: str) -> None:
    home = Home()
    assert Phone(home, contact=contact).register().status == 400
    assert home.contacts() == []


def test_phones_with_the_same_private_address_behind_two_nats_are_two() -> None:
    home = Home()
    at_home = Phone(home, peer=NAT, contact="<sip:1001@192.168.1.5:5060>")
    at_the_office = Phone(home, peer=NAT._replace(host="203.0.113.9"), contact=at_home.contact)
    at_home.register()
    home.now += 10
    told = [phone.register().headers.all("Contact") for phone in (at_the_office, at_home)]
    assert told == [["<sip:1001@192.168.1.5:5060>;expires=600"]] * 2, "each of its own"
    (both,) = home.location.targets(home.location._users["1001"], home.now)
    assert {target.flow.host for target in both if target.flow} == {"198.51.100.7", "203.0.113.9"}
    at_the_office.unregister()
    assert [binding.peer.host for binding in home.location.of("1001")] == ["198.51.100.7"]


def test_what_comes_of_a_call_to_one_of_them_is_nothing_of_the_other_s() -> None:
    home = Home()
    at_home = Phone(home, peer=NAT, contact="<sip:1001@192.168.1.5:5060>")
    at_the_office = Phone(home, peer=NAT._replace(host="203.0.113.9"), contact=at_home.contact)
    for phone in (at_home, at_the_office):
        phone.register()
    user = home.location._users["1001"]
    first, second = home.location.targets(user, home.now)[0]
    home.location.tried(user, first, 408)
    home.location.tried(user, second, 410)
    (left,) = home.location.of("1001")
    assert (left.flow, left.is_down) == (first.flow, True)


def test_a_phone_whose_public_address_changes_is_still_one() -> None:
    home = Home()
    phone = Phone(home, peer=NAT, contact="<sip:1001@192.168.1.5:5060>")
    phone.register()
    phone.peer, phone.challenge = NAT._replace(host="203.0.113.9"), ""
    phone.register()
    assert [binding.peer.host for binding in home.location.of("1001")] == ["203.0.113.9"]
