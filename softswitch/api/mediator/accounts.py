"""`/mediator/v1/accounts`: the mediator of the login that calls. There is one, and its sid is that of the endpoint."""

from typing import ClassVar

from fastapi import Request
from fastapi.responses import Response

from softswitch.api.errors import ApiError
from softswitch.api.lists import Asked, Fields, envelope, json_response, query_of
from softswitch.api.mediator.resource import MediatorResource
from softswitch.api.memory import page_of
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import Count, Date, Name, Object, ReadOnly, Sid


class MediatorAccount(Object):
    """The mediator, as its own login sees it."""

    account_sid: ReadOnly[Sid]
    endpoint_sid: ReadOnly[Sid]
    login: ReadOnly[str]
    name: ReadOnly[Name]
    capacity: ReadOnly[Count]
    """Calls at the same time; 0: no limit."""
    date_created: ReadOnly[Date]


class MediatorAccounts(MediatorResource):
    """Name, capacity and password are changed in `/core/v2/endpoints`."""

    kind = "endpoints"
    path = "/mediator/v1/accounts"
    tag = "mediator accounts"
    shown = MediatorAccount
    verbs = frozenset({"list", "get"})
    example: ClassVar[Values] = {
        "account_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "login": "mediator-1",
        "name": "mediator",
        "capacity": 0,
        "date_created": "2026-01-31T09:45:00.000000Z",
    }

    async def page(self, request: Request, asked: Asked) -> Response:
        query = query_of(asked, self.shown)
        page = page_of([await self._look(request)], query, "account_sid")
        return envelope(request, query, page, [asked.fields.of(item) for item in page.items], "account_sid")

    async def get(self, request: Request, fields: Fields, *, with_related: bool) -> Response:  # noqa: ARG002 - has none
        fields.check(self.shown)
        login: Login = request.state.caller
        if request.path_params[self.sid] != login.account_sid:
            raise ApiError(404, field="account_sid")
        return json_response(fields.of(await self._look(request)))

    async def _look(self, request: Request) -> Values:
        login: Login = request.state.caller
        row = await self.store.get("endpoints", login.endpoint_sid) or {}
        return {
            "account_sid": login.account_sid,
            "endpoint_sid": login.endpoint_sid,
            "login": login.login,
            "name": row.get("name", "N/A"),
            "capacity": row.get("capacity", 0),
            "date_created": row.get("date_created", ""),
        }
