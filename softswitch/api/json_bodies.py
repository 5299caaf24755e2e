"""JSON bodies as they are read: RFC 8259 to the letter, with what I-JSON (RFC 7493) adds to it.

What readers of JSON take differently is refused before anybody looks at an attribute: a name that is there twice, half
a surrogate pair, NaN and Infinity, other encodings than UTF-8, nesting without end. Routes of `JsonRoute` read so.
"""

import json
import re
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Never

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from softswitch.api.errors import ApiError

NAMES_LIMIT = 2000
PREFIXES_LIMIT = 200_000
"""Of a rate deck, which is an object with a name a prefix."""
RATE_DECKS_PATH = "/switch/v1/rate_decks"
NAME_LIMIT = 64
_HALF = re.compile("[\ud800-\udfff]")


class JsonRoute(APIRoute):
    """A route whose body is read by `read_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_JsonRequest(request.scope, request.receive))

        return handle


class _JsonRequest(Request):
    async def json(self) -> Any:
        is_deck = self.url.path.startswith(RATE_DECKS_PATH)
        return read_json(await self.body(), PREFIXES_LIMIT if is_deck else NAMES_LIMIT)


def read_json(body: bytes, names_at_most: int) -> Any:
    """The value. Raises `ApiError`: 400 for what is no JSON, 422 for names or a text that can't be.

    `names_at_most`: of one object. Looking for what each of very many might have meant takes time.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=partial(_each_once, names_at_most), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise _no_json("it is not encoded in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _no_json(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise _no_json("it goes too deep") from None
    except ValueError:
        raise _no_json("a number has too many digits") from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_halves(value, "")
    return value


def _each_once(at_most: int, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) > at_most:
        message = f"has an object with {len(names)} names (accepted: at most {at_most})"
        raise ApiError(422, field="body", message=message)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ApiError(422, field=_HALF.sub("?", twice)[:NAME_LIMIT], message="is there twice")
    return names


def _refuse_constant(name: str) -> Never:
    raise _no_json(f"{name} is no number")


def _no_json(why: str) -> ApiError:
    return ApiError(400, field="body", message=f"is no JSON: {why}")


def _refuse_halves(value: Any, place: str) -> None:
    """Raises `ApiError` 422 for a text with half a surrogate pair, which stands for no character."""
    match value:
        case str() if _HALF.search(value):
            raise ApiError(422, field=place or "body", message="has half a character (accepted: Unicode text)")
        case list():
            for position, entry in enumerate(value):
                _refuse_halves(entry, f"{place}[{position}]")
        case dict():
            for name, entry in value.items():
                _refuse_halves(name, place)
                _refuse_halves(entry, f"{place}.{name}" if place else name)
