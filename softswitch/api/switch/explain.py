"""`/switch/v1/explain`: where a call from here to there would go, and why. Nobody is called."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.switch.routes import add
from softswitch.errors import PeerError
from softswitch.routing import Explanation, explain, peer_of


class Weighed(BaseModel):
    """One candidate at one step."""

    step: str
    candidate: str
    taken: bool
    why: str


class Explained(BaseModel):
    """The decision: the endpoint with status 200, else the final response that the caller would get."""

    status: int
    reason: str
    endpoint: str | None
    did: str | None
    number_src: str | None
    number_dst: str | None
    reasons: list[Weighed]


EXAMPLE: dict[str, Any] = {
    "status": 200,
    "reason": "endpoint conference",
    "endpoint": "conference",
    "did": "12025550101",
    "number_src": "13105550123",
    "number_dst": "12025550101",
    "reasons": [{"step": "did", "candidate": "12025550101", "taken": True, "why": "everybody known may reach it"}],
}


def add_explain(router: APIRouter, live: Live, unknown_sender: str) -> None:
    async def explained(
        from_: Annotated[str, Query(alias="from", min_length=1, max_length=256, description="Number or URI.")],
        to: Annotated[str, Query(min_length=1, max_length=256, description="Number or URI.")],
        source: Annotated[
            str, Query(max_length=64, description="Address of the sender, such as 192.0.2.7 or 192.0.2.7:5080.")
        ] = "127.0.0.1",
    ) -> Response:
        try:
            peer = peer_of(source)
        except PeerError as error:
            raise ApiError(400, field="source", message=error.reason) from None
        ask = partial(
            explain,
            live.plan(),
            peer=peer,
            unknown_sender=unknown_sender,
            outward=live.switch.outward,
            now=live.clock(),
            contacts=live.phones.location.explain if live.phones is not None else None,
        )
        for field, number in (("to", to), ("from", from_)):
            try:
                found = ask(from_=number, to=to)
            except PeerError as error:
                raise ApiError(400, field=field, message=error.reason) from None
        return json_response(_look(found))

    add(router, "GET", "/explain", explained, name="explain", answer=Explained, example=EXAMPLE)


def _look(found: Explanation) -> dict[str, Any]:
    decision = found.decision
    return {
        "status": found.status,
        "reason": found.reason,
        "endpoint": decision.destination.name if decision else None,
        "did": decision.did.phonenumber if decision and decision.did else None,
        "number_src": decision.number_src if decision else None,
        "number_dst": decision.number_dst if decision else None,
        "reasons": [reason._asdict() for reason in found.reasons],
    }
