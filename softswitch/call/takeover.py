"""A new call takes the place of one side of a talk (INVITE with Replaces, RFC 3891): from the desk to the hand."""

from softswitch.call.bridge import Talk
from softswitch.call.call import Call
from softswitch.call.connect import converse
from softswitch.call.leg import Leg
from softswitch.call.lines import Lines
from softswitch.call.outcome import Outcome
from softswitch.call.transfer import Onward
from softswitch.errors import CallRejected
from softswitch.sip import Replaces

NO_SUCH_DIALOG = CallRejected(481, "Call/Transaction Does Not Exist")
NO_LONGER_EARLY = CallRejected(486, "Busy Here")


async def take_over(call: Call, replaces: Replaces, lines: Lines, onward: Onward) -> Outcome:
    """The caller talks with whoever the replaced leg talked with, and that leg ends. Raises `CallRejected` 481, 486."""
    _talk_of(replaces, lines)
    if replaces.early_only:
        raise NO_LONGER_EARLY
    await call.caller.answer()
    replaced, talk = _talk_of(replaces, lines)
    third = talk.give(replaced)
    call.remark("taken over", f"one side of call {talk.call.id}")
    return await converse(call, third, lines, onward)


def _talk_of(replaces: Replaces, lines: Lines) -> tuple[Leg, Talk]:
    """Raises `CallRejected` 481 where nobody talks in that dialog."""
    leg = lines.leg_of(replaces)
    talk = leg.call.talk if leg is not None and leg.call is not None else None
    if leg is None or talk is None or not talk.holds(leg) or talk.taken is not None:
        raise NO_SUCH_DIALOG
    return leg, talk
