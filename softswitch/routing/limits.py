"""What fits: calls at the same time, and new calls per second. Pure: time comes in as `now` (monotonic seconds).

A call passes all gates of its way (the switch, the trunk group, the trunk, later the endpoint) or none: nothing is
taken from a gate unless every gate has room. What it took it gives back once, when it ends.
"""

import math
from collections.abc import Sequence

from softswitch.plan import AnyEndpoint, Plan, ThirdPartyEndpoint, Trunk, TrunkGroup
from softswitch.routing.destination import Destination, ToEndpoint
from softswitch.routing.identify import Identified
from softswitch.routing.reasons import Refused

RETRY_WHEN_FULL_S = 5
"""What a caller is told when all lines are taken: nobody knows when the next one ends."""


class TokenBucket:
    """`rate` tokens a second, at most a second's worth (and at least one) kept. A rate of 0: no limit."""

    __slots__ = ("_filled_at", "_size", "_tokens", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._size = max(1.0, rate)
        self._tokens = self._size
        self._filled_at = -math.inf

    def change(self, rate: float) -> None:
        """Another rate from now on; what is left of the tokens stays."""
        self.rate = rate
        self._size = max(1.0, rate)

    def wait_s(self, now: float) -> float:
        """Seconds until there is a token; 0 when there is one."""
        if not self.rate:
            return 0.0
        if now > self._filled_at:
            self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self.rate)
            self._filled_at = now
        return max(0.0, (1.0 - self._tokens) / self.rate)

    def take(self) -> None:
        """Takes the token `wait_s` has seen."""
        if self.rate:
            self._tokens -= 1.0


class Gate:
    """One place with limits: `capacity` calls at the same time, `cps` new ones per second; 0: no limit."""

    __slots__ = ("_bucket", "capacity", "in_use", "name")

    def __init__(self, name: str, capacity: int = 0, cps: float = 0.0) -> None:
        self.name = name
        self.capacity = capacity
        self.in_use = 0
        self._bucket = TokenBucket(cps)

    def __repr__(self) -> str:
        return f"<Gate {self.name} {self.in_use} of {self.capacity or 'any'}, {self._bucket.rate or 'any'}/s>"

    def change(self, name: str, capacity: int, cps: float) -> None:
        """Other limits for the next call; whoever is inside stays inside."""
        self.name = name
        self.capacity = capacity
        if cps != self._bucket.rate:
            self._bucket.change(cps)

    def check(self, now: float) -> None:
        """Raises `Refused` 503 with Retry-After when nobody else fits."""
        if self.capacity and self.in_use >= self.capacity:
            raise _busy(f"{self.name} is full ({self.in_use} calls)", RETRY_WHEN_FULL_S)
        if self._bucket.rate:
            wait_s = self._bucket.wait_s(now)
            if wait_s > 0:
                raise _busy(f"{self.name} takes {self._bucket.rate:g} calls per second", math.ceil(wait_s))

    def enter(self) -> None:
        self.in_use += 1
        if self._bucket.rate:
            self._bucket.take()

    def leave(self) -> None:
        self.in_use -= 1


class Passage:
    """The gates one call has passed."""

    __slots__ = ("_gates",)

    def __init__(self) -> None:
        self._gates: list[Gate] = []

    def enter(self, gates: Sequence[Gate], now: float) -> None:
        """Through all of `gates` or, raising `Refused`, through none."""
        for gate in gates:
            gate.check(now)
        for gate in gates:
            gate.enter()
        self._gates += gates

    def enter_unasked(self, gate: Gate) -> None:
        """Through a gate that may be full: whoever is up already is not turned away."""
        gate.in_use += 1
        self._gates.append(gate)

    def take(self, other: "Passage") -> None:
        """What `other` has passed is passed by this one from now on, and given back by it."""
        self._gates += other.give_up()

    def give_up(self) -> list[Gate]:
        """The gates, which are from now on for somebody else to leave."""
        gates, self._gates = self._gates, []
        return gates

    def leave(self) -> None:
        """Gives everything back; again is harmless."""
        for gate in self._gates:
            gate.leave()
        self._gates.clear()


class Gates:
    """All gates of a number plan, and which of them a call has to pass."""

    def __init__(self, plan: Plan, calls: int, cps: float) -> None:
        """`calls` and `cps` are the limits of the switch as a whole."""
        self._switch = Gate("the switch", calls, cps)
        self._groups: dict[str, Gate] = {}
        self._trunks: dict[tuple[str, str], Gate] = {}
        self._endpoints: dict[str, Gate] = {}
        self._parties: dict[str, Gate] = {}
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The next call goes by the limits of this plan. A gate that stays keeps count of who is inside."""
        groups = plan.numbers.trunk_groups
        self._groups = {
            _key(group): _kept(
                self._groups.get(_key(group)), f"trunk group {group.name}", group.in_capacity, group.cps_limit
            )
            for group in groups
        }
        self._trunks = {
            (_key(group), _key(trunk)): _kept(
                self._trunks.get((_key(group), _key(trunk))), f"trunk {trunk.name}", trunk.in_capacity, trunk.cps_limit
            )
            for group in groups
            for trunk in group.trunks
        }
        self._endpoints = {
            _key(end): _kept(self._endpoints.get(_key(end)), f"endpoint {end.name}", end.capacity, 0.0)
            for end in plan.numbers.endpoints
        }
        self._parties = {
            _key(end): _kept(self._parties.get(_key(end)), f"third party {end.name}", 0, end.cps_limit)
            for end in plan.numbers.endpoints
            if isinstance(end, ThirdPartyEndpoint)
        }

    def limit(self, calls: int, cps: float) -> None:
        """Other limits of the switch as a whole, for the next call."""
        self._switch.change(self._switch.name, calls, cps)

    def in_use(self) -> dict[str, int]:
        """The gates that somebody has passed and not left, by name."""
        gates = [self._switch, *self._groups.values(), *self._trunks.values(), *self._endpoints.values()]
        return {gate.name: gate.in_use for gate in (*gates, *self._parties.values()) if gate.in_use}

    def hold(self, passage: Passage) -> None:
        """A call that goes on without whoever brought it in counts for the switch as before, full or not."""
        passage.enter_unasked(self._switch)

    def inward(self, source: Identified) -> list[Gate]:
        """What a call from `source` passes before anybody looks at its number."""
        gates = [self._switch]
        if source.trunk_group is not None:
            gates.append(self._groups[_key(source.trunk_group)])
            if source.trunk is not None:
                gates.append(self._trunks[_key(source.trunk_group), _key(source.trunk)])
        if source.endpoint is not None:
            gates.append(self._parties[_key(source.endpoint)])
        return gates

    def of(self, destination: Destination) -> list[Gate]:
        """What a call passes at its destination; users take any call, and trunks have gates of their own."""
        return [self._endpoints[_key(destination.endpoint)]] if isinstance(destination, ToEndpoint) else []


def _key(of: TrunkGroup | Trunk | AnyEndpoint) -> str:
    """What stays when the name changes, where there is such a thing."""
    return of.sid or of.name


def _kept(gate: Gate | None, name: str, capacity: int, cps: float) -> Gate:
    """The gate there was, with these limits; else a new one."""
    if gate is None:
        return Gate(name, capacity, cps)
    gate.change(name, capacity, cps)
    return gate


def _busy(reason: str, retry_after_s: int) -> Refused:
    header = ("Retry-After", str(max(1, retry_after_s)))
    return Refused(503, reason, counted_as="over_capacity", headers=(header,), q850=42)
