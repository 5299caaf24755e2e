"""Calls out: which trunk group and trunks, and how many fit."""

import pytest

from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Outward, Passage, Refused

TRUNKS = [
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
                    {"name": "pstn", "trunks": TRUNKS, **group},
                ],
                "endpoints": [{"name": "conference", "type": "conference"}],
                "dids": [{"phonenumber": "12025550101", "endpoint": "conference", "trunk_group": "listens-only"}],
            }
        )
    )


def names(outward: Outward, of: Plan) -> list[str]:
    ways, _ = outward.ways(of.trunk_groups["pstn"], 0.0, lambda: 0.0)
    return [way.trunk.name for way in ways]


def test_a_did_whose_group_has_no_address_goes_out_over_the_first_group_that_has() -> None:
    it = plan()
    assert Outward(it).trunk_group(it.dids["12025550101"]) is it.trunk_groups["pstn"]
    assert Outward(it).trunk_group(None) is it.trunk_groups["pstn"]
    assert Outward(Plan()).trunk_group(None) is None


def test_the_best_trunk_comes_first_and_a_full_one_not_at_all() -> None:
    it = plan()
    outward, passage = Outward(it), Passage()
    assert names(outward, it) == ["first", "second"]
    way = outward.ways(it.trunk_groups["pstn"], 0.0, lambda: 0.0)[0][0]
    passage.enter(way.gates, 0.0)
    assert names(outward, it) == ["second"]
    assert outward.in_use(way.trunk_group, way.trunk) == 1
    passage.leave()
    assert names(outward, it) == ["first", "second"]


def test_the_capacity_of_the_group_counts_all_of_its_trunks() -> None:
    it = plan(out_capacity=1)
    outward = Outward(it)
    first, second = outward.ways(it.trunk_groups["pstn"], 0.0, lambda: 0.0)[0]
    Passage().enter(first.gates, 0.0)
    with pytest.raises(Refused):
        Passage().enter(second.gates, 0.0)


def test_a_changed_plan_keeps_count_of_the_calls_that_are_up() -> None:
    it = plan()
    outward = Outward(it)
    way = outward.ways(it.trunk_groups["pstn"], 0.0, lambda: 0.0)[0][0]
    Passage().enter(way.gates, 0.0)
    changed = plan(cps_limit=5.0)
    outward.adopt(changed)
    assert names(outward, changed) == ["second"]
