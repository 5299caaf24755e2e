"""What goes wrong, as the client sees it: `{"errors": [{"field": "limit", "message": "..."}]}`, for every status.

Anything below the API may raise `ApiError`; what FastAPI, the store and the framework raise is put into the same words
here. `field` names the attribute, the query parameter or the header, and is empty where none is to blame. A database
that is away is a 503, and one line in the log. A bug of ours is a 500 that tells nothing; the log has it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from softswitch.logs import get_logger
from softswitch.store import AWAY, Conflict, InvalidQuery, StillReferenced, StoreError, told


class Problem(BaseModel):
    """One thing that is wrong."""

    field: str = Field(description="The attribute, query parameter or header; empty where none is to blame.")
    message: str


class Errors(BaseModel):
    """The body of every answer that is no success."""

    errors: list[Problem] = Field(examples=[[{"field": "limit", "message": "is 5000; accepted: 1 to 1000"}]])


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`."""

    field: str
    message: str


class ApiError(HTTPException):
    """An answer that is no success: a status and what is wrong. FastAPI lets it through while it reads a body."""

    def __init__(
        self, status: int, *faults: Fault, field: str = "", message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, headers=headers)
        self.status = status
        self.faults = faults or (Fault(field, message or REASONS.get(status, "error")),)


REASONS: Mapping[int, str] = {
    400: "the request can't be read",
    401: "unauthorized",
    403: "forbidden",
    404: "not found",
    405: "this method is not for this address",
    408: "did not come in time",
    409: "in conflict with another object",
    413: "the body is too large",
    416: "has no such part",
    415: "the body must be application/json",
    422: "not acceptable",
    429: "too many wrong tries; later again",
    500: "internal error",
    503: "not available",
    507: "no room",
}

METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")

RETRY_AFTER_S = 5

FAULTS_LIMIT = 20
"""Of one request so many are told."""

STORE_STATUS: Mapping[type[StoreError], int] = {InvalidQuery: 400, Conflict: 409, StillReferenced: 409}

WORDS: Mapping[str, str] = {
    "extra_forbidden": "is no attribute here",
    "missing": "is required",
    "literal_error": "accepted: {expected}",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or less",
    "too_long": "must have {max_length} entries or less",
    "too_short": "must have {min_length} entries or more",
    "finite_number": "must be a finite number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "string_pattern_mismatch": "must have the form {pattern}",
    "string_unicode": "must be Unicode text",
}
"""What pydantic calls these mistakes, and what we say."""


def answer(error: ApiError) -> JSONResponse:
    """The error as a response."""
    body = {"errors": [{"field": fault.field, "message": fault.message} for fault in error.faults]}
    return JSONResponse(body, error.status, error.headers)


def away(error: Exception) -> ApiError:
    """What is answered while the database can't be reached or takes nothing. The log says what it is."""
    get_logger().warning("the database does not answer the API", problem=told(error))
    return ApiError(503, message="the store does not answer now", headers={"Retry-After": str(RETRY_AFTER_S)})


def handle_errors(api: FastAPI) -> None:
    """Every error of `api` leaves in the one form."""
    for kind, handler in _HANDLERS.items():
        api.add_exception_handler(kind, handler)


def faults_of(details: Iterable[Mapping[str, Any]], *, leave_out: int = 0) -> tuple[Fault, ...]:
    """The first of what pydantic found, in our words; `leave_out` parts of each place are not the client's."""
    return tuple(_fault(found, leave_out) for found in islice(details, FAULTS_LIMIT))


def _fault(found: Mapping[str, Any], leave_out: int) -> Fault:
    context = found.get("ctx", {})
    if found["type"] == "unusable":
        accepted = f" (accepted: {context['accepted']})" if context["accepted"] else ""
        return Fault(_place(found["loc"][leave_out:]), f"{context['problem']}{accepted}")
    words = WORDS.get(found["type"])
    return Fault(_place(found["loc"][leave_out:]), words.format(**context) if words else str(found["msg"]))


def _place(location: Iterable[object]) -> str:
    """`addresses[0].port` for pydantic's ("addresses", 0, "port")."""
    place = ""
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            place += f".{part}" if place else str(part)
    return place


async def _on_api_error(_request: Request, error: Any) -> Response:
    return answer(error)


async def _on_http_error(request: Request, error: Any) -> Response:
    message = REASONS.get(error.status_code, "") or str(error.detail)
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers
    return answer(ApiError(error.status_code, message=message, headers=headers))


def _methods(request: Request) -> Iterator[str]:
    """Those of this address, all of them (RFC 9110 §15.5.6); the framework names those of one route."""
    for method in METHODS:
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            yield method


async def _on_disconnect(_request: Request, _error: Any) -> Response:
    """Nobody is there to read it; and it is no bug of ours."""
    return answer(ApiError(400, field="body", message="was broken off"))


async def _on_invalid_request(_request: Request, error: Any) -> Response:
    """400 where the address is at fault, 422 where JSON says what is not acceptable."""
    found = error.errors()
    is_body = all(details["loc"][0] == "body" for details in found)
    if is_body and any(details["loc"] == ("body",) for details in found):
        return answer(ApiError(422, field="body", message="must be a JSON object (Content-Type: application/json)"))
    return answer(ApiError(422 if is_body else 400, *faults_of(found, leave_out=1)))


async def _on_refusal(_request: Request, error: Any) -> Response:
    """What the store refuses: 400 for a query, 409 where objects stand in each other's way, else 422."""
    status = next((status for kind, status in STORE_STATUS.items() if isinstance(error, kind)), 422)
    return answer(ApiError(status, field=error.field, message=error.message))


async def _on_away(_request: Request, error: Any) -> Response:
    return answer(away(error))


async def _on_bug(_request: Request, _error: Exception) -> Response:
    return answer(ApiError(500))


_HANDLERS = {
    ApiError: _on_api_error,
    HTTPException: _on_http_error,
    ClientDisconnect: _on_disconnect,
    RequestValidationError: _on_invalid_request,
    StoreError: _on_refusal,
    **dict.fromkeys(AWAY, _on_away),
    Exception: _on_bug,
}
