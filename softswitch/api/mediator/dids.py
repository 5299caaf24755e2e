"""`/mediator/v1/dids`: the redirect numbers of this mediator. They come from and go to `/core/v2/phonenumber/dids`."""

from collections.abc import Sequence
from typing import ClassVar

from fastapi import Request

from softswitch.api.core.numbers import formats_of
from softswitch.api.mediator.resource import MediatorResource
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, ReadOnly, Sid
from softswitch.store import Condition, Either, OneOf, Row
from softswitch.store.query import Restriction


class MediatorDid(Object):
    """A number whose calls come to this mediator."""

    did_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    phonenumber: ReadOnly[str]
    country_code: ReadOnly[str | None]
    """ISO 3166-1 alpha-3."""
    in_country_format: ReadOnly[str | None]
    international_format: ReadOnly[str | None]
    date_created: ReadOnly[Date]


class MediatorDids(MediatorResource):
    """Read only."""

    kind = "dids"
    path = "/mediator/v1/dids"
    tag = "mediator dids"
    shown = MediatorDid
    verbs = frozenset({"list", "get"})
    example: ClassVar[Values] = {
        "did_sid": "c2a3f5b0-6b36-4b0a-8e1d-3f9f1d7f7f10",
        "account_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "phonenumber": "12025550105",
        "country_code": "USA",
        "in_country_format": "(202) 555-0105",
        "international_format": "+1 202-555-0105",
        "date_created": "2026-01-31T09:45:00.000000Z",
    }

    async def scope(self, request: Request) -> Sequence[Restriction]:
        """Those that name the endpoint, and those that name nobody and whose trunk group leads to it."""
        login: Login = request.state.caller
        groups = self.store.trunk_groups_leading_to(login.endpoint_sid)
        named = (Condition(("endpoint_sid",), "eq", login.endpoint_sid),)
        nobody = (Condition(("endpoint_sid",), "eq", None), Condition(("user_sid",), "eq", None))
        return [Either((named, (*nobody, OneOf("trunk_group_sid", groups))))]

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:
        login: Login = request.state.caller
        return [{**self.show(row), "account_sid": login.account_sid} for row in rows]

    def show(self, row: Row) -> Values:
        known = {name: value for name, value in super().show(row).items() if value is not None}
        return {**super().show(row), **formats_of(row["phonenumber"]), **known}
