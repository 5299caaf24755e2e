"""The gate of the API: who calls, before anybody looks at what is asked for.

`Gate` stands in front of every route. Below `/core/v2` and `/switch/v1` it wants a bearer token, below
`/conference/v2` and `/mediator/v1` the login of an endpoint of that kind; so without a right one every address there
answers the same 401, whether it exists or not. `needs` and `login_of` are what routes ask afterwards: 403 where a
token's scopes are not enough.

Wrong credentials make their source slow (`pacing`); right ones that have been used before pass at once, also from
there. The gate bounds bodies as well: what is too large is cut off while it comes in (413), and what comes too slowly
(408): a connection is a socket that a call can't have.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBasic, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softswitch.api.errors import ApiError, answer, away
from softswitch.api.json_bodies import RATE_DECKS_PATH
from softswitch.api.pacing import Pacing, TooManyTriesError
from softswitch.api.passwords import Login, Passwords
from softswitch.api.scopes import covers
from softswitch.api.tokens import Bearer, Tokens
from softswitch.store import AWAY

TOKEN_PATHS = ("/core/v2", "/switch/v1")
LOGIN_PATHS = {"/conference/v2": frozenset({"conference", "conference_v2"}), "/mediator/v1": frozenset({"mediator"})}
"""By place, the types of the endpoints whose logins open it."""

JSON_LIMIT_BYTES = 1 << 20
RATE_DECKS_LIMIT_BYTES = 1 << 23
"""A deck has a hundred thousand prefixes and more."""
UPLOAD_PATH = "/core/v2/storage/files"
EVENTS_PATH = "/switch/v1/events"

BODY_WITHIN_S = 20.0
SLOWEST_BYTES_PER_S = 8192
"""A body may take so long, and a second more for so many bytes that have come."""

CHALLENGES = {"bearer": 'Bearer realm="softswitch"', "basic": 'Basic realm="softswitch", charset="UTF-8"'}

Find = Callable[[], Awaitable[Bearer | Login | None]]

bearer_scheme = HTTPBearer(auto_error=False, scheme_name="token", description="A token of /core/v2/tokens.")
basic_scheme = HTTPBasic(auto_error=False, scheme_name="login", description="properties.login of an endpoint.")


class Gate:
    """The outermost layer: ASGI in, ASGI out."""

    def __init__(self, app: ASGIApp, tokens: Tokens, passwords: Passwords, upload_limit_bytes: int) -> None:
        self._app = app
        self._tokens = tokens
        self._passwords = passwords
        self._upload_limit_bytes = upload_limit_bytes
        self._pacing = Pacing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["caller"] = await self._caller(scope)
            receive = self._bounded(scope, receive)
        except ApiError as error:
            await answer(error)(scope, receive, send)
        else:
            await self._app(_as_get(scope), receive, send)

    # ---- who calls

    async def _caller(self, scope: Scope) -> Bearer | Login | None:
        """Raises `ApiError` 401, 429 where a source has tried too often, 503 where the store can't say who it is."""
        given = _header(scope, b"authorization")
        if _is_below(scope["path"], TOKEN_PATHS):
            return await self._bearer(scope, given)
        for place, types in LOGIN_PATHS.items():
            if _is_below(scope["path"], (place,)):
                return await self._login(scope, given, types)
        return None

    async def _bearer(self, scope: Scope, given: str) -> Bearer | Login:
        secret = _credentials(given, "bearer")
        if not secret:
            raise _unauthorized("bearer")
        known = self._tokens.remembered(secret)
        return known or await self._slowly(scope, "bearer", lambda: self._tokens.find(secret))

    async def _login(self, scope: Scope, given: str, types: Collection[str]) -> Bearer | Login:
        login, colon, password = _decoded(_credentials(given, "basic")).partition(":")
        if not colon:
            raise _unauthorized("basic")
        known = self._passwords.remembered(login, password)
        if known is not None and known.type in types:
            return known
        return await self._slowly(scope, "basic", lambda: self._passwords.find(login, password, types))

    async def _slowly(self, scope: Scope, scheme: str, find: Find) -> Bearer | Login:
        host = (scope.get("client") or ("", 0))[0]
        clock = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(self._pacing.wait_s(host, clock()))
        except TooManyTriesError as error:
            raise ApiError(429, headers={"Retry-After": f"{error.retry_after_s:.0f}"}) from None
        try:
            found = await find()
        except AWAY as error:
            raise away(error) from None
        if found is None:
            self._pacing.failed(host, clock())
            raise _unauthorized(scheme)
        return found

    # ---- how much

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` up to a limit, and in time. Raises `ApiError` 413 where the length is announced, else while
        reading; 408."""
        if scope["type"] != "http":
            return receive
        is_upload = scope["path"] == UPLOAD_PATH and _header(scope, b"content-type").startswith("multipart/")
        json_bytes = RATE_DECKS_LIMIT_BYTES if _is_below(scope["path"], (RATE_DECKS_PATH,)) else JSON_LIMIT_BYTES
        limit_bytes = self._upload_limit_bytes if is_upload else json_bytes
        announced = _header(scope, b"content-length")
        if announced.isdecimal() and int(announced) > limit_bytes:
            raise ApiError(413, field="body", message=f"has {announced} bytes; at most {limit_bytes} are taken")
        return _in_bounds(receive, limit_bytes)


def _as_get(scope: Scope) -> Scope:
    """HEAD is GET whose content is not sent (RFC 9110 §9.3.2): the server leaves that out. Not of what has no end, nor
    of files, which need not be read for it."""
    is_head = scope.get("method") == "HEAD" and not scope["path"].endswith((EVENTS_PATH, "/content"))
    return {**scope, "method": "GET"} if is_head else scope


def _in_bounds(receive: Receive, limit_bytes: int) -> Receive:
    clock = asyncio.get_running_loop().time
    began_at, received_bytes, is_whole = clock(), 0, False

    async def bounded() -> Message:
        nonlocal received_bytes, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(began_at + BODY_WITHIN_S + received_bytes / SLOWEST_BYTES_PER_S):
                message: MutableMapping[str, Any] = await receive()
        except TimeoutError:
            raise ApiError(408, field="body", headers={"Connection": "close"}) from None
        received_bytes += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if received_bytes > limit_bytes:
            raise ApiError(413, field="body", message=f"has more than {limit_bytes} bytes")
        return message

    return bounded


def needs(scope: str) -> Any:
    """A dependency of a route: the caller's token covers `scope`, else 403."""

    def check(request: Request, _shown: Annotated[Any, Security(bearer_scheme)]) -> Bearer:
        caller = request.state.caller
        if not isinstance(caller, Bearer) or not covers(caller.scopes, scope):
            raise ApiError(403, field="Authorization", message=f"the token lacks the scope {scope}")
        return caller

    return Depends(check)


def login_of(request: Request, _shown: Annotated[Any, Security(basic_scheme)]) -> Login:
    """A dependency of the routes of an endpoint's own: whose endpoint it is about."""
    caller = request.state.caller
    if not isinstance(caller, Login):
        raise _unauthorized("basic")
    return caller


def _unauthorized(scheme: str) -> ApiError:
    return ApiError(401, field="Authorization", headers={"WWW-Authenticate": CHALLENGES[scheme]})


def _is_below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _credentials(given: str, scheme: str) -> str:
    word, _, credentials = given.partition(" ")
    return credentials.strip() if word.lower() == scheme else ""


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
