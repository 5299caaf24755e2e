"""Somebody is rung: the targets of one group all at once, the groups one after another, until one answers.

The first answer wins and the others are cancelled (RFC 3261 §16.7, §13.2.2.4). What is heard before goes to a
`Listener`, who makes the waiting party hear it. Nobody answering raises `CallRejected` with the best refusal. Somebody
else may pick the call up while it rings (RFC 3891 §3): that is `PickedUp`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.loops import check_hops
from softswitch.call.originate import NO_ANSWER, RING_AT_MOST_S, Attempt, OnTried, OutgoingLeg
from softswitch.call.stages import StageTrigger
from softswitch.errors import CallRejected
from softswitch.plan import User
from softswitch.routing import Target
from softswitch.sip import Ended, Response

SILENT_S = 6.0
"""A target that says not a word for so long is given up where there is another."""

STUCK_S = 20.0
"""One that has said 100 and nothing since, the same."""

ANSWERED_ELSEWHERE = 26
"""Q.850: non-selected user clearing."""
ELSEWHERE = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
RECOVERY_ON_TIMER = 102

OnRedirect = Callable[[Target, Response], Sequence[Target]]
"""Where to go on after a 3xx; nothing: it is a refusal."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is to be rung, and in whose name."""

    groups: Sequence[Sequence[Target]]
    from_number: str
    to_number: str
    from_name: str = ""
    ring_s: float = RING_AT_MOST_S
    """Each group rings at most so long."""
    on_tried: OnTried | None = None
    on_redirect: OnRedirect | None = None
    callee: User | None = None


class Listener(Protocol):
    """The party that waits for somebody to answer."""

    def hear(self, leg: OutgoingLeg) -> None:
        """`leg.progress` is new. May raise `CallRejected`."""

    def lose(self, leg: OutgoingLeg) -> None:
        """This one answers no more."""

    def check(self) -> None:
        """Raises `CallRejected` where nobody waits any more."""


class PickedUp(Exception):  # noqa: N818 - no error
    """Somebody who was not rung has taken the call: `leg` is his."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self.leg = leg


async def ring(call: Call, invitation: Invitation, lines: Lines, listener: Listener) -> OutgoingLeg:
    """Whoever answers first. Raises `CallRejected`: the best refusal (RFC 3261 §16.7), 482 or 483 for a loop."""
    return await Fork(call, invitation, lines, listener).answered()


async def ring_openly(call: Call, invitation: Invitation, lines: Lines, listener: Listener) -> OutgoingLeg:
    """The same, where others may pick it up meanwhile. Raises `PickedUp` too."""
    call.fork = Fork(call, invitation, lines, listener)
    try:
        return await call.fork.answered()
    finally:
        call.fork = None


class Fork:
    """One invitation being carried out by the task of its call."""

    def __init__(
        self,
        call: Call,
        invitation: Invitation,
        lines: Lines,
        listener: Listener,
        *,
        groups: Sequence[Sequence[Target]] | None = None,
        begun: OutgoingLeg | None = None,
    ) -> None:
        """`groups`: those of the invitation that are left to ring. `begun`: the leg of one of them, on its way."""
        self._call, self._invitation, self._lines, self._listener = call, invitation, lines, listener
        self._groups = deque(invitation.groups if groups is None else groups)
        self._begun = begun
        self._max_forwards = check_hops(call, lines)
        self._refusals: list[CallRejected] = []
        self._is_final = False
        self._heard: dict[OutgoingLeg, object] = {}
        self._taken_by: Leg | None = None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has picked it up already."""
        return self._taken_by is not None

    def pick_up(self, leg: Leg) -> None:
        """Whoever is rung is cancelled, and `leg`, of another call that is up, is the one that answers; but for one
        who has been rung and has answered in the same moment."""
        self._call.own(leg)
        self._taken_by = leg
        self._call.waiting.wake()

    async def answered(self) -> OutgoingLeg:
        while self._groups and not self._is_final:
            leg = await self._ring(self._groups.popleft())
            if leg is not None:
                return leg
        raise best(self._refusals)

    async def _ring(self, group: Sequence[Target]) -> OutgoingLeg | None:
        """The leg that answers; None where all of the group have refused."""
        legs: list[OutgoingLeg] = []
        give_up_at = _now() + self._invitation.ring_s
        winner = None
        try:
            self._invite(group, legs)
            while legs and winner is None and not self._is_final:
                self._listener.check()
                winner = self._look_at(legs)
                if legs and winner is None and not self._is_final:
                    await self._wait(legs, give_up_at)
                if winner is None:
                    self._give_way()
            return winner
        finally:
            if self._taken_by is not None:
                self._taken_by.hang_up()
            for leg in legs:
                if leg is not winner:
                    self._leave(leg, winner is not None)

    def _give_way(self) -> None:
        """Raises `PickedUp` where somebody has picked it up."""
        if self._taken_by is not None:
            taken_by, self._taken_by = self._taken_by, None
            self._call.advance(StageTrigger.ANSWER, "picked up by somebody else")
            raise PickedUp(taken_by)

    def _invite(self, group: Sequence[Target], legs: list[OutgoingLeg]) -> None:
        self._call.advance(StageTrigger.INVITE, ", ".join(target.name for target in group))
        for target in group:
            try:
                is_begun = self._begun is not None and self._begun.target is target
                legs.append(self._begun if self._begun is not None and is_begun else self._leg(target))
            except CallRejected as full:
                self._note(target, full)

    def _leg(self, target: Target) -> OutgoingLeg:
        invitation = self._invitation
        leg = OutgoingLeg(
            self._lines.stack,
            self._lines.engine,
            (target,),
            from_number=invitation.from_number,
            from_name=invitation.from_name,
            to_number=invitation.to_number,
            local=self._lines.here(),
            max_forwards=self._max_forwards,
            on_tried=invitation.on_tried,
            waiting=self._call.waiting,
            wished_codecs=self._call.caller.wished_codecs,
        )
        leg.user = invitation.callee
        leg.may_transfer = target.trunk is not None and target.trunk.allow_transfer == "enabled"
        self._call.calls(leg)
        return leg

    def _look_at(self, legs: list[OutgoingLeg]) -> OutgoingLeg | None:
        """Takes note of all that has happened; the leg that has answered, if one has."""
        for leg in tuple(legs):
            if leg.state is LegState.ANSWERED:
                return self._take(leg)
            if leg.refusal is not None:
                legs.remove(leg)
                self._refused(leg, leg.refusal)
            elif leg.end is not None:
                legs.remove(leg)
                self._lost(leg, CallRejected(502, leg.end.reason, q850=leg.end.q850))
            elif leg.progress is not None and self._heard.get(leg) is not leg.progress:
                self._heard[leg] = leg.progress
                self._listener.hear(leg)
        return None

    async def _wait(self, legs: list[OutgoingLeg], give_up_at: float) -> None:
        silent = [leg for leg in legs if self._groups and leg.progress is None]
        until_at = min([give_up_at, *map(_silent_until, silent)])
        if not await self._call.waiting.until(until_at):
            return
        now = _now()
        late = legs if now >= give_up_at else [leg for leg in silent if now >= _silent_until(leg)]
        for leg in tuple(late):
            if leg.state is not LegState.ANSWERED and leg.refusal is None:
                legs.remove(leg)
                self._give_up(leg)

    # ---- what becomes of one leg

    def _take(self, leg: OutgoingLeg) -> OutgoingLeg:
        self._call.tried.append(Attempt(leg.target.name, 200, "OK"))
        self._call.advance(StageTrigger.ANSWER, leg.target.name)
        return leg

    def _refused(self, leg: OutgoingLeg, refusal: Ended) -> None:
        elsewhere = leg.may_be_better_elsewhere(refusal)
        leg.accept_refusal()  # first: where it leads next there may be room for no more than this call
        redirected = self._redirected(leg.target, refusal)
        self._groups.extendleft([target] for target in reversed(redirected))
        self._is_final = self._is_final or not (elsewhere or redirected)
        rejected = CallRejected(refusal.status, refusal.reason, q850=refusal.q850)
        rejected.is_by_callee = refusal.response is not None
        self._lost(leg, rejected)

    def _redirected(self, target: Target, refusal: Ended) -> Sequence[Target]:
        if not 300 <= refusal.status < 400 or refusal.response is None or self._invitation.on_redirect is None:
            return ()
        return self._invitation.on_redirect(target, refusal.response)

    def _give_up(self, leg: OutgoingLeg) -> None:
        """It rings too long, or has never said a word. Where it rings no other trunk will do better."""
        rings = leg.progress is not None
        rejected = (
            CallRejected(480, "No answer", q850=NO_ANSWER)
            if rings
            else CallRejected(408, "Request Timeout", q850=RECOVERY_ON_TIMER)
        )
        leg.hang_up(rejected.q850 or NO_ANSWER, rejected.reason)
        if self._invitation.on_tried is not None:
            elsewhere = self._invitation.on_tried(leg.target, rejected.status)
            self._is_final = self._is_final or (rings and elsewhere is False)
        self._lost(leg, rejected)

    def _lost(self, leg: OutgoingLeg, rejected: CallRejected) -> None:
        self._note(leg.target, rejected)
        self._listener.lose(leg)

    def _note(self, target: Target, rejected: CallRejected) -> None:
        self._refusals.append(rejected)
        self._call.tried.append(Attempt(target.name, rejected.status, rejected.reason))
        self._call.advance(StageTrigger.REFUSE, f"{target.name}: {rejected.status} {rejected.reason}".rstrip())

    def _leave(self, leg: OutgoingLeg, is_answered: bool) -> None:
        if self._invitation.on_tried is not None:
            self._invitation.on_tried(leg.target, 0)
        self._call.tried.append(Attempt(leg.target.name, 0, "cancelled"))
        if is_answered:
            leg.hang_up(ANSWERED_ELSEWHERE, "Answered elsewhere", headers=ELSEWHERE)
        else:
            leg.hang_up()


def _silent_until(leg: OutgoingLeg) -> float:
    """How long we wait for a leg that does not ring."""
    return leg.ringing_since + (STUCK_S if leg.session.is_heard else SILENT_S)


def best(refusals: Iterable[CallRejected]) -> CallRejected:
    """The refusal that says most: 6xx, then busy, other 4xx, 3xx, 5xx, and last that nobody was heard."""
    return min(reversed(list(refusals)), key=_rank, default=CallRejected(480, "Temporarily Unavailable"))


def _rank(refusal: CallRejected) -> int:
    status = refusal.status
    if status == 408:
        return 9
    return {6: 0, 4: 2, 3: 5, 5: 6}.get(status // 100, 7) - (status == 486)


def _now() -> float:
    return asyncio.get_running_loop().time()
