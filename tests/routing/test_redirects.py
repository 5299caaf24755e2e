"""A 3xx of a trunk: followed as the trunk's policy says, within limits, and never past the guard."""

import pytest

from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Outward, Target
from softswitch.routing.caller import Caller
from softswitch.sip.headers import Address

TO = "14155550123"
NUMBER, KNOWN, ELSEWHERE = "<sip:14155550999@192.0.2.1>", "<sip:14155550999@192.0.2.77>", "<sip:bob@203.0.113.9:5070>"


def plan(policy: str) -> Plan:
    return Plan(
        NumberPlan.model_validate(
            {
                "trunk_groups": [
                    {"name": "pstn", "trunks": [{"name": "gw", "address": "192.0.2.1", "allow_forward": policy}]},
                    {"name": "other", "trunks": [{"name": "x", "address": "192.0.2.77"}]},
                ],
                "users": [{"username": "1001", "password": "12345678"}],
                "calling_rules": [{"name": "r", "capacity": 1}],
            }
        )
    )


def followed(policy: str, *contacts: str, hops: int = 0) -> tuple[list[str], list[str]]:
    """Where the call goes, and the reasons against."""
    it = plan(policy)
    outward, caller = Outward(it), Caller("1001", user=it.users["1001"])
    target = outward.targets(TO, it.trunk_groups["pstn"], caller, 0.0)[0][0]
    found, reasons = outward.redirected(target, [Address.parse(contact) for contact in contacts], caller, hops, 0.0)
    return [str(one.uri) for one in found], [reason.why for reason in reasons if not reason.taken]


@pytest.mark.parametrize(
    ("policy", "contact", "goes_to"),
    [
        ("disabled", NUMBER, []),
        ("direct", NUMBER, ["sip:14155550999@192.0.2.1:5060"]),
        ("direct", KNOWN, ["sip:14155550999@192.0.2.1:5060"]),
        ("direct", "<tel:+1-415-555-0999>", ["sip:14155550999@192.0.2.1:5060"]),
        ("direct", ELSEWHERE, []),
        ("direct_uri", "<sip:14155550999@203.0.113.9>", ["sip:14155550999@203.0.113.9"]),
        ("protected", KNOWN, ["sip:14155550999@192.0.2.77"]),
        ("protected", "<sip:14155550999@203.0.113.9>", []),
        (
            "protected",
            "<sip:14155550999@203.0.113.9;maddr=192.0.2.77>",
            ["sip:14155550999@203.0.113.9;maddr=192.0.2.77"],
        ),
        ("direct_uri", "<tel:+14155550999>", []),
        ("direct_uri", "<sips:14155550999@203.0.113.9>", []),
    ],
)
def test_the_policy_of_the_trunk_says_where_a_3xx_leads(policy: str, contact: str, goes_to: list[str]) -> None:
    assert followed(policy, contact)[0] == goes_to


@pytest.mark.parametrize(
    ("contact", "place"),
    [
        ("<sip:14155550999@192.0.2.77;maddr=203.0.113.9>", "203.0.113.9:5060"),
        ("<sip:14155550999@192.0.2.77:5080>", "192.0.2.77:5080"),
        ("<sip:14155550999@192.0.2.77;transport=tls>", "192.0.2.77:5061"),
    ],
)
def test_protected_looks_at_where_the_call_would_really_be_sent(contact: str, place: str) -> None:
    assert followed("protected", contact) == ([], [f"{place} is no address of a trunk or an endpoint"])


def test_contacts_are_tried_by_their_q_value() -> None:
    contacts = ("<sip:14155550001@h>;q=0.1", "<sip:14155550002@h>;q=nonsense", "<sip:14155550003@h>;q=0.5")
    assert followed("direct_uri", *contacts)[0] == [f"sip:1415555000{n}@h" for n in (2, 3, 1)]


def test_a_call_is_not_sent_to_where_it_was_and_not_for_ever() -> None:
    assert followed("direct", f"<sip:{TO}@192.0.2.1>") == ([], ["is the number that was called"])
    assert followed("direct_uri", f"<sip:{TO}@192.0.2.1:5060>") == ([], ["is where it was sent to"])
    assert followed("direct_uri", ELSEWHERE, hops=5) == ([], ["sent on 5 times already"])


@pytest.mark.parametrize(
    ("policy", "contact"),
    [("direct", "<sip:19005550123@192.0.2.1>"), ("direct_uri", "<sip:19005550123@h>"), ("direct_uri", ELSEWHERE)],
)
def test_a_carrier_can_not_send_a_call_past_the_guard(policy: str, contact: str) -> None:
    found, why_not = followed(policy, contact)
    assert found == []
    assert why_not[-1].startswith("calling rules r ")


def test_a_call_that_is_sent_on_takes_the_place_of_the_one_it_was() -> None:
    it = plan("direct")
    outward, caller = Outward(it), Caller("1001", user=it.users["1001"])
    target = outward.targets(TO, it.trunk_groups["pstn"], caller, 0.0)[0][0]
    for gate in target.gates:
        gate.enter()
    found, _ = outward.redirected(target, [Address.parse(NUMBER)], caller, 0, 0.0)
    assert [str(one.uri) for one in found] == ["sip:14155550999@192.0.2.1:5060"]
    assert [spending.calls for spending in outward.guard.spendings()] == [1]


def test_a_third_party_s_target_is_nobody_s_to_forward() -> None:
    it = plan("direct")
    stranger = Target("somewhere", Address.parse(NUMBER).uri)
    assert Outward(it).redirected(stranger, [Address.parse(KNOWN)], Caller("1"), 0, 0.0) == ([], [])
