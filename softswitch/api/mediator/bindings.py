"""`/mediator/v1/bindings`: over which redirect number whose calls reach whom."""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, Field

from softswitch.api.core.numbers import ALPHA_3, formats_of
from softswitch.api.errors import ApiError
from softswitch.api.lists import Asked, json_response
from softswitch.api.mediator.resource import MediatorResource
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import (
    A_NUMBER,
    INT_LIMIT,
    Date,
    Object,
    ReadOnly,
    Sid,
    Text,
    at_most,
    not_acceptable,
)
from softswitch.endpoints.mediator import Binding, Mediator, Taken
from softswitch.endpoints.mediator.binding import FOR_EVER
from softswitch.endpoints.mediator.keeping import binding_row
from softswitch.plan.fields import Dialled, PhoneNumber
from softswitch.store import Row

COUNTRIES_REMEMBERED = 65_536
ATTRIBUTES_LIMIT = 100
REUSE = {"true": True, "false": False, "1": True, "0": False}


def _line(text: str) -> str:
    if not text.isprintable():
        raise not_acceptable("has control characters", "printable text on one line")
    return text


def _lifetime(seconds: int) -> int:
    if seconds != FOR_EVER and seconds < 1:
        raise not_acceptable(f"is {seconds}", "seconds, 1 or more, or -1 for ever")
    return seconds


Line = Annotated[Text, AfterValidator(_line)]
Attributes = Annotated[
    dict[Annotated[str, Field(max_length=64)], Line], at_most(ATTRIBUTES_LIMIT), Field(max_length=ATTRIBUTES_LIMIT)
]
Lifetime = Annotated[int, A_NUMBER, Field(ge=FOR_EVER, le=INT_LIMIT), AfterValidator(_lifetime)]
Wait = Annotated[int, A_NUMBER, Field(ge=1, le=INT_LIMIT)]


class RedirectDidInfo(BaseModel):
    """The redirect number, as people write it."""

    country_code: str | None
    e164_format: str
    in_country_format: str | None
    international_format: str | None
    phonenumber: str


class BindingObject(Object):
    """One binding."""

    binding_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    name: Annotated[Line, Field(max_length=128)] = "N/A"
    destination_did: PhoneNumber
    """Where the call goes: a number outside, a DID, a user."""
    redirect_did: PhoneNumber | None = None
    """The number of ours that is called; none: the first that is free is taken."""
    origination_did: PhoneNumber | None = None
    """The only caller it is for; none: anybody, or whoever calls first."""
    redirect_did_info: ReadOnly[RedirectDidInfo]
    dtmf: Dialled = ""
    """Dialled once the destination has answered; each comma is half a second."""
    maximum_ttl: Lifetime = 3600
    """Seconds of its life; -1: for ever."""
    wait_origination_did_ttl: Wait | None = None
    """Without an originator: seconds to wait for the first caller, whose number is fixed then. None: for anybody."""
    attributes: Attributes = Field(default_factory=dict)
    """`announce`, `cnam`, `hide_origination_did`, `ringback`, `X-...`, and any of your own."""
    is_fixed: ReadOnly[bool]
    """Whether it is one of the number plan's. (Ours.)"""
    date_expires: ReadOnly[Date | None]
    """None: never. (Ours.)"""
    date_created: ReadOnly[Date]


class BindingsResource(MediatorResource):
    """POST takes `fallback_country`, of which a redirect number that is chosen has to be, and `reuse`."""

    kind = "mediator_bindings"
    path = "/mediator/v1/bindings"
    tag = "bindings"
    shown = BindingObject
    counted = frozenset({"date_expires", "redirect_did_info"})
    also: ClassVar = dict.fromkeys(("list", "get", "create", "change", "replace", "remove"), (503,))
    example: ClassVar[Values] = {
        "binding_sid": "2f6ad1a1-77f2-4f7b-8a55-6a27a1c6f0b3",
        "account_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "name": "Order 4711",
        "destination_did": "13105550123",
        "redirect_did": "12025550105",
        "origination_did": "13105550199",
        "redirect_did_info": {
            "country_code": "USA",
            "e164_format": "+12025550105",
            "in_country_format": "(202) 555-0105",
            "international_format": "+1 202-555-0105",
            "phonenumber": "12025550105",
        },
        "dtmf": "",
        "maximum_ttl": 3600,
        "wait_origination_did_ttl": None,
        "attributes": {"hide_origination_did": "true"},
        "is_fixed": False,
        "date_expires": "2026-01-31T10:45:00.000000Z",
        "date_created": "2026-01-31T09:45:00.000000Z",
    }

    # ---- reading

    async def page(self, request: Request, asked: Asked) -> Response:
        await self.settle(self.mediator(request))
        return await super().page(request, asked)

    async def find(self, request: Request) -> Row:
        await self.settle(self.mediator(request))
        return await super().find(request)

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:
        login: Login = request.state.caller
        return [{**self.show(row), "account_sid": login.account_sid} for row in rows]

    def show(self, row: Row) -> Values:
        number = row["redirect_did"]
        info = {**formats_of(number), "e164_format": f"+{number}", "phonenumber": number}
        return {**super().show(row), "redirect_did_info": info}

    # ---- changing

    async def create(self, request: Request, body: BaseModel) -> Response:
        self.refuse_unknown(body, None)
        country, reuses = _query(request)
        mediator = self.mediator(request)
        values = body.model_dump(include=set(type(body).model_fields))
        await self._check(mediator, values)
        wanted = Binding(str(uuid.uuid4()), **{**values, "redirect_did": values["redirect_did"] or ""})
        wanted.created_at = mediator.now
        binding = self._like(mediator, wanted) if reuses else None
        if binding is None:
            binding = self._bind(mediator, wanted, country)
        try:
            await self.settle(mediator)
        except ApiError:
            if mediator.ledger.bindings.get(wanted.sid, mediator.now) is wanted:
                mediator.ledger.unbind(wanted)
            raise
        return json_response(await self._seen(request, binding_row(mediator.sid, binding)))

    async def remove(self, request: Request) -> Response:
        mediator, binding = await self._held(request)
        mediator.ledger.unbind(binding)
        await self.settle(mediator)
        return Response(status_code=204)

    async def _write(self, request: Request, before: Row, values: Values) -> Row:
        mediator, binding = await self._held(request)
        values = {name: value for name, value in values.items() if name in self.body.model_fields}
        values["redirect_did"] = values["redirect_did"] or before["redirect_did"]
        await self._check(mediator, values)
        try:
            mediator.ledger.rebind(binding, values)
        except Taken as taken:
            raise _taken(taken) from None
        await self.settle(mediator)
        return binding_row(mediator.sid, binding)

    async def _held(self, request: Request) -> tuple[Mediator, Binding]:
        """The binding of the address. Raises `ApiError`: 404, or 409 for one of the number plan."""
        mediator = self.mediator(request)
        row = await self.find(request)
        binding = mediator.ledger.bindings.get(row[self.sid], mediator.now)
        if binding is None:
            raise ApiError(404, field=self.sid)
        if binding.is_fixed:
            raise ApiError(409, field=self.sid, message="is one of the number plan: change it there")
        return mediator, binding

    async def _check(self, mediator: Mediator, values: Values) -> None:
        """Raises `ApiError` 422."""
        if values["redirect_did"] is not None and values["redirect_did"] not in mediator.ledger.dids():
            raise ApiError(422, field="redirect_did", message="is no DID of this mediator")
        if values["origination_did"] is not None and values["origination_did"] == values["destination_did"]:
            raise ApiError(422, field="origination_did", message="is the destination itself")
        await self.check_attributes(mediator, values["attributes"])

    def _bind(self, mediator: Mediator, wanted: Binding, country: str | None) -> Binding:
        dids = mediator.ledger.dids()
        if country is not None:
            dids = [did for did in dids if country_of(did) == country]
        try:
            binding = mediator.ledger.bind(wanted, dids)
        except Taken as taken:
            raise _taken(taken) from None
        if binding is None:
            where = f" in {country}" if country is not None else ""
            raise ApiError(409, field="redirect_did", message=f"no redirect number{where} is free")
        return binding

    def _like(self, mediator: Mediator, wanted: Binding) -> Binding | None:
        found = mediator.ledger.bindings.like(wanted, mediator.now)
        return found if found is not None and wanted.redirect_did in ("", found.redirect_did) else None


@lru_cache(maxsize=COUNTRIES_REMEMBERED)
def country_of(number: str) -> str | None:
    """ISO 3166-1 alpha-3."""
    return formats_of(number)["country_code"]


def _query(request: Request) -> tuple[str | None, bool]:
    """`fallback_country` and `reuse`. Raises `ApiError` 400."""
    for name in sorted(set(request.query_params) - {"fallback_country", "reuse"}):
        raise ApiError(400, field=name[:64], message="is no parameter")
    country, reuse = request.query_params.get("fallback_country"), request.query_params.get("reuse", "false")
    if country is not None and country not in ALPHA_3.values():
        raise ApiError(400, field="fallback_country", message="accepted: a country as ISO 3166-1 alpha-3, such as USA")
    if reuse.lower() not in REUSE:
        raise ApiError(400, field="reuse", message="accepted: true, false")
    return country, REUSE[reuse.lower()]


def _taken(taken: Taken) -> ApiError:
    who = taken.binding.origination_did or "anybody"
    return ApiError(409, field="redirect_did", message=f"leads {who} elsewhere already: binding {taken.binding.sid}")


CREATE_QUERY: dict[str, Any] = {
    "fallback_country": {
        "description": "A redirect number that is chosen has to be of this country (ISO 3166-1 alpha-3).",
        "schema": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "reuse": {
        "description": "Gives back a binding that was asked for in the same words.",
        "schema": {"type": "boolean"},
    },
}
