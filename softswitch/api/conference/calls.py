"""`/conference/v2/calls`: everybody who is on the phone with this conference now, from the first ring to the goodbye.

CarrierX lets PATCH change `muted`, `on_hold` and `name`; changing the `role`, going to another `meeting_room_sid` or
`meeting_sid`, calling somebody (POST), and DELETE, which sends one away, are ours.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, ClassVar, Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from softswitch.api.columns import Columns
from softswitch.api.conference.live import LiveResource, declared
from softswitch.api.context import ApiContext
from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import Body, Date, Object, ReadOnly, Sid, Text
from softswitch.call import Call, OutgoingLeg
from softswitch.endpoints.conference import Conference, Meeting
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.conference.objects import call_attributes, room_sid_of
from softswitch.endpoints.conference.roles import Role
from softswitch.errors import CallRejected
from softswitch.plan import Did
from softswitch.plan.fields import PhoneNumber
from softswitch.routing import Identified
from softswitch.routing.caller import Caller

PASSES = 100
"""Of the event loop, in which the task of a call has gone on after an interruption; it needs one or two."""

RoleName = Literal["host", "participant", "listener"]


class LiveCall(Object):
    """One caller, or somebody whom we have called."""

    call_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    access_code: ReadOnly[str]
    """What was entered; empty before, and where no code was wanted."""
    codecs: ReadOnly[str]
    date_created: ReadOnly[Date]
    date_joined: ReadOnly[Date | None]
    direction: ReadOnly[Literal["In", "Out"]]
    duration: ReadOnly[float]
    """Seconds since the call began."""
    gain_level: ReadOnly[int]
    meeting_room_sid: Sid | None
    """Of the room; changing it moves the attendee there."""
    meeting_sid: Sid | None
    """The same for a meeting, also one whose room was made on the fly."""
    muted: bool
    name: Text
    on_hold: bool
    number_dst: ReadOnly[str]
    number_src: ReadOnly[str]
    role: RoleName | None
    """Null before a room is entered."""
    state: ReadOnly[str]
    talking: ReadOnly[bool]


class Dial(Body):
    """Somebody to be called into a meeting that is live."""

    number_dst: PhoneNumber
    number_src: PhoneNumber | None = None
    """Shown to the one who is called: one of the conference's own numbers. None: the first of them."""
    meeting_sid: Sid | None = None
    meeting_room_sid: Sid | None = None
    name: Annotated[Text, Field(max_length=128)] = ""
    role: RoleName = "participant"


class Calls(LiveResource[Attendee]):
    """POST calls a number over the trunk group of the conference; who answers is in the meeting at once."""

    kind = ""
    path = "/conference/v2/calls"
    tag = "calls"
    sid_name = "call_sid"
    shown = LiveCall
    verbs = frozenset({"list", "create", "get", "change", "remove"})
    also: ClassVar = {"create": (503,)}
    counted = frozenset({"duration", "state", "talking", "date_joined", "codecs"})
    example: ClassVar[Values] = {
        "call_sid": "f4f7c9d2-61c3-49d8-9df2-6f0a0c8be311",
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "access_code": "730264",
        "codecs": "PCMU",
        "date_created": "2026-01-31T09:45:00.000Z",
        "date_joined": "2026-01-31T09:45:07.500Z",
        "direction": "In",
        "duration": 61.5,
        "gain_level": 0,
        "meeting_room_sid": "8e1f3d20-7c1a-4d5f-9a43-1c0f5b7d2e90",
        "meeting_sid": "7d0c5f3e-33a4-4e0e-9d6a-0b2a4c1f9e55",
        "muted": False,
        "name": "Front desk",
        "on_hold": False,
        "number_dst": "sip:12025550101@192.0.2.1",
        "number_src": "sip:13105550123@192.0.2.7",
        "role": "participant",
        "state": "talking",
        "talking": True,
    }

    def __init__(self, context: ApiContext, live: Live) -> None:
        super().__init__(context, live)
        self.body = Dial

    def everything(self, conference: Conference) -> Sequence[Attendee]:
        return conference.attendees()

    def is_called(self, thing: Attendee, sid: str) -> bool:
        return thing.call.sid == sid

    def columns(self, login: Login) -> Columns[Attendee]:
        return call_attributes(login.account_sid, self.live.date)

    # ---- what can be done to one

    async def act(self, conference: Conference, thing: Attendee, sent: Values) -> None:
        meeting = thing.meeting
        if meeting is None:
            if set(sent) - {"name"}:
                raise ApiError(409, field=min(set(sent) - {"name"}), message="the call is not in a meeting")
            thing.name = sent.get("name", thing.name)
            return
        if "role" in sent and sent["role"] is None:
            raise ApiError(422, field="role", message="accepted: host, participant, listener")
        if "name" in sent and sent["name"] != thing.name:
            meeting.rename(thing, sent["name"])
        if "role" in sent and sent["role"] != thing.role:
            meeting.change_role(thing, Role(sent["role"]))
        if "muted" in sent and sent["muted"] != thing.mute.muted:
            _mute(meeting, thing, sent["muted"])
        if "on_hold" in sent and sent["on_hold"] != thing.on_hold:
            meeting.hold(thing, sent["on_hold"])
        for field, here in (("meeting_room_sid", room_sid_of(meeting)), ("meeting_sid", meeting.id)):
            if field in sent and sent[field] != here:
                await _move(conference, thing, meeting, field, sent[field])

    def end(self, conference: Conference, thing: Attendee) -> None:  # noqa: ARG002
        if thing.meeting is not None and thing.is_present:
            thing.meeting.kick(thing)
        else:
            self.live.switch.end(thing.call, "Removed")

    # ---- calling somebody

    async def create(self, request: Request, body: BaseModel) -> Response:
        """A call out: it is there, dialing, when this answers."""
        self.refuse_unknown(body, None)
        sent = declared(body)
        login, conference = self.place(request)
        if conference is None:
            raise ApiError(409, field="meeting_sid", message="the conference is not running")
        meeting = _meeting(conference, sent)
        call, leg = self._place(self._did(conference, sent["number_src"]), sent["number_dst"])
        bring = partial(conference.bring, leg=leg, meeting=meeting, role=Role(sent["role"]), name=sent["name"])
        self.live.switch.place(call, bring)
        attendee = await self._appeared(conference, call)
        if attendee is None:
            raise ApiError(503, message=call.outcome.reason if call.outcome is not None else "")
        return json_response(self.look(login, attendee))

    def _did(self, conference: Conference, number: str | None) -> Did:
        """The number we call from. Raises `ApiError` 422 where it is none of the conference, or it has none."""
        dids = self.live.plan().dids
        if number is not None:
            did = dids.get(number)
            if did is None or did.endpoint != conference.name:
                raise ApiError(422, field="number_src", message="is no number of this conference")
            return did
        own = next((did for did in dids.values() if did.endpoint == conference.name), None)
        if own is None:
            raise ApiError(422, field="number_src", message="the conference has no number to call from")
        return own

    def _place(self, did: Did, number: str) -> tuple[Call, OutgoingLeg]:
        live = self.live
        outward = live.switch.outward
        group = outward.trunk_group(did)
        if group is None:
            raise ApiError(503, field="number_dst", message="no trunk can take the call now")
        caller = Caller(did.phonenumber, endpoint=live.plan().endpoints.get(did.endpoint or ""))
        try:
            targets, _ = outward.targets(number, group, caller, live.clock())
            leg = OutgoingLeg(
                live.stack,
                live.engine,
                targets,
                from_number=did.phonenumber,
                to_number=number,
                local=live.sip_address(),
                on_tried=lambda target, status: outward.tried(target, status, live.clock()),
            )
        except CallRejected as rejected:
            raise ApiError(503, field="number_dst", message=rejected.reason) from None
        source = Identified(group, leg.target.trunk, None, "called out")
        call = Call(
            leg, from_number=did.phonenumber, to_number=number, source=source, did=did, events=live.switch.events
        )
        return call, leg

    async def _appeared(self, conference: Conference, call: Call) -> Attendee | None:
        """The attendee of a call whose task has just been made; None where the switch did not take it."""
        for _ in range(PASSES):
            await asyncio.sleep(0)
            for attendee in conference.attendees():
                if attendee.call is call:
                    return attendee
            if call.outcome is not None:
                return None
        return None


def _meeting(conference: Conference, sent: Values) -> Meeting:
    """The live meeting that is named. Raises `ApiError` 422 where none is."""
    if (sent["meeting_sid"] is None) == (sent["meeting_room_sid"] is None):
        raise ApiError(422, field="meeting_sid", message="or meeting_room_sid: one of the two")
    field = "meeting_sid" if sent["meeting_sid"] is not None else "meeting_room_sid"
    for meeting in conference.live_meetings():
        if sent[field] in (meeting.id, room_sid_of(meeting)):
            return meeting
    raise ApiError(422, field=field, message="names no meeting that is live")


def _mute(meeting: Meeting, attendee: Attendee, muted: bool) -> None:
    if not muted and attendee.role is Role.LISTENER:
        raise ApiError(409, field="muted", message="a listener stays muted; change the role")
    meeting.mute(attendee, muted)


async def _move(conference: Conference, attendee: Attendee, meeting: Meeting, field: str, sid: str | None) -> None:
    """Into another room: he leaves here and enters there as if he had just come."""
    if not attendee.is_present:
        raise ApiError(409, field=field, message="the call is not in a meeting yet")
    key = conference.key_to(sid, attendee.role) if sid is not None else None
    if key is None:
        raise ApiError(422, field=field, message="names no room or meeting of this conference")
    there = next((other for other in conference.live_meetings() if other.place == key.place), None)
    if there is not None and there.locked and attendee.role is not Role.HOST:
        raise ApiError(409, field=field, message="the room is locked")
    attendee.go_to(key)
    for _ in range(PASSES):
        if attendee.meeting is not meeting:
            return
        await asyncio.sleep(0)
