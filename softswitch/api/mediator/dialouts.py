"""`/mediator/v1/dialouts`: two numbers that are called and put together. A dialout is there until both talk."""

import uuid
from typing import Annotated, ClassVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from softswitch.api.errors import ApiError
from softswitch.api.lists import Asked, Fields, envelope, json_response, query_of
from softswitch.api.mediator.bindings import Attributes
from softswitch.api.mediator.resource import MediatorResource
from softswitch.api.memory import page_of
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, ReadOnly, Sid
from softswitch.endpoints.mediator import Dialout, DialoutState, InUse, Mediator
from softswitch.plan.fields import PhoneNumber
from softswitch.store.columns import date_of

LONGEST_DELAY_S = 30 * 24 * 3600


class DialoutObject(Object):
    """One dialout, while it waits or runs."""

    dialout_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    stage_one_destination_did: PhoneNumber
    """Who is called first."""
    stage_two_destination_did: PhoneNumber
    """Who is called once the first has answered."""
    redirect_did: PhoneNumber
    """One of the mediator's numbers: it calls."""
    delay: Annotated[int, Field(ge=0, le=LONGEST_DELAY_S)] = 0
    """Seconds to wait."""
    attributes: Attributes = Field(default_factory=dict)
    """`announce` (to stage one), `cnam`, `hide_origination_did`, `ringback`, `X-...`, and any of your own."""
    state: ReadOnly[str]
    """waiting, stage one, announcing, stage two. (Ours.)"""
    date_created: ReadOnly[Date]


class DialoutsResource(MediatorResource):
    """Changed while it waits; DELETE ends it at any time."""

    kind = "mediator_dialouts"
    path = "/mediator/v1/dialouts"
    tag = "dialouts"
    shown = DialoutObject
    counted = frozenset({"state"})
    also: ClassVar = dict.fromkeys(("create", "change", "replace", "remove"), (503,))
    example: ClassVar[Values] = {
        "dialout_sid": "8c4c9a66-6f4a-4d0f-9a39-0d1e8e5f2b77",
        "account_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "stage_one_destination_did": "13105550123",
        "stage_two_destination_did": "13105550199",
        "redirect_did": "12025550105",
        "delay": 0,
        "attributes": {"hide_origination_did": "true", "ringback": "moh"},
        "state": "waiting",
        "date_created": "2026-01-31T09:45:00.000000Z",
    }

    # ---- reading

    async def page(self, request: Request, asked: Asked) -> Response:
        query = query_of(asked, self.shown)
        dialouts = [_look(request, dialout) for dialout in self.mediator(request).dialouts.all()]
        page = page_of(dialouts, query, self.sid)
        return envelope(request, query, page, [asked.fields.of(item) for item in page.items], self.sid)

    async def get(self, request: Request, fields: Fields, *, with_related: bool) -> Response:  # noqa: ARG002 - has none
        fields.check(self.shown)
        _, dialout = self._named(request)
        return json_response(fields.of(_look(request, dialout)))

    # ---- changing

    async def create(self, request: Request, body: BaseModel) -> Response:
        self.refuse_unknown(body, None)
        mediator = self.mediator(request)
        values = body.model_dump(include=set(type(body).model_fields))
        await self._check(mediator, values)
        dialout = Dialout(str(uuid.uuid4()), **values, created_at=mediator.now)
        try:
            mediator.dialouts.add(dialout)
        except InUse as in_use:
            raise _in_use(in_use) from None
        try:
            await self.settle(mediator)
        except ApiError:
            if mediator.dialouts.get(dialout.sid) is dialout:
                mediator.dialouts.cancel(dialout)
            raise
        return json_response(_look(request, dialout))

    async def change(self, request: Request, body: BaseModel) -> Response:
        _, dialout = self._named(request)
        sent = body.model_dump(include=set(type(body).model_fields), exclude_unset=True)
        now = {name: getattr(dialout, name) for name in self.body.model_fields}
        return await self._put(request, body, self._whole({**now, **sent}))

    async def replace(self, request: Request, body: BaseModel) -> Response:
        return await self._put(request, body, body.model_dump(include=set(type(body).model_fields)))

    async def remove(self, request: Request) -> Response:
        mediator, dialout = self._named(request)
        mediator.dialouts.cancel(dialout)
        await self.settle(mediator)
        return Response(status_code=204)

    async def _put(self, request: Request, body: BaseModel, values: Values) -> Response:
        mediator, dialout = self._named(request)
        self.refuse_unknown(body, _look(request, dialout))
        await self._check(mediator, values)
        if dialout.state is not DialoutState.WAITING:
            raise ApiError(409, field=self.sid, message=f"is at {dialout.state.value}: it can be deleted alone")
        changed = Dialout(dialout.sid, **values, created_at=dialout.created_at)
        try:
            mediator.dialouts.change(dialout, changed)
        except InUse as in_use:
            raise _in_use(in_use) from None
        await self.settle(mediator)
        return json_response(_look(request, changed))

    async def _check(self, mediator: Mediator, values: Values) -> None:
        """Raises `ApiError` 422."""
        if values["redirect_did"] not in mediator.ledger.dids():
            raise ApiError(422, field="redirect_did", message="is no DID of this mediator")
        if values["stage_one_destination_did"] == values["stage_two_destination_did"]:
            raise ApiError(422, field="stage_two_destination_did", message="is stage one itself")
        await self.check_attributes(mediator, values["attributes"])

    def _named(self, request: Request) -> tuple[Mediator, Dialout]:
        """Raises `ApiError` 404."""
        mediator = self.mediator(request)
        dialout = mediator.dialouts.get(request.path_params[self.sid])
        if dialout is None:
            raise ApiError(404, field=self.sid)
        return mediator, dialout


def _look(request: Request, dialout: Dialout) -> Values:
    login: Login = request.state.caller
    return {
        "dialout_sid": dialout.sid,
        "account_sid": login.account_sid,
        "stage_one_destination_did": dialout.stage_one_destination_did,
        "stage_two_destination_did": dialout.stage_two_destination_did,
        "redirect_did": dialout.redirect_did,
        "delay": dialout.delay,
        "attributes": dict(dialout.attributes),
        "state": dialout.state.value,
        "date_created": date_of(dialout.created_at),
    }


def _in_use(in_use: InUse) -> ApiError:
    return ApiError(409, message=f"{in_use.number} is in another dialout")
