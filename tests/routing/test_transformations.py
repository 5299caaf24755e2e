"""Transformations: each kind, their order, and patterns nobody can make slow."""

import pytest
from pydantic import TypeAdapter, ValidationError

from softswitch.plan import Transformation
from softswitch.plan.pattern import compile_safely
from softswitch.routing import Reason, Refused, Subject, Transformations
from softswitch.sip.message import Headers

adapter: TypeAdapter[list[Transformation]] = TypeAdapter(list[Transformation])


def transformed(*rules: dict[str, object], **headers: str) -> Subject:
    request_headers = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])
    subject = Subject("13105550199", "0012025550101", request_headers, [])
    Transformations("trunk a", adapter.validate_python(list(rules))).apply(subject)
    return subject


def rewrite(field: str, match: str, replace: str) -> dict[str, object]:
    return {"type": "rewrite", "field": field, "match": match, "replace": replace}


def test_rewrite_replaces_the_first_match_and_keeps_its_groups() -> None:
    assert transformed(rewrite("number_dst", "^00([0-9]+)$", r"\1")).number_dst == "12025550101"
    assert transformed(rewrite("number_dst", "0", "")).number_dst == "012025550101"


def test_rewrite_leaves_what_does_not_match() -> None:
    subject = transformed(rewrite("number_dst", "^99", ""))
    assert subject.number_dst == "0012025550101"
    assert subject.reasons == []


def test_set_gives_the_field_its_value() -> None:
    assert transformed({"type": "set", "field": "number_src", "value": "1"}).number_src == "1"


def test_one_transformation_sees_what_the_one_before_it_left() -> None:
    subject = transformed(rewrite("number_dst", "^00", "+"), rewrite("number_dst", r"^\+", ""))
    assert subject.number_dst == "12025550101"
    assert subject.reasons == [
        Reason("transform", "number_dst", True, 'trunk a rewrites ^00: "0012025550101" -> "+12025550101"'),
        Reason("transform", "number_dst", True, r'trunk a rewrites ^\+: "+12025550101" -> "12025550101"'),
    ]


@pytest.mark.parametrize(("caller", "customer"), [("^1310", "west"), ("^1212", "other")])
def test_conditional_goes_one_way_or_the_other(caller: str, customer: str) -> None:
    west = {"type": "set", "field": "X-Customer", "value": "west"}
    other = {"type": "set", "field": "X-Customer", "value": "other"}
    rule = {"type": "conditional", "field": "number_src", "match": caller, "then": [west], "otherwise": [other]}
    assert transformed(rule).get("x-customer") == customer


def test_a_header_is_read_from_the_request_and_changed_only_for_what_follows() -> None:
    subject = transformed(rewrite("P-Charge-Info", "^sip:", "tel:"), P_Charge_Info="sip:1")
    assert subject.get("P-Charge-Info") == "tel:1"
    assert subject.changed_headers == {"p-charge-info": "tel:1"}


def test_reject_ends_the_call_and_says_where_and_why() -> None:
    with pytest.raises(Refused) as caught:
        transformed({"type": "reject", "status": 603, "reason": "Not you"})
    assert (caught.value.status, caught.value.reason) == (603, "Not you")
    assert caught.value.reasons[-1].why == "trunk a answers 603 Not you"


@pytest.mark.parametrize("field", ["number_dsts", "From", "Contact", "X", "P-", "X-a b", "X-A\r\nVia"])
def test_only_numbers_and_headers_named_x_or_p_are_transformed(field: str) -> None:
    with pytest.raises(ValidationError):
        transformed({"type": "set", "field": field, "value": "1"})


@pytest.mark.parametrize("field", ["P-Asserted-Identity", "x-customer"])
def test_headers_named_x_or_p_are_transformed(field: str) -> None:
    assert transformed({"type": "set", "field": field, "value": "1"}).get(field) == "1"


def test_a_value_can_not_break_a_line() -> None:
    with pytest.raises(ValidationError):
        transformed({"type": "set", "field": "X-A", "value": "1\r\nVia: x"})


def test_a_replacement_that_names_a_missing_group_is_refused_when_it_is_read() -> None:
    with pytest.raises(ValidationError, match="invalid group reference"):
        transformed(rewrite("number_dst", "^00([0-9]+)$", r"\2"))


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a?){30}b",
        r"(a)\1",
        "a*a*a*a*b",
        "(?:(?:a{1,5}){1,5})",
        "(" * 3,
        "a" * 300,
        "(?=(a+)+b)x",
        "(?>a*)b",
        "(a*)++b",
    ],
)
def test_a_pattern_that_could_be_slow_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compile_safely(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"^00(\d+)$", r"^\+?1?([2-9]\d{9})$", "^(1212|1310)", r"^sip:(\d+)@(.*)$", "^$", "[^a-z]+", r"^0(?!0)(\d{3,14})$"],
)
def test_the_patterns_of_number_plans_are_accepted(pattern: str) -> None:
    assert compile_safely(pattern)


def test_the_slowest_accepted_pattern_on_the_longest_subject_ends() -> None:
    assert compile_safely("a*a*a*b").search("a" * 128) is None


def test_what_is_longer_than_any_number_is_left_alone() -> None:
    subject = Subject("1" * 200, "2", Headers(), [])
    Transformations("trunk a", adapter.validate_python([rewrite("number_src", "1", "2")])).apply(subject)
    assert subject.number_src == "1" * 200
