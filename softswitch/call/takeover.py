"""A new call takes the place of somebody (INVITE with Replaces, RFC 3891): of one side of a talk, from the desk to the
hand; of somebody at an endpoint; or of whoever is being rung, which picks the call up.
"""

from softswitch.call.bridge import Talk
from softswitch.call.call import Call
from softswitch.call.connect import converse
from softswitch.call.fork import Fork
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.outcome import Outcome
from softswitch.call.transfer import PUT_THROUGH, Onward, at_endpoint, in_place_of, keep_place
from softswitch.errors import CallRejected
from softswitch.sip import Replaces

NO_SUCH_DIALOG = CallRejected(481, "Call/Transaction Does Not Exist")
NO_LONGER_EARLY = CallRejected(486, "Busy Here")


async def take_over(call: Call, replaces: Replaces, lines: Lines, onward: Onward) -> Outcome:
    """The caller in the place of the leg that is named, which ends. Raises `CallRejected` 481, 486 (§3)."""
    leg = _leg_of(replaces, lines)
    if leg.state is not LegState.ANSWERED:
        return await _pick_up(call, leg, lines, onward)
    if replaces.early_only:
        raise NO_LONGER_EARLY
    if (there := at_endpoint(leg)) is not None:
        return await _take_place(call, there, onward)
    _talk_of(leg)
    await call.caller.answer()
    return await _talk_in_place(call, leg, lines, onward)


async def _talk_in_place(call: Call, leg: Leg, lines: Lines, onward: Onward) -> Outcome:
    talk = _talk_of(leg)
    call.remark("taken over", f"one side of call {talk.call.id}")
    there, far = talk.call, talk.give(leg)
    there.hand_over(far, call)
    keep_place(there, far)
    return await converse(call, far, lines, onward)


async def _take_place(call: Call, there: Call, onward: Onward) -> Outcome:
    """At the endpoint where the other one is, with what he had passed; who leaves as this one comes."""

    def come(status: int, _: str) -> None:
        if status == PUT_THROUGH:
            there.went_on_in = call.sid
            there.caller.hang_up(16, "Taken over")

    call.on_progress = come
    call.remark("taken over", f"the place of call {there.id}")
    with in_place_of(call, there):
        return await onward.place_of(there)(call)


async def _pick_up(call: Call, leg: Leg, lines: Lines, onward: Onward) -> Outcome:
    """The call that rings goes on with this caller, and this call is over."""
    _fork_of(leg)
    await call.caller.answer()
    if leg.state is LegState.ANSWERED:  # while we waited for his ACK
        return await _talk_in_place(call, leg, lines, onward)
    fork = _fork_of(leg)
    call.remark("picked up", f"call {leg.call.id}" if leg.call is not None else "")
    fork.pick_up(call.caller)
    return Outcome.released("Picked up")


def _leg_of(replaces: Replaces, lines: Lines) -> Leg:
    leg = lines.leg_of(replaces)
    if leg is None or leg.call is None:
        raise NO_SUCH_DIALOG
    return leg


def _talk_of(leg: Leg) -> Talk:
    """Raises `CallRejected` 481 where nobody talks there."""
    talk = leg.call.talk if leg.call is not None else None
    if talk is None or not talk.holds(leg) or talk.left is not None:
        raise NO_SUCH_DIALOG
    return talk


def _fork_of(leg: Leg) -> Fork:
    """Raises `CallRejected` 481 where it is not we who ring there, or it may not be picked up."""
    fork = leg.call.fork if leg.call is not None else None
    if fork is None or fork.is_taken or leg.session.direction != "out" or leg.state is LegState.ENDED:
        raise NO_SUCH_DIALOG
    return fork
