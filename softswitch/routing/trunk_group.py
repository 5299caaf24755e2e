"""A call out over a trunk group: in which order its trunks are to be tried, by its `routing_type`. Pure.

    failover     lowest priority first; within one priority the trunks share the calls by weight, as SRV records do
                 (RFC 2782): the order is drawn, heavier ones come first more often, those of weight 0 come last
    weighted     all trunks share the calls by weight, whatever their priority
    round_robin  each trunk in turn is first, in the order of the plan, and the others follow in that order
    least_cost   the lowest price of the number in the trunk's rate deck first; equal prices as in failover; trunks
                 without a deck come last; a trunk whose deck has no price for the number does not carry it

Which of them have room and are fit is for `Outward` to see.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from softswitch.errors import CallRejected
from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing.limits import Gate
from softswitch.routing.rates import Rate
from softswitch.routing.reasons import Reason

Draw = Callable[[], float]
"""A random number from 0 to just under 1."""

RateOf = Callable[[Trunk], Rate | None]
"""The price of the number over a trunk; None where its rate deck has none."""


class Candidate(NamedTuple):
    """A trunk in its place. `why_not`: why it can't carry the call at all."""

    trunk: Trunk
    why: str
    why_not: str = ""


def ranked(group: TrunkGroup, *, draw: Draw, turn: int = 0, rate_of: RateOf | None = None) -> list[Candidate]:
    """All trunks of a group, best first. `turn` counts the calls of the group, for round robin."""
    match group.routing_type:
        case "weighted":
            return _weighted(group.trunks, draw)
        case "round_robin":
            return _in_turn(group.trunks, turn)
        case "least_cost":
            return _by_price(group.trunks, draw, rate_of or (lambda _: None))
    return [_by_priority(trunk) for trunk in _drawn_by_priority(group.trunks, draw)]


def failover_order(
    group: TrunkGroup, gates: Mapping[str, Gate], now: float, draw: Draw, rate_of: RateOf | None = None
) -> tuple[list[Trunk], list[Reason]]:
    """The trunks to try, best first, and a reason for each trunk of the group. `gates`: the outward ones, by trunk."""
    order: list[Trunk] = []
    reasons: list[Reason] = []
    for trunk, why, why_not in ranked(group, draw=draw, rate_of=rate_of):
        refused = why_not or why_it_has_no_room(trunk, gates.get(trunk.name), now)
        if refused:
            reasons.append(Reason("trunk", trunk.name, False, refused))
        else:
            order.append(trunk)
            reasons.append(Reason("trunk", trunk.name, len(order) == 1, f"choice {len(order)}: {why}"))
    return order, reasons


def why_it_has_no_room(trunk: Trunk, gate: Gate | None, now: float) -> str:
    """Nothing where a call may go there."""
    if trunk.address is None:
        return "has no address to call"
    try:
        if gate is not None:
            gate.check(now)
    except CallRejected as full:
        return full.reason
    return ""


def _by_priority(trunk: Trunk) -> Candidate:
    return Candidate(trunk, f"priority {trunk.priority}, weight {trunk.weight}")


def _weighted(trunks: Sequence[Trunk], draw: Draw) -> list[Candidate]:
    total = sum(trunk.weight for trunk in trunks)
    if not total:
        drawn = _drawn(trunks, draw, lambda _: 1)
        return [Candidate(trunk, f"drawn among {len(trunks)} without weights") for trunk in drawn]
    return [Candidate(trunk, f"weight {trunk.weight} of {total}") for trunk in _drawn(trunks, draw)]


def _in_turn(trunks: Sequence[Trunk], turn: int) -> list[Candidate]:
    first = turn % len(trunks) if trunks else 0
    places = [*range(first, len(trunks)), *range(first)]
    return [Candidate(trunks[place], f"turn of trunk {first + 1} of {len(trunks)}") for place in places]


def _by_price(trunks: Sequence[Trunk], draw: Draw, rate_of: RateOf) -> list[Candidate]:
    priced, unpriced, without = list[tuple[float, Candidate]](), list[Candidate](), list[Candidate]()
    for trunk in _drawn_by_priority(trunks, draw):
        rate = rate_of(trunk) if trunk.rate_deck is not None else None
        if rate is not None:
            priced.append((rate.per_minute, Candidate(trunk, str(rate))))
        elif trunk.rate_deck is None:
            unpriced.append(Candidate(trunk, f"has no rate deck; priority {trunk.priority}, weight {trunk.weight}"))
        else:
            without.append(Candidate(trunk, "", f"rate deck {trunk.rate_deck} has no price for the number"))
    priced.sort(key=lambda pair: pair[0])
    return [*(candidate for _, candidate in priced), *unpriced, *without]


def _drawn_by_priority(trunks: Sequence[Trunk], draw: Draw) -> list[Trunk]:
    by_priority = sorted(trunks, key=lambda trunk: trunk.priority)
    return [trunk for _, equals in groupby(by_priority, _priority) for trunk in _drawn(list(equals), draw)]


def _priority(trunk: Trunk) -> int:
    return trunk.priority


def _weight(trunk: Trunk) -> int:
    return trunk.weight


def _drawn(trunks: Sequence[Trunk], draw: Draw, weight: Callable[[Trunk], int] = _weight) -> list[Trunk]:
    """One after the other, each with a chance of its share of the weight that is left."""
    left = sorted(trunks, key=lambda trunk: weight(trunk) == 0)
    order = []
    while left:
        mark = draw() * sum(map(weight, left)) if len(left) > 1 else 0.0
        chosen = left[0]
        for trunk in left:
            mark -= weight(trunk)
            if mark < 0:
                chosen = trunk
                break
        left.remove(chosen)
        order.append(chosen)
    return order
