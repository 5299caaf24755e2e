"""`/conference/v2/meetings`: the meetings that are live. They come with the first attendee and go with the last.

CarrierX lets PATCH change `on_hold` and `participant_muted`; `locked`, `recording`, DELETE and `play` are ours.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from media import File, MediaError, Prompt, Source
from softswitch.api.columns import Columns
from softswitch.api.conference.live import LiveResource
from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.routes import described
from softswitch.api.schemas import Body, Date, Object, ReadOnly, Sid, not_acceptable
from softswitch.endpoints.conference import Conference, Meeting, MuteMode
from softswitch.endpoints.conference.objects import meeting_attributes
from softswitch.store.access import may_play_from


def _holdable(letters: str) -> str:
    if not set(letters) <= {"p", "l"}:
        raise not_acceptable(f'is "{letters[:16]}"', "any of the letters p (participants) and l (listeners)")
    return letters


def _as_text(value: Any) -> Any:
    return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


class Heads(BaseModel):
    """How many are in, by role."""

    hosts: int
    participants: int
    listeners: int


class LiveMeeting(Object):
    """A meeting room while somebody is in it."""

    meeting_sid: ReadOnly[Sid]
    meeting_room_sid: ReadOnly[Sid | None]
    """Null for a room that was made on the fly."""
    account_sid: ReadOnly[Sid]
    date_created: ReadOnly[Date]
    duration: ReadOnly[float]
    """Seconds since it started."""
    attendees: ReadOnly[Heads]
    locked: bool
    """Only hosts may enter."""
    recording: bool
    on_hold: Annotated[str, Field(max_length=8), AfterValidator(_holdable)]
    """Who is on hold: any of p and l."""
    participant_muted: Annotated[Literal["false", "relaxed", "true"], BeforeValidator(_as_text)]
    """`false`: listeners only; `relaxed`: participants too, who may unmute themselves; `true`: who may not."""
    name: ReadOnly[str]
    """Of the room."""
    state: ReadOnly[str]


class Play(Body):
    """What is played to all who talk: a file of the storage, or a prompt."""

    file_sid: Sid | None = None
    """In the endpoint's own container (`properties.container_sid`), or in one of its partner's that no endpoint has."""
    prompt: Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$", max_length=128)] | None = None
    """Such as `conference/welcome_host`."""


class Played(BaseModel):
    """What is being played now."""

    duration: float
    """Seconds that it takes."""


class Meetings(LiveResource[Meeting]):
    """DELETE ends a meeting: all hear the goodbye and are released."""

    kind = ""
    path = "/conference/v2/meetings"
    tag = "meetings"
    sid_name = "meeting_sid"
    shown = LiveMeeting
    verbs = frozenset({"list", "get", "change", "remove"})
    also: ClassVar = {"change": (503,)}
    counted = frozenset({"duration", "attendees", "state"})
    example: ClassVar[Values] = {
        "meeting_sid": "7d0c5f3e-33a4-4e0e-9d6a-0b2a4c1f9e55",
        "meeting_room_sid": "8e1f3d20-7c1a-4d5f-9a43-1c0f5b7d2e90",
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "date_created": "2026-01-31T09:45:00.000Z",
        "duration": 61.5,
        "attendees": {"hosts": 1, "participants": 4, "listeners": 0},
        "locked": False,
        "recording": False,
        "on_hold": "",
        "participant_muted": "false",
        "name": "standup",
        "state": "live",
    }

    def everything(self, conference: Conference) -> Sequence[Meeting]:
        return conference.every_meeting()

    def is_called(self, thing: Meeting, sid: str) -> bool:
        return thing.id == sid

    def columns(self, login: Login) -> Columns[Meeting]:
        return meeting_attributes(login.account_sid, self.live.date)

    async def act(self, conference: Conference, thing: Meeting, sent: Values) -> None:  # noqa: ARG002
        if "participant_muted" in sent and sent["participant_muted"] != thing.mute_mode:
            thing.set_mute_mode(MuteMode(sent["participant_muted"]))
        if "on_hold" in sent and set(sent["on_hold"]) != set(thing.on_hold):
            thing.set_on_hold(sent["on_hold"])
        if "locked" in sent and sent["locked"] != thing.locked:
            thing.set_locked(sent["locked"])
        if "recording" in sent:
            self._record(thing, sent["recording"])

    def _record(self, meeting: Meeting, wanted: bool) -> None:
        if not wanted:
            meeting.stop_recording()
            return
        if not meeting.properties.conference_recording_enabled:
            raise ApiError(409, field="recording", message="the room's properties do not allow it")
        meeting.start_recording()
        if meeting.recording.path is None:
            raise ApiError(503, field="recording", message="can't be written")

    def end(self, conference: Conference, thing: Meeting) -> None:  # noqa: ARG002
        thing.end()

    # ---- play

    async def play(self, request: Request, body: Play) -> Response:
        """Plays a file or a prompt to all who talk, over their talk."""
        login, _, meeting = self.named(request)
        self.refuse_unknown(body, None)
        try:
            duration_s = meeting.play(await self._source(body, login))
        except MediaError as error:
            raise ApiError(422, field="file_sid" if body.file_sid else "prompt", message=str(error)) from None
        return json_response({"duration": round(duration_s, 3)})

    async def _source(self, body: Play, login: Login) -> Source:
        if (body.file_sid is None) == (body.prompt is None):
            raise ApiError(422, field="file_sid", message="or prompt: one of the two")
        if body.prompt is not None:
            return Prompt(body.prompt)
        row = await self.store.get("files", body.file_sid or "")
        if row is None or not await may_play_from(self.store, login.endpoint_sid, row["container_sid"]):
            raise ApiError(404, field="file_sid")
        path = self.context.storage.path_of(row)
        if path is None:
            raise ApiError(404, field="file_sid", message="its content is gone")
        return File(path)


def add_play(router: APIRouter, meetings: Meetings) -> None:
    """POST .../meetings/{meeting_sid}/play"""
    path = f"{meetings.path}/{{{meetings.sid}}}/play"
    answer = described(
        tag=meetings.tag,
        name="play",
        guard=meetings.guard("manage"),
        path=path,
        answer=Played,
        example={"duration": 2.5},
    )
    router.add_api_route(path, meetings.play, methods=["POST"], **answer)
