"""Which calls each user has, for the lamps on other phones (RFC 4235).

Followed from what every call tells of itself; a call without users costs a look at its legs. Who wants to know of
changes sets `on_change`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from softswitch.call import Call, CallAnswered, CallEnded, CallMoved, Event, Leg, LegState
from softswitch.routing.caller import wants_privacy

HEARS = (CallMoved, CallAnswered, CallEnded)
"""The events that `on_event` wants."""

RINGING = "ringing"
HIDDEN = "sip:anonymous@anonymous.invalid"
"""Of a masked call nobody learns the other side, and of a caller who wants privacy no number (RFC 3323 §4.1.1.3)."""


class Line(NamedTuple):
    """A call as one of its users has it; `remote` is whom he talks with, as a number or a name."""

    call_id: str
    user: str
    direction: Literal["initiator", "recipient"]
    state: Literal["trying", "early", "confirmed"]
    remote: str


class Dialogs:
    """The calls of every user that has one. `calls` are those of the switch, by id."""

    def __init__(self) -> None:
        self.calls: Mapping[str, Call] = {}
        self.on_change: Callable[[str], None] = _nobody_listens
        """Told of each user whose calls have changed."""
        self._of_call: dict[str, frozenset[Line]] = {}
        self._of_user: dict[str, dict[str, Line]] = {}

    def of(self, user: str) -> Sequence[Line]:
        """The calls of a user, as they stand."""
        return tuple(self._of_user.get(user, {}).values())

    def on_event(self, event: Event) -> None:
        """A subscriber of the program's events, of those it `HEARS`; ten a call, and most are of no user."""
        call_id: str = event.call_id  # type: ignore[attr-defined]
        call = self.calls.get(call_id)
        if call_id not in self._of_call and (call is None or _is_without_users(call)):
            return
        lines = frozenset(_lines(call)) if call is not None and not isinstance(event, CallEnded) else frozenset()
        before = self._of_call.get(call_id, frozenset())
        if lines != before:
            self._change(call_id, before, lines)

    def _change(self, call_id: str, before: frozenset[Line], lines: frozenset[Line]) -> None:
        if lines:
            self._of_call[call_id] = lines
        else:
            del self._of_call[call_id]
        for line in before - lines:
            self._of_user[line.user].pop(call_id, None)
        for line in lines:
            self._of_user.setdefault(line.user, {})[call_id] = line
        for user in {line.user for line in before ^ lines}:
            if not self._of_user.get(user):
                self._of_user.pop(user, None)
            self.on_change(user)


def _is_without_users(call: Call) -> bool:
    """At a glance: as most calls from the PSTN to an endpoint are."""
    return call.caller.user is None and call.callee is None and call.rung is None and call.talk is None


def _lines(call: Call) -> Iterator[Line]:
    """What the users of a call see of it."""
    near, far = (call.talk.near, call.talk.far) if call.talk is not None else (call.caller, call.callee or call.rung)
    for leg in (near, far):
        if leg is not None and leg.user is not None and leg.call is call:
            direction: Literal["initiator", "recipient"] = "initiator" if leg.session.direction == "in" else "recipient"
            remote = _remote(call, is_caller=leg is call.caller)
            yield Line(call.id, leg.user.username, direction, _state(call, leg), remote)


def _remote(call: Call, *, is_caller: bool) -> str:
    """Whom a side of a call talks with, as far as others may know."""
    if call.is_masked or (not is_caller and call.invite is not None and wants_privacy(call.invite)):
        return HIDDEN
    return call.to_number if is_caller else call.from_number


def _state(call: Call, leg: Leg) -> Literal["trying", "early", "confirmed"]:
    if leg.state is LegState.ANSWERED:
        return "confirmed"
    return "early" if call.state == RINGING else "trying"


def _nobody_listens(_: str) -> None:
    return
