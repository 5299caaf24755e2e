"""How events travel: server-sent events and WebSocket, both below `/switch/v1/events`.

    GET /switch/v1/events?kind=call,talker&call=f4f7c9d2       text/event-stream; Last-Event-ID goes on behind that one
    WS  /switch/v1/events/ws?kind=...&call=...&after=ID        one JSON text a message

A reader who does not keep up is dropped by the feed. He is told (an event `dropped`, the close code 1013 with the
reason) where his connection takes it within `LAST_WORDS_S`; the connection ends in any case.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, WebSocket
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from softswitch.api.auth import needs
from softswitch.api.errors import ApiError
from softswitch.api.events import KINDS, Feed, Reader, ReaderDropped, Told, Wanted
from softswitch.api.routes import described
from softswitch.api.scopes import covers
from softswitch.api.switch.routes import PREFIX
from softswitch.api.tokens import Bearer

PING_EVERY_S = 15.0
LAST_WORDS_S = 1.0
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013
"""WebSocket close codes (RFC 6455 §7.4)."""

EXPECTED = (ReaderDropped, WebSocketDisconnect, OSError, ApiError)
"""How reading ends where nobody is at fault."""

Kinds = Annotated[str, Query(max_length=128, description=f"Any of {', '.join(KINDS)}, with commas. Empty: all.")]
CallName = Annotated[str, Query(max_length=64, description="Only of this call: its sid or id.")]
Write = Callable[[list[Told]], Awaitable[None]]


def add_events(router: APIRouter, feed: Feed) -> None:
    """Both ways."""

    async def stream(
        kind: Kinds = "",
        call: CallName = "",
        last_event_id: Annotated[str, Header(max_length=64)] = "",
    ) -> Response:
        reader = feed.open(_wanted(kind, call), last_event_id)
        if reader is None:
            raise ApiError(503, message="too many readers")
        return EventStream(reader)

    async def socket(websocket: WebSocket, kind: str = "", call: str = "", after: str = "") -> None:
        await _serve_socket(websocket, feed, kind, call, after)

    path = f"{PREFIX}/events"
    said = described(tag="switch", name="events", guard=needs("switch.read"), path=path, answer=None, also=(503,))
    said |= {"status_code": 200, "response_class": EventStream}
    said["responses"] = {
        **{status: found for status, found in said["responses"].items() if status != 204},
        200: {"description": "Events as they happen.", "content": {"text/event-stream": {}}},
    }
    router.add_api_route(path, stream, methods=["GET"], **said)
    router.add_api_websocket_route(f"{path}/ws", socket)


class EventStream(Response):
    """An answer that goes on until the client leaves or is dropped."""

    media_type = "text/event-stream"

    def __init__(self, reader: Reader) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        async def body(data: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        async def write(told: list[Told]) -> None:
            await body(b"".join(b"id: %b\nevent: %b\ndata: %b\n\n" % (*_names(it), it.data) for it in told))

        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await body(b": listening\n\n")
            reason = await _read(self._reader, write, lambda: body(b": still here\n\n"), _until_disconnect(receive))
            if reason:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORDS_S):
                        await body(b"event: dropped\ndata: %b\n\n" % msgspec.json.encode({"reason": reason}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await body(b"", more=False)
        finally:
            self._reader.close()


async def _serve_socket(websocket: WebSocket, feed: Feed, kind: str, call: str, after: str) -> None:
    caller = websocket.scope.get("state", {}).get("caller")
    await websocket.accept()
    if not isinstance(caller, Bearer) or not covers(caller.scopes, "switch.read"):
        await websocket.close(POLICY_VIOLATION, "the token lacks the scope switch.read")
        return
    try:
        reader = feed.open(_wanted(kind, call), after)
    except ApiError as error:
        await websocket.close(POLICY_VIOLATION, f"{error.faults[0].field}: {error.faults[0].message}"[:120])
        return
    if reader is None:
        await websocket.close(TRY_AGAIN_LATER, "too many readers")
        return

    async def write(told: list[Told]) -> None:
        for it in told:
            await websocket.send_text(it.data.decode())

    try:
        reason = await _read(reader, write, None, _until_left(websocket))
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(LAST_WORDS_S):
                await websocket.close(TRY_AGAIN_LATER, reason)
    except WebSocketDisconnect:
        return
    finally:
        reader.close()


async def _read(reader: Reader, write: Write, ping: Callable[[], Awaitable[None]] | None, left: Awaitable[None]) -> str:
    """Writes events until the client has left (answers "") or the feed has dropped him (answers why)."""

    async def pump() -> None:
        while True:
            try:
                async with asyncio.timeout(PING_EVERY_S if ping is not None else None):
                    told = await reader.next()
            except TimeoutError:
                if ping is not None:
                    await ping()
            else:
                await write(told)

    tasks = [asyncio.ensure_future(one) for one in (pump(), reader.dropped.wait(), left)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return reader.reason
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, EXPECTED):
                raise outcome


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_left(websocket: WebSocket) -> None:
    """What the client says is not looked at."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _wanted(kind: str, call: str) -> Wanted:
    """Raises `ApiError` 400 for kinds that there are not."""
    kinds = frozenset(filter(None, map(str.strip, kind.split(","))))
    for name in sorted(kinds - set(KINDS)):
        raise ApiError(400, field="kind", message=f'is "{name[:32]}"; accepted: {", ".join(KINDS)}')
    return Wanted(kinds, call)


def _names(told: Told) -> tuple[bytes, bytes]:
    return told.id.encode(), told.kind.encode()
