"""What happens in calls, told to whoever listens in this process: the live view, the log, the records.

Publishing is a plain function call to each subscriber of the kind, in the order in which they came, before `publish`
returns. Nobody need build an event that nobody hears of: publishers ask `if CallStarted in events:` first.
A subscriber must be quick and must not raise.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """The base of everything that is published; events are frozen values, made in a fifth of a data class's time."""


class CallStarted(Event, frozen=True, gc=False):
    """The first event of a call, before anybody has looked at it. `sip_call_id` is the Call-ID of its INVITE."""

    call_id: str
    at: float
    sip_call_id: str
    from_number: str
    to_number: str


class LegStarted(Event, frozen=True, gc=False):
    """We call somebody for a call. `sip_call_id` is the Call-ID of our INVITE, `target` says whom it goes to."""

    call_id: str
    at: float
    sip_call_id: str
    target: str


class CallAnswered(Event, frozen=True, gc=False):
    """We have sent 200 OK, `after_s` after the call began."""

    call_id: str
    at: float
    after_s: float


class KeyPressed(Event, frozen=True, gc=False):
    """The caller has pressed a key. Which one is said only where it can't be part of a code."""

    call_id: str
    at: float
    way: str
    """How it came: rfc4733, inband or info."""
    digit: str = ""
    """Empty where it may be part of a code."""


class LegMeasured(Event, frozen=True):
    """How the caller is heard, as `softswitch.quality.figures` has it: now and then, and at the end."""

    call_id: str
    at: float
    figures: Mapping[str, Any]


class CallbackTried(Event, frozen=True):
    """One attempt to deliver a callback. `status` is 0 where no answer came; `error` then says why."""

    call_id: str
    at: float
    name: str
    host: str
    status: int
    error: str
    took_ms: float
    attempt: int


class CallMoved(Event, frozen=True, gc=False):
    """A call, or the machine of its endpoint, went from one state to another: a step of its story."""

    call_id: str
    at: float
    before: str
    after: str
    why: str


class CallEnded(Event, frozen=True, gc=False):
    """The last event of a call."""

    call_id: str
    at: float
    status: int
    reason: str
    q850: int
    by: str
    party: str = "switch"
    """`caller`, `callee` or `switch`."""


Subscriber = Callable[[Event], None]


class Events:
    """The fan-out. One for the whole program, made where the program is put together."""

    __slots__ = ("_hearing", "_subscribers")

    def __init__(self) -> None:
        self._subscribers: tuple[tuple[Subscriber, tuple[type[Event], ...]], ...] = ()
        self._hearing: dict[type[Event], tuple[Subscriber, ...]] = {}
        """Who hears of a kind; found out when the first of it is published."""

    def __bool__(self) -> bool:
        return bool(self._subscribers)

    def __contains__(self, kind: type[Event]) -> bool:
        """Whether anybody hears of this kind."""
        return bool(self._hearing[kind] if kind in self._hearing else self._find(kind))

    def publish(self, event: Event) -> None:
        kind = type(event)
        for subscriber in self._hearing[kind] if kind in self._hearing else self._find(kind):
            subscriber(event)

    def subscribe(self, subscriber: Subscriber, *kinds: type[Event]) -> Callable[[], None]:
        """Every event from now on (of these kinds, where some are named) goes to `subscriber`, until the function that
        is returned is called."""
        entry = (subscriber, kinds)
        self._change((*self._subscribers, entry))
        return lambda: self._change(tuple(one for one in self._subscribers if one is not entry))

    def _change(self, subscribers: tuple[tuple[Subscriber, tuple[type[Event], ...]], ...]) -> None:
        self._subscribers = subscribers
        self._hearing = {}

    def _find(self, kind: type[Event]) -> tuple[Subscriber, ...]:
        found = tuple(subscriber for subscriber, kinds in self._subscribers if not kinds or issubclass(kind, kinds))
        self._hearing[kind] = found
        return found
