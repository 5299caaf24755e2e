"""The envelope of `/mediator/v1`: `{"body": <object or list>, "status": 200}`, around errors too.

The resources below answer as all others do; this layer, the outermost, puts the envelope around. Beside `body` and
`status` a list has what pages need (`count`, `has_more`, `total` ...); what would have no body has an empty object.
"""

from collections.abc import MutableMapping
from functools import cache
from typing import Any

import msgspec
from pydantic import BaseModel, create_model
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softswitch.api.errors import Errors
from softswitch.api.lists import Pagination

PLACE = "/mediator/v1"
PAGE = ("count", "has_more", "limit", "offset", "pagination", "total")


class Envelope:
    """ASGI in, ASGI out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == PLACE or scope["path"].startswith(f"{PLACE}/")):
            await self._app(scope, receive, send)
            return
        start: MutableMapping[str, Any] = {}
        content = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            content.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await _send(start, bytes(content), send)

        await self._app(scope, receive, collect)


async def _send(start: MutableMapping[str, Any], content: bytes, send: Send) -> None:
    status = 200 if start["status"] == 204 else start["status"]
    body = msgspec.json.encode(wrapped(msgspec.json.decode(content) if content else {}, status))
    kept = [(name, value) for name, value in start["headers"] if name not in (b"content-length", b"content-type")]
    headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wrapped(content: Any, status: int) -> dict[str, Any]:
    """What a resource says, in the envelope."""
    if isinstance(content, dict) and "items" in content and "pagination" in content:
        return {"body": content["items"], "status": status, **{name: content[name] for name in PAGE}}
    return {"body": content, "status": status}


# ---- as the OpenAPI document describes it


class MediatorErrors(BaseModel):
    """The body of every answer that is no success."""

    body: Errors
    status: int


class Nothing(BaseModel):
    """What is left of an object that was deleted."""


@cache
def enveloped(shown: type[BaseModel]) -> type[BaseModel]:
    """One object in the envelope."""
    name = f"Enveloped{shown.__name__}"
    return create_model(name, __doc__=f"{shown.__name__} in its envelope.", body=(shown, ...), status=(int, ...))


@cache
def enveloped_list(shown: type[BaseModel]) -> type[BaseModel]:
    """A page of a list in the envelope."""
    item: Any = shown
    fields: dict[str, Any] = {
        "body": (list[item], ...),
        "status": (int, ...),
        "count": (int, ...),
        "has_more": (bool, ...),
        "limit": (int, ...),
        "offset": (int, ...),
        "pagination": (Pagination, ...),
        "total": (int | None, ...),
    }
    return create_model(f"Enveloped{shown.__name__}List", __doc__=f"{shown.__name__}s in their envelope.", **fields)
