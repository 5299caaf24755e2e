"""What all resources of `/conference/v2` have in common: they are those of one endpoint, whose login it is."""

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi import Depends, Request

from softswitch.api.auth import login_of
from softswitch.api.errors import ApiError
from softswitch.api.passwords import Login
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.store.call_flows import CALL_FLOW_NAMES


class ConferenceResource(ConfigurationResource):
    """Objects of the account that calls; those of others do not exist for it."""

    area: ClassVar[str] = ""

    def guard(self, right: str) -> Any:  # noqa: ARG002 - a login may do everything with its own conference
        return Depends(login_of)

    async def owner(self, request: Request) -> Mapping[str, str]:
        login: Login = request.state.caller
        return {"account_sid": login.account_sid}

    async def properties_of(self, kind: str, sid: str | None) -> Mapping[str, str]:
        """The properties of another object, which this one's stand over."""
        row = await self.store.get(kind, sid) if sid is not None else None
        return row["properties"] if row is not None else {}

    async def check_own(self, kind: str, field: str, values: Values) -> None:
        """Raises `ApiError` 422 where `field` names an object of another account, or none."""
        if values[field] is not None:
            row = await self.store.get(kind, values[field])
            if row is None or row["account_sid"] != values["account_sid"]:
                raise ApiError(422, field=field, message="names nothing that exists")


def check_call_flow(values: Values) -> None:
    """Raises `ApiError` 422 for a call flow there is not."""
    if values["call_flow_sid"] is not None and values["call_flow_sid"] not in CALL_FLOW_NAMES:
        raise ApiError(422, field="call_flow_sid", message="names no call flow; see /conference/v2/call_flows")
