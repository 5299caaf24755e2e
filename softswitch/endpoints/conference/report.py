"""What a meeting tells the world: its events, built only when somebody listens, and its lines in the log.

What concerns the whole room is a line each (start, end, lock, hold, mute mode, recording). Attendees come and go by the
hundred a second: theirs are lines at debug alone, and "call ended" has their room and role.
"""

from collections.abc import Callable
from pathlib import Path

from softswitch.call import Events
from softswitch.endpoints.conference.states import MeetingState
from softswitch.endpoints.conference.views import AttendeeChanged, MeetingChanged, MeetingMoved, Recording
from softswitch.logs import get_logger

LINES: dict[tuple[str, str], str] = {
    (MeetingState.WAITING, MeetingState.LIVE): "meeting started",
    (MeetingState.CLOSING, MeetingState.ENDED): "meeting ended",
    (MeetingState.WAITING, MeetingState.ENDED): "meeting never started",
}
"""The moves of a meeting that are lines at info."""


class Report:
    """The events of one meeting."""

    __slots__ = ("_clock", "_events", "_log", "_meeting_id", "_room")

    def __init__(self, events: Events, clock: Callable[[], float], meeting_id: str, room: str) -> None:
        self._events = events
        self._clock = clock
        self._meeting_id = meeting_id
        self._room = room
        self._log = get_logger().bind(room=room, meeting=meeting_id)

    def moved(self, before: str, after: str, why: str) -> None:
        if line := LINES.get((before, after)):
            self._log.info(line, why=str(why))
        if self._events:
            self._events.publish(MeetingMoved(self._meeting_id, self._room, self._clock(), before, after, why))

    def changed(self, what: str, value: str | bool) -> None:
        self._log.info("meeting changed", **{what: _text(value)})
        if self._events:
            self._events.publish(MeetingChanged(self._meeting_id, self._room, self._clock(), what, _text(value)))

    def attendee(self, call_id: str, what: str, value: str | bool) -> None:
        self._log.debug("attendee", call=call_id, **{what: value})
        if self._events:
            self._events.publish(AttendeeChanged(self._meeting_id, call_id, self._clock(), what, _text(value)))

    def recording(self, state: str, path: Path, reason: str) -> None:
        if reason:
            self._log.warning(f"recording {state}", path=str(path), reason=reason)
        else:
            self._log.info(f"recording {state}", path=str(path))
        if self._events:
            self._events.publish(Recording(self._meeting_id, self._room, self._clock(), state, str(path), reason))


def _text(value: str | bool) -> str:
    return str(value) if isinstance(value, str) else str(value).lower()
