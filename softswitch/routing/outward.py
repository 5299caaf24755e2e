"""Calls out, as the number plan sees them: may they, over which trunk first and which next, and who is shown. Pure.

    targets, reasons = outward.targets(number, group, caller, now)      # raises `Refused`: 403, 502, 503
    outward.tried(target, status, now)                                  # what came of each; says whether to go on

The steps: the guard against toll fraud, the transformations of endpoint and trunk group, room in the group, the order
of its trunks by `routing_type`, and of each trunk: an address, room, fitness, its own transformations. Every step
leaves a reason. Where all trunks with room rest, `hard_failure_last_resort` says whether the best is tried yet.

The gates of this direction are their own: `out_capacity` counts calls that we place, `in_capacity` those that come in;
new calls per second count in each direction by themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from softswitch.plan import DATAGRAMS, AnyEndpoint, Did, Plan, Trunk, TrunkGroup
from softswitch.routing.caller import Caller
from softswitch.routing.failures import Failures, Fitness, OnMove, Probe, TrunkService, codes_of
from softswitch.routing.fraud import Fare, Guard
from softswitch.routing.limits import Gate
from softswitch.routing.presentation import (
    CallerId,
    caller_id,
    diversion_headers,
    from_header,
    identity_headers,
    numbers_of_users_and_endpoints,
    relayed_headers,
)
from softswitch.routing.rates import Decks, Rate
from softswitch.routing.reasons import Reason, Refused
from softswitch.routing.redirects import Redirects
from softswitch.routing.target import Target
from softswitch.routing.transformations import Subject, Transformations
from softswitch.routing.trunk_group import Candidate, Draw, ranked, why_it_has_no_room
from softswitch.sip.digest import Credentials
from softswitch.sip.headers import Address
from softswitch.sip.uri import Uri, escape_user

ALWAYS_TRY_NEXT = frozenset({408, 503})
"""Silence and an overloaded or unreachable trunk make the next one be tried whatever the codes say (RFC 3263 §4.3)."""

NO_ROUTE = 3
NO_CIRCUIT = 34
"""Q.850: no route to destination; no circuit available."""

Signer = Callable[[Caller, CallerId, str, str], tuple[tuple[str, str], ...]]
"""Of caller, caller ID, number called and attestation asked for: the Identity header, or nothing."""


class Choice(NamedTuple):
    """One trunk that may take the call, in its order, with what its transformations have made of it."""

    trunk: Trunk
    subject: Subject
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What `targets` is made of, and all that `explain` shows."""

    choices: list[Choice]
    reasons: list[Reason]
    caller_id: CallerId


class Outward:
    """The trunk groups of a number plan, ready for calls out."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float] | None = None, draw: Draw | None = None) -> None:
        """Without `draw` equals are shared out by a fixed sequence instead of by chance."""
        self.here: Callable[[], tuple[str, int | None]] = lambda: ("softswitch.invalid", None)
        """Host and port of our own numbers in From and its like."""
        self.sign: Signer = lambda *_: ()
        self.draw = draw or FixedDraws()
        self._now = 0.0
        self.clock = clock or self._last_seen
        self._gates: dict[tuple[str, str], Gate] = {}
        self._turns: dict[str, int] = {}
        self._dids_seen: tuple[Did, ...] = ()
        self._dids: Mapping[str, tuple[str, ...]] = {}
        self.failures = Failures(plan, _nobody_hears)
        self.decks = Decks(plan)
        self.guard = Guard(plan, self.decks, self.clock)
        self.redirects = Redirects(plan)
        self.adopt(plan)

    @property
    def on_move(self) -> OnMove:
        """Hears of trunks that go out of service and come back."""
        return self.failures.on_move

    @on_move.setter
    def on_move(self, on_move: OnMove) -> None:
        self.failures.on_move = on_move

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan. A gate that stays keeps count of who is inside, a trunk that rests rests."""
        before, self._plan, self._gates = self._gates, plan, {}
        groups = plan.numbers.trunk_groups
        for group in groups:
            self._keep(before, (_key(group), ""), f"trunk group {group.name}", group)
            for trunk in group.trunks:
                self._keep(before, (_key(group), _key(trunk)), f"trunk {trunk.name}", trunk)
        self._of_group = {
            group.name: Transformations(f"trunk group {group.name}", group.transformations) for group in groups
        }
        self._of_trunk = {
            (group.name, trunk.name): Transformations(f"trunk {trunk.name}", trunk.transformations)
            for group in groups
            for trunk in group.trunks
        }
        if plan.numbers.dids is not self._dids_seen:
            self._dids_seen, self._dids = plan.numbers.dids, numbers_of_users_and_endpoints(plan)
        self.failures.adopt(plan)
        self.decks.adopt(plan)
        self.guard.adopt(plan)
        self.redirects.adopt(plan)

    def trunk_group(self, did: Did | None) -> TrunkGroup | None:
        """Over which calls of `did` go out: its own group where that has an address, else the first that has."""
        own = self._plan.trunk_groups.get(did.trunk_group) if did is not None and did.trunk_group else None
        groups = self._plan.numbers.trunk_groups if own is None else (own, *self._plan.numbers.trunk_groups)
        return next((group for group in groups if any(trunk.address for trunk in group.trunks)), None)

    # ---- a call

    def targets(
        self, number: str, group: TrunkGroup, caller: Caller, now: float, instead_of: Fare | None = None
    ) -> tuple[list[Target], list[Reason]]:
        """Where to try, best first, at least one, and a reason for everything weighed.

        Raises `Refused`: 403 by the guard, 502 or 503 where no trunk is fit or has room, or what a transformation says.
        """
        self._now = now
        group = self._current(group)
        fare, reasons = self.guard.admit(caller, number, now, instead_of)
        weighed = self._weighed(number, group, caller, now, reasons)
        self._turns[_key(group)] = self._turns.get(_key(group), 0) + 1
        made = [self._target(group, choice, caller, weighed.caller_id, fare) for choice in weighed.choices]
        return made, weighed.reasons

    def weigh(self, number: str, group: TrunkGroup, caller: Caller, now: float) -> list[Reason]:
        """The reasons `targets` would give, for a call that nobody makes: nothing is counted. Raises `Refused`."""
        reasons = self.guard.weigh(caller, number, now)
        return self._weighed(number, self._current(group), caller, now, reasons).reasons

    def tried(self, target: Target, status: int, now: float) -> bool | None:
        """What came of a target: its final status, 0 where it was given up. Says whether the next one may do better;
        None: it is no trunk."""
        self._now = now
        if target.trunk is None or target.trunk_group is None:
            return None
        group = target.trunk_group
        is_probe = any(isinstance(gate, Probe) for gate in target.gates)
        hard, soft = codes_of(group.hard_failure_codes), codes_of(group.soft_failure_codes)
        fitness = self.failures.of(group, target.trunk)
        if status in hard:
            fitness.failed(status, now, tried=is_probe)
        elif status >= 200:
            fitness.answered(status, now, tried=is_probe)
        if 200 <= status < 300:
            self._start_meter(target.gates, now)
        return status in hard | soft | ALWAYS_TRY_NEXT

    def redirected(
        self, target: Target, contacts: Iterable[Address], caller: Caller, hops: int, now: float
    ) -> tuple[list[Target], list[Reason]]:
        """Where a 3xx of a trunk sends the call, by its `allow_forward`; nowhere where that, a loop or the guard
        forbids it: then the 3xx is the answer. `hops`: how often this call was sent on before."""
        self._now = now
        if target.trunk is None or target.trunk_group is None:
            return [], []
        found: list[Target] = []
        reasons: list[Reason] = []
        for way in self.redirects.ways(target, contacts, hops, reasons):
            try:
                found += self._forwarded(target, way.number, way.uri, caller, now, reasons)
            except Refused as refused:
                place = way.uri.text if way.uri is not None else way.number
                reasons += refused.reasons or (Reason("redirect", place, False, refused.reason),)
        return found, reasons

    def number_of_payer(self, caller: Caller) -> str:
        """By which whoever pays for a call is known to a clerk; empty where it is nobody of ours."""
        if caller.user is not None:
            return caller.user.phonenumber or caller.user.username
        return next(iter(self._dids.get(caller.subject, ())), "")

    def price(self, trunk: Trunk, number: str) -> Rate | None:
        """What a minute costs over a trunk, where it has a rate deck."""
        return self.decks.rate(trunk.rate_deck, number) if trunk.rate_deck is not None else None

    def gates_in_use(self) -> dict[str, int]:
        """The trunks and groups that calls of ours are out over, by name."""
        return {gate.name: gate.in_use for gate in self._gates.values() if gate.in_use}

    def in_use(self, group: TrunkGroup, trunk: Trunk) -> int:
        """Calls that we have placed over a trunk and that are up."""
        gate = self._gates.get((_key(group), _key(trunk)))
        return gate.in_use if gate is not None else 0

    # ---- the steps

    def _current(self, group: TrunkGroup) -> TrunkGroup:
        """The group as the plan of now has it: a call may have been decided on by the one before. Raises `Refused`."""
        current = self._plan.trunk_groups.get(group.name)
        if current is None:
            reasons = (Reason("trunk group", group.name, False, "is not there any more"),)
            raise Refused(503, "No trunk", counted_as="no_trunk", reasons=reasons, q850=NO_CIRCUIT)
        return current

    def _weighed(self, number: str, group: TrunkGroup, caller: Caller, now: float, reasons: list[Reason]) -> Weighed:
        """Raises `Refused` with all reasons so far."""
        shown, why = caller_id(caller, self._dids.get(caller.shown_as, ()), self.guard.rules_of(caller.shown_as))
        subject = Subject(shown.number, number, caller.headers, [*reasons, why])
        subject.attestation = caller.attestation
        _of_endpoint(caller.endpoint).apply(subject)
        self._of_group[group.name].apply(subject)
        self._check_group(group, now, subject)
        fit, unfit = self._by_fitness(group, subject, now)
        if not fit:
            fit = self._last_resort(group, unfit, subject)
        return Weighed(fit, subject.reasons, shown)

    def _check_group(self, group: TrunkGroup, now: float, subject: Subject) -> None:
        try:
            self._gates[_key(group), ""].check(now)
        except Refused as full:
            reasons = (*subject.reasons, Reason("trunk group", group.name, False, full.reason))
            raise Refused(503, full.reason, counted_as=full.counted_as, reasons=reasons, q850=NO_CIRCUIT) from None

    def _by_fitness(self, group: TrunkGroup, subject: Subject, now: float) -> tuple[list[Choice], list[Choice]]:
        """Those that may take the call, and those that could if they were fit."""
        fit, unfit = list[Choice](), list[Choice]()
        turn = self._turns.get(_key(group), 0)

        def rate_of(trunk: Trunk) -> Rate | None:
            return self.price(trunk, subject.number_dst)

        for candidate in ranked(group, draw=self.draw, turn=turn, rate_of=rate_of):
            trunk, fitness = candidate.trunk, self.failures.of(group, candidate.trunk)
            own, why_not = self._tried_on(group, candidate, subject, now)
            if why_not:
                subject.reasons.append(Reason("trunk", trunk.name, False, why_not))
            elif why_not := fitness.why_not(now):
                subject.reasons.append(Reason("trunk", trunk.name, False, why_not))
                unfit.append(Choice(trunk, own, (*self._gates_of(group, trunk), self._probe(fitness, last=True))))
            else:
                probation = fitness.is_on_probation(now)
                probe = (self._probe(fitness, last=False),) if probation else ()
                fit.append(Choice(trunk, own, (*self._gates_of(group, trunk), *probe)))
                why = f"choice {len(fit)}: {candidate.why}{', on probation' if probation else ''}"
                subject.reasons.append(Reason("trunk", trunk.name, len(fit) == 1, why))
        return fit, unfit

    def _tried_on(self, group: TrunkGroup, candidate: Candidate, subject: Subject, now: float) -> tuple[Subject, str]:
        """What a trunk makes of the call; or why it can't carry it."""
        trunk = candidate.trunk
        gate = self._gates[_key(group), _key(trunk)]
        why_not = candidate.why_not or why_it_has_no_room(trunk, gate, now)
        own = subject.copy()
        if not why_not:
            try:
                self._of_trunk[group.name, trunk.name].apply(own)
            except Refused as refused:
                why_not = f"its transformations answer {refused.status} {refused.reason}"
        return own, why_not

    def _last_resort(self, group: TrunkGroup, unfit: list[Choice], subject: Subject) -> list[Choice]:
        """Raises `Refused`."""
        how = group.hard_failure_last_resort
        if unfit and how == "first":
            first = unfit[0]
            subject.reasons.append(Reason("trunk", first.trunk.name, True, "last resort: no trunk is in service"))
            return [first]
        status = 502 if unfit and how == "reject502" else 503
        why = f"no trunk is in service ({how})" if unfit else "no trunk can take the call"
        reasons = (*subject.reasons, Reason("trunk group", group.name, False, why))
        phrase = "No trunk in service" if unfit else "No trunk"
        raise Refused(status, phrase, counted_as="no_trunk", reasons=reasons, q850=NO_CIRCUIT)

    def _forwarded(
        self, target: Target, number: str, uri: Uri | None, caller: Caller, now: float, reasons: list[Reason]
    ) -> list[Target]:
        """A number is called over the trunk group again, a URI as it stands. Raises `Refused`."""
        assert target.trunk_group is not None  # noqa: S101 - asked before
        before = next((gate for gate in target.gates if isinstance(gate, Fare)), None)
        if uri is None:
            found, more = self.targets(number, target.trunk_group, caller, now, instead_of=before)
            reasons += more
            return found
        fare, more = self.guard.admit(caller, number, now, before)
        reasons += more
        gates = (fare,) if fare is not None else ()
        kept = tuple(gate for gate in target.gates if not isinstance(gate, Fare | Probe))
        name = f"{target.name} -> {uri}"
        return [replace(target, name=name, uri=uri, gates=(*gates, *kept), credentials=None, by_udp_alone=False)]

    # ---- targets

    def _target(self, group: TrunkGroup, choice: Choice, caller: Caller, shown: CallerId, fare: Fare | None) -> Target:
        trunk, subject, here = choice.trunk, choice.subject, self.here()
        mine = replace(shown, number=subject.number_src)
        cost = self.price(trunk, subject.number_dst)
        identity = tuple(identity_headers(mine, trunk, here))
        is_told = not mine.is_private or any(name != "Privacy" for name, _ in identity)
        headers = (
            *identity,
            *(() if mine.is_private else diversion_headers(caller, here)),
            *relayed_headers(caller, trunk.relay_sip_headers, subject.changed_headers),
            *(self.sign(caller, mine, subject.number_dst, subject.attestation) if is_told else ()),
        )
        return Target(
            name=f"trunk {group.name}/{trunk.name}",
            uri=uri_of(subject.number_dst, trunk),
            by_udp_alone=trunk.transport == "udp",
            gates=choice.gates if fare is None else (fare, *choice.gates),
            credentials=Credentials(trunk.sip_username, trunk.sip_password) if trunk.sip_username else None,
            headers=headers,
            from_=from_header(mine, here),
            codecs=trunk.codecs,
            media_encryption=trunk.media_encryption,
            trunk_group=group,
            trunk=trunk,
            rate=fare.rate.per_minute if fare is not None and fare.rate is not None else None,
            rate_lcr=cost.per_minute if cost is not None else None,
        )

    def _gates_of(self, group: TrunkGroup, trunk: Trunk) -> tuple[Gate, ...]:
        return self._gates[_key(group), ""], self._gates[_key(group), _key(trunk)]

    def _probe(self, fitness: Fitness, *, last: bool) -> Probe:
        return Probe(fitness, self.clock, is_last_resort=last)

    def _start_meter(self, gates: Iterable[Gate], now: float) -> None:
        for gate in gates:
            if isinstance(gate, Fare) and gate.answered_at is None:
                gate.answered_at = now

    def _keep(
        self, before: dict[tuple[str, str], Gate], key: tuple[str, str], name: str, of: TrunkGroup | Trunk
    ) -> None:
        gate = self._gates[key] = before.get(key) or Gate(name)
        gate.change(name, of.out_capacity, of.cps_limit)

    def _last_seen(self) -> float:
        """The time that somebody has last told."""
        return self._now


class FixedDraws:
    """Numbers from 0 to just under 1, spread evenly, the same ones each time."""

    STEP = 0.6180339887498949

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self) -> float:
        self._at = (self._at + self.STEP) % 1.0
        return self._at


def uri_of(number: str, trunk: Trunk) -> Uri:
    """A number at the address of a trunk."""
    params = {} if trunk.transport in DATAGRAMS else {"transport": trunk.transport}
    user = number if number.isascii() and number.isdigit() else escape_user(number)
    return Uri("sip", user, host=trunk.address or "", port=trunk.port, params=params)


def _of_endpoint(endpoint: AnyEndpoint | None) -> Transformations:
    transformations = getattr(endpoint, "transformations", ())
    return Transformations(f"endpoint {endpoint.name}", transformations) if endpoint and transformations else NO_CHANGE


NO_CHANGE = Transformations("", ())


def _key(of: TrunkGroup | Trunk) -> str:
    return of.sid or of.name


def _nobody_hears(_g: TrunkGroup, _t: Trunk, _b: TrunkService, _a: TrunkService, _w: str, _n: float) -> None:
    return
