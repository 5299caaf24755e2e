"""`/conference/v2/did_groups`: DIDs that share a call flow and properties."""

from typing import ClassVar

from pydantic import Field

from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.conference.resource import ConferenceResource, check_call_flow
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Name, Object, ReadOnly, Sid
from softswitch.store import Row


class DidGroup(Object):
    """What holds for the calls to its DIDs."""

    did_group_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    name: Name = "N/A"
    call_flow_sid: Sid | None = None
    """None: as the account says."""
    properties: Properties = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class DidGroups(ConferenceResource):
    """A group is removed once no DID and no room is in it."""

    kind = "did_groups"
    path = "/conference/v2/did_groups"
    tag = "did groups"
    shown = DidGroup
    example: ClassVar[Values] = {
        "did_group_sid": "6c0d2f4b-9f1e-4b7a-8d35-2b1a0c9e8f77",
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "name": "evening",
        "call_flow_sid": None,
        "properties": {"conference_moh_enabled": "off"},
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def prepare(self, values: Values, before: Row | None) -> Values:
        check_call_flow(values)
        account = await self.properties_of("conference_accounts", values["account_sid"])
        check_properties(self.context, values["properties"], before, account)
        return values
