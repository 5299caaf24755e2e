"""A call out: which trunk first, which next, and which not at all."""

import random
from collections import Counter

from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing import Gate, failover_order


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
