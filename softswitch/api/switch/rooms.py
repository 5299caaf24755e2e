"""`/switch/v1/rooms`: all meetings of all conferences, with who is in them and who talks."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.switch.routes import add
from softswitch.endpoints.conference import Conference, Meeting


class Talker(BaseModel):
    """Somebody who talks at this moment."""

    call_id: str
    number: str
    name: str
    role: str


class RoomLook(BaseModel):
    """One meeting."""

    meeting_sid: str
    endpoint: str
    name: str
    state: str
    duration: float
    hosts: int
    participants: int
    listeners: int
    locked: bool
    recording: bool
    on_hold: str
    participant_muted: str
    talkers: list[Talker]


class RoomsLook(BaseModel):
    """All of them."""

    rooms: list[RoomLook]


EXAMPLE: dict[str, Any] = {
    "rooms": [
        {
            "meeting_sid": "7d0c5f3e-33a4-4e0e-9d6a-0b2a4c1f9e55",
            "endpoint": "conference",
            "name": "standup",
            "state": "live",
            "duration": 61.5,
            "hosts": 1,
            "participants": 4,
            "listeners": 0,
            "locked": False,
            "recording": False,
            "on_hold": "",
            "participant_muted": "false",
            "talkers": [{"call_id": "f4f7c9d2", "number": "13105550123", "name": "", "role": "host"}],
        }
    ]
}


def add_rooms(router: APIRouter, live: Live) -> None:
    async def rooms() -> Response:
        conferences = [endpoint for endpoint in live.endpoints.values() if isinstance(endpoint, Conference)]
        looks = [_look(it.name, meeting) for it in conferences for meeting in it.every_meeting()]
        return json_response({"rooms": looks})

    add(router, "GET", "/rooms", rooms, name="rooms", answer=RoomsLook, example=EXAMPLE)


def _look(endpoint: str, meeting: Meeting) -> dict[str, Any]:
    roles = [attendee.role.value for attendee in meeting.attendees.values()]
    talkers = [
        {"call_id": found.call.id, "number": found.call.from_number, "name": found.name, "role": str(found.role)}
        for found in meeting.attendees.values()
        if found.leg.talking and found.speaks
    ]
    return {
        "meeting_sid": meeting.id,
        "endpoint": endpoint,
        "name": meeting.room,
        "state": str(meeting.state),
        "duration": round(meeting.duration_s, 3),
        "hosts": roles.count("host"),
        "participants": roles.count("participant"),
        "listeners": roles.count("listener"),
        "locked": meeting.locked,
        "recording": meeting.recording.path is not None,
        "on_hold": meeting.on_hold,
        "participant_muted": str(meeting.mute_mode),
        "talkers": talkers,
    }
