"""`/switch/v1/drain`: no new calls, while those that are up go on; with `exit`, the program ends with the last one."""

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.schemas import Body
from softswitch.api.switch.routes import add

LOOKS_EVERY_S = 0.2


class Drain(Body):
    """How to drain."""

    exit: bool = False
    """End the program when the last call has ended."""


class DrainLook(BaseModel):
    """Whether new calls are turned away (503 with Retry-After), and how many are still up."""

    draining: bool
    calls: int


EXAMPLE: dict[str, Any] = {"draining": True, "calls": 12}


class Draining:
    """Looks whether the last call has ended, for as long as that is wanted."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._timer: asyncio.TimerHandle | None = None

    async def look(self) -> Response:
        return json_response({"draining": self._live.switch.is_draining, "calls": len(self._live.switch.calls)})

    async def begin(self, body: Drain) -> Response:
        """Raises `ApiError` 409 where the program is not ended from here."""
        for name in body.model_extra or ():
            raise ApiError(422, field=name, message="is no attribute here")
        if body.exit and self._live.stop is None:
            raise ApiError(409, field="exit", message="this program is not ended from here")
        self._live.switch.is_draining = True
        if body.exit:
            self._wait()
        return await self.look()

    async def undo(self) -> Response:
        self._live.switch.is_draining = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return await self.look()

    def _wait(self) -> None:
        if not self._live.switch.calls and self._live.stop is not None:
            self._live.stop()
        else:
            self._timer = asyncio.get_running_loop().call_later(LOOKS_EVERY_S, self._wait)


def add_drain(router: APIRouter, live: Live) -> None:
    draining = Draining(live)
    kept: dict[str, Any] = {"answer": DrainLook, "example": EXAMPLE}
    add(router, "GET", "/drain", draining.look, name="get_drain", **kept)
    add(router, "POST", "/drain", draining.begin, name="begin_drain", right="manage", **kept)
    add(router, "DELETE", "/drain", draining.undo, name="undo_drain", right="manage", **kept)
