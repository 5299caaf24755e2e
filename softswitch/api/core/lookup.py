"""`/core/v2/phonenumber/lookup/dids/{number}`: what a number says by itself, whosever it is.

No database of names, carriers or ported numbers is asked, so there are no `details`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.auth import needs
from softswitch.api.context import ApiContext
from softswitch.api.core.dids import ACTIVE
from softswitch.api.core.numbers import formats_of
from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.routes import described
from softswitch.store import Condition, ListQuery

LOOKUP_PATH = "/core/v2/phonenumber/lookup/dids/{number}"
DIGITS_AT_MOST = 15
"""E.164 §6."""


class Formats(BaseModel):
    """A number as people write it."""

    e164_format: str
    in_country_format: str | None
    international_format: str | None


class Lookup(BaseModel):
    """What is known of a number."""

    phonenumber: str
    """E.164 without "+"."""
    country_code: str | None
    """ISO 3166-1 alpha-3; null for numbers of no country, such as those of satellites."""
    formats: Formats
    e164_format: str
    state: str | None
    """Of a DID of ours, as there; null for other numbers."""
    details: None
    """CarrierX has `cnam`, `lrn` and `carrier` here: nobody is asked for them."""


LOOKUP: dict[str, Any] = {
    "phonenumber": "12025550101",
    "country_code": "USA",
    "formats": {
        "e164_format": "+12025550101",
        "in_country_format": "(202) 555-0101",
        "international_format": "+1 202-555-0101",
    },
    "e164_format": "+12025550101",
    "state": "active",
    "details": None,
}


def add_lookup(router: APIRouter, context: ApiContext) -> None:
    """The one route."""

    async def lookup(
        request: Request,
        cnam: Annotated[bool, Query(description="Names of callers are not looked up: false alone.")] = False,
    ) -> Response:
        if cnam:
            raise ApiError(400, field="cnam", message="names of callers are not looked up here")
        number = request.path_params["number"].removeprefix("+")
        formats = formats_of(number) if _is_number(number) else {}
        if formats.get("international_format") is None:
            raise ApiError(404, field="number", message="is no phone number: E.164, with or without +")
        same = ListQuery(conditions=(Condition(("phonenumber",), "eq", number),), limit=1)
        ours = (await context.store.list("dids", same)).items
        return json_response(_look(number, formats, ours[0]["state"] or ACTIVE if ours else None))

    guard = needs("phonenumber.read")
    said = described(tag="dids", name="lookup", guard=guard, path=LOOKUP_PATH, answer=Lookup, example=LOOKUP)
    said["openapi_extra"]["parameters"][0]["schema"] = {"type": "string", "pattern": r"^\+?[0-9]{1,15}$"}
    router.add_api_route(LOOKUP_PATH, lookup, methods=["GET"], **said)


def _look(number: str, formats: dict[str, str | None], state: str | None) -> dict[str, Any]:
    e164 = f"+{number}"
    written = {name: formats[name] for name in ("in_country_format", "international_format")}
    return {
        "phonenumber": number,
        "country_code": formats["country_code"],
        "formats": {"e164_format": e164, **written},
        "e164_format": e164,
        "state": state,
        "details": None,
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS_AT_MOST
