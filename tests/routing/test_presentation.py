"""Who is shown to the PSTN: only one's own numbers, in the headers the trunk wants, and nothing where so wished."""

from dataclasses import replace
from typing import Any

import pytest

from softswitch.carriers import _attestation
from softswitch.plan import NumberPlan, Plan, ThirdPartyEndpoint
from softswitch.routing import Identified, Outward, Target
from softswitch.routing.caller import Caller, wants_privacy
from softswitch.sip.message import Headers
from tests.routing.plans import invite

TO = "14155550123"


def plan(**trunk: Any) -> Plan:
    return Plan(
        NumberPlan.model_validate(
            {
                "trunk_groups": [{"name": "pstn", "trunks": [{"name": "gw", "address": "192.0.2.1", **trunk}]}],
                "endpoints": [{"name": "crm", "type": "third_party"}],
                "users": [
                    {"username": "1001", "password": "12345678", "name": "Alice", "phonenumber": "12025550111"},
                    {"username": "1002", "password": "12345678"},
                    {"username": "1003", "password": "12345678"},
                ],
                "dids": [
                    {"phonenumber": "12025550112", "user": "1001"},
                    {"phonenumber": "12025550113", "user": "1002"},
                    {"phonenumber": "12025550114", "endpoint": "crm"},
                ],
                "calling_rules": [{"name": "r", "caller_ids": ["18005550100"]}, {"name": "3", "users": ["1003"]}],
            }
        )
    )


def out(caller: Caller, of: Plan) -> Target:
    outward = Outward(of)
    outward.here = lambda: ("203.0.113.5", 5060)
    return outward.targets(TO, of.trunk_groups["pstn"], caller, 0.0)[0][0]


def of_user(username: str, from_: str, of: Plan, *headers: tuple[str, str]) -> Caller:
    user = of.users[username]
    request = invite(f"sip:{TO}@203.0.113.5", from_, *headers)
    return Caller.of(Identified(None, None, user, ""), request, number=username, name=user.name)


def shown(target: Target) -> str:
    assert target.from_ is not None
    return str(target.from_)


def headers(target: Target, *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in target.headers if name in names]


IDENTITY = ("P-Asserted-Identity", "Remote-Party-ID", "Privacy")


@pytest.mark.parametrize(
    ("username", "claims", "number"),
    [
        ("1001", "1001", "12025550111"),
        ("1001", "12025550111", "12025550111"),
        ("1001", "+12025550112", "12025550112"),
        ("1001", "18005550100", "18005550100"),
        ("1001", "12025550113", "12025550111"),
        ("1001", "19115550000", "12025550111"),
        ("1002", "1002", "12025550113"),
        ("1002", "12025550111", "12025550113"),
    ],
)
def test_a_user_shows_his_own_numbers_and_no_other(username: str, claims: str, number: str) -> None:
    it = plan()
    target = out(of_user(username, f"sip:{claims}@198.51.100.1", it), it)
    assert target.from_ is not None
    assert target.from_.uri.user == number


def test_who_has_no_number_is_anonymous() -> None:
    it = plan()
    target = out(of_user("1003", "sip:1003@198.51.100.1", it), it)
    assert shown(target) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert headers(target, *IDENTITY) == []


def test_an_endpoint_shows_the_numbers_that_lead_to_it() -> None:
    it = plan()
    crm = it.endpoints["crm"]
    assert shown(out(Caller("12025550111", endpoint=crm, claims="12025550111"), it)).startswith("<sip:12025550114@")
    assert shown(out(Caller("12025550114", endpoint=crm), it)).startswith("<sip:12025550114@")


ALICE = '"Alice" <sip:12025550111@203.0.113.5:5060>'


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("passthrough", [("P-Asserted-Identity", ALICE)]),
        ("pai", [("P-Asserted-Identity", ALICE)]),
        ("rpid", [("Remote-Party-ID", f"{ALICE};party=calling;screen=yes;privacy=off")]),
        ("from", []),
    ],
)
def test_the_mode_of_the_trunk_says_where_the_number_stands(mode: str, told: list[tuple[str, str]]) -> None:
    it = plan(out_identity_mode=mode)
    target = out(of_user("1001", "sip:1001@198.51.100.1", it), it)
    assert shown(target) == ALICE
    assert headers(target, *IDENTITY) == told


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("passthrough", [("P-Asserted-Identity", ALICE), ("Privacy", "id")]),
        ("pai", [("P-Asserted-Identity", ALICE), ("Privacy", "id")]),
        ("rpid", [("Remote-Party-ID", f"{ALICE};party=calling;screen=yes;privacy=full"), ("Privacy", "id")]),
        ("from", [("Privacy", "user")]),
    ],
)
@pytest.mark.parametrize("how", ["header", "from"])
def test_who_wants_privacy_is_anonymous_in_from_and_named_to_a_trusted_trunk_alone(
    mode: str, told: list[tuple[str, str]], how: str
) -> None:
    it = plan(out_identity_mode=mode)
    if how == "header":
        caller = of_user("1001", "sip:1001@198.51.100.1", it, ("Privacy", "id; critical"))
    else:
        caller = of_user("1001", "sip:anonymous@anonymous.invalid", it)
    target = out(caller, it)
    assert shown(target) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert headers(target, *IDENTITY) == told


def test_where_the_number_is_told_to_nobody_it_is_not_signed_either() -> None:
    for mode, signed in (("from", 0), ("pai", 1)):
        it = plan(out_identity_mode=mode)
        outward, asked = Outward(it), list[object]()
        outward.sign = lambda *what: asked.append(what) or ()  # type: ignore[func-returns-value]  # noqa: B023
        outward.targets(TO, it.trunk_groups["pstn"], of_user("1001", "sip:anonymous@anonymous.invalid", it), 0.0)
        assert len(asked) == signed


def test_a_forwarded_call_shows_who_called_and_who_forwarded_it() -> None:
    it = plan()
    group = it.trunk_groups["pstn"]
    request = invite(
        "sip:12025550112@203.0.113.5",
        "sip:13105550199@192.0.2.1",
        ("P-Asserted-Identity", "<sip:13105550199@192.0.2.1>"),
        ("Diversion", "<sip:12025550000@192.0.2.9>;reason=unconditional"),
    )
    source = Identified(group, group.trunks[0], None, "")
    diversions = (("12025550111", "no-answer"),)
    caller = Caller.of(source, request, number="13105550199", diversions=diversions)
    target = out(caller, it)
    assert shown(target) == "<sip:13105550199@203.0.113.5:5060>"
    assert headers(target, "P-Asserted-Identity", "Diversion") == [
        ("P-Asserted-Identity", "<sip:13105550199@203.0.113.5:5060>"),
        ("Diversion", "<sip:12025550111@203.0.113.5:5060>;reason=no-answer;counter=1"),
        ("Diversion", "<sip:12025550000@192.0.2.9>;reason=unconditional"),
    ]


def test_what_a_phone_says_of_the_way_of_its_call_does_not_reach_the_carrier() -> None:
    it = plan(relay_sip_headers=["P-Asserted-Identity", "X-Ticket"])
    forged = (
        ("Diversion", "<sip:18005550000@bank.example>;reason=unconditional"),
        ("History-Info", "<sip:18005550000@bank.example>;index=1"),
        ("P-Asserted-Identity", "<sip:18005550000@bank.example>"),
        ("X-Ticket", "7"),
    )
    target = out(of_user("1001", "sip:1001@198.51.100.1", it, *forged), it)
    assert headers(target, "X-Ticket", "Diversion", "History-Info") == [("X-Ticket", "7")]
    assert "18005550000" not in str(target.headers)


def test_what_a_trunk_says_that_is_not_believed_does_not_go_on_to_another() -> None:
    it = plan(in_identity_mode="from", relay_sip_headers=["P-Asserted-Identity"])
    group = it.trunk_groups["pstn"]
    request = invite(
        "sip:12025550112@203.0.113.5",
        "sip:13105550199@192.0.2.1",
        ("P-Asserted-Identity", "<tel:+18005550000;verstat=TN-Validation-Passed>"),
        ("Diversion", "<sip:12025550000@192.0.2.9>;reason=unconditional"),
    )
    source, diversions = Identified(group, group.trunks[0], None, ""), (("12025550111", "no-answer"),)
    target = out(Caller.of(source, request, number="13105550199", diversions=diversions), it)
    assert headers(target, "P-Asserted-Identity", "Diversion") == [
        ("Diversion", "<sip:12025550111@203.0.113.5:5060>;reason=no-answer;counter=1"),
    ]


def test_a_relayed_identity_loses_the_verdict_that_is_not_ours() -> None:
    it = plan(out_identity_mode="from", relay_sip_headers=["P-Asserted-Identity"])
    group = it.trunk_groups["pstn"]
    asserted = ("P-Asserted-Identity", '"Jane" <tel:+13105550199;VerStat=TN-Validation-Passed;cpc=ordinary>')
    request = invite("sip:12025550112@203.0.113.5", "sip:13105550199@192.0.2.1", asserted)
    source, diversions = Identified(group, group.trunks[0], None, ""), (("12025550111", "no-answer"),)
    target = out(Caller.of(source, request, number="13105550199", diversions=diversions), it)
    assert headers(target, "P-Asserted-Identity") == [
        ("P-Asserted-Identity", '"Jane" <tel:+13105550199;cpc=ordinary>'),
    ]


@pytest.mark.parametrize(("claims", "number"), [("18005550000", "12025550114"), ("12025550114", "12025550114")])
def test_a_third_party_shows_a_number_of_its_own_where_a_user_forwards_its_call(claims: str, number: str) -> None:
    it = plan()
    crm = it.endpoints["crm"]
    assert isinstance(crm, ThirdPartyEndpoint)
    caller = Caller.of(
        Identified(None, None, None, "", crm),
        invite("sip:1001@203.0.113.5", f"sip:{claims}@198.51.100.1"),
        number=claims,
        endpoint=crm,
        diversions=(("12025550111", "user-busy"),),
    )
    target = out(replace(caller, user=it.users["1001"]), it)
    assert shown(target) == f"<sip:{number}@203.0.113.5:5060>"
    assert claims == number or claims not in str(target.headers)


@pytest.mark.parametrize(("who", "attested"), [("1001", "A"), ("trunk", "C"), ("crm", "A")])
def test_a_call_that_is_forwarded_is_attested_by_whose_number_is_shown(who: str, attested: str) -> None:
    it = plan()
    group, crm, user = it.trunk_groups["pstn"], it.endpoints["crm"], it.users["1001"]
    assert isinstance(crm, ThirdPartyEndpoint)
    source = {
        "1001": Identified(None, None, user, ""),
        "trunk": Identified(group, group.trunks[0], None, ""),
        "crm": Identified(None, None, None, "", crm),
    }[who]
    request = invite("sip:1002@203.0.113.5", "sip:13105550199@192.0.2.1")
    diversions = (("12025550113", "user-busy"),)
    caller = Caller.of(source, request, number="13105550199", endpoint=source.endpoint, diversions=diversions)
    found = []
    outward = Outward(it)
    outward.sign = lambda caller, shown, _dest, asked: found.append(_attestation(caller, shown, asked)) or ()  # type: ignore[func-returns-value]
    outward.targets(TO, group, replace(caller, user=it.users["1002"]), 0.0)
    assert found == [attested]


def test_the_name_of_a_user_who_has_no_number_is_not_told_when_his_call_is_forwarded() -> None:
    it = plan()
    caller = Caller.of(
        Identified(None, None, it.users["1003"], ""),
        invite("sip:1001@203.0.113.5", "sip:1003@198.51.100.1"),
        number="1003",
        diversions=(("12025550111", "user-busy"),),
    )
    assert "1003" not in shown(out(caller, it))


def test_a_trunk_relays_the_headers_it_names_and_no_other() -> None:
    it = plan(relay_sip_headers=["X-Ticket", "User-to-User"])
    caller = of_user(
        *("1001", "sip:1001@198.51.100.1", it),
        *(("x-ticket", "7"), ("X-Secret", "no"), ("User-to-User", "56a390f3;encoding=hex")),
    )
    assert headers(out(caller, it), "X-Ticket", "X-Secret", "User-to-User") == [
        ("X-Ticket", "7"),
        ("User-to-User", "56a390f3;encoding=hex"),
    ]


def test_transformations_of_group_and_trunk_change_numbers_and_headers_on_the_way_out() -> None:
    made = plan(
        transformations=[
            {"type": "rewrite", "field": "number_dst", "match": "^1", "replace": "+1"},
            {"type": "set", "field": "X-Customer", "value": "acme"},
        ]
    )
    group = made.trunk_groups["pstn"].model_dump(mode="json") | {
        "transformations": [{"type": "rewrite", "field": "number_src", "match": "^", "replace": "+"}]
    }
    it = Plan(NumberPlan.model_validate(made.numbers.model_dump(mode="json") | {"trunk_groups": [group]}))
    target = out(of_user("1001", "sip:1001@198.51.100.1", it), it)
    assert str(target.uri) == "sip:+14155550123@192.0.2.1:5060"
    assert shown(target).startswith('"Alice" <sip:+12025550111@')
    assert headers(target, "X-Customer") == [("X-Customer", "acme")]


@pytest.mark.parametrize(
    ("from_", "value", "private"),
    [
        ("sip:1001@x", "", False),
        ("sip:1001@x", "none", False),
        ("sip:1001@x", "ID", True),
        ("sip:1001@x", "header;user", True),
        ("sip:anonymous@x", "", True),
        ("sip:1001@anonymous.invalid", "", True),
    ],
)
def test_privacy_is_read_as_rfc_3323_and_3325_have_it(from_: str, value: str, private: bool) -> None:
    assert wants_privacy(invite("sip:1@x", from_, *([("Privacy", value)] if value else []))) is private


def test_a_caller_without_a_request_has_no_headers() -> None:
    assert Caller("12025550101").headers == Headers()
