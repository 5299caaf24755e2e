"""`/switch/v1/callbacks/dead_letters`: callbacks that nobody took, to be looked at, sent again, or thrown away.

The URL is not shown: it may have a password or a token in it. `redeliver` sends a letter once more, with a new
signature and as many attempts as a new one has; it stays in the list until it is taken.
"""

from typing import Any, ClassVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from softswitch.api.context import ApiContext
from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.live import Live
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.api.routes import add_routes, described
from softswitch.api.schemas import Date, Object, Sid
from softswitch.callbacks import Callbacks, host_of
from softswitch.store import Row


class DeadLetter(Object):
    """One callback that was refused, or tried often enough."""

    callback_sid: Sid
    event: str
    """The callback: `app_conference_call`, `app_conference_meeting`, `call_dr`."""
    host: str
    """Of the URL."""
    body: Any
    attempts: int
    last_status: int | None
    """Of the last answer; null where none came."""
    last_error: str | None
    date_last_attempt: Date | None
    date_created: Date
    underway: bool
    """Whether it is being sent again."""


class DeadLetters(ConfigurationResource):
    """Made by the switch alone."""

    kind = "callbacks_dead"
    path = "/switch/v1/callbacks/dead_letters"
    area = "switch"
    tag = "dead letters"
    shown = DeadLetter
    verbs = frozenset({"list", "get", "remove"})
    example: ClassVar[Values] = {
        "callback_sid": "2b7f4a10-3c55-4d0c-8f5e-9d1e7c6b3a42",
        "event": "call_dr",
        "host": "crm.example.org",
        "body": {"dr_sid": "0a8f1c77-6f4e-4d38-9b8f-2f0f6d1f8e01", "duration": 71.88},
        "attempts": 8,
        "last_status": 503,
        "last_error": "tried often enough",
        "date_last_attempt": "2026-01-31T09:55:00.000Z",
        "date_created": "2026-01-31T09:55:00.000Z",
        "underway": False,
    }

    def __init__(self, context: ApiContext, live: Live) -> None:
        super().__init__(context)
        self._live = live

    def show(self, row: Row) -> Values:
        callbacks = self._callbacks
        underway = callbacks is not None and callbacks.is_underway(row[self.sid])
        return {**super().show(row), "host": host_of(row["url"]), "underway": underway}

    async def redeliver(self, request: Request) -> Response:
        """Raises `ApiError`: 409 where it is on its way again already, 503 where no callbacks are sent."""
        row = await self.find(request)
        if self._callbacks is None:
            raise ApiError(503, message="this switch sends no callbacks")
        if not self._callbacks.redeliver(row):
            raise ApiError(409, field=self.sid, message="is on its way already")
        return json_response(self.show(row))

    @property
    def _callbacks(self) -> Callbacks | None:
        return self._live.watching.callbacks if self._live.watching is not None else None


def add_dead_letters(router: APIRouter, context: ApiContext, live: Live) -> None:
    """List, get, DELETE, and POST .../redeliver."""
    letters = DeadLetters(context, live)
    add_routes(router, letters)
    path = f"{letters.path}/{{{letters.sid}}}/redeliver"
    said = described(
        tag=letters.tag,
        name="redeliver",
        guard=letters.guard("manage"),
        path=path,
        answer=DeadLetter,
        example={**letters.example, "underway": True},
        also=(503,),
    )
    router.add_api_route(path, letters.redeliver, methods=["POST"], **said)
