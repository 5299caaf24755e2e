"""`/switch/v1/trunks/health`: every trunk with an address, whether it answers, takes calls, and carries how many."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.schemas import Date
from softswitch.api.switch.routes import add
from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing import TrunkService


class TrunkLook(BaseModel):
    """One trunk."""

    trunk_group: str
    trunk_group_sid: str | None
    trunk: str
    trunk_sid: str | None
    address: str
    port: int
    transport: str
    state: str
    """`up`, `down`, or `unknown` before it was asked."""
    date_asked: Date | None
    status: int | None
    """Its last answer to OPTIONS."""
    answer_ms: float | None
    failures: int
    """OPTIONS without an answer, in a row."""
    service: str
    """`in service`, `resting` after too many hard failures, `probed` by a call that tries whether it is back, or
    `silent`: no answer to OPTIONS."""
    why: str
    """Why it is in that service; empty before anything happened."""
    hard_failures: int
    """Within the interval of its group."""
    date_rests_until: Date | None
    calls_out: int
    out_capacity: int


class TrunksHealth(BaseModel):
    """All of them."""

    trunks: list[TrunkLook]


EXAMPLE: dict[str, Any] = {
    "trunks": [
        {
            "trunk_group": "pstn",
            "trunk_group_sid": "3b0a4d2e-1f57-4a5c-8d8e-0a2f6a1b7c10",
            "trunk": "gateway",
            "trunk_sid": "9c1d7a1b-2f37-4c1a-8f52-4f0e6a3b8d21",
            "address": "192.0.2.7",
            "port": 5060,
            "transport": "auto",
            "state": "up",
            "date_asked": "2026-01-31T09:45:00.000Z",
            "status": 200,
            "answer_ms": 12.5,
            "failures": 0,
            "service": "in service",
            "why": "",
            "hard_failures": 0,
            "date_rests_until": None,
            "calls_out": 2,
            "out_capacity": 30,
        }
    ]
}


def add_trunks(router: APIRouter, live: Live) -> None:
    async def health(
        ask: Annotated[bool, Query(description="Ask each by OPTIONS now, and wait for the answers.")] = False,
    ) -> Response:
        if ask:
            await live.health.ask_all()
        pairs = [(group, trunk) for group in live.plan().numbers.trunk_groups for trunk in group.trunks]
        return json_response({"trunks": [_look(live, *pair) for pair in pairs if pair[1].address is not None]})

    add(router, "GET", "/trunks/health", health, name="trunks_health", answer=TrunksHealth, example=EXAMPLE)


def _look(live: Live, group: TrunkGroup, trunk: Trunk) -> dict[str, Any]:
    health = live.health.of(group, trunk)
    now, fitness = live.clock(), live.switch.outward.failures.of(group, trunk)
    is_resting = fitness.state is TrunkService.RESTING and now < fitness.rests_until
    return {
        "trunk_group": group.name,
        "trunk_group_sid": group.sid or None,
        "trunk": trunk.name,
        "trunk_sid": trunk.sid or None,
        "address": trunk.address,
        "port": trunk.port,
        "transport": trunk.transport,
        "state": str(health.state),
        "date_asked": None if health.asked_at is None else live.date(health.asked_at),
        "status": health.status,
        "answer_ms": health.answer_ms,
        "failures": health.failures,
        "service": str(fitness.state),
        "why": fitness.why,
        "hard_failures": fitness.failures(now),
        "date_rests_until": live.date(fitness.rests_until) if is_resting else None,
        "calls_out": live.switch.outward.in_use(group, trunk),
        "out_capacity": trunk.out_capacity,
    }
