"""`/conference/v2/call_flows`: the four ways into a conference, with the properties that hold by default. Read only."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from softswitch.api.auth import login_of
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
from softswitch.api.memory import page_of
from softswitch.api.routes import described, list_example
from softswitch.api.schemas import Object, Sid
from softswitch.endpoints.conference.properties import CALL_FLOW_DEFAULTS
from softswitch.store.call_flows import CALL_FLOW_SIDS

PATH = "/conference/v2/call_flows"
ONE = f"{PATH}/{{call_flow_sid}}"
TAG = "call flows"


class CallFlow(Object):
    """How a call comes into a room."""

    call_flow_sid: Sid
    name: str
    """`open`, `secured`, `direct_host`, `direct_participant`."""
    properties: dict[str, str]
    """What holds where account, DID group, DID and room say nothing."""


FLOWS: list[dict[str, Any]] = [
    {"call_flow_sid": sid, "name": name, "properties": dict(CALL_FLOW_DEFAULTS[name])}
    for name, sid in CALL_FLOW_SIDS.items()
]


def add_call_flows(router: APIRouter) -> None:
    """The two routes."""
    guard = Depends(login_of)
    listing = described(
        tag=TAG,
        name="list_call_flows",
        guard=guard,
        path=PATH,
        answer=list_of(CallFlow),
        example=list_example(FLOWS[0]),
    )
    one = described(tag=TAG, name="get_call_flows", guard=guard, path=ONE, answer=CallFlow, example=FLOWS[0])
    router.add_api_route(PATH, _page, methods=["GET"], **listing)
    router.add_api_route(ONE, _get, methods=["GET"], **one)


async def _page(request: Request, asked: Annotated[Asked, Depends(list_parameters)]) -> Response:
    query = query_of(asked, CallFlow)
    page = page_of(FLOWS, query, "call_flow_sid")
    return envelope(request, query, page, [asked.fields.of(item) for item in page.items], "call_flow_sid")


async def _get(request: Request, fields: Annotated[Fields, Depends(fields_asked)]) -> Response:
    fields.check(CallFlow)
    for flow in FLOWS:
        if flow["call_flow_sid"] == request.path_params["call_flow_sid"]:
            return json_response(fields.of(flow))
    raise ApiError(404, field="call_flow_sid")
