"""Calls out, as the number plan sees them: which trunk group, which of its trunks, and whether there is room. Pure.

The gates of this direction are their own: `out_capacity` counts calls that we place, `in_capacity` those that come in;
new calls per second count in each direction by themselves.
"""

from dataclasses import dataclass

from softswitch.plan import Did, Plan, Trunk, TrunkGroup
from softswitch.routing.limits import Gate
from softswitch.routing.reasons import Reason
from softswitch.routing.trunk_group import Draw, failover_order

Gates = dict[tuple[str, str], Gate]
"""By trunk group and trunk; "" for the group as a whole."""


@dataclass(frozen=True, slots=True)
class Way:
    """One trunk that may carry a call out, and the gates that the call passes there."""

    trunk_group: TrunkGroup
    trunk: Trunk
    gates: tuple[Gate, ...]


class Outward:
    """The trunk groups of a number plan, ready for calls out."""

    def __init__(self, plan: Plan) -> None:
        self._gates: Gates = {}
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan. A gate that stays keeps count of who is inside."""
        before, self._plan, self._gates = self._gates, plan, {}
        for group in plan.numbers.trunk_groups:
            self._keep(before, (_key(group), ""), f"trunk group {group.name}", group)
            for trunk in group.trunks:
                self._keep(before, (_key(group), _key(trunk)), f"trunk {trunk.name}", trunk)

    def trunk_group(self, did: Did | None) -> TrunkGroup | None:
        """Over which calls of `did` go out: its own group where that has an address, else the first that has."""
        own = self._plan.trunk_groups.get(did.trunk_group) if did is not None and did.trunk_group else None
        groups = self._plan.numbers.trunk_groups if own is None else (own, *self._plan.numbers.trunk_groups)
        return next((group for group in groups if any(trunk.address for trunk in group.trunks)), None)

    def ways(self, group: TrunkGroup, now: float, draw: Draw) -> tuple[list[Way], list[Reason]]:
        """The trunks to try, best first, and a reason for each trunk of the group."""
        gates = {trunk.name: self._gates[_key(group), _key(trunk)] for trunk in group.trunks}
        order, reasons = failover_order(group, gates, now, draw)
        whole = self._gates[_key(group), ""]
        return [Way(group, trunk, (whole, gates[trunk.name])) for trunk in order], reasons

    def in_use(self, group: TrunkGroup, trunk: Trunk) -> int:
        """Calls that we have placed over a trunk and that are up."""
        gate = self._gates.get((_key(group), _key(trunk)))
        return gate.in_use if gate is not None else 0

    def _keep(
        self, before: dict[tuple[str, str], Gate], key: tuple[str, str], name: str, of: TrunkGroup | Trunk
    ) -> None:
        gate = self._gates[key] = before.get(key) or Gate(name)
        gate.change(name, of.out_capacity, of.cps_limit)


def _key(of: TrunkGroup | Trunk) -> str:
    return of.sid or of.name
