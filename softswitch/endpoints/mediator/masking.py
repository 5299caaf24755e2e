"""What one side of a mediated call may learn of the other. Pure.

The redirect number stands for whoever calls where `hide_origination_did` wants it, and for the destination always:
nobody who called a redirect number learns whom he reached, also not when that one calls back. Nothing that the other
side has written is handed on: no headers, no words of a refusal or of a hang-up, and of a caller who is hidden no name;
a cause is a number.
"""

from dataclasses import dataclass

from softswitch.call import q850_of
from softswitch.endpoints.mediator.attributes import Wishes
from softswitch.endpoints.mediator.binding import Route
from softswitch.errors import CallRejected

TRYING_ELSEWHERE = range(300, 400)
CHALLENGES = frozenset({401, 407})


@dataclass(frozen=True, slots=True)
class Shown:
    """Who calls, as the called side sees it."""

    number: str
    name: str
    is_hidden: bool
    redirect_did: str
    headers: tuple[tuple[str, str], ...] = ()


def shown_of_call(route: Route, wishes: Wishes, number: str, name: str, *, is_private: bool = False) -> Shown:
    """For a call over a binding, from `number` and `name`; `is_private`: the caller himself asks not to be shown."""
    if route.is_reply or wishes.hides or is_private:
        return _hidden(route.binding.redirect_did, wishes)
    return Shown(number, wishes.cnam or name, False, route.binding.redirect_did, wishes.headers)


def shown_to_stage_one(redirect_did: str, wishes: Wishes) -> Shown:
    return _hidden(redirect_did, wishes)


def shown_to_stage_two(redirect_did: str, stage_one: str, wishes: Wishes) -> Shown:
    if wishes.hides:
        return _hidden(redirect_did, wishes)
    return Shown(stage_one, wishes.cnam, False, redirect_did, wishes.headers)


def _hidden(redirect_did: str, wishes: Wishes) -> Shown:
    return Shown(redirect_did, wishes.cnam, True, redirect_did, wishes.headers)


def plain(rejected: CallRejected) -> CallRejected:
    """A refusal without the words of whoever refused: the status, its usual phrase, and the cause.

    A redirection names a place and a challenge was meant for us: both are told as that nobody can be reached.
    """
    status = rejected.status
    if status in TRYING_ELSEWHERE or status in CHALLENGES:
        return CallRejected(480, "", q850=q850_of(480))
    return CallRejected(status, "", q850=q850_of(status) if rejected.q850 is None else rejected.q850)
