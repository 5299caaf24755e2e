"""`/conference/v2/accounts`: the conference of the login that calls. There is exactly one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from fastapi import Request
from pydantic import Field

from softswitch.api.conference.properties import Properties, check_properties
from softswitch.api.conference.resource import ConferenceResource, check_call_flow
from softswitch.api.core.endpoints import SHORTEST_PASSWORD
from softswitch.api.passwords import LONGEST_PASSWORD, Login
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Name, Object, ReadOnly, Sid, WriteOnly
from softswitch.store import Row


class Account(Object):
    """What holds for the whole conference, where nothing more specific says otherwise."""

    account_sid: ReadOnly[Sid]
    endpoint_sid: ReadOnly[Sid]
    login: ReadOnly[str]
    password: WriteOnly[Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)] | None] = None
    """A new password for this API. Never shown."""
    name: Name = "N/A"
    call_flow_sid: Sid | None = None
    """The flow of calls whose DID and DID group name none; none: `secured`."""
    properties: Properties = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class Accounts(ConferenceResource):
    """It comes and goes with its endpoint."""

    kind = "conference_accounts"
    path = "/conference/v2/accounts"
    tag = "accounts"
    shown = Account
    verbs = frozenset({"list", "get", "change", "replace"})
    example: ClassVar[Values] = {
        "account_sid": "1d9e3a5c-08a4-4a53-8a3e-5f7f0b2c6d71",
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "login": "conference-1",
        "name": "conference",
        "call_flow_sid": None,
        "properties": {"conference_start_how": "host"},
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:
        login: Login = request.state.caller
        return [{**self.show(row), "login": login.login} for row in rows]

    async def prepare(self, values: Values, before: Row | None) -> Values:
        check_call_flow(values)
        check_properties(self.context, values["properties"], before)
        password = values.pop("password", None)
        if password is not None and before is not None:
            await self._set_password(before["endpoint_sid"], password)
        return values

    async def _set_password(self, endpoint_sid: str, password: str) -> None:
        hashed = await self.context.passwords.hashed(password)
        endpoint = await self.store.get("endpoints", endpoint_sid)
        properties: Mapping[str, object] = endpoint["properties"] if endpoint else {}
        await self.store.update("endpoints", endpoint_sid, {"properties": {**properties, "password_hash": hashed}})
        self.context.passwords.forget()
