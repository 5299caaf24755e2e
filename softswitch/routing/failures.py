"""Which trunks are fit for a call: those that fail too often rest for a while, and one call then tries whether they
are back. Pure; `Outward` asks and reports, whoever asks trunks by OPTIONS reports too.

A trunk that gives `hard_failure_threshold` answers of `hard_failure_codes` within `hard_failure_interval` seconds rests
for `hard_failure_cooldown`. After that it is on probation: one call at a time may try it. An answer that is no hard
failure puts it back into service, a hard failure lets it rest again, and a call that ends without a word (cancelled)
leaves it to the next one. A trunk that does not answer OPTIONS is out of service until it does.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from softswitch.plan import Plan, Trunk, TrunkGroup
from softswitch.routing.limits import Gate
from softswitch.routing.reasons import Refused
from softswitch.sip.tables import ImpossibleMoveError, Row

FAILURES_KEPT = 1000
"""At most so many failures of one trunk are counted within its interval."""


class TrunkService(StrEnum):
    IN_SERVICE = "in service"
    RESTING = "resting"
    PROBED = "probed"
    SILENT = "silent"


class Trigger(StrEnum):
    FAILED_TOO_OFTEN = "failed too often"
    PROBED = "a call tries it"
    ANSWERED = "that call was answered"
    FAILED = "that call failed too"
    GIVEN_UP = "that call ended without a word"
    OPTIONS_LOST = "no answer to OPTIONS"
    OPTIONS_ANSWERED = "an answer to OPTIONS"


_S, _T = TrunkService, Trigger

TABLE = {
    (_S.IN_SERVICE, _T.FAILED_TOO_OFTEN): Row(_S.RESTING),
    (_S.IN_SERVICE, _T.OPTIONS_LOST): Row(_S.SILENT),
    (_S.RESTING, _T.PROBED): Row(_S.PROBED),
    (_S.RESTING, _T.ANSWERED): Row(_S.IN_SERVICE),
    (_S.RESTING, _T.FAILED): Row(_S.RESTING),
    (_S.RESTING, _T.OPTIONS_LOST): Row(_S.SILENT),
    (_S.PROBED, _T.ANSWERED): Row(_S.IN_SERVICE),
    (_S.PROBED, _T.FAILED): Row(_S.RESTING),
    (_S.PROBED, _T.GIVEN_UP): Row(_S.RESTING),
    (_S.PROBED, _T.OPTIONS_LOST): Row(_S.SILENT),
    (_S.SILENT, _T.ANSWERED): Row(_S.IN_SERVICE),
    (_S.SILENT, _T.OPTIONS_ANSWERED): Row(_S.IN_SERVICE),
}
"""A last resort may be answered while its trunk rests or is silent."""

OnMove = Callable[[TrunkGroup, Trunk, TrunkService, TrunkService, str, float], None]
"""Trunk group, trunk, before, after, why, when (monotonic seconds)."""


class Fitness:
    """One trunk."""

    __slots__ = ("_failed_at", "_prober", "group", "on_move", "rests_until", "state", "trunk", "why")

    def __init__(self, group: TrunkGroup, trunk: Trunk, on_move: OnMove) -> None:
        self.group, self.trunk, self.on_move = group, trunk, on_move
        self.state = TrunkService.IN_SERVICE
        self.rests_until = 0.0
        self.why = ""
        """Why it is in this state; empty at the beginning."""
        self._failed_at: deque[float] = deque(maxlen=FAILURES_KEPT)
        self._prober: object = None

    def __repr__(self) -> str:
        return f"<Fitness {self.group.name}/{self.trunk.name} {self.state}: {self.why or 'never failed'}>"

    def why_not(self, now: float) -> str:
        """Why a call should not go there; nothing where it may, be it on probation."""
        match self.state:
            case TrunkService.RESTING if now < self.rests_until:
                return f"rests for {self.rests_until - now:.0f} s more: {self.why}"
            case TrunkService.PROBED:
                return "another call is trying whether it is back"
            case TrunkService.SILENT:
                return self.why
        return ""

    def is_on_probation(self, now: float) -> bool:
        return self.state is TrunkService.RESTING and now >= self.rests_until

    def failures(self, now: float) -> int:
        """Hard failures within the interval."""
        while self._failed_at and self._failed_at[0] <= now - self.group.hard_failure_interval:
            self._failed_at.popleft()
        return len(self._failed_at)

    # ---- what is reported

    def failed(self, status: int, now: float, *, tried: bool) -> None:
        """A hard failure; `tried`: of a call that was to find out whether the trunk is back."""
        if tried and self.state in (TrunkService.PROBED, TrunkService.RESTING):
            self._rest(Trigger.FAILED, f"still {status}", now)
            return
        self._failed_at.append(now)
        threshold = self.group.hard_failure_threshold
        if self.state is TrunkService.IN_SERVICE and threshold and self.failures(now) >= threshold:
            interval_s = self.group.hard_failure_interval
            self._rest(Trigger.FAILED_TOO_OFTEN, f"{threshold} hard failures in {interval_s} s, last {status}", now)

    def answered(self, status: int, now: float, *, tried: bool) -> None:
        """Anything but a hard failure. Of a call from before the failures it says nothing new."""
        if tried and self.state is not TrunkService.IN_SERVICE:
            self._failed_at.clear()
            self._move(Trigger.ANSWERED, f"answered {status}", now)

    def probed(self, by: object, now: float) -> None:
        if self.state is TrunkService.RESTING:
            self._prober = by
            self._move(Trigger.PROBED, "a call tries whether it is back", now)

    def given_up(self, by: object, now: float) -> None:
        if self.state is TrunkService.PROBED and self._prober is by:
            self._move(Trigger.GIVEN_UP, "the call that tried it ended without a word", now)

    def options(self, failures: int, now: float) -> None:
        """How often in a row OPTIONS had no answer."""
        threshold = self.group.sip_options_threshold
        if failures == 0 and self.state is TrunkService.SILENT:
            self._failed_at.clear()
            self._move(Trigger.OPTIONS_ANSWERED, "answers OPTIONS again", now)
        elif threshold and failures >= threshold and self.state is not TrunkService.SILENT:
            self._move(Trigger.OPTIONS_LOST, f"{failures} times no answer to OPTIONS", now)

    def _rest(self, trigger: Trigger, why: str, now: float) -> None:
        self.rests_until = now + self.group.hard_failure_cooldown
        self._failed_at.clear()
        self._move(trigger, why, now)

    def _move(self, trigger: Trigger, why: str, now: float) -> None:
        row = TABLE.get((self.state, trigger))
        if row is None:
            raise ImpossibleMoveError(f"{self!r} has no move for {trigger}")
        before, self.state, self.why = self.state, TrunkService(row.to.value), why
        if before is not self.state:
            self.on_move(self.group, self.trunk, before, self.state, why, now)


class Probe(Gate):
    """The gate of a trunk on probation, where one call at a time passes; or, as a last resort, any number."""

    __slots__ = ("_clock", "_fitness", "_is_last_resort")

    def __init__(self, fitness: Fitness, clock: Callable[[], float], *, is_last_resort: bool) -> None:
        super().__init__(f"trunk {fitness.trunk.name}")
        self._fitness, self._clock, self._is_last_resort = fitness, clock, is_last_resort

    def check(self, now: float) -> None:
        why_not = "" if self._is_last_resort else self._fitness.why_not(now)
        if why_not:
            raise Refused(503, f"{self.name}: {why_not}", counted_as="over_capacity", q850=42)

    def enter(self) -> None:
        super().enter()
        if not self._is_last_resort:
            self._fitness.probed(self, self._clock())

    def leave(self) -> None:
        super().leave()
        if not self._is_last_resort:
            self._fitness.given_up(self, self._clock())


Key = tuple[str, str]
"""Trunk group and trunk, by sid where they have one."""


class Failures:
    """The fitness of every trunk of a number plan."""

    def __init__(self, plan: Plan, on_move: OnMove) -> None:
        self.on_move = on_move
        self._of: dict[Key, Fitness] = {}
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """What is known of a trunk stays while it is reached at the same place."""
        before, self._of = self._of, {}
        for group in plan.numbers.trunk_groups:
            for trunk in group.trunks:
                known = before.get(key_of(group, trunk))
                if known is None or _place(known.trunk) != _place(trunk):
                    known = Fitness(group, trunk, self._moved)
                known.group, known.trunk = group, trunk
                self._of[key_of(group, trunk)] = known

    def of(self, group: TrunkGroup, trunk: Trunk) -> Fitness:
        """A trunk that is no more (a call of an older plan) has a fitness nobody looks at."""
        return self._of.get(key_of(group, trunk)) or Fitness(group, trunk, _nobody_hears)

    @property
    def out_of_service(self) -> int:
        """Trunks that calls avoid."""
        return sum(one.state is not TrunkService.IN_SERVICE for one in self._of.values())

    def _moved(
        self, group: TrunkGroup, trunk: Trunk, before: TrunkService, after: TrunkService, why: str, now: float
    ) -> None:
        self.on_move(group, trunk, before, after, why, now)


def key_of(group: TrunkGroup, trunk: Trunk) -> Key:
    return group.sid or group.name, trunk.sid or trunk.name


def codes_of(text: str) -> frozenset[int]:
    """The codes of `408;503;`."""
    return frozenset(int(code) for code in text.split(";") if code)


def _place(trunk: Trunk) -> tuple[str | None, int, str]:
    return trunk.address, trunk.port, trunk.transport


def _nobody_hears(*_: object) -> None:
    return
