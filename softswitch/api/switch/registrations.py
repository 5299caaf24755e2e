"""`/switch/v1/registrations`: every contact of every user that is registered. DELETE ends one; it may come back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.columns import Columns, live_page, look
from softswitch.api.errors import ApiError
from softswitch.api.lists import (
    Asked,
    Fields,
    envelope,
    fields_asked,
    json_response,
    list_of,
    list_parameters,
    query_of,
)
from softswitch.api.live import Live
from softswitch.api.routes import list_example
from softswitch.api.schemas import Date, Object, Sid
from softswitch.api.switch.routes import add
from softswitch.registrar import Phones
from softswitch.registrar.binding import MOST_Q, Binding, address_text
from softswitch.registrar.location import Change

SID = "registration_sid"


class Registration(Object):
    """One contact of a user."""

    registration_sid: Sid
    username: str
    user_sid: str | None
    contact: str
    """The URI that the phone has registered."""
    source: str
    """Where its REGISTER came from, as a SIP URI."""
    is_called_at_source: bool
    """Whether calls go to `source` whatever `contact` says: a connection, or a phone behind NAT."""
    path: list[str]
    q: float
    state: str
    """`up`: it has answered OPTIONS; `unknown`: never so far; `down`: not reachable, called after all others."""
    instance: str | None
    reg_id: int | None
    user_agent: str
    date_refreshed: Date
    date_expires: Date
    expires: int
    """Seconds that remain."""
    sip_call_id: str


class Totals(BaseModel):
    """What the registrar has to do."""

    users: int
    contacts: int
    subscriptions: int
    registers_per_second: float
    answers: dict[str, int]
    wrong_passwords: int
    bans: int


EXAMPLE: dict[str, Any] = {
    "registration_sid": "5d1f6b0a-8f5e-4f0c-9f0d-3f2f6f7b8c90",
    "username": "1001",
    "user_sid": "7a1c1f7e-5d55-45f5-a2a5-0d2f7a0f3b21",
    "contact": "sip:1001@192.168.1.20:5060",
    "source": "sip:198.51.100.7:40001",
    "is_called_at_source": True,
    "path": [],
    "q": 1.0,
    "state": "up",
    "instance": None,
    "reg_id": None,
    "user_agent": "baresip v1.0.0 (x86_64/linux)",
    "date_refreshed": "2026-01-31T09:45:00.000Z",
    "date_expires": "2026-01-31T09:55:00.000Z",
    "expires": 540,
    "sip_call_id": "f9642e49aee6655c",
}
TOTALS_EXAMPLE: dict[str, Any] = {
    "users": 2,
    "contacts": 3,
    "subscriptions": 1,
    "registers_per_second": 0.2,
    "answers": {"200": 12, "401": 3},
    "wrong_passwords": 0,
    "bans": 0,
}


def add_registrations(router: APIRouter, live: Live, phones: Phones) -> None:
    """List, get, DELETE, and totals."""
    columns = _columns(live)

    async def page(request: Request, asked: Annotated[Asked, Depends(list_parameters)]) -> Response:
        query = query_of(asked, Registration)
        page = live_page(list(phones.location), columns, query, SID)
        return envelope(request, query, page, [asked.fields.of(item) for item in page.items], SID)

    async def get(request: Request, fields: Annotated[Fields, Depends(fields_asked)]) -> Response:
        fields.check(Registration)
        return json_response(fields.of(look(columns, _named(request, phones))))

    async def remove(request: Request) -> Response:
        phones.location.remove([_named(request, phones)], Change.DELETED)
        return Response(status_code=204)

    async def totals() -> Response:
        return json_response(_totals(phones))

    one = "/registrations/{registration_sid}"
    listing = list_of(Registration)
    example = list_example(EXAMPLE)
    add(router, "GET", "/registrations", page, name="list_registrations", answer=listing, example=example)
    totals_path = "/registrations/totals"
    add(router, "GET", totals_path, totals, name="registration_totals", answer=Totals, example=TOTALS_EXAMPLE)
    add(router, "GET", one, get, name="get_registration", answer=Registration, example=EXAMPLE)
    add(router, "DELETE", one, remove, name="end_registration", answer=None, right="manage")


def _columns(live: Live) -> Columns[Binding]:
    return {
        "registration_sid": lambda it: it.sid,
        "username": lambda it: it.username,
        "user_sid": lambda it: live.plan().users[it.username].sid or None if it.username in live.plan().users else None,
        "contact": lambda it: it.uri,
        "source": lambda it: address_text(it.peer),
        "is_called_at_source": lambda it: it.flow is not None,
        "path": lambda it: list(it.path),
        "q": lambda it: it.q / MOST_Q,
        "state": lambda it: "down" if it.is_down else "up" if it.has_answered else "unknown",
        "instance": lambda it: it.instance or None,
        "reg_id": lambda it: it.reg_id or None,
        "user_agent": lambda it: it.user_agent,
        "date_refreshed": lambda it: live.date(it.refreshed_at),
        "date_expires": lambda it: live.date(it.expires_at),
        "expires": lambda it: it.remaining_s(live.clock()),
        "sip_call_id": lambda it: it.call_id,
    }


def _totals(phones: Phones) -> dict[str, Any]:
    return {
        "users": phones.location.users,
        "contacts": len(phones.location),
        "subscriptions": len(phones.subscriptions),
        "registers_per_second": round(phones.registers_per_second, 1),
        "answers": {str(status): count for status, count in sorted(phones.answers.items())},
        "wrong_passwords": phones.guard.counts["wrong_password"],
        "bans": phones.guard.counts["banned"],
    }


def _named(request: Request, phones: Phones) -> Binding:
    """The contact of the address. Raises `ApiError` 404."""
    binding = phones.location.find(request.path_params[SID])
    if binding is None:
        raise ApiError(404, field=SID)
    return binding
