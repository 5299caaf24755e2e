"""`/conference/v2/dids`: the numbers that lead to this conference, as far as it may decide about them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fastapi import Request
from pydantic import Field

from softswitch.api.conference.meeting_rooms import PlainDidGroup
from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.conference.resource import ConferenceResource, check_call_flow
from softswitch.api.core.numbers import formats_of
from softswitch.api.errors import ApiError
from softswitch.api.passwords import Login
from softswitch.api.resources import Related, Values
from softswitch.api.schemas import Date, Object, ReadOnly, Sid
from softswitch.store import Condition, ListQuery, Row


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


class ConferenceDids(ConferenceResource):
    """Numbers come from and go to `/core/v2/phonenumber/dids`."""

    kind = "dids"
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

    async def owner(self, request: Request) -> Mapping[str, str]:
        login: Login = request.state.caller
        return {"endpoint_sid": login.endpoint_sid}

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:
        login: Login = request.state.caller
        return [{**self.show(row), "account_sid": login.account_sid} for row in rows]

    def show(self, row: Row) -> Values:
        known = {name: value for name, value in super().show(row).items() if value is not None}
        return {**super().show(row), **formats_of(row["phonenumber"]), **known}

    async def _account(self, endpoint_sid: str) -> Row:
        condition = Condition(("endpoint_sid",), "eq", endpoint_sid)
        page = await self.store.list("conference_accounts", ListQuery(conditions=(condition,), limit=1))
        if not page.items:
            raise ApiError(404, field="did_sid")
        return page.items[0]

    async def prepare(self, values: Values, before: Row | None) -> Values:
        check_call_flow(values)
        account = await self._account(values["endpoint_sid"])
        owned = {**values, "account_sid": account["account_sid"]}
        await self.check_own("did_groups", "did_group_sid", owned)
        await self.check_own("meeting_rooms", "meeting_room_sid", owned)
        group = await self.properties_of("did_groups", values["did_group_sid"])
        check_properties(self.context, values["properties"], before, group, account["properties"])
        return values
