"""`/switch/v1/calls`: every call that is up, with the path of states it has come, and why."""

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
from softswitch.call import Call
from softswitch.sip.grammar import legible

SID = "call_sid"


class PathStep(BaseModel):
    """One move of a call."""

    at: Date
    before: str
    after: str
    why: str


class CalledLeg(BaseModel):
    """Whoever is called for a call."""

    target: str
    """The trunk, contact or address."""
    state: str
    user: str | None
    transport: str
    codec: str | None
    encryption: str | None
    talking: bool
    sip_call_id: str


class SwitchCall(Object):
    """One call that is up."""

    call_sid: Sid
    call_id: str
    """The beginning of the sid, as the logs and the events have it."""
    direction: str
    number_src: str
    number_dst: str
    source: str | None
    """The trunk or user it comes from, or the trunk it goes over."""
    endpoint: str | None
    state: str
    path: list[PathStep]
    date_start: Date
    duration: float
    transport: str
    """Of SIP with the caller: UDP, TCP or TLS."""
    codec: str | None
    encryption: str | None
    """The crypto suite of SRTP; null for plain RTP."""
    talking: bool
    """Told of who is in a conference; never of two legs that only talk with each other."""
    sip_call_id: str
    callee: CalledLeg | None
    """Where a call goes on to somebody: the leg that has answered, or the last one that was rung."""


EXAMPLE: dict[str, Any] = {
    "call_sid": "f4f7c9d2-61c3-49d8-9df2-6f0a0c8be311",
    "call_id": "f4f7c9d2",
    "direction": "in",
    "number_src": "13105550123",
    "number_dst": "12025550101",
    "source": "pstn/gateway",
    "endpoint": "conference",
    "state": "talking",
    "path": [
        {"at": "2026-01-31T09:45:00.000Z", "before": "new", "after": "identified", "why": "address of trunk gateway"}
    ],
    "date_start": "2026-01-31T09:45:00.000Z",
    "duration": 61.5,
    "transport": "TLS",
    "codec": "PCMU",
    "encryption": None,
    "talking": True,
    "sip_call_id": "4f0c2a@192.0.2.7",
    "callee": None,
}


def add_calls(router: APIRouter, live: Live) -> None:
    """List, get, and DELETE, which hangs up."""
    columns = _columns(live)

    async def page(request: Request, asked: Annotated[Asked, Depends(list_parameters)]) -> Response:
        query = query_of(asked, SwitchCall)
        page = live_page(list(live.switch.calls.values()), columns, query, SID)
        return envelope(request, query, page, [asked.fields.of(item) for item in page.items], SID)

    async def get(request: Request, fields: Annotated[Fields, Depends(fields_asked)]) -> Response:
        fields.check(SwitchCall)
        return json_response(fields.of(look(columns, _named(request, live))))

    async def remove(request: Request) -> Response:
        live.switch.end(_named(request, live), "Ended by an operator")
        return Response(status_code=204)

    one = "/calls/{call_sid}"
    listing = list_of(SwitchCall)
    add(router, "GET", "/calls", page, name="list_switch_calls", answer=listing, example=list_example(EXAMPLE))
    add(router, "GET", one, get, name="get_switch_call", answer=SwitchCall, example=EXAMPLE)
    add(router, "DELETE", one, remove, name="end_switch_call", answer=None, right="manage")


def _columns(live: Live) -> Columns[Call]:
    return {
        "call_sid": lambda it: it.sid,
        "call_id": lambda it: it.id,
        "direction": lambda it: "out" if it.is_placed else "in",
        "number_src": lambda it: it.from_number,
        "number_dst": lambda it: it.to_number,
        "source": lambda it: it.over,
        "endpoint": lambda it: it.destination.name if it.destination is not None else it.did and it.did.endpoint,
        "state": lambda it: it.state,
        "path": lambda it: [
            {"at": live.date(step.at), "before": step.before, "after": step.after, "why": step.why} for step in it.story
        ],
        "date_start": lambda it: live.date(it.started_at),
        "duration": lambda it: round(it.clock() - it.started_at, 3),
        "transport": lambda it: str(it.caller.session.peer.transport),
        "codec": lambda it: it.caller.codec,
        "encryption": lambda it: it.caller.encryption_suite,
        "talking": lambda it: it.caller.talking,
        "sip_call_id": lambda it: legible(it.caller.session.call_id),
        "callee": _callee,
    }


def _callee(call: Call) -> dict[str, Any] | None:
    leg = next(
        (leg for leg in (call.rung, call.callee) if leg is not None and leg.end is None), call.callee or call.rung
    )
    if leg is None:
        return None
    return {
        "target": leg.name,
        "state": str(leg.state),
        "user": leg.user.username if leg.user is not None else None,
        "transport": str(leg.session.peer.transport),
        "codec": leg.codec,
        "encryption": leg.encryption_suite,
        "talking": leg.talking,
        "sip_call_id": legible(leg.session.call_id),
    }


def _named(request: Request, live: Live) -> Call:
    """The call of the address, by its sid or its id. Raises `ApiError` 404."""
    name = request.path_params[SID]
    call = live.switch.calls.get(name[:8])
    if call is None or name not in (call.sid, call.id):
        raise ApiError(404, field=SID)
    return call
