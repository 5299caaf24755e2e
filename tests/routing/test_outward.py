"""Calls out: which trunk group and trunks, and how many fit."""

import pytest

from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Caller, Outward, Passage, Refused, Target
from softswitch.sip import Credentials

TRUNKS: list[dict[str, object]] = [
    {"name": "second", "address": "192.0.2.2", "priority": 1},
    {"name": "first", "address": "192.0.2.1", "out_capacity": 1},
    {"name": "inward"},
]


def plan(**group: object) -> Plan:
    return Plan(
        NumberPlan.model_validate(
            {
                "trunk_groups": [
                    {"name": "listens-only", "acls": ["192.0.2.0/24"]},
                    {"name": "pstn", "trunks": TRUNKS} | group,
                ],
                "endpoints": [{"name": "conference", "type": "conference"}],
                "dids": [{"phonenumber": "12025550101", "endpoint": "conference", "trunk_group": "listens-only"}],
            }
        )
    )


def targets(outward: Outward, of: Plan) -> list[Target]:
    return outward.targets("13105550123", of.trunk_groups["pstn"], Caller("12025550101"), 0.0)[0]


def names(outward: Outward, of: Plan) -> list[str]:
    return [target.trunk.name for target in targets(outward, of) if target.trunk is not None]


def test_a_did_whose_group_has_no_address_goes_out_over_the_first_group_that_has() -> None:
    it = plan()
    assert Outward(it).trunk_group(it.dids["12025550101"]) is it.trunk_groups["pstn"]
    assert Outward(it).trunk_group(None) is it.trunk_groups["pstn"]
    assert Outward(Plan()).trunk_group(None) is None


def test_the_best_trunk_comes_first_and_a_full_one_not_at_all() -> None:
    it = plan()
    outward, passage = Outward(it), Passage()
    assert names(outward, it) == ["first", "second"]
    target = targets(outward, it)[0]
    passage.enter(target.gates, 0.0)
    assert names(outward, it) == ["second"]
    group = it.trunk_groups["pstn"]
    assert outward.in_use(group, group.trunks[1]) == 1
    passage.leave()
    assert names(outward, it) == ["first", "second"]


def test_the_capacity_of_the_group_counts_all_of_its_trunks() -> None:
    it = plan(out_capacity=1)
    outward = Outward(it)
    first, second = targets(outward, it)
    Passage().enter(first.gates, 0.0)
    with pytest.raises(Refused):
        Passage().enter(second.gates, 0.0)
    with pytest.raises(Refused) as refused:
        targets(outward, it)
    assert (refused.value.status, refused.value.reason) == (503, "trunk group pstn is full (1 calls)")


def test_where_every_trunk_is_full_the_call_is_refused_with_503_and_each_reason() -> None:
    it = plan(trunks=[{"name": "only", "address": "192.0.2.1", "out_capacity": 1}, {"name": "inward"}])
    outward = Outward(it)
    Passage().enter(targets(outward, it)[0].gates, 0.0)
    with pytest.raises(Refused) as refused:
        targets(outward, it)
    assert refused.value.status == 503
    assert [(reason.candidate, reason.why) for reason in refused.value.reasons[-3:]] == [
        ("only", "trunk only is full (1 calls)"),
        ("inward", "has no address to call"),
        ("pstn", "no trunk can take the call"),
    ]


def test_new_calls_a_second_are_counted_for_each_trunk() -> None:
    it = plan(trunks=[{"name": name, "address": "192.0.2.1", "cps_limit": 1.0} for name in ("a", "b")])
    outward = Outward(it)
    for _ in range(2):
        Passage().enter(targets(outward, it)[0].gates, 0.0)
    with pytest.raises(Refused):
        targets(outward, it)


def test_a_trunk_whose_transformations_refuse_is_passed_over_and_those_of_the_group_end_the_call() -> None:
    refuses = {"type": "reject", "status": 404, "reason": "Not here"}
    it = plan(trunks=[{**TRUNKS[1], "transformations": [refuses]}, TRUNKS[0]])
    assert names(Outward(it), it) == ["second"]
    it = plan(transformations=[refuses])
    with pytest.raises(Refused) as refused:
        targets(Outward(it), it)
    assert (refused.value.status, refused.value.reason) == (404, "Not here")


def test_a_trunk_is_reached_over_its_transport_with_its_credentials_and_codecs() -> None:
    trunk = {"name": "x", "address": "2001:db8::7", "port": 5070, "transport": "tcp", "codecs": ["PCMA"]}
    it = plan(trunks=[{**trunk, "sip_username": "us", "sip_password": "secret"}])
    (target,) = targets(Outward(it), it)
    assert str(target.uri) == "sip:13105550123@[2001:db8::7]:5070;transport=tcp"
    assert target.credentials == Credentials("us", "secret")
    assert (target.name, target.codecs) == ("trunk pstn/x", ("PCMA",))


@pytest.mark.parametrize(("transport", "alone"), [("auto", False), ("udp", True)])
def test_udp_that_somebody_has_chosen_is_told_from_udp_that_is_usual(transport: str, alone: bool) -> None:
    it = plan(trunks=[{"name": "x", "address": "192.0.2.1", "transport": transport}])
    (target,) = targets(Outward(it), it)
    assert (str(target.uri), target.by_udp_alone) == ("sip:13105550123@192.0.2.1:5060", alone)


def test_round_robin_moves_on_with_each_call_and_not_by_looking() -> None:
    it = plan(routing_type="round_robin", trunks=[{"name": name, "address": "192.0.2.1"} for name in "ab"])
    outward, group = Outward(it), it.trunk_groups["pstn"]
    assert [names(outward, it)[0] for _ in range(3)] == ["a", "b", "a"]
    for _ in range(3):
        outward.weigh("13105550123", group, Caller("1"), 0.0)
    assert names(outward, it)[0] == "b"


def test_a_group_that_has_gone_meanwhile_takes_no_call_and_one_that_has_changed_is_asked_as_it_is_now() -> None:
    before = plan()
    outward = Outward(plan(out_capacity=1))
    Passage().enter(targets(outward, before)[0].gates, 0.0)
    with pytest.raises(Refused, match="trunk group pstn is full"):
        targets(outward, before)
    outward.adopt(Plan())
    with pytest.raises(Refused) as refused:
        targets(outward, before)
    assert refused.value.reasons[-1].why == "is not there any more"


def test_a_changed_plan_keeps_count_of_the_calls_that_are_up() -> None:
    it = plan()
    outward = Outward(it)
    Passage().enter(targets(outward, it)[0].gates, 0.0)
    changed = plan(cps_limit=5.0)
    outward.adopt(changed)
    assert names(outward, changed) == ["second"]
