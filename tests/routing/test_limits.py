"""Capacity and calls per second, in time that is only a number."""

import pytest

from softswitch.routing import Gate, Passage, Refused


def entered(gate: Gate, now: float) -> Passage:
    passage = Passage()
    passage.enter([gate], now)
    return passage


def refusal_of(gate: Gate, now: float) -> Refused:
    with pytest.raises(Refused) as caught:
        entered(gate, now)
    return caught.value


def test_without_limits_everybody_passes() -> None:
    gate = Gate("trunk group pstn")
    for _ in range(1000):
        entered(gate, 0.0)
    assert gate.in_use == 1000


def test_one_call_more_than_the_capacity_gets_503_and_when_to_come_back() -> None:
    gate = Gate("trunk group pstn", capacity=2)
    first = entered(gate, 0.0)
    entered(gate, 0.0)
    refused = refusal_of(gate, 0.0)
    assert (refused.status, refused.reason) == (503, "trunk group pstn is full (2 calls)")
    assert dict(refused.headers) == {"Retry-After": "5"}
    first.leave()
    entered(gate, 0.0)


def test_a_rate_lets_a_second_s_worth_pass_at_once_and_then_one_each_interval() -> None:
    gate = Gate("trunk gateway", cps=4)
    for _ in range(4):
        entered(gate, 100.0)
    assert dict(refusal_of(gate, 100.0).headers) == {"Retry-After": "1"}
    assert refusal_of(gate, 100.2).reason == "trunk gateway takes 4 calls per second"
    entered(gate, 100.25)
    refusal_of(gate, 100.25)


def test_a_rate_below_one_is_one_call_each_few_seconds() -> None:
    gate = Gate("trunk gateway", cps=0.25)
    entered(gate, 0.0)
    assert dict(refusal_of(gate, 1.0).headers) == {"Retry-After": "3"}
    entered(gate, 4.0)


def test_an_idle_hour_saves_up_no_more_than_one_second_of_calls() -> None:
    gate = Gate("trunk gateway", cps=10)
    for _ in range(10):
        entered(gate, 3600.0)
    refusal_of(gate, 3600.0)


def test_the_long_run_rate_is_the_configured_one() -> None:
    gate = Gate("trunk gateway", cps=10)
    passed = 0
    for step in range(10_000):
        try:
            entered(gate, step / 100)
            passed += 1
        except Refused:
            pass
    assert passed == pytest.approx(10 + 10 * 99.99, abs=1)


def test_who_is_refused_by_one_gate_has_taken_nothing_from_the_others() -> None:
    wide, full = Gate("trunk group pstn", capacity=5, cps=1), Gate("trunk gateway", capacity=1)
    entered(full, 0.0)
    with pytest.raises(Refused, match="trunk gateway is full"):
        Passage().enter([wide, full], 0.0)
    assert wide.in_use == 0
    entered(wide, 0.0)


def test_a_passage_gives_back_once() -> None:
    gate = Gate("trunk gateway", capacity=1)
    passage = entered(gate, 0.0)
    passage.leave()
    passage.leave()
    assert gate.in_use == 0
