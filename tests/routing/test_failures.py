"""Trunks that fail: counted, rested, tried again, given back; and what is done where all of them rest."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Outward, Passage, Refused, Target, TrunkService
from softswitch.routing.caller import Caller
from softswitch.routing.failures import TABLE, Fitness, Trigger, codes_of
from softswitch.sip.tables import ImpossibleMoveError

NUMBER = "13105550123"
NOBODY = Caller("12025550101")


def plan(**group: Any) -> Plan:
    trunks = [{"name": name, "address": f"192.0.2.{n}", "priority": n} for n, name in enumerate(("a", "b"), 1)]
    return Plan(NumberPlan.model_validate({"trunk_groups": [{"name": "pstn", "trunks": trunks, **group}]}))


class Carrier:
    """The trunk group of a plan, called and answered at chosen times."""

    def __init__(self, of: Plan) -> None:
        self.plan, self.at = of, 0.0
        self.moves: list[tuple[str, TrunkService, TrunkService, float]] = []
        self.outward = Outward(of, clock=lambda: self.at)
        self.outward.on_move = lambda group, trunk, before, after, why, at: self.moves.append(
            (trunk.name, before, after, at)
        )

    def targets(self, at: float) -> list[Target]:
        self.at = at
        return self.outward.targets(NUMBER, self.plan.trunk_groups["pstn"], NOBODY, at)[0]

    def order(self, at: float) -> list[str]:
        return [target.trunk.name for target in self.targets(at) if target.trunk is not None]

    def call(self, at: float, *statuses: int) -> list[str]:
        """A call whose targets give `statuses`, one after the other; what was tried."""
        tried = []
        for target, status in zip(self.targets(at), statuses, strict=False):
            passage = Passage()
            try:
                passage.enter(target.gates, at)
            except Refused:
                continue
            tried.append(str(target.trunk and target.trunk.name))
            goes_on = self.outward.tried(target, status, at)
            passage.leave()
            if not goes_on:
                break
        return tried

    def state(self, name: str) -> TrunkService:
        group = self.plan.trunk_groups["pstn"]
        return next(self.outward.failures.of(group, trunk).state for trunk in group.trunks if trunk.name == name)

    def rested(self) -> "Carrier":
        """With trunk a at rest since 2 s."""
        for at in (0.0, 1.0, 2.0):
            self.call(at, 408, 200)
        assert self.state("a") is TrunkService.RESTING
        return self


def test_three_hard_failures_within_the_interval_take_a_trunk_out_for_the_cooldown() -> None:
    it = Carrier(plan())
    assert it.call(0.0, 408, 200) == ["a", "b"]
    assert it.call(30.0, 408, 200) == ["a", "b"]
    assert it.call(59.0, 408, 200) == ["a", "b"]
    assert it.order(60.0) == ["b"]
    assert it.order(178.9) == ["b"]
    assert it.order(179.0) == ["a", "b"]
    assert it.moves == [("a", TrunkService.IN_SERVICE, TrunkService.RESTING, 59.0)]


def test_failures_further_apart_than_the_interval_do_not_add_up() -> None:
    it = Carrier(plan())
    for at in (0.0, 31.0, 61.0, 92.0):
        it.call(at, 408, 200)
    assert it.order(93.0) == ["a", "b"]


def test_only_the_hard_failure_codes_count() -> None:
    it = Carrier(plan(hard_failure_codes="500;", soft_failure_codes="503;"))
    for at in range(5):
        assert it.call(at, 503, 200) == ["a", "b"]
    assert it.state("a") is TrunkService.IN_SERVICE
    for at in range(5, 8):
        it.call(at, 500, 200)
    assert it.state("a") is TrunkService.RESTING


@pytest.mark.parametrize(("status", "goes_on"), [(408, True), (503, True), (500, True), (404, True), (486, False)])
def test_the_next_trunk_is_tried_after_a_hard_or_soft_code_and_always_after_silence_and_overload(
    status: int, goes_on: bool
) -> None:
    it = Carrier(plan(hard_failure_codes="500;", soft_failure_codes="404;"))
    assert it.call(0.0, status, 200) == (["a", "b"] if goes_on else ["a"])


def test_a_threshold_of_0_lets_no_trunk_rest() -> None:
    it = Carrier(plan(hard_failure_threshold=0))
    for at in range(50):
        it.call(at, 408, 200)
    assert it.order(51.0) == ["a", "b"]


def test_after_the_cooldown_one_call_tries_and_others_go_elsewhere_meanwhile() -> None:
    it = Carrier(plan()).rested()
    first, second = it.targets(122.0)[0], it.targets(122.0)[0]
    passage = Passage()
    passage.enter(first.gates, 122.0)
    assert it.state("a") is TrunkService.PROBED
    with pytest.raises(Refused):
        Passage().enter(second.gates, 122.0)
    assert it.order(123.0) == ["b"]
    it.outward.tried(first, 200, 124.0)
    passage.leave()
    assert it.order(125.0) == ["a", "b"]
    assert it.moves[-1][1:3] == (TrunkService.PROBED, TrunkService.IN_SERVICE)


def test_a_busy_callee_shows_too_that_the_trunk_is_back() -> None:
    it = Carrier(plan()).rested()
    it.call(130.0, 486)
    assert it.state("a") is TrunkService.IN_SERVICE


def test_a_trunk_that_fails_its_trial_rests_for_another_cooldown() -> None:
    it = Carrier(plan()).rested()
    assert it.call(122.0, 408, 200) == ["a", "b"]
    assert it.order(241.9) == ["b"]
    assert it.order(242.0) == ["a", "b"]


def test_a_trial_that_the_caller_gave_up_leaves_the_next_call_to_try() -> None:
    it = Carrier(plan()).rested()
    it.call(122.0, 0)
    assert it.state("a") is TrunkService.RESTING
    assert it.order(122.1) == ["a", "b"]


def test_a_call_of_an_earlier_trial_that_ends_late_does_not_end_a_later_trial() -> None:
    it = Carrier(plan()).rested()
    early, passage = it.targets(122.0)[0], Passage()
    passage.enter(early.gates, 122.0)
    it.outward.tried(early, 200, 122.0)
    for at in (130.0, 131.0, 132.0):
        it.call(at, 408, 200)
    late = it.targets(300.0)[0]
    Passage().enter(late.gates, 300.0)
    passage.leave()
    assert it.state("a") is TrunkService.PROBED


def test_an_answer_to_a_call_from_before_the_failures_brings_nothing_back() -> None:
    it = Carrier(plan())
    early = it.targets(0.0)[0]
    it.rested()
    it.outward.tried(early, 200, 10.0)
    assert it.state("a") is TrunkService.RESTING


def test_where_all_rest_the_first_is_tried_all_the_same_and_an_answer_brings_it_back() -> None:
    it = Carrier(plan(hard_failure_last_resort="first"))
    for at in (0.0, 1.0, 2.0):
        it.call(at, 408, 408)
    assert it.order(3.0) == ["a"]
    assert it.call(4.0, 200) == ["a"]
    assert it.order(5.0) == ["a"]


@pytest.mark.parametrize(("how", "status"), [("reject502", 502), ("reject503", 503)])
def test_where_all_rest_the_call_is_refused_if_so_wanted(how: str, status: int) -> None:
    it = Carrier(plan(hard_failure_last_resort=how))
    for at in (0.0, 1.0, 2.0):
        it.call(at, 408, 408)
    with pytest.raises(Refused) as refused:
        it.targets(3.0)
    assert refused.value.status == status
    assert [reason.candidate for reason in refused.value.reasons if reason.step == "trunk"] == ["a", "b"]
    assert "rests for 119 s more" in refused.value.reasons[-2].why


def test_a_trunk_that_does_not_answer_options_is_out_until_it_does() -> None:
    it = Carrier(plan(sip_options_threshold=2))
    group = it.plan.trunk_groups["pstn"]
    fitness = it.outward.failures.of(group, group.trunks[0])
    fitness.options(1, 10.0)
    assert it.order(10.0) == ["a", "b"]
    fitness.options(2, 40.0)
    fitness.options(3, 70.0)
    assert it.order(71.0) == ["b"]
    fitness.options(0, 100.0)
    assert it.order(101.0) == ["a", "b"]
    assert [move[1:3] for move in it.moves] == [
        (TrunkService.IN_SERVICE, TrunkService.SILENT),
        (TrunkService.SILENT, TrunkService.IN_SERVICE),
    ]


def test_a_threshold_of_0_ignores_options() -> None:
    it = Carrier(plan(sip_options_threshold=0))
    group = it.plan.trunk_groups["pstn"]
    it.outward.failures.of(group, group.trunks[0]).options(99, 10.0)
    assert it.order(10.0) == ["a", "b"]


def test_a_changed_plan_forgets_no_rest_unless_the_trunk_is_somewhere_else_now() -> None:
    it = Carrier(plan()).rested()
    same = plan(hard_failure_cooldown=5)
    it.outward.adopt(same)
    it.plan = same
    assert it.order(3.0) == ["b"]
    moved = same.trunk_groups["pstn"].trunks[0].model_copy(update={"address": "192.0.2.99"})
    group = same.trunk_groups["pstn"].model_copy(update={"trunks": (moved, *same.trunk_groups["pstn"].trunks[1:])})
    it.plan = same.with_parts(trunk_groups=[group])
    it.outward.adopt(it.plan)
    assert it.order(3.0) == ["a", "b"]


def test_a_move_that_the_table_does_not_have_is_our_bug() -> None:
    group = plan().trunk_groups["pstn"]
    fitness = Fitness(group, group.trunks[0], lambda *_: None)
    with pytest.raises(ImpossibleMoveError):
        fitness._move(Trigger.GIVEN_UP, "", 0.0)
    assert {state for state, _ in TABLE} == set(TrunkService)


@given(
    st.lists(
        st.tuples(st.sampled_from(["call", "late", "leave", "options", "adopt"]), st.integers(0, 500)), max_size=60
    )
)
def test_whatever_happens_to_trunks_in_any_order_is_in_the_table_and_a_call_finds_a_way(
    steps: list[tuple[str, int]],
) -> None:
    it, up = Carrier(plan(hard_failure_threshold=2, hard_failure_interval=30)), list[tuple[Target, Passage]]()
    at = 0.0
    for what, chance in steps:
        at += chance / 10
        it.at = at
        match what:
            case "call":
                target, passage = it.targets(at)[0], Passage()
                with contextlib.suppress(Refused):
                    passage.enter(target.gates, at)
                    it.outward.tried(target, (0, 200, 408, 486, 503)[chance % 5], at)
                    up.append((target, passage))
            case "late" if up:
                it.outward.tried(up[chance % len(up)][0], (200, 408)[chance % 2], at)
            case "leave" if up:
                up.pop(chance % len(up))[1].leave()
            case "options":
                group = it.plan.trunk_groups["pstn"]
                it.outward.failures.of(group, group.trunks[chance % 2]).options(chance % 5, at)
            case "adopt":
                it.outward.adopt(it.plan)
    assert it.order(at)
    for _, passage in up:
        passage.leave()
    assert TrunkService.PROBED not in (it.state("a"), it.state("b"))


def test_codes_are_read_as_carrierx_writes_them() -> None:
    assert codes_of("408;503;") == {408, 503}
    assert codes_of("") == frozenset()
