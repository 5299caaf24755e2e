"""What the outside sees of a conference: the events that are published, and the meetings and attendees as values."""

from dataclasses import dataclass

from media import StreamStatistics
from softswitch.call import Event


class MeetingMoved(Event, frozen=True):
    """A meeting went from one state to another; its first move comes from "" and its last leads to "ended"."""

    meeting_id: str
    room: str
    at: float
    before: str
    after: str
    why: str


class MeetingChanged(Event, frozen=True):
    """Lock, hold, mute mode, tones: `what` is the name in `MeetingView`, `value` its new value."""

    meeting_id: str
    room: str
    at: float
    what: str
    value: str


class AttendeeChanged(Event, frozen=True):
    """One attendee: entered, left, role, name, muted, on_hold, hand_raised or talking."""

    meeting_id: str
    call_id: str
    at: float
    what: str
    value: str


class Recording(Event, frozen=True):
    """`state` is started, stopped or failed; `path` the file, which is playable in each case where it exists."""

    meeting_id: str
    room: str
    at: float
    state: str
    path: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AttendeeView:
    """One attendee as he is now (CarrierX: call). `quality` is None until he has audio."""

    call_id: str
    number: str
    name: str
    role: str
    state: str
    muted: bool
    talking: bool
    on_hold: bool
    hand_raised: bool
    duration_s: float
    quality: StreamStatistics | None


@dataclass(frozen=True, slots=True)
class MeetingView:
    """One meeting as it is now. `on_hold` holds the letters of the roles on hold; `recording` the path, or nothing."""

    meeting_id: str
    room: str
    state: str
    duration_s: float
    locked: bool
    on_hold: str
    participant_muted: str
    recording: str
    hosts: int
    participants: int
    listeners: int
    attendees: tuple[AttendeeView, ...]
