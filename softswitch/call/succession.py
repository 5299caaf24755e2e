"""Somebody at an endpoint, an attendee of a conference, hands his place there to another (REFER in his dialog).

Blind: whoever he names is called on his account, and is in his place when he answers: in his role, without a code.
Where nobody answers he stays. It begins a call of its own, with whoever is called as its caller.

Attended: whom he talks with in another call of his comes into his place. That is the same as an attended transfer asked
for in the dialog of that call, so it is done there (`transfer`).
"""

from softswitch.call.call import Call, Transfer
from softswitch.call.fork import Invitation
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.outcome import Outcome
from softswitch.call.placing import first_leg, reach_caller
from softswitch.call.transfer import (
    FORBIDDEN,
    NO_SUCH_DIALOG,
    PUT_THROUGH,
    Onward,
    at_endpoint,
    dismiss,
    in_place_of,
    tell,
)
from softswitch.errors import CallRejected
from softswitch.routing import number_of
from softswitch.sip import Referred, Replaces


def hand_over_place(there: Call, wanted: Referred, lines: Lines, onward: Onward) -> None:
    """Answers the REFER of the caller of a call at an endpoint, and has done what he wants."""
    transferor = there.caller
    try:
        if at_endpoint(transferor) is None or there.callee is not None or there.is_masked:
            raise FORBIDDEN
        onward.may_transfer(transferor)
        other = _other_leg(transferor, wanted.replaces, lines) if wanted.replaces is not None else None
        if other is None or _rings_yet(other):
            _blind(there, wanted, lines, onward)
        else:
            _attended(transferor, wanted, other)
    except CallRejected as refused:
        transferor.session.refuse_referral(refused.status, refused.reason)
        tell("transfer refused", there, transferor, wanted.uri.username or "", refused)


def _other_leg(transferor: Leg, replaces: Replaces, lines: Lines) -> Leg:
    """His side of the call that is named. Raises `CallRejected` 481."""
    other = lines.leg_of(replaces)
    if other is None or other is transferor or other.call is None:
        raise NO_SUCH_DIALOG
    return other


def _rings_yet(other: Leg) -> bool:
    """Nobody is there who could come: it ends, and whom it rings is called into the place."""
    if other.call is None or other is not other.call.caller or other.state is LegState.ANSWERED:
        return False
    other.hang_up()
    return True


def _attended(transferor: Leg, wanted: Referred, other: Leg) -> None:
    """Raises `CallRejected`: 481 where he talks with nobody there, 403 where that is an endpoint too."""
    talk = other.call.talk if other.call is not None else None
    if at_endpoint(other) is not None:
        raise FORBIDDEN
    if talk is None or not talk.holds(other) or talk.left is not None or other.referral is not None:
        raise NO_SUCH_DIALOG
    other.refer_to(wanted, place=transferor)


def _blind(there: Call, wanted: Referred, lines: Lines, onward: Onward) -> None:
    """Raises `CallRejected` where it does not even begin."""
    transferor, destination = there.caller, there.destination
    if destination is None:
        raise FORBIDDEN
    number = onward.dialled(transferor, number_of(wanted.uri))
    invitation, payer = _invitation(there, number, onward)
    take_place = onward.place_of(there)
    after = Call(
        first_leg(invitation, lines),
        from_number=number,
        to_number=there.to_number,
        events=there.events,
        clock=there.clock,
        transfer=Transfer(_name_of(transferor), transferor.user, (there.sid,)),
    )
    after.number_billing = payer

    def report(status: int, reason: str) -> None:
        transferor.session.report_referral(status, reason)
        if status > PUT_THROUGH:
            tell("transfer failed", there, transferor, number, CallRejected(status, reason))

    async def run(after: Call) -> Outcome:
        await reach_caller(after, invitation, lines)
        tell("transferred", there, transferor, number)
        if there.outcome is not None:  # he has hung up meanwhile, and what he had passed is given back
            onward.send(after, destination)
            return await take_place(after)
        there.went_on_in = after.sid
        with in_place_of(after, there):
            dismiss(transferor)
            return await take_place(after)

    transferor.session.accept_referral()
    there.transfers.append(number)
    there.remark("transferring", f"the caller hands his place to {number}")
    after.on_progress = report
    onward.go_on(after, run)


def _invitation(there: Call, number: str, onward: Onward) -> tuple[Invitation, str]:
    """Whom to ring in the transferor's name, and the number of who pays: he, but not for the call that he is in."""
    before = there.number_billing
    try:
        invitation = onward.invitation(there, onward.lead(there.caller, number))
        return invitation, there.number_billing
    finally:
        there.number_billing = before


def _name_of(transferor: Leg) -> str:
    return transferor.user.username if transferor.user is not None else "caller"
