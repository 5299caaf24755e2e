"""`/core/v2/app/conference/calls`: the record of every attendance of a conference."""

from typing import Any, ClassVar

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Recorded
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, Sid


class Attendance(Object):
    """One caller of a conference, from the call to the goodbye."""

    call_sid: Sid
    dr_sid: str | None
    """The record of the same call in `/core/v2/calls/call_drs`. (Ours.)"""
    partner_sid: str | None
    endpoint_sid: str | None
    meeting_room_sid: str | None
    meeting_sid: str | None
    direction: str | None
    """inbound or outbound."""
    role: str | None
    access_code: str | None
    date_start: Date
    date_join: Date | None
    date_disconnected: Date | None
    date_stop: Date
    date_insert: Date
    duration: float | None
    duration_meeting: float | None
    """Seconds in the meeting."""
    number_src: str | None
    number_dst: str | None
    address_src: str | None
    address_dst: str | None
    disconnect_cause: int | None
    """Q.850; 16 is normal."""
    disconnect_originator: str | None
    disconnect_reason: str | None
    user_agent: str | None
    audio_key: str | None
    bridge: str | None
    custom_call_type: str | None
    custom_name: str | None
    node: str | None
    quality: Any
    """Loss, jitter, round trip and MOS. (Ours.)"""


class ConferenceCalls(Recorded):
    """Written by the switch, read by everybody who may."""

    kind = "conference_calls"
    path = "/core/v2/app/conference/calls"
    area = "app"
    tag = "conference records"
    shown = Attendance
    example: ClassVar[Values] = dict.fromkeys(Attendance.model_fields) | {
        "call_sid": "b7d3c1f2-3a55-4cf2-9f5e-6c2f0d9b1a34",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "meeting_room_sid": "8e1f3d20-7c1a-4d5f-9a43-1c0f5b7d2e90",
        "direction": "inbound",
        "role": "host",
        "date_start": "2026-01-31T09:45:00.000Z",
        "date_join": "2026-01-31T09:45:09.500Z",
        "date_stop": "2026-01-31T09:46:12.000Z",
        "date_insert": "2026-01-31T09:46:12.900Z",
        "duration": 72.0,
        "duration_meeting": 62.5,
        "disconnect_cause": 16,
        "disconnect_reason": "Normal",
    }
