"""Where a call goes: numbers as peers write them, identities, DIDs, transformations at every level, and why."""

from pathlib import Path
from typing import Any

import pytest

from softswitch.plan import NumberPlan, Plan, User
from softswitch.routing import Decision, Identified, Refused, Router, Senders, explain, international, number_of
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri
from tests.routing.plans import CONFERENCE, invite, plan_of, udp

PLAN = (
    CONFERENCE
    + """
transformations = [{ type = "set", field = "X-Endpoint", value = "seen" }]

[[trunk_groups]]
name = "pstn"
acls = ["127.0.0.0/8"]
transformations = [{ type = "rewrite", field = "number_dst", match = '^00', replace = '' }]

  [[trunk_groups.trunks]]
  name = "strict"
  address = "127.0.0.1"
  port = 5080
  in_identity_mode = "from"
  transformations = [{ type = "rewrite", field = "number_dst", match = '^9', replace = '' }]

[[trunk_groups]]
name = "other"
acls = ["192.0.2.0/24"]

[[dids]]
phonenumber = "12025550101"
endpoint = "conference"
trunk_group = "pstn"
[[dids.transformations]]
type = "conditional"
field = "number_src"
match = '^1900'
then = [{ type = "reject", status = 403, reason = "No premium" }]

[[dids]]
phonenumber = "12025550102"
endpoint = "conference"
"""
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, PLAN)


def routed(plan: Plan, request: Request, host: str = "127.0.0.9", port: int = 5060) -> Decision:
    source = Senders(plan).identify(udp(host, port))
    assert source is not None
    return Router(plan).route(source, request)


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:12025550101@192.0.2.1", "12025550101"),
        ("sip:+12025550101@192.0.2.1:5060;user=phone", "12025550101"),
        ("sips:+1-202-555-0101@example.com", "12025550101"),
        ("tel:+1-202-555-0101", "12025550101"),
        ("tel:555-0101;phone-context=+1202", "12025550101"),
        ("sip:+12025550101;npdi@192.0.2.1", "12025550101"),
        ("sip:*98@192.0.2.1", "*98"),
        ("sip:service@192.0.2.1", "service"),
        ("sip:192.0.2.1:5060", ""),
    ],
)
def test_a_number_is_read_however_the_peer_writes_it(uri: str, number: str) -> None:
    assert number_of(Uri.parse(uri)) == number


def test_a_number_is_shown_the_way_people_read_it() -> None:
    assert international("12025550101") == "+1 202-555-0101"
    assert international("1001") == "1001"
    assert international("service") == "service"


def test_a_call_goes_to_the_endpoint_of_its_did(plan: Plan) -> None:
    decision = routed(plan, invite("sip:12025550102@127.0.0.1"))
    assert (decision.did and decision.did.phonenumber, decision.destination.name) == ("12025550102", "conference")
    assert (decision.number_src, decision.number_dst) == ("13105550199", "12025550102")


@pytest.mark.parametrize("to", ["sip:12025550199@127.0.0.1", "sip:127.0.0.1", "sip:service@127.0.0.1"])
def test_an_unknown_number_gets_404(plan: Plan, to: str) -> None:
    with pytest.raises(Refused) as caught:
        routed(plan, invite(to))
    assert caught.value.status == 404
    assert not caught.value.reasons[-1].taken


def test_a_number_kept_for_one_trunk_group_does_not_exist_for_another(plan: Plan) -> None:
    with pytest.raises(Refused) as caught:
        routed(plan, invite("sip:12025550101@127.0.0.1"), "192.0.2.1")
    assert caught.value.status == 404
    assert caught.value.reasons[-1].why == "only trunk group pstn may reach it, not other"


def test_transformations_run_trunk_then_trunk_group_then_did_then_endpoint(plan: Plan) -> None:
    decision = routed(plan, invite("sip:90012025550101@127.0.0.1"), "127.0.0.1", 5080)
    assert decision.number_dst == "12025550101"
    assert decision.headers == {"x-endpoint": "seen"}
    assert [reason.step for reason in decision.reasons] == [
        "caller", "transform", "transform", "did", "transform", "transform", "endpoint",
    ]  # fmt: skip


def test_without_its_trunk_a_call_only_meets_the_rules_of_the_group(plan: Plan) -> None:
    with pytest.raises(Refused, match="404"):
        routed(plan, invite("sip:90012025550101@127.0.0.1"))
    assert routed(plan, invite("sip:0012025550101@127.0.0.1")).number_dst == "12025550101"


NATIONAL = {"type": "rewrite", "field": "number_dst", "match": r"^([2-9]\d{9})$", "replace": r"1\1"}
OUTSIDE = {"type": "rewrite", "field": "number_dst", "match": r"^9(\d+)$", "replace": r"\1"}
NO_PREMIUM = {"type": "reject", "status": 403, "reason": "No premium"}


def user_who_dials(*transformations: Any) -> tuple[Router, User]:
    trunk = {"name": "a", "address": "192.0.2.1"}
    tables = {
        "users": [{"username": "1001", "password": "x", "transformations": transformations}],
        "trunk_groups": [{"name": "pstn", "trunks": [trunk]}],
    }
    plan = Plan(NumberPlan.model_validate(tables))
    return Router(plan), plan.users["1001"]


@pytest.mark.parametrize("number", ["94155550123", "914155550123", "9-1 (415) 555-0123"])
def test_what_a_user_dials_is_changed_before_it_is_looked_up(number: str) -> None:
    router, user = user_who_dials(OUTSIDE, NATIONAL)
    dialled = invite(f"sip:{number.replace(' ', '')}@127.0.0.1")
    decision = router.route(Identified.by_password(user), dialled)
    assert (decision.number_dst, decision.destination.name) == ("14155550123", "trunk group pstn")
    assert [reason.step for reason in decision.reasons][-1] == "pstn"
    assert router.dialled(number_of(dialled.uri), user) == "14155550123"


def test_a_user_can_be_kept_from_dialling_something() -> None:
    premium = {"type": "conditional", "field": "number_dst", "match": "^1900", "then": [NO_PREMIUM]}
    router, user = user_who_dials(premium)
    with pytest.raises(Refused, match="403 No premium"):
        router.route(Identified.by_password(user), invite("sip:19005550100@127.0.0.1"))
    with pytest.raises(Refused, match="403 No premium"):
        router.dialled("19005550100", user)


def test_a_did_can_reject_callers(plan: Plan) -> None:
    with pytest.raises(Refused, match="403 No premium"):
        routed(plan, invite("sip:12025550101@127.0.0.1", "sip:19005550100@127.0.0.1"))


PAI = ("P-Asserted-Identity", '"Reception" <sip:+13105550100@carrier.example>, <tel:+13105550101>')


def test_the_asserted_identity_of_a_trusted_trunk_is_who_calls_and_its_tel_uri_goes_first(plan: Plan) -> None:
    decision = routed(plan, invite("sip:12025550102@x.example", "sip:anonymous@anonymous.invalid", PAI))
    assert decision.identity == ("13105550101", "", "P-Asserted-Identity")


def test_a_trunk_that_is_not_trusted_is_who_its_from_says(plan: Plan) -> None:
    decision = routed(plan, invite("sip:12025550102@x.example", "sip:+13105550199@x", PAI), "127.0.0.1", 5080)
    assert decision.identity == ("13105550199", "", "From")


def test_a_malformed_asserted_identity_is_as_good_as_none(plan: Plan) -> None:
    decision = routed(plan, invite("sip:12025550102@x.example", "sip:1@x", ("P-Asserted-Identity", "<<>;")))
    assert decision.identity.header == "From"


def test_a_caller_without_a_user_part_is_anonymous(plan: Plan) -> None:
    assert routed(plan, invite("sip:12025550102@x.example", "sip:x.example")).number_src == "anonymous"


def test_explain_decides_what_a_call_would_get_and_lists_every_candidate(plan: Plan) -> None:
    told = explain(plan, from_="+1 310 555 0199", to="12025550101", peer=udp("127.0.0.1"))
    assert (told.status, told.reason) == (200, "endpoint conference")
    assert [(reason.step, reason.candidate, reason.taken) for reason in told.reasons] == [
        ("identify", "pstn/strict", False),
        ("identify", "pstn", True),
        ("identify", "other", False),
        ("caller", "13105550199", True),
        ("did", "12025550101", True),
        ("transform", "number_src", False),
        ("transform", "X-Endpoint", True),
        ("endpoint", "conference", True),
    ]


def test_explain_tells_a_refusal_with_the_reasons_that_led_there(plan: Plan) -> None:
    told = explain(plan, from_="1", to="tel:+12025550101", peer=udp("192.0.2.1"))
    assert (told.status, told.decision) == (404, None)
    assert told.reasons[-1].why == "only trunk group pstn may reach it, not other"


def test_explain_tells_what_an_unknown_sender_gets(plan: Plan) -> None:
    assert explain(plan, from_="1", to="2", peer=udp("198.51.100.1")).status == 403
    silent = explain(plan, from_="1", to="2", peer=udp("198.51.100.1"), unknown_sender="silence")
    assert (silent.status, silent.reason) == (0, "no answer: nobody knows 198.51.100.1:5060")


def test_explain_says_why_a_user_who_names_himself_is_not_taken_for_the_trunk_group_at_his_address(
    tmp_path: Path,
) -> None:
    text = """
[[trunk_groups]]
name = "pstn"
acls = ["127.0.0.0/8"]

[[users]]
username = "1001"
password = "secret-1001"

[[users]]
username = "1002"
password = "secret-1002"
"""
    told = explain(plan_of(tmp_path, text), from_="1001", to="1002", peer=udp("127.0.0.1"))
    assert [(reason.candidate, reason.taken, reason.why) for reason in told.reasons[:2]] == [
        ("pstn", False, "ACL 127.0.0.0/8 of trunk group pstn holds the address, but From names user 1001"),
        ("user 1001", True, "proves himself by his password"),
    ]
