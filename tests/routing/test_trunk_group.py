"""A call out: which trunk first, which next, and which not at all."""

import random
from collections import Counter
from collections.abc import Mapping

from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing import Gate, failover_order
from softswitch.routing.rates import Rate
from softswitch.routing.trunk_group import Candidate, ranked


def group(*trunks: tuple[str, int, int]) -> TrunkGroup:
    made = [
        Trunk(name=name, address="192.0.2.1", priority=priority, weight=weight) for name, priority, weight in trunks
    ]
    return TrunkGroup(name="carrier", trunks=tuple(made))


def order(trunks: TrunkGroup, seed: int = 1, gates: dict[str, Gate] | None = None) -> list[str]:
    return [trunk.name for trunk in failover_order(trunks, gates or {}, 0.0, random.Random(seed).random)[0]]


def test_the_lowest_priority_goes_first_whatever_the_weights() -> None:
    assert order(group(("c", 30, 100), ("a", 1, 0), ("b", 2, 50))) == ["a", "b", "c"]


def test_equals_share_the_calls_by_weight() -> None:
    first = Counter(order(group(("three", 0, 30), ("one", 0, 10)), seed)[0] for seed in range(4000))
    assert 2900 < first["three"] < 3100


def test_a_weight_of_0_is_a_last_resort_within_its_priority() -> None:
    assert all(order(group(("spare", 0, 0), ("main", 0, 1)), seed) == ["main", "spare"] for seed in range(50))


def test_trunks_without_weights_keep_the_order_of_the_file() -> None:
    assert order(group(("a", 0, 0), ("b", 0, 0), ("c", 0, 0))) == ["a", "b", "c"]


def test_a_full_trunk_and_one_without_an_address_are_left_out_and_the_reasons_say_so() -> None:
    full = Gate("trunk a", capacity=1)
    full.enter()
    trunks = (Trunk(name="a", address="192.0.2.1"), Trunk(name="b"), Trunk(name="c", address="192.0.2.3"))
    chosen, reasons = failover_order(TrunkGroup(name="g", trunks=trunks), {"a": full}, 0.0, lambda: 0.0)
    assert [trunk.name for trunk in chosen] == ["c"]
    assert [(reason.candidate, reason.taken, reason.why) for reason in reasons] == [
        ("a", False, "trunk a is full (1 calls)"),
        ("b", False, "has no address to call"),
        ("c", True, "choice 1: priority 0, weight 0"),
    ]


# ---- the other routing types


def of_type(routing_type: str, *trunks: Mapping[str, object]) -> TrunkGroup:
    made = [{"address": "192.0.2.1", **trunk} for trunk in trunks]
    return TrunkGroup.model_validate({"name": "carrier", "routing_type": routing_type, "trunks": made})


def names(candidates: list[Candidate]) -> list[str]:
    return [candidate.trunk.name for candidate in candidates if not candidate.why_not]


def test_weighted_shares_among_all_whatever_their_priority() -> None:
    trunks = of_type("weighted", {"name": "three", "priority": 9, "weight": 30}, {"name": "one", "weight": 10})
    first = Counter(names(ranked(trunks, draw=random.Random(seed).random))[0] for seed in range(4000))
    assert 2900 < first["three"] < 3100


def test_weighted_without_weights_shares_evenly() -> None:
    trunks = of_type("weighted", {"name": "a"}, {"name": "b"})
    first = Counter(names(ranked(trunks, draw=random.Random(seed).random))[0] for seed in range(4000))
    assert 1900 < first["a"] < 2100


def test_weighted_has_all_others_behind_the_first() -> None:
    trunks = of_type("weighted", *({"name": name, "weight": 1} for name in "abcd"))
    assert sorted(names(ranked(trunks, draw=random.Random(1).random))) == list("abcd")


def test_round_robin_gives_each_its_turn_in_the_order_of_the_plan() -> None:
    trunks = of_type("round_robin", *({"name": name} for name in "abc"))
    assert ["".join(names(ranked(trunks, draw=lambda: 0.0, turn=turn))) for turn in range(4)] == [
        *("abc", "bca"),
        *("cab", "abc"),
    ]


def test_least_cost_takes_the_cheapest_then_priority_then_those_without_a_deck() -> None:
    trunks = of_type(
        "least_cost",
        {"name": "unknown"},
        {"name": "dear", "rate_deck": "dear"},
        {"name": "cheap-2", "rate_deck": "cheap", "priority": 2},
        {"name": "cheap-1", "rate_deck": "cheap", "priority": 1},
        {"name": "elsewhere", "rate_deck": "elsewhere"},
    )
    prices = {"cheap": Rate(0.01, "1", "USD"), "dear": Rate(0.5, "1", "USD")}
    candidates = ranked(trunks, draw=lambda: 0.0, rate_of=lambda trunk: prices.get(trunk.rate_deck or ""))
    assert names(candidates) == ["cheap-1", "cheap-2", "dear", "unknown"]
    assert candidates[0].why == "0.01 USD a minute (prefix 1)"
    assert candidates[-1].why_not == "rate deck elsewhere has no price for the number"
