"""`/core/v2/tokens`: the keys to this API. A secret is shown once, when it is made. (Ours.)

Nobody hands on more than he has: a token can only be made with scopes that the caller's own cover.
"""

from typing import Annotated, ClassVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Owned
from softswitch.api.errors import ApiError
from softswitch.api.lists import json_response
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Name, Object, ReadOnly, Sid, not_acceptable
from softswitch.api.scopes import KNOWN, covers
from softswitch.api.tokens import Bearer


def _scope(text: str) -> str:
    if text not in KNOWN:
        raise not_acceptable(f'is "{text[:64]}"', ", ".join(sorted(KNOWN)))
    return text


class Token(Object):
    """Who may call, and for what."""

    token_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    name: Name = "N/A"
    scopes: Annotated[list[Annotated[str, AfterValidator(_scope)]], Field(min_length=1, max_length=100)]
    """`area.read`, `area.create`, `area.manage` (which is all three), `area.*`, or `*`."""
    token: ReadOnly[str | None] = None
    """The secret: only in the answer to POST."""
    date_created: ReadOnly[Date]


class TokensResource(Owned):
    """Deleting a token revokes it at once. Scopes do not change: make another token."""

    kind = "tokens"
    path = "/core/v2/tokens"
    area = "tokens"
    tag = "tokens"
    shown = Token
    verbs = frozenset({"list", "create", "get", "remove"})
    example: ClassVar[Values] = {
        "token_sid": "4f2b8c1a-9a3d-4e3b-8b0f-1c9d0e5f7a66",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "name": "monitoring",
        "scopes": ["calls.read", "app.read"],
        "token": None,
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def create(self, request: Request, body: BaseModel) -> Response:
        self.refuse_unknown(body, None)
        values = body.model_dump()
        caller: Bearer = request.state.caller
        for scope in values["scopes"]:
            if not covers(caller.scopes, scope):
                raise ApiError(403, field="scopes", message=f"your own token does not cover {scope}")
        secret, row = await self.context.tokens.create(values["name"], values["scopes"])
        return json_response({**self.show(row), "token": secret})

    async def remove(self, request: Request) -> Response:
        response = await super().remove(request)
        self.context.tokens.forget(request.path_params[self.sid])
        return response
