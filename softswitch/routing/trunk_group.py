"""A call out over a trunk group: which trunk first, which next, and which not at all (`routing_type = "failover"`).

Lowest priority first. Within one priority the trunks share the calls by weight, as SRV records do (RFC 2782): the order
is drawn, heavier ones come first more often, those of weight 0 come last. Trunks that are full are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from softswitch.errors import CallRejected
from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing.limits import Gate
from softswitch.routing.reasons import Reason

Draw = Callable[[], float]
"""A random number from 0 to just under 1."""


def failover_order(
    group: TrunkGroup, gates: Mapping[str, Gate], now: float, draw: Draw
) -> tuple[list[Trunk], list[Reason]]:
    """The trunks to try, best first, and a reason for each trunk of the group. `gates`: the outward ones, by trunk."""
    order: list[Trunk] = []
    reasons: list[Reason] = []
    for trunk in _drawn_by_priority(group.trunks, draw):
        why_not = _why_not(trunk, gates.get(trunk.name), now)
        if why_not:
            reasons.append(Reason("trunk", trunk.name, False, why_not))
        else:
            order.append(trunk)
            why = f"choice {len(order)}: priority {trunk.priority}, weight {trunk.weight}"
            reasons.append(Reason("trunk", trunk.name, len(order) == 1, why))
    return order, reasons


def _why_not(trunk: Trunk, gate: Gate | None, now: float) -> str:
    if trunk.address is None:
        return "has no address to call"
    try:
        if gate is not None:
            gate.check(now)
    except CallRejected as full:
        return full.reason
    return ""


def _drawn_by_priority(trunks: Sequence[Trunk], draw: Draw) -> list[Trunk]:
    by_priority = sorted(trunks, key=lambda trunk: trunk.priority)
    return [
        trunk
        for _, equals in groupby(by_priority, lambda trunk: trunk.priority)
        for trunk in _drawn(list(equals), draw)
    ]


def _drawn(trunks: list[Trunk], draw: Draw) -> list[Trunk]:
    """One after the other, each with a chance of its share of the weight that is left."""
    left = sorted(trunks, key=lambda trunk: trunk.weight == 0)
    order = []
    while left:
        mark = draw() * sum(trunk.weight for trunk in left)
        chosen = left[0]
        for trunk in left:
            mark -= trunk.weight
            if mark < 0:
                chosen = trunk
                break
        left.remove(chosen)
        order.append(chosen)
    return order
