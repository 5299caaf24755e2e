"""Audio conferences by phone: a code or a number leads into a meeting room, with a role.

Reading order: `states` are the two tables that say what can happen; `conference` is a call from the answer to the
goodbye, `meeting` the room and its rules, `keypad` the keys in between. `properties`, `rooms`, `codes` and `prompts`
are what the configuration says; `roles`, `bindings` and `wrong_codes` are small pure models; `floor` and `recording`
are the media of a meeting; `views` is what others see.
"""

from softswitch.endpoints.conference.conference import Conference
from softswitch.endpoints.conference.meeting import Meeting
from softswitch.endpoints.conference.roles import MuteMode, Role
from softswitch.endpoints.conference.rooms import check_conference
from softswitch.endpoints.conference.views import (
    AttendeeChanged,
    AttendeeView,
    MeetingChanged,
    MeetingMoved,
    MeetingView,
    Recording,
)

__all__ = [
    "AttendeeChanged",
    "AttendeeView",
    "Conference",
    "Meeting",
    "MeetingChanged",
    "MeetingMoved",
    "MeetingView",
    "MuteMode",
    "Recording",
    "Role",
    "check_conference",
]
