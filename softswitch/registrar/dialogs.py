"""Which calls each user has, for the lamps on other phones (RFC 4235): kept from `LineMoved`, told to `on_change`.

Whoever runs a call of a user publishes `LineMoved` at each step: trying, early (it rings), confirmed, terminated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from softswitch.call import Event

Direction = Literal["initiator", "recipient"]
DialogState = Literal["trying", "early", "confirmed", "terminated"]


@dataclass(frozen=True, slots=True)
class LineMoved(Event):
    """A call of a user has come to a state; `direction` is his side of it, `remote` whom he talks with."""

    call_id: str
    at: float
    user: str
    direction: Direction
    state: DialogState
    remote: str


class Dialogs:
    """The calls of every user that has one."""

    def __init__(self) -> None:
        self.on_change: Callable[[str], None] = _nobody_listens
        """Told of each user whose calls have changed."""
        self._of_user: dict[str, dict[str, LineMoved]] = {}

    def of(self, user: str) -> Sequence[LineMoved]:
        """The calls of a user, each by its last step."""
        return tuple(self._of_user.get(user, {}).values())

    def on_event(self, event: Event) -> None:
        """A subscriber of the program's events."""
        if type(event) is LineMoved:
            self._take(event)

    def _take(self, step: LineMoved) -> None:
        calls = self._of_user.setdefault(step.user, {})
        if step.state == "terminated":
            calls.pop(step.call_id, None)
        else:
            calls[step.call_id] = step
        if not calls:
            del self._of_user[step.user]
        self.on_change(step.user)


def _nobody_listens(_: str) -> None:
    return
