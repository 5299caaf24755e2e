"""`/core/v2/phonenumber/dids`: our numbers, and where they lead."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.core.attributes import PARTNER_EXAMPLE, PhoneNumber, Transformations
from softswitch.api.core.numbers import formats_of
from softswitch.api.core.owned import Owned
from softswitch.api.errors import ApiError
from softswitch.api.resources import Related, Values
from softswitch.api.schemas import Count, Date, FreeForm, Object, ReadOnly, Sid, Text
from softswitch.store import Row
from softswitch.store.call_flows import CALL_FLOW_NAMES

VOICE = 4
ACTIVE = "active"


class PlainTrunkGroup(Object):
    """A trunk group as it is embedded."""

    trunk_group_sid: Sid
    name: str


class Did(Object):
    """A number of ours."""

    did_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    phonenumber: PhoneNumber
    """E.164 without "+". It does not change."""
    trunk_group_sid: Sid | None = None
    """Only calls of this trunk group may reach the number; none: of any."""
    endpoint_sid: Sid | None = None
    """Where calls go; none: to the endpoint of the first trunk of the trunk group. (Ours.)"""
    user_sid: Sid | None = None
    """The user whose phones ring, instead of an endpoint. (Ours.)"""
    did_group_sid: Sid | None = None
    call_flow_sid: Sid | None = None
    """Of the conference; none: as the DID group or the account says."""
    meeting_room_sid: Sid | None = None
    """The room a direct call flow leads to. (Ours.)"""
    properties: Properties = Field(default_factory=dict)
    """Properties of the conference for calls to this number. (Ours here; CarrierX has them in conference/v2.)"""
    capabilities: Annotated[Count, Field(le=31)] = VOICE
    """Bits: 1 SMS in, 2 SMS out, 4 voice, 8 MMS in, 16 MMS out."""
    active_capabilities: ReadOnly[int]
    callback_url: Text | None = None
    campaign_sid: Text | None = None
    classification_sid: Text | None = None
    country_code: ReadOnly[str | None]
    """ISO 3166-1 alpha-3."""
    in_country_format: ReadOnly[str | None]
    international_format: ReadOnly[str | None]
    state: ReadOnly[str | None]
    attributes: FreeForm = Field(default_factory=dict)
    transformations: Transformations = ()
    date_created: ReadOnly[Date]


class Dids(Owned):
    """In force for the next call."""

    kind = "dids"
    path = "/core/v2/phonenumber/dids"
    area = "phonenumber"
    tag = "dids"
    shown = Did
    related: ClassVar = {
        **Owned.related,
        "trunk_group": Related("trunk_groups", "trunk_group_sid", PlainTrunkGroup),
    }
    example: ClassVar[Values] = {
        "did_sid": "c2a3f5b0-6b36-4b0a-8e1d-3f9f1d7f7f10",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "phonenumber": "12025550101",
        "trunk_group_sid": "3b0a4d2e-1f57-4a5c-8d8e-0a2f6a1b7c10",
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "user_sid": None,
        "did_group_sid": None,
        "call_flow_sid": None,
        "meeting_room_sid": None,
        "properties": {},
        "capabilities": VOICE,
        "active_capabilities": VOICE,
        "callback_url": None,
        "campaign_sid": None,
        "classification_sid": None,
        "country_code": "USA",
        "in_country_format": "(202) 555-0101",
        "international_format": "+1 202-555-0101",
        "state": "active",
        "attributes": {},
        "transformations": [],
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    def show(self, row: Row) -> Values:
        """A DID that came by a file has no formats yet."""
        known = {name: value for name, value in super().show(row).items() if value is not None}
        return {**super().show(row), "state": ACTIVE, **formats_of(row["phonenumber"]), **known}

    async def prepare(self, values: Values, before: Row | None) -> Values:
        if before is not None and values["phonenumber"] != before["phonenumber"]:
            raise ApiError(422, field="phonenumber", message="does not change; make another DID")
        if values["user_sid"] is not None and values["endpoint_sid"] is not None:
            raise ApiError(422, field="user_sid", message="or endpoint_sid: one of the two")
        await check_conference_references(self.store, values, values["endpoint_sid"])
        check_properties(self.context, values["properties"], before)
        return {**values, "state": ACTIVE, **formats_of(values["phonenumber"])}


async def check_conference_references(store: Any, values: Values, endpoint_sid: str | None) -> None:
    """Raises `ApiError` 422 where call flow, DID group or meeting room are not those of the endpoint."""
    if values["call_flow_sid"] is not None and values["call_flow_sid"] not in CALL_FLOW_NAMES:
        raise ApiError(422, field="call_flow_sid", message="names no call flow; see /conference/v2/call_flows")
    for kind, field in (("did_groups", "did_group_sid"), ("meeting_rooms", "meeting_room_sid")):
        sid = values.get(field)
        owner = await store.get(kind, sid) if sid is not None else None
        account = await store.get("conference_accounts", owner["account_sid"]) if owner is not None else None
        if account is not None and endpoint_sid is not None and account["endpoint_sid"] != endpoint_sid:
            raise ApiError(422, field=field, message="is of another endpoint")
