"""What the switch runs for a call, once it is known where it goes: an endpoint, a user's phones, the PSTN.

A user who does not answer may have his calls forwarded: to another user, a DID, a number of the PSTN. Each forward is a
step of the call's story and a Diversion header for whoever is called next (RFC 5806); a chain that comes back to
somebody, or is too long, ends (482).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from softswitch.call import Call, Invitation, Leg, Lines, Outcome, StageTrigger, connect, take_over
from softswitch.destinations.forwarding import Diversion, why_forwarded
from softswitch.endpoints.base import Endpoint
from softswitch.errors import CallRejected
from softswitch.plan import Plan, User
from softswitch.routing import (
    Destination,
    Gate,
    Outward,
    Reason,
    Router,
    Target,
    ToEndpoint,
    ToPstn,
    ToTalk,
    ToUser,
    number_of,
)
from softswitch.routing.caller import Caller, wants_privacy
from softswitch.routing.identity import ANONYMOUS
from softswitch.routing.presentation import verified_identity
from softswitch.sip import Referred, Response

MOST_FORWARDS = 5
NO_PHONE = CallRejected(480, "Temporarily Unavailable", q850=20)
"""Q.850: subscriber absent."""
LOOP = CallRejected(482, "Loop Detected", q850=25)
NOT_FOUND = CallRejected(404, "Not Found", q850=1)
FORBIDDEN = CallRejected(403, "Forbidden", q850=21)
NO_ENDPOINT = CallRejected(403, "Transfers Lead To Users And The PSTN", q850=21)
"""An endpoint runs the call that came to it, and no leg of another one."""


class Phones(Protocol):
    """Who knows where users can be reached."""

    def targets(self, user: User, now: float) -> list[list[Target]]:
        """The groups to ring at once, one after another; empty where he is not registered."""

    def tried(self, user: User, target: Target, status: int) -> None:
        """What came of the call to one of them."""


class Nobody:
    """Where nobody registers."""

    def targets(self, user: User, now: float) -> list[list[Target]]:  # noqa: ARG002 - as of any phones
        """None."""
        return []

    def tried(self, user: User, target: Target, status: int) -> None:
        """Nothing to learn."""


class Destinations:
    """Runs calls to wherever they go."""

    def __init__(
        self,
        plan: Plan,
        endpoints: Mapping[str, Endpoint],
        lines: Lines,
        phones: Phones | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] | None = None,
    ) -> None:
        """`endpoints` is shared with whoever changes it. Without `draw` trunks are shared out by a fixed sequence."""
        self.outward = Outward(plan, clock=clock, draw=draw)
        self.router = Router(plan)
        self.lines = lines
        self._endpoints = endpoints
        self._phones: Phones = Nobody() if phones is None else phones
        self._clock = clock
        self.outward.here = lines.here
        self.gates_of: Callable[[Destination], Sequence[Gate]] = lambda _: ()
        """What a call has to pass where a forward leads it."""

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan."""
        self.router.adopt(plan)
        self.outward.adopt(plan)

    async def run(self, call: Call, destination: Destination, diversions: Sequence[Diversion] = ()) -> Outcome:
        """All that happens to a call from here on. Raises `CallRejected` where nobody answers."""
        match destination:
            case ToEndpoint():
                return await self._endpoints[destination.name].run(call)
            case ToUser(user):
                return await self._to_user(call, user, diversions)
            case ToPstn():
                return await connect(call, self.to_pstn(call, destination, diversions), self.lines, self)
            case ToTalk(replaces):
                return await take_over(call, replaces, self.lines, self)

    # ---- a user

    async def _to_user(self, call: Call, user: User, diversions: Sequence[Diversion]) -> Outcome:
        try:
            return await connect(call, self.to_user(call, user, diversions), self.lines, self)
        except CallRejected as rejected:
            why = why_forwarded(rejected)
            where = why.of(user) if why is not None else ""
            if why is None or not where:
                raise
            call.advance(StageTrigger.FORWARD, f"{user.username} to {where}: {why.value}")
            onward = self._onward(call, where, user, diversions)
            self._redirect(call, where, onward)
            return await self.run(call, onward, (*diversions, Diversion(user, why)))

    def _onward(self, call: Call, where: str, user: User, diversions: Sequence[Diversion]) -> Destination:
        """Where a forward leads. Raises `CallRejected`: 404 nowhere, 482 in a circle or after too many."""
        destination = self.router.onward(where, user)
        if destination is None:
            raise NOT_FOUND
        names = [user.username, *(diversion.by.username for diversion in diversions)]
        forwards = len(names) + len(call.caller.session.request.headers.all("Diversion"))
        if (isinstance(destination, ToUser) and destination.user.username in names) or forwards > MOST_FORWARDS:
            raise LOOP
        return destination

    def _redirect(self, call: Call, where: str, onward: Destination) -> None:
        """Makes it a call to the DID it is forwarded to. Raises `Refused`: no room there, or by its rules."""
        if not isinstance(onward, ToEndpoint | ToUser) or onward.did is None:
            return
        subject = self.router.forwarded(call.from_number, where, call.caller.session.request, call.headers, onward)
        call.passage.enter(self.gates_of(onward), self._clock())
        call.destination, call.did = onward, onward.did
        call.from_number, call.to_number, call.headers = subject.number_src, subject.number_dst, subject.changed_headers

    # ---- who is rung

    def to_user(self, call: Call, user: User, diversions: Sequence[Diversion] = ()) -> Invitation:
        """Raises `CallRejected` 480 where none of his phones is registered."""
        groups = self._phones.targets(user, self._clock())
        if not groups:
            raise NO_PHONE
        session = call.caller.session
        is_private = session.direction == "in" and wants_privacy(session.request)

        def tried(target: Target, status: int) -> bool:
            self._phones.tried(user, target, status)
            return _are_phones_left(status)

        return Invitation(
            [[_vouched_for(_diverted(target, diversions), call) for target in group] for group in groups],
            from_number=ANONYMOUS if is_private else call.from_number,
            from_name="Anonymous" if is_private else call.from_name,
            to_number=user.username,
            ring_s=user.ring_s,
            on_tried=tried,
            callee=user,
        )

    def to_pstn(
        self, call: Call, to: ToPstn, diversions: Sequence[Diversion] = (), user: User | None = None
    ) -> Invitation:
        """On the account of `user`, of whoever forwards it, of the caller.

        Raises `CallRejected`: he may not (403), or no trunk can take it (502, 503).
        """
        now, caller = self._clock(), _caller(call, diversions, user)
        targets, reasons = self.outward.targets(to.number, to.trunk_group, caller, now)
        _tell(call, reasons)
        hops = 0

        def tried(target: Target, status: int) -> bool | None:
            return self.outward.tried(target, status, self._clock())

        def redirect(target: Target, response: Response) -> Sequence[Target]:
            nonlocal hops
            found, why = self.outward.redirected(target, response.contacts, caller, hops, self._clock())
            _tell(call, why)
            hops += 1
            return found

        return Invitation(
            [[target] for target in targets],
            from_number=call.from_number,
            from_name=call.from_name,
            to_number=to.number,
            on_tried=tried,
            on_redirect=redirect,
        )

    # ---- transfers

    def invitation(self, call: Call, transferor: Leg, wanted: Referred) -> Invitation:
        """Whom a transferor wants to be called. Raises `CallRejected` where he may not, or nothing leads there."""
        self.may_take(call, transferor)
        number, user = number_of(wanted.uri), transferor.user
        match self.router.onward(number, user) if user is not None else self.router.over(number, None):
            case ToUser(called):
                return self.to_user(call, called)
            case ToPstn() as to:
                return self.to_pstn(call, to, user=user)
            case ToEndpoint():
                raise NO_ENDPOINT
        raise NOT_FOUND

    def may_take(self, call: Call, transferor: Leg) -> None:  # noqa: ARG002 - as of any who know where to go
        """Users may transfer, trunks where the plan says so. Raises `CallRejected` 403."""
        if transferor.user is None and not transferor.may_transfer:
            raise FORBIDDEN


def _are_phones_left(status: int) -> bool:
    """One phone that is busy or refuses does not speak for the others; one that says 6xx does (RFC 3261 §16.7)."""
    return status < 600


def _diverted(target: Target, diversions: Sequence[Diversion]) -> Target:
    """The newest diversion comes first (RFC 5806 §4)."""
    if not diversions:
        return target
    headers = [("Diversion", diversion.header(target.uri.host)) for diversion in reversed(diversions)]
    return replace(target, headers=(*target.headers, *headers))


def _vouched_for(target: Target, call: Call) -> Target:
    """A phone is told what was found out about the signature of who calls it, unless he hides."""
    if call.stir is None or call.is_masked or wants_privacy(call.caller.session.request):
        return target
    headers = verified_identity(call.from_number, call.from_name, call.stir.verstat)
    return replace(target, headers=(*target.headers, *headers))


def _caller(call: Call, diversions: Sequence[Diversion], user: User | None) -> Caller:
    """On whose account a call goes out."""
    told = tuple((diversion.number, diversion.why.value) for diversion in reversed(diversions))
    payer = diversions[-1].by if diversions else user
    if call.source is None:
        return Caller(call.from_number, call.from_name, user=payer, diversions=told)
    caller = Caller.of(
        call.source,
        call.caller.session.request,
        number=call.from_number,
        name=call.from_name,
        endpoint=call.source.endpoint,
        diversions=told,
    )
    return replace(caller, user=payer) if payer is not None else caller


def _tell(call: Call, reasons: Sequence[Reason]) -> None:
    """The trunks that were weighed, and why, as steps of the call's story."""
    for reason in reasons:
        if reason.step in ("trunk", "redirect"):
            call.remark("weighed", f"{reason.candidate}: {reason.why}")
