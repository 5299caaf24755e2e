"""`/conference/v2/meeting_rooms`: where meetings take place, and the codes that lead there."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, FailFast, Field

from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.conference.resource import ConferenceResource
from softswitch.api.errors import ApiError
from softswitch.api.resources import Related, Values
from softswitch.api.schemas import Date, Name, Object, ReadOnly, Sid
from softswitch.plan import Role
from softswitch.plan.fields import Code
from softswitch.store import Row

CODES_LIMIT = 1000


class MeetingKey(BaseModel):
    """The digits that lead into a room, and the role they give."""

    model_config = ConfigDict(extra="forbid")

    access_code: Annotated[Code, Field(examples=["123456"])]
    """1 to 20 digits, once in all rooms of the conference."""
    role: Role


class PlainDidGroup(Object):
    """A DID group as it is embedded."""

    did_group_sid: Sid
    name: str


class MeetingRoom(Object):
    """Where meetings take place."""

    meeting_room_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    name: Name = "N/A"
    did_group_sid: Sid | None = None
    access_codes: Annotated[list[MeetingKey], FailFast(), Field(max_length=CODES_LIMIT)] = Field(default_factory=list)
    properties: Properties = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class MeetingRooms(ConferenceResource):
    """The customer makes the codes; a code that another room of the conference has is refused by 409."""

    kind = "meeting_rooms"
    path = "/conference/v2/meeting_rooms"
    tag = "meeting rooms"
    shown = MeetingRoom
    related: ClassVar = {"did_group": Related("did_groups", "did_group_sid", PlainDidGroup)}
    example: ClassVar[Values] = {
        "meeting_room_sid": "8e1f3d20-7c1a-4d5f-9a43-1c0f5b7d2e90",
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "name": "standup",
        "did_group_sid": None,
        "access_codes": [
            {"access_code": "482915", "role": "host"},
            {"access_code": "730264", "role": "participant"},
        ],
        "properties": {},
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def prepare(self, values: Values, before: Row | None) -> Values:
        _refuse_twins(values["access_codes"])
        await self.check_own("did_groups", "did_group_sid", values)
        account = await self.properties_of("conference_accounts", values["account_sid"])
        check_properties(self.context, values["properties"], before, account)
        return values


def _refuse_twins(keys: list[Values]) -> None:
    seen: set[str] = set()
    for position, key in enumerate(keys):
        if key["access_code"] in seen:
            raise ApiError(409, field=f"access_codes[{position}].access_code", message="is there twice")
        seen.add(key["access_code"])
