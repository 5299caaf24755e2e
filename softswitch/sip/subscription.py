"""One subscription of somebody to something of ours: the notifier's side as a table (RFC 6665 §4.2).

Whoever owns the things that can be watched makes one of a SUBSCRIBE, feeds it events, and does what comes back: send a
NOTIFY, or nothing. One NOTIFY is on its way at a time; what happens meanwhile is one more afterwards, so that a
slow subscriber gets the latest state and no queue. Pure: `now` comes from outside, Via is put on by the stack.
"""

from collections.abc import Callable
from enum import Enum
from math import inf

from softswitch.sip.dialog import Dialog
from softswitch.sip.grammar import parse_params
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.sip.tables import ImpossibleMoveError, Row, Table

Key = tuple[str, str, str, str]
"""Call-ID, our tag, event package and `id`: several subscriptions may share a dialog."""


class State(Enum):
    """`pending` is not among them: we decide at once."""

    INITIAL = "initial"
    ACTIVE = "active"
    TERMINATED = "terminated"


class Event(Enum):
    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "SUBSCRIBE, Expires 0"
    CHANGE = "what is watched has changed"
    EXPIRY = "expired"
    DEACTIVATION = "we end it"
    FAILURE = "NOTIFY failed"

    __hash__ = object.__hash__


class Reason(Enum):
    """Why it ended, as Subscription-State tells (RFC 6665 §4.1.3)."""

    TIMEOUT = "timeout"
    DEACTIVATED = "deactivated"
    NO_RESOURCE = "noresource"
    REJECTED = "rejected"


class Subscription:
    """`package` is the event package, `id` what tells subscriptions of one dialog apart, `resource` what is watched."""

    __slots__ = (
        "contact", "dialog", "entity", "expires_at", "flow", "id", "is_notifying", "is_to_notify", "looked_at",
        "package", "reason", "resource", "state", "version", "watcher",
    )  # fmt: skip

    def __init__(self, request: Request, local_tag: str, first_cseq: int, contact: str, watcher: str) -> None:
        """Raises `PeerError` without a usable Contact."""
        self.package, self.id = event_of(request)
        self.dialog = Dialog.of_server(request, local_tag, first_cseq)
        self.contact = contact
        self.watcher = watcher
        self.resource = request.uri.username
        self.entity = f"sip:{self.resource}@{request.uri.host}"
        """Whom it is about, as the subscriber has called him."""
        self.flow: Peer | None = None
        """Where its last SUBSCRIBE came from; the owner's."""
        self.state = State.INITIAL
        self.reason = Reason.TIMEOUT
        self.expires_at = 0.0
        self.looked_at = inf
        """When the owner looks next whether it has expired; the owner's."""
        self.version = -1
        """Of the last document (RFC 4235 §4.1): each has one more than the one before."""
        self.is_notifying = False
        self.is_to_notify = False

    @property
    def key(self) -> Key:
        return self.dialog.call_id, self.dialog.local_tag, self.package, self.id

    def advance(self, event: Event) -> None:
        """Makes the move. Raises `ImpossibleMoveError` where the table has none."""
        row = TABLE.get((self.state, event))
        if row is None:
            raise ImpossibleMoveError(f"a subscription in {self.state.name} met {event.name}")
        self.state = row.to
        for action in row.actions:
            action(self)

    def end(self, reason: Reason) -> None:
        """We end it: the watched thing is no more, or we are going."""
        self.reason = reason
        self.advance(Event.DEACTIVATION)

    def next_notify(self, write: Callable[["Subscription"], tuple[str, bytes]], now: float) -> Request | None:
        """The NOTIFY that is due, where none is on its way; `write` gives content type and body."""
        if self.is_notifying or not self.is_to_notify:
            return None
        self.is_notifying, self.is_to_notify = True, False
        self.version += 1
        content_type, body = write(self)
        notify = self.dialog.request("NOTIFY")
        add = notify.headers.add
        add("Contact", self.contact)
        add("Event", f"{self.package};id={self.id}" if self.id else self.package)
        add("Subscription-State", self._state_text(now))
        if body:
            add("Content-Type", content_type)
        notify.body = body
        return notify

    def notified(self, status: int) -> None:
        """The final answer to our NOTIFY (RFC 6665 §4.2.2): who does not know it, or does not answer, is gone."""
        self.is_notifying = False
        if status >= 300 and self.state is State.ACTIVE:
            self.advance(Event.FAILURE)

    def notify_again(self) -> None:
        """Our NOTIFY has failed where its subscriber was before: he has refreshed from elsewhere meanwhile."""
        self.is_notifying, self.is_to_notify = False, True

    def _state_text(self, now: float) -> str:
        if self.state is State.ACTIVE:
            return f"active;expires={max(0, round(self.expires_at - now))}"
        return f"terminated;reason={self.reason.value}"

    def __repr__(self) -> str:
        return f"<Subscription {self.state.value} of {self.watcher} to {self.package} of {self.resource}>"


def event_of(request: Request) -> tuple[str, str]:
    """The event package that a SUBSCRIBE names and its `id`, both in lower case; empty where there is none."""
    package, semicolon, params = (request.headers.get("Event") or "").partition(";")
    event_id = parse_params(semicolon + params).get("id") if params else None
    return package.strip().lower(), event_id or ""


def key_of(request: Request) -> Key:
    """Of the subscription that a SUBSCRIBE within a dialog is about."""
    return request.call_id, request.to.tag or "", *event_of(request)


def _notify(subscription: Subscription) -> None:
    subscription.is_to_notify = True


def _be_silent(subscription: Subscription) -> None:
    subscription.is_to_notify = False


TABLE: Table = {
    (State.INITIAL, Event.SUBSCRIBE): Row(State.ACTIVE, (_notify,)),
    (State.INITIAL, Event.UNSUBSCRIBE): Row(State.TERMINATED, (_notify,)),
    (State.ACTIVE, Event.SUBSCRIBE): Row(State.ACTIVE, (_notify,)),
    (State.ACTIVE, Event.UNSUBSCRIBE): Row(State.TERMINATED, (_notify,)),
    (State.ACTIVE, Event.CHANGE): Row(State.ACTIVE, (_notify,)),
    (State.ACTIVE, Event.EXPIRY): Row(State.TERMINATED, (_notify,)),
    (State.ACTIVE, Event.DEACTIVATION): Row(State.TERMINATED, (_notify,)),
    (State.ACTIVE, Event.FAILURE): Row(State.TERMINATED, (_be_silent,)),
}
"""A SUBSCRIBE with Expires 0 outside of a dialog asks once how things are (RFC 6665 §4.4.3)."""
