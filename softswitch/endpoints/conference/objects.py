"""Calls and meetings as the API and the callbacks show them: CarrierX's attributes, each worked out when asked for.

One declaration for both, so that a client finds in a callback the object that it would get.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from softswitch.call import Call
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.conference.meeting import Meeting
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.states import ATTENDEE_TABLE

NO_CODEC = "NOVOICE"

DateOf = Callable[[float], str]
"""A moment of the calls' clock as a date."""


def meeting_attributes(account_sid: str, date: DateOf) -> Mapping[str, Callable[[Meeting], Any]]:
    """A meeting of the conference with this account."""
    return {
        "meeting_sid": lambda it: it.id,
        "meeting_room_sid": room_sid_of,
        "account_sid": lambda _: account_sid,
        "date_created": lambda it: date(it.created_at),
        "duration": lambda it: round(it.duration_s, 3),
        "attendees": _heads,
        "locked": lambda it: it.locked,
        "recording": lambda it: it.recording.path is not None,
        "on_hold": lambda it: it.on_hold,
        "participant_muted": lambda it: str(it.mute_mode),
        "name": lambda it: it.room,
        "state": lambda it: str(it.state),
    }


def call_attributes(account_sid: str, date: DateOf) -> Mapping[str, Callable[[Attendee], Any]]:
    """Somebody who is on the phone with the conference of this account."""
    return {
        "call_sid": lambda it: it.call.sid,
        "account_sid": lambda _: account_sid,
        "access_code": lambda it: it.access_code,
        "codecs": lambda it: it.call.caller.codec or NO_CODEC,
        "date_created": lambda it: date(it.call.started_at),
        "date_joined": lambda it: None if it.entered_at is None else date(it.entered_at),
        "direction": lambda it: "Out" if it.call.is_placed else "In",
        "duration": lambda it: round(it.call.clock() - it.call.started_at, 3),
        "gain_level": lambda _: 0,
        "meeting_room_sid": lambda it: room_sid_of(it.meeting) if it.meeting and it.entered_at else None,
        "meeting_sid": lambda it: it.meeting.id if it.meeting and it.entered_at else None,
        "muted": lambda it: it.mute.muted,
        "name": lambda it: it.name,
        "on_hold": lambda it: it.on_hold if it.meeting is None else it.meeting.is_held(it),
        "number_dst": lambda it: it.call.address_dst,
        "number_src": lambda it: it.call.address_src,
        "role": lambda it: str(it.role) if it.meeting is not None else None,
        "state": lambda it: str(it.state),
        "talking": lambda it: it.call.caller.talking,
    }


def arriving(call: Call, account_sid: str, date: DateOf) -> dict[str, Any]:
    """A call that has come to the conference of this account and been nowhere yet."""
    return {
        "call_sid": call.sid,
        "account_sid": account_sid,
        "access_code": "",
        "codecs": call.caller.codec or NO_CODEC,
        "date_created": date(call.started_at),
        "date_joined": None,
        "direction": "In",
        "duration": round(call.clock() - call.started_at, 3),
        "gain_level": 0,
        "meeting_room_sid": None,
        "meeting_sid": None,
        "muted": False,
        "name": "",
        "on_hold": False,
        "number_dst": call.address_dst,
        "number_src": call.address_src,
        "role": None,
        "state": str(ATTENDEE_TABLE.initial),
        "talking": False,
    }


def room_sid_of(meeting: Meeting) -> str | None:
    """The sid of its room; None where the room is none of the plan."""
    place, is_of_plan = meeting.place
    return place if is_of_plan else None


def _heads(meeting: Meeting) -> dict[str, int]:
    roles = Counter(attendee.role for attendee in meeting.attendees.values())
    return {f"{role}s": roles[role] for role in Role}
