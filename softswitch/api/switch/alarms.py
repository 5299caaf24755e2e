"""`/switch/v1/alarms`: what somebody should look at, latest first; and what users and endpoints have spent today."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.schemas import Date
from softswitch.api.switch.routes import add


class AlarmLook(BaseModel):
    """One alarm; the same again within a minute only counts."""

    kind: str
    """`destination`, `rate`, `calls`, `spend`: a call out was refused; `spend_near`: most of a day's money is spent;
    `trunk`: it is out of service; `media`: the media process had to be replaced."""
    subject: str
    number: str
    why: str
    date: Date
    count: int


class AlarmsLook(BaseModel):
    """The last ones, and how many there were since the start, by kind."""

    alarms: list[AlarmLook]
    counts: dict[str, int]


class SpendingLook(BaseModel):
    """What a user or an endpoint has used up today (UTC)."""

    subject: str
    day: str
    calls: int
    price: float


class SpendingsLook(BaseModel):
    """Of everybody who has called out today."""

    spendings: list[SpendingLook]


ALARMS: dict[str, Any] = {
    "alarms": [
        {
            "kind": "destination",
            "subject": "user 1001",
            "number": "19005550123",
            "why": "calling rules default refuse prefix 1900",
            "date": "2026-01-31T09:45:00.000Z",
            "count": 3,
        }
    ],
    "counts": {"destination": 3},
}
SPENDINGS: dict[str, Any] = {
    "spendings": [{"subject": "user 1001", "day": "2026-01-31", "calls": 12, "price": 0.48}],
}


def add_alarms(router: APIRouter, live: Live) -> None:
    async def alarms() -> Response:
        if live.alarms is None:
            return json_response({"alarms": [], "counts": {}})
        kept = [
            {
                "kind": one.alarm.kind,
                "subject": one.alarm.subject,
                "number": one.alarm.number,
                "why": one.alarm.why,
                "date": live.date(one.alarm.at),
                "count": one.count,
            }
            for one in live.alarms.latest()
        ]
        return json_response({"alarms": kept, "counts": dict(live.alarms.counts)})

    async def spendings() -> Response:
        found = live.switch.outward.guard.spendings()
        shown = [
            {"subject": one.subject, "day": one.day, "calls": one.calls, "price": round(one.price, 6)} for one in found
        ]
        return json_response({"spendings": shown})

    add(router, "GET", "/alarms", alarms, name="alarms", answer=AlarmsLook, example=ALARMS)
    add(router, "GET", "/spendings", spendings, name="spendings", answer=SpendingsLook, example=SPENDINGS)
