"""What the switch runs for a call, once it is known where it goes: an endpoint, a user's phones, the PSTN.

A user who does not answer may have his calls forwarded: to another user, a DID, a number of the PSTN. Each forward is a
step of the call's story and a Diversion header for whoever is called next (RFC 5806); a chain that comes back to
somebody, or is too long, ends (482).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from softswitch.call import (
    Call,
    Invitation,
    Leg,
    Lines,
    Outcome,
    Run,
    StageTrigger,
    connect,
    converse,
    hand_over_place,
    take_over,
)
from softswitch.destinations.forwarding import Diversion, Why, why_forwarded
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
from softswitch.sip import Address, Referred, Response

MOST_FORWARDS = 5
NO_PHONE = CallRejected(480, "Temporarily Unavailable", q850=20)
"""Q.850: subscriber absent."""
LOOP = CallRejected(482, "Loop Detected", q850=25)
NOT_FOUND = CallRejected(404, "Not Found", q850=1)
FORBIDDEN = CallRejected(403, "Forbidden", q850=21)


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
        """What a call has to pass where a forward or a transfer leads it."""
        self.on_going: Callable[[Call, Run], None] = _nobody_runs_it
        """Runs a call that a transfer has begun."""

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan."""
        self.router.adopt(plan)
        self.outward.adopt(plan)

    async def run(self, call: Call, destination: Destination, diversions: Sequence[Diversion] = ()) -> Outcome:
        """All that happens to a call from here on. Raises `CallRejected` where nobody answers."""
        match destination:
            case ToEndpoint():
                call.on_referred = self._hand_over_place
                return await self._endpoints[destination.name].run(call)
            case ToUser(user):
                return await self._to_user(call, user, diversions)
            case ToPstn():
                return await connect(call, self.to_pstn(call, destination, diversions), self.lines, self)
            case ToTalk(replaces):
                return await take_over(call, replaces, self.lines, self)

    # ---- a user

    async def _to_user(self, call: Call, user: User, diversions: Sequence[Diversion]) -> Outcome:
        deflected: list[Address] = []

        def redirect(_: Target, response: Response) -> Sequence[Target]:
            deflected.extend(response.contacts[:1])
            return ()

        try:
            invitation = replace(self.to_user(call, user, diversions), on_redirect=redirect)
            return await connect(call, invitation, self.lines, self)
        except CallRejected as rejected:
            why, where = self._forward(user, rejected, deflected)
            if why is None or not where or call.callee is not None:
                raise
            if deflected:
                call.redirect_uri = str(deflected[0].uri)
            call.advance(StageTrigger.FORWARD, f"{user.username} to {where}: {why.value}")
            onward = self._onward(call, where, user, diversions)
            self._redirect(call, where, onward)
            return await self.run(call, onward, (*diversions, Diversion(user, why)))

    def _forward(self, user: User, rejected: CallRejected, deflected: Sequence[Address]) -> tuple[Why | None, str]:
        """Why a call of a user goes on, and to which number: what his phone says goes before what the plan says."""
        if deflected:
            where = self.router.dialled(number_of(deflected[0].uri), user)
            return Why.DEFLECTED, where if self.router.onward(where, user) is not None else ""
        why = why_forwarded(rejected)
        return why, why.of(user) if why is not None else ""

    def _onward(self, call: Call, where: str, user: User, diversions: Sequence[Diversion]) -> Destination:
        """Where a forward leads. Raises `CallRejected`: 404 nowhere, 482 in a circle or after too many."""
        destination = self.router.onward(where, user)
        if destination is None:
            raise NOT_FOUND
        names = [user.username, *(diversion.by.username for diversion in diversions)]
        forwards = len(names) + (len(call.invite.headers.all("Diversion")) if call.invite is not None else 0)
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
        is_private = call.invite is not None and wants_privacy(call.invite)

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

    def to_pstn(self, call: Call, to: ToPstn, diversions: Sequence[Diversion] = ()) -> Invitation:
        """On the account of whoever forwards it, has transferred it, calls.

        Raises `CallRejected`: he may not (403), or no trunk can take it (502, 503).
        """
        now, caller = self._clock(), _caller(call, diversions)
        targets, reasons = self.outward.targets(to.number, to.trunk_group, caller, now)
        call.number_billing = self.outward.number_of_payer(caller)
        _tell(call, reasons)
        hops = 0

        def tried(target: Target, status: int) -> bool | None:
            return self.outward.tried(target, status, self._clock())

        def redirect(target: Target, response: Response) -> Sequence[Target]:
            nonlocal hops
            found, why = self.outward.redirected(target, response.contacts, caller, hops, self._clock())
            _tell(call, why)
            hops += 1
            if found:
                call.redirect_uri = str(response.contacts[0].uri)
            return found

        return Invitation(
            [[target] for target in targets],
            from_number=call.from_number,
            from_name=call.from_name,
            to_number=to.number,
            on_tried=tried,
            on_redirect=redirect,
        )

    # ---- transfers (`Onward`)

    def may_transfer(self, transferor: Leg) -> None:
        """Users may, trunks where the plan says so. Raises `CallRejected` 403."""
        if transferor.user is None and not transferor.may_transfer:
            raise FORBIDDEN

    def dialled(self, transferor: Leg, number: str) -> str:
        """What a number means that he has dialled. Raises `Refused` where his transformations say so."""
        return self.router.dialled(number, transferor.user)

    def lead(self, transferor: Leg, number: str) -> Destination:
        """Raises `CallRejected` 404 where a number leads nowhere for him."""
        user = transferor.user
        destination = self.router.onward(number, user) if user is not None else self.router.over(number, None)
        if destination is None:
            raise NOT_FOUND
        return destination

    def send(self, call: Call, destination: Destination) -> None:
        """Makes it a call to there. Raises `Refused`: no room, or by the rules of a DID."""
        call.destination = destination
        self._redirect(call, call.to_number, destination)

    def invitation(self, call: Call, destination: Destination) -> Invitation:
        """Who is rung there in the name of its caller. Raises `CallRejected`: nobody, or 403 for an endpoint."""
        match destination:
            case ToUser(user):
                return self.to_user(call, user)
            case ToPstn():
                return self.to_pstn(call, destination)
        raise FORBIDDEN

    def place_of(self, call: Call) -> Run:
        """What runs a call in the place of this one's caller, at the endpoint where he is now. Raises `CallRejected`
        404 where the plan has that endpoint no more."""
        endpoint = self._endpoints.get(call.destination.name) if isinstance(call.destination, ToEndpoint) else None
        if endpoint is None:
            raise NOT_FOUND
        run_there = endpoint.place_of(call)

        async def run(successor: Call) -> Outcome:
            successor.on_referred = self._hand_over_place
            return await run_there(successor)

        return run

    def _hand_over_place(self, call: Call, wanted: Referred) -> None:
        hand_over_place(call, wanted, self.lines, self)

    async def talk(self, call: Call, far: Leg) -> Outcome:
        """All that happens to a call whose two sides are there."""
        return await converse(call, far, self.lines, self)

    def go_on(self, call: Call, run: Run) -> None:
        """A call that a transfer has begun is run beside the one that it came from."""
        self.on_going(call, run)


def _are_phones_left(status: int) -> bool:
    """One phone that is busy or refuses does not speak for the others; one that says 6xx does (RFC 3261 §16.7), and
    so does one that sends the call elsewhere."""
    return status < 600 and not 300 <= status < 400


def _diverted(target: Target, diversions: Sequence[Diversion]) -> Target:
    """The newest diversion comes first (RFC 5806 §4)."""
    if not diversions:
        return target
    headers = [("Diversion", diversion.header(target.uri.host)) for diversion in reversed(diversions)]
    return replace(target, headers=(*target.headers, *headers))


def _vouched_for(target: Target, call: Call) -> Target:
    """A phone is told what was found out about the signature of who calls it, unless he hides."""
    if call.stir is None or call.is_masked or call.invite is None or wants_privacy(call.invite):
        return target
    headers = verified_identity(call.from_number, call.from_name, call.stir.verstat)
    return replace(target, headers=(*target.headers, *headers))


def _caller(call: Call, diversions: Sequence[Diversion]) -> Caller:
    """On whose account a call goes out."""
    told = tuple((diversion.number, diversion.why.value) for diversion in reversed(diversions))
    payer = diversions[-1].by if diversions else call.transfer.user if call.transfer is not None else None
    if call.source is None or call.invite is None:
        return Caller(call.from_number, call.from_name, user=payer, diversions=told)
    caller = Caller.of(
        call.source,
        call.invite,
        number=call.from_number,
        name=call.from_name,
        endpoint=call.source.endpoint,
        diversions=told,
    )
    return replace(caller, user=payer) if payer is not None else caller


def _nobody_runs_it(_call: Call, _run: Run) -> None:
    raise NOT_FOUND


def _tell(call: Call, reasons: Sequence[Reason]) -> None:
    """The trunks that were weighed, and why, as steps of the call's story."""
    for reason in reasons:
        if reason.step in ("trunk", "redirect"):
            call.remark("weighed", f"{reason.candidate}: {reason.why}")
