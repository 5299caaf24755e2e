"""What a meeting tells the world: its events, built only when somebody listens."""

from collections.abc import Callable
from pathlib import Path

from softswitch.call import Events
from softswitch.endpoints.conference.views import AttendeeChanged, MeetingChanged, MeetingMoved, Recording


class Report:
    """The events of one meeting."""

    __slots__ = ("_clock", "_events", "_meeting_id", "_room")

    def __init__(self, events: Events, clock: Callable[[], float], meeting_id: str, room: str) -> None:
        self._events = events
        self._clock = clock
        self._meeting_id = meeting_id
        self._room = room

    def moved(self, before: str, after: str, why: str) -> None:
        if self._events:
            self._events.publish(MeetingMoved(self._meeting_id, self._room, self._clock(), before, after, why))

    def changed(self, what: str, value: str | bool) -> None:
        if self._events:
            self._events.publish(MeetingChanged(self._meeting_id, self._room, self._clock(), what, _text(value)))

    def attendee(self, call_id: str, what: str, value: str | bool) -> None:
        if self._events:
            self._events.publish(AttendeeChanged(self._meeting_id, call_id, self._clock(), what, _text(value)))

    def recording(self, state: str, path: Path, reason: str) -> None:
        if self._events:
            self._events.publish(Recording(self._meeting_id, self._room, self._clock(), state, str(path), reason))


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()
