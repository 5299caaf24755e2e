"""A party of a talk wants the other one connected with somebody else (RFC 5589): blind, or with whom he talks already.

Each transfer begins a call of its own: the party that stays is its caller, whoever he is to talk with its destination,
and the transferor pays for it. So it rings, is forwarded, is measured, recorded and transferred like any other, and it
may lead wherever a call may: to a user, to the PSTN, to an endpoint.

Blind: while the new call is on its way, the old one waits. The transferor is told how it goes (NOTIFY, RFC 3515) and
leaves when the other is put through. A transfer that fails leaves the talk as it was.

Attended (Replaces, RFC 3891): whoever the transferor talks with in another call of his becomes the far end of the new
one; where that call has led to an endpoint, the other party takes the transferor's place there. Where it still rings,
nobody can take a place: it ends, and the transfer is a blind one.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from softswitch.call.bridge import MUSIC, Talk
from softswitch.call.call import Call, Transfer
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.outcome import Outcome
from softswitch.call.stages import StageTrigger
from softswitch.errors import CallRejected
from softswitch.logs import get_logger
from softswitch.routing import Destination, Identified, Passage, ToEndpoint, number_of
from softswitch.sip import Referred

if TYPE_CHECKING:
    from softswitch.call.fork import Invitation

FORBIDDEN = CallRejected(403, "Forbidden")
PUT_THROUGH = 200
NO_SUCH_DIALOG = CallRejected(481, "Call/Transaction Does Not Exist")

Run = Callable[[Call], Awaitable[Outcome]]


class Onward(Protocol):
    """Who knows where a transfer may lead, and runs what comes of it."""

    def may_transfer(self, transferor: Leg) -> None:
        """Raises `CallRejected` where he may not."""

    def dialled(self, transferor: Leg, number: str) -> str:
        """What a number means that he has dialled. Raises `CallRejected` where he may not dial it."""

    def lead(self, transferor: Leg, number: str) -> Destination:
        """Where a number leads for him. Raises `CallRejected` 404 where it leads nowhere."""

    def send(self, call: Call, destination: Destination) -> None:
        """Makes it a call to there. Raises `CallRejected`: no room, or what a transformation says."""

    async def run(self, call: Call, destination: Destination) -> Outcome:
        """All that happens to it there. Raises `CallRejected` where nobody answers."""

    def invitation(self, call: Call, destination: Destination) -> "Invitation":
        """Who is rung there in the name of its caller. Raises `CallRejected`: nobody, or 403 for an endpoint."""

    def place_of(self, call: Call) -> Run:
        """What runs a call in the place of this one's caller, at the endpoint where he is now."""

    async def talk(self, call: Call, far: Leg) -> Outcome:
        """The same for a call whose two sides are there."""

    def go_on(self, call: Call, run: Run) -> None:
        """A task of its own for a call that goes on with the legs of another."""


async def transfer(call: Call, transferor: Leg, other: Leg, lines: Lines, onward: Onward | None) -> bool:
    """Whether the other party has gone on in another call; else the talk is as it was. Without `onward` nobody may."""
    referral, transferor.referral = transferor.referral, None
    if referral is None:
        return False
    wanted, place = referral
    try:
        if onward is None:
            raise FORBIDDEN
        onward.may_transfer(transferor)
        if place is not None:
            return await _to_place(call, transferor, other, place, onward)
        if wanted.replaces is None:
            return await _blind(call, transferor, other, wanted, onward)
        return await _attended(call, transferor, other, wanted, lines, onward)
    except CallRejected as refused:
        (place or transferor).session.refuse_referral(refused.status, refused.reason)
        tell("transfer refused", call, transferor, wanted.uri.username or "", refused)
        return False


async def _blind(call: Call, transferor: Leg, other: Leg, wanted: Referred, onward: Onward) -> bool:
    """Raises `CallRejected` where it does not even begin."""
    number = onward.dialled(transferor, number_of(wanted.uri))
    destination = onward.lead(transferor, number)
    after = _continuation(call, transferor, other, number)
    onward.send(after, destination)

    async def run(after: Call) -> Outcome:
        return await onward.run(after, destination)

    return await _Leaving(call, transferor, other, after, number).to(run, onward)


async def _attended(call: Call, transferor: Leg, other: Leg, wanted: Referred, lines: Lines, onward: Onward) -> bool:
    """Raises `CallRejected` 481 where Replaces names none of his calls."""
    replaced = lines.leg_of(wanted.replaces) if wanted.replaces is not None else None
    there = replaced.call if replaced is not None else None
    if replaced is None or there is None or replaced in (transferor, other):
        raise NO_SUCH_DIALOG
    if there.talk is not None and there.talk.holds(replaced) and there.talk.left is None:
        return await _to_talk(call, transferor, other, there.talk, replaced, onward)
    if at_endpoint(replaced) is not None:
        return await _to_endpoint(call, transferor, other, there, onward)
    if replaced is not there.caller or replaced.state is LegState.ANSWERED:
        raise NO_SUCH_DIALOG
    replaced.hang_up()
    return await _blind(call, transferor, other, wanted, onward)


async def _to_talk(call: Call, transferor: Leg, other: Leg, talk: Talk, replaced: Leg, onward: Onward) -> bool:
    """Two talks become one."""
    there, third = talk.call, talk.give(replaced)
    keep_place(there, third)
    after = _continuation(call, transferor, other, number_at(there, third), there)
    after.own(third)
    after.callee = third
    after.destination = there.destination if third is not there.caller else None
    after.number_billing = there.number_billing or call.number_billing
    there.hand_over(third, after)

    async def run(after: Call) -> Outcome:
        await after.caller.answer()
        return await onward.talk(after, third)

    try:
        return await _Leaving(call, transferor, other, after, f"call {there.id}").to(run, onward)
    finally:
        if after.answered_at is None:
            third.hang_up()


async def _to_place(call: Call, transferor: Leg, other: Leg, place: Leg, onward: Onward) -> bool:
    """The same, asked for in the dialog at the endpoint. Raises `CallRejected` 481 where he has left there."""
    there = at_endpoint(place)
    if there is None:
        raise NO_SUCH_DIALOG
    return await _to_endpoint(call, transferor, other, there, onward, asked_in=place)


async def _to_endpoint(
    call: Call, transferor: Leg, other: Leg, there: Call, onward: Onward, *, asked_in: Leg | None = None
) -> bool:
    """The other party is there what the transferor was, and has what he had passed."""
    after = _continuation(call, transferor, other, there.to_number, there)

    async def run(after: Call) -> Outcome:
        with in_place_of(after, there):
            return await onward.place_of(there)(after)

    has_gone = await _Leaving(call, transferor, other, after, f"call {there.id}", asked_in).to(run, onward)
    if after.answered_at is not None:
        there.went_on_in = after.sid
        dismiss(there.caller)
    return has_gone


def at_endpoint(leg: Leg) -> Call | None:
    """The call of somebody who is at an endpoint, where another may take his place."""
    call = leg.call
    is_there = call is not None and leg is call.caller and call.talk is None and leg.state is LegState.ANSWERED
    return call if is_there and call is not None and isinstance(call.destination, ToEndpoint) else None


@contextmanager
def in_place_of(call: Call, there: Call) -> Iterator[None]:
    """A call has what the other had passed; where it is not put through the other has it back."""
    call.passage.take(there.passage)
    call.did, call.destination = there.did, there.destination
    try:
        yield
    finally:
        if call.answered_at is None:
            there.passage.take(call.passage)


def _continuation(call: Call, transferor: Leg, other: Leg, number: str, *more: Call) -> Call:
    """The call that goes on with `other` as its caller."""
    by = transferor.user.username if transferor.user is not None else _name(call, transferor)
    sids = tuple(before.sid for before in (call, *more))
    after = Call(
        other,
        from_number=number_at(call, other),
        to_number=number,
        source=_source(call, other),
        events=call.events,
        clock=call.clock,
        transfer=Transfer(by, transferor.user, sids),
    )
    after.from_name = call.from_name if other is call.caller else other.user.name if other.user is not None else ""
    return after


def _source(call: Call, leg: Leg) -> Identified | None:
    """Who a party is, as far as routing wants to know."""
    if leg is call.caller:
        return call.source
    return Identified.by_password(leg.user) if leg.user is not None else None


def number_at(call: Call, leg: Leg) -> str:
    """The number of one side of a call."""
    if leg is call.caller:
        return call.from_number
    return leg.user.username if leg.user is not None else call.to_number


class _Leaving:
    """A party on his way from one call into another; he comes back where nobody takes him there."""

    def __init__(
        self, call: Call, transferor: Leg, other: Leg, after: Call, to: str, asked_in: Leg | None = None
    ) -> None:
        """`asked_in`: the leg of the transferor that has had the REFER, where that is another one."""
        self._session = (asked_in or transferor).session
        self._call, self._transferor, self._other, self._after, self._to = call, transferor, other, after, to
        self._is_awaited = True
        """Whether he may come back."""
        after.on_progress = self._report

    async def to(self, run: Run, onward: Onward) -> bool:
        """Whether he is gone."""
        call, after, transferor = self._call, self._after, self._transferor
        self._session.accept_referral()
        call.advance(StageTrigger.REFER, f"{_name(call, transferor)} transfers to {self._to}")
        call.transfers.append(self._to)
        self._other.say(MUSIC, repeat=True)

        async def run_or_return(after: Call) -> Outcome:
            try:
                return await run(after)
            except CallRejected:
                if after.answered_at is None and self._is_awaited and transferor.end is None:
                    self._come_back()
                raise

        onward.go_on(after, run_or_return)
        try:
            while after.answered_at is None and after.outcome is None and transferor.end is None:
                await call.waiting.until()
        finally:
            self._is_awaited = False
        return self._is_gone()

    def _is_gone(self) -> bool:
        call, after, transferor = self._call, self._after, self._transferor
        if after.answered_at is None and after.outcome is not None:
            refused = CallRejected(after.outcome.status, after.outcome.reason)
            call.advance(StageTrigger.NOT_TRANSFERRED, str(refused))
            tell("transfer failed", call, transferor, self._to, refused)
            return False
        call.hand_over(self._other, after)
        keep_place(call, self._other)
        call.advance(StageTrigger.TRANSFERRED, f"{_name(call, self._other)} goes on in call {after.id}")
        tell("transferred", call, transferor, self._to)
        dismiss(transferor)
        return True

    def _report(self, status: int, reason: str) -> None:
        """The new call is told of: to the transferor, and to the task that waits."""
        self._session.report_referral(status, reason)
        if status == PUT_THROUGH:
            self._other.hush()
        if status >= PUT_THROUGH:
            self._call.waiting.wake()

    def _come_back(self) -> None:
        if self._other.end is None:
            self._other.hush()
            self._call.own(self._other)


def keep_place(call: Call, leg: Leg) -> None:
    """What a call has passed where it went counts for whoever it has reached there as long as he talks with anybody."""
    if leg is not call.caller and leg.end is None:
        leg.passage = leg.passage or Passage()
        leg.passage.take(call.passage)


def dismiss(transferor: Leg) -> None:
    """He has done what he wanted."""
    transferor.hang_up(16, "Transferred")


def _name(call: Call, leg: Leg) -> str:
    return "the caller" if leg is call.caller else "the callee"


def tell(what: str, call: Call, transferor: Leg, to: str, rejected: CallRejected | None = None) -> None:
    """A line of the log."""
    why = {} if rejected is None else {"status": rejected.status, "reason": rejected.reason}
    get_logger().info(what, call=call.id, by=_name(call, transferor).removeprefix("the "), to=to, **why)
