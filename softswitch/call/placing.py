"""A call that nobody has made to us begins with somebody whom we call: at all his phones, or over one trunk after
another (`fork`).

A call has a caller from its first moment, so the first leg is on its way before its call is there; whoever answers
takes its place.
"""

from collections.abc import Sequence

from softswitch.call.call import Call
from softswitch.call.fork import Fork, Invitation
from softswitch.call.lines import Lines
from softswitch.call.originate import OutgoingLeg
from softswitch.routing import Target


def first_leg(invitation: Invitation, lines: Lines) -> OutgoingLeg:
    """The first of an invitation that can be called, being called. Raises `CallRejected` where none can."""
    leg = OutgoingLeg(
        lines.stack,
        lines.engine,
        [target for group in invitation.groups for target in group],
        from_number=invitation.from_number,
        from_name=invitation.from_name,
        to_number=invitation.to_number,
        local=lines.here(),
        on_tried=invitation.on_tried,
    )
    leg.user = invitation.callee
    return leg


async def reach_caller(call: Call, invitation: Invitation, lines: Lines) -> None:
    """The others are rung beside the first leg of a call of ours, and who answers is its caller.

    Raises `CallRejected`: the best refusal. A hang-up of the caller cancels the task only from the answer on.
    """
    first = call.caller
    assert isinstance(first, OutgoingLeg)  # noqa: S101 - made by `first_leg`
    hang_up, first.on_ended = first.on_ended, None
    groups = _from(invitation.groups, first.target)
    leg = await Fork(call, invitation, lines, Nobody(), groups=groups, begun=first).answered()
    if leg is not first:
        call.caller = leg
        call.own(leg)
    call.rung = None
    if len(call.tried) == 1:
        call.tried.clear()  # what is told of a call is whom it tried beside him
    leg.on_ended = hang_up
    await leg.answer()


class Nobody:
    """Who listens while the first party of a call is rung."""

    def hear(self, leg: OutgoingLeg) -> None:
        """It rings, and nobody is there to hear it."""

    def lose(self, leg: OutgoingLeg) -> None:
        """Nobody has heard it."""

    def check(self) -> None:
        """Nobody can hang up."""


def _from(groups: Sequence[Sequence[Target]], first: Target) -> list[Sequence[Target]]:
    """Without those before the first: they had no room."""
    for place, group in enumerate(groups):
        for position, target in enumerate(group):
            if target is first:
                return [group[position:], *groups[place + 1 :]]
    return []
