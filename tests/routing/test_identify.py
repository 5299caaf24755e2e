"""Who sends this request: the most specific match."""

from pathlib import Path

import pytest

from softswitch.plan import User
from softswitch.routing import Senders
from softswitch.sip.peer import Peer
from tests.routing.plans import invite, plan_of, tcp, udp

CARRIERS = """
[[trunk_groups]]
name = "wide"
acls = ["192.0.2.0/24", "2001:db8::/32"]

[[trunk_groups]]
name = "narrow"
acls = ["192.0.2.128/25"]

  [[trunk_groups.trunks]]
  name = "exact"
  address = "192.0.2.130"
  port = 5080

  [[trunk_groups.trunks]]
  name = "listed"
  acls = ["192.0.2.0/28", "192.0.2.7"]

  [[trunk_groups.trunks]]
  name = "stream"
  address = "192.0.2.131"
  transport = "tcp"
"""


@pytest.fixture
def senders(tmp_path: Path) -> Senders:
    return Senders(plan_of(tmp_path, CARRIERS))


def who(senders: Senders, peer: Peer) -> str | None:
    found = senders.identify(peer)
    return found.name if found else None


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        (udp("192.0.2.130", 5080), "narrow/exact"),
        (udp("192.0.2.130", 5081), "narrow"),
        (udp("192.0.2.7"), "narrow/listed"),
        (udp("192.0.2.15"), "narrow/listed"),
        (udp("192.0.2.16"), "wide"),
        (udp("192.0.2.128"), "narrow"),
        (udp("2001:db8::7"), "wide"),
        (udp("2001:db9::7"), None),
        (udp("198.51.100.1"), None),
        (udp("::ffff:192.0.2.16"), "wide"),
        (udp("not-an-address"), None),
    ],
)
def test_the_most_specific_match_names_the_sender(senders: Senders, peer: Peer, name: str | None) -> None:
    assert who(senders, peer) == name


def test_over_tcp_the_address_of_a_tcp_trunk_is_enough_because_its_port_is_of_the_moment(senders: Senders) -> None:
    assert who(senders, tcp("192.0.2.131", 51234)) == "narrow/stream"
    assert who(senders, udp("192.0.2.131", 5060)) == "narrow"
    assert who(senders, tcp("192.0.2.130", 5080)) == "narrow"


def test_a_registered_contact_goes_before_every_network_of_a_trunk(tmp_path: Path) -> None:
    alice = User(username="alice", password="secret")
    senders = Senders(plan_of(tmp_path, CARRIERS), lambda peer: alice if peer.port == 5099 else None)
    assert who(senders, udp("192.0.2.130", 5099)) == "user alice"
    assert who(senders, udp("192.0.2.130", 5080)) == "narrow/exact"


@pytest.mark.parametrize(
    ("peer", "of_a_user", "of_nobody"),
    [
        (udp("203.0.113.9"), True, True),  # a stranger learns no name
        (udp("192.0.2.16"), True, False),  # a network of a trunk group: phones are there too, and prove who they are
        (udp("192.0.2.15"), False, False),  # a network of a trunk
        (udp("192.0.2.130", 5080), False, False),  # a trunk
    ],
)
def test_a_from_that_names_a_user_is_told_from_others_in_the_networks_of_trunk_groups_alone(
    tmp_path: Path, peer: Peer, of_a_user: bool, of_nobody: bool
) -> None:
    alice = User(username="alice", password="secret")
    senders = Senders(plan_of(tmp_path, CARRIERS).with_parts(users=(alice,)))
    source = senders.identify(peer)
    callers = ("sip:alice@192.0.2.1", "sip:alicia@192.0.2.1")
    asked = [senders.has_to_prove(source, invite("sip:12025550101@192.0.2.1", caller)) for caller in callers]
    assert asked == [of_a_user, of_nobody]


def test_a_contact_registered_over_a_border_controller_does_not_lock_out_the_trunk_behind_it(tmp_path: Path) -> None:
    alice = User(username="alice", password="secret")
    plan = plan_of(tmp_path, CARRIERS)
    senders = Senders(plan.with_parts(users=(alice,)), lambda _: alice)
    both = udp("192.0.2.130", 5080)
    named = [senders.identify(both, name) for name in ("13105550199", "", "alice")]
    assert [one.name for one in named if one] == ["narrow/exact", "narrow/exact", "user alice"]


@pytest.mark.parametrize(
    "host", ["192.0.2.130", "192.0.2.7", "192.0.2.16", "192.0.2.200", "198.51.100.1", "2001:db8::1"]
)
@pytest.mark.parametrize("port", [5060, 5080])
def test_the_explanation_takes_whom_identify_takes_and_nobody_else(senders: Senders, host: str, port: int) -> None:
    reasons = list(senders.explain(udp(host, port)))
    assert len(reasons) == 5
    assert [reason.candidate for reason in reasons if reason.taken] == list(
        filter(None, [who(senders, udp(host, port))])
    )
    assert all(reason.why for reason in reasons)


def test_the_explanation_says_when_an_acl_lost_to_something_more_specific(senders: Senders) -> None:
    why = {reason.candidate: reason.why for reason in senders.explain(udp("192.0.2.130", 5080))}
    assert why["narrow/exact"] == "address 192.0.2.130:5080 of trunk exact"
    assert why["narrow"] == "its ACL holds 192.0.2.130 too, but narrow/exact is more specific"
    assert why["narrow/stream"] == "192.0.2.130:5080 is not in 192.0.2.131:5060"


def test_ten_thousand_senders_are_found_by_one_look_up_a_prefix_length(tmp_path: Path) -> None:
    acls = ", ".join(f'"10.{number >> 8}.{number & 255}.0/24"' for number in range(10_000))
    senders = Senders(plan_of(tmp_path, f'[[trunk_groups]]\nname = "many"\nacls = [{acls}]\n'))
    assert len(senders._by_group_acl._by_prefix) == 1
    assert who(senders, udp("10.39.15.9")) == "many"
    assert who(senders, udp("10.39.16.9")) is None
