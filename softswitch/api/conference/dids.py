"""`/conference/v2/dids`: the numbers that lead to this conference, as far as it may decide about them."""

from typing import ClassVar

from pydantic import Field

from softswitch.api.conference.meeting_rooms import PlainDidGroup
from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.conference.resource import ConferenceResource, check_call_flow
from softswitch.api.dids_of_login import DidsOfLogin
from softswitch.api.resources import Related, Values
from softswitch.api.schemas import Date, Object, ReadOnly, Sid
from softswitch.store import Row


class ConferenceDid(Object):
    """A number whose calls come to this conference."""

    did_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    phonenumber: ReadOnly[str]
    country_code: ReadOnly[str | None]
    """ISO 3166-1 alpha-3."""
    in_country_format: ReadOnly[str | None]
    international_format: ReadOnly[str | None]
    did_group_sid: Sid | None = None
    call_flow_sid: Sid | None = None
    """None: as the DID group or the account says."""
    meeting_room_sid: Sid | None = None
    """The room a direct call flow leads to. (Ours.)"""
    properties: Properties = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class ConferenceDids(DidsOfLogin, ConferenceResource):
    """Numbers come from and go to `/core/v2/phonenumber/dids`."""

    path = "/conference/v2/dids"
    tag = "conference dids"
    shown = ConferenceDid
    related: ClassVar = {"did_group": Related("did_groups", "did_group_sid", PlainDidGroup)}
    verbs = frozenset({"list", "get", "change", "replace"})
    example: ClassVar[Values] = {
        "did_sid": "c2a3f5b0-6b36-4b0a-8e1d-3f9f1d7f7f10",
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "phonenumber": "12025550101",
        "country_code": "USA",
        "in_country_format": "(202) 555-0101",
        "international_format": "+1 202-555-0101",
        "did_group_sid": None,
        "call_flow_sid": None,
        "meeting_room_sid": None,
        "properties": {"did_welcomeprompt_enabled": "off"},
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def prepare(self, values: Values, before: Row | None) -> Values:
        check_call_flow(values)
        await self.check_own("did_groups", "did_group_sid", values)
        await self.check_own("meeting_rooms", "meeting_room_sid", values)
        account = await self.properties_of("conference_accounts", values["account_sid"])
        group = await self.properties_of("did_groups", values["did_group_sid"])
        check_properties(self.context, values["properties"], before, group, account)
        return {name: value for name, value in values.items() if name != "account_sid"}
