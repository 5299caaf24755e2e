"""`/switch/v1/ladder/{call}` and `/switch/v1/metrics`: what operators and Prometheus look at."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.auth import needs
from softswitch.api.errors import ApiError
from softswitch.api.live import Live
from softswitch.api.routes import ERROR_RESPONSES
from softswitch.api.schemas import Date
from softswitch.api.switch.routes import PREFIX, add


class LadderEntry(BaseModel):
    """One line: a SIP message with its text, an event, a key, a quality report, a callback."""

    at: Date
    offset_ms: float
    kind: str
    title: str
    direction: str
    peer: str
    message: str
    figures: dict[str, Any] | None
    repeated: bool


class LadderLook(BaseModel):
    """Everything that is still known of one call, in the order in which it happened."""

    call_id: str
    sip_call_id: str
    from_number: str
    to_number: str
    entries: list[LadderEntry]


TEXT = "text/plain; version=0.0.4; charset=utf-8"

EXAMPLE: dict[str, Any] = {
    "call_id": "f4f7c9d2",
    "sip_call_id": "4f0c2a@192.0.2.7",
    "from_number": "13105550123",
    "to_number": "12025550101",
    "entries": [
        {
            "at": "2026-01-31T09:45:00.000Z",
            "offset_ms": 0.0,
            "kind": "sip",
            "title": "INVITE (SDP)",
            "direction": "in",
            "peer": "udp:192.0.2.7:5060",
            "message": "INVITE sip:12025550101@198.51.100.1 SIP/2.0\r\n...",
            "figures": None,
            "repeated": False,
        }
    ],
}


def add_watching(router: APIRouter, live: Live) -> None:
    """The ladder by a call's sid, id or Call-ID; the metrics as text."""

    async def ladder(request: Request) -> Response:
        watching = live.watching
        name = request.path_params["call"]
        picture = await watching.ladder.of(name) if watching is not None and watching.ladder is not None else None
        if picture is None:
            raise ApiError(404, field="call")
        return Response(msgspec.json.encode(picture), media_type="application/json")

    async def metrics() -> Response:
        if live.watching is None:
            raise ApiError(404)
        return Response(live.watching.metrics.render(), media_type=TEXT)

    add(router, "GET", "/ladder/{call}", ladder, name="ladder", answer=LadderLook, example=EXAMPLE)
    router.add_api_route(
        f"{PREFIX}/metrics",
        metrics,
        tags=["switch"],
        operation_id="metrics",
        summary="metrics, for Prometheus",
        dependencies=[needs("switch.read")],
        responses={**ERROR_RESPONSES, 200: {"description": "Done.", "content": {"text/plain": {}}}},
        response_class=Response,
    )
