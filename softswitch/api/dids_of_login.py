"""The numbers of one endpoint, as its own login sees them: what `/conference/v2/dids` and `/mediator/v1/dids` share."""

from collections.abc import Sequence

from fastapi import Request

from softswitch.api.core.numbers import formats_of
from softswitch.api.passwords import Login
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.store import Condition, Either, OneOf, Restriction, Row


class DidsOfLogin(ConfigurationResource):
    """Numbers come from and go to `/core/v2/phonenumber/dids`."""

    kind = "dids"

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
