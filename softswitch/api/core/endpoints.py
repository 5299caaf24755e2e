"""`/core/v2/endpoints`: where calls end: conferences, third parties, mediators.

The `properties` of a conference or a mediator hold its own `login` and `password` for `/conference/v2` or
`/mediator/v1`: both are made up where POST does not give them, the password is shown in the answer to POST and never
again, and kept as a hash. With a conference comes its account, and goes with it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE, Host, Transformations
from softswitch.api.core.owned import Owned
from softswitch.api.core.trunks import Credential
from softswitch.api.errors import ApiError
from softswitch.api.passwords import LONGEST_PASSWORD, new_login, new_password
from softswitch.api.resources import Values
from softswitch.api.schemas import (
    SID,
    Count,
    Date,
    FreeForm,
    Name,
    Object,
    PortNumber,
    Rate,
    ReadOnly,
    Sid,
    WriteOnly,
    fits,
)
from softswitch.plan.fields import CodecName, HeaderPattern, MediaEncryption, SipTransport
from softswitch.store import Condition, ListQuery, Row

MADE_HERE = frozenset({"conference", "conference_v2", "third_party", "mediator"})
HAVE_LOGINS = MADE_HERE - {"third_party"}
OF_TYPE: Mapping[str, frozenset[str]] = {
    "conference": frozenset(),
    "conference_v2": frozenset(),
    "third_party": frozenset(
        {"cps_limit", "in_sip_username", "in_sip_password", "relay_sip_headers", "trunk_group_sid", "codecs"}
        | {"media_encryption"}
    ),
    "mediator": frozenset({"trunk_group_sid"}),
}
"""Attributes that mean something for endpoints of these types, and nothing for others."""
SHORTEST_PASSWORD = 8


class Address(BaseModel):
    """Where calls of an endpoint come from, or go to."""

    model_config = ConfigDict(extra="forbid")

    direction: Literal["any", "inbound", "outbound"] = "any"
    dst_port: PortNumber | None = None
    """Only calls that arrive at this port of ours."""
    ip: Host
    """IP address or host name."""
    location_sid: Sid | None = None
    port: PortNumber = 5060
    priority: Count = 0
    sip_username: Credential | None = None
    sip_password: WriteOnly[Credential | None] = None
    transport: SipTransport = "auto"
    """`auto`: by UDP, and what is too large for that by TCP."""


class Endpoint(Object):
    """Where a call ends."""

    endpoint_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    type: Literal["conference", "conference_v2", "third_party", "mediator", "system_gateway"]
    """`conference` and `conference_v2` are the same here. `system_gateway` is the switch itself: nobody makes one."""
    name: Name = "N/A"
    capacity: Count = 0
    """Calls at the same time; 0: no limit."""
    cps_limit: Rate = 0.0
    """Calls of a third party per second; 0: no limit."""
    addresses: Annotated[list[Address], Field(max_length=100)] = Field(default_factory=list)
    """Where a third party is: `outbound` takes our calls, `inbound` sends us its own, `any` both."""
    properties: FreeForm = Field(default_factory=dict)
    """`login`, `password` (never shown again), `container_sid` of the recordings, and whatever else you put there."""
    attributes: FreeForm = Field(default_factory=dict)
    out_sip_username: Credential | None = None
    """What we answer when the endpoint demands something of our calls."""
    out_sip_password: WriteOnly[Credential | None] = None
    in_sip_username: Credential = ""
    """Of a third party: who proves these may call from anywhere. (Ours.)"""
    in_sip_password: WriteOnly[Credential] = ""
    relay_sip_headers: Annotated[list[HeaderPattern], Field(max_length=100)] = Field(default_factory=lambda: ["X-*"])
    """Handed on to a third party, by name or by their beginning with `*`. (Ours.)"""
    trunk_group_sid: Sid | None = None
    """Over which a third party or a mediator reaches numbers outside. (Ours.)"""
    codecs: Annotated[list[CodecName], Field(max_length=8)] = Field(default_factory=list)
    """Of calls to a third party, best first; none: those of the settings. (Ours.)"""
    media_encryption: MediaEncryption = "off"
    """Of calls to a third party: SRTP. (Ours.)"""
    transformations: Transformations = ()
    voip_token: ReadOnly[str | None]
    """Always null: an address or digest credentials prove here who calls."""
    date_created: ReadOnly[Date]


class Endpoints(Owned):
    """Deleting a conference deletes its account, its DID groups and its meeting rooms."""

    kind = "endpoints"
    path = "/core/v2/endpoints"
    area = "endpoints"
    tag = "endpoints"
    shown = Endpoint
    example: ClassVar[Values] = {
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "type": "conference",
        "name": "conference",
        "capacity": 0,
        "cps_limit": 0.0,
        "addresses": [],
        "properties": {"login": "conference-1"},
        "attributes": {},
        "out_sip_username": None,
        "in_sip_username": "",
        "relay_sip_headers": ["X-*"],
        "trunk_group_sid": None,
        "codecs": [],
        "media_encryption": "off",
        "transformations": [],
        "voip_token": None,
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    def show(self, row: Row) -> Values:
        item = super().show(row)
        item["voip_token"] = None
        item["properties"] = {name: value for name, value in row["properties"].items() if name != "password_hash"}
        shown = [name for name in Address.model_fields if name != "sip_password"]
        item["addresses"] = [{name: address.get(name) for name in shown} for address in row["addresses"]]
        return item

    def changed(self) -> None:
        self.context.passwords.forget()

    def check_removal(self, row: Row) -> None:
        _refuse_system(row)

    async def create(self, request: Request, body: BaseModel) -> Response:
        """With a login and a password of ours where the client has none."""
        properties = getattr(body, "properties")  # noqa: B009 - the model is made while the program runs
        kind = str(getattr(body, "type")).partition("_")[0]  # noqa: B009
        made_up = {"login": new_login(kind), "password": new_password()}
        if getattr(body, "type") not in HAVE_LOGINS:  # noqa: B009
            made_up = {}
        return await super().create(request, body.model_copy(update={"properties": {**made_up, **properties}}))

    def shown_once(self, sent: Values) -> Values:
        return {"properties": {name: value for name, value in sent["properties"].items() if name != "password_hash"}}

    async def prepare(self, values: Values, before: Row | None) -> Values:
        _check_type(values, before)
        _check_attributes(values)
        values["addresses"] = _with_passwords(values["addresses"], before["addresses"] if before else [])
        values["properties"] = await self._with_hash(values["properties"], before)
        await self._check_container(values["properties"].get("container_sid"))
        return values

    async def _with_hash(self, properties: Values, before: Row | None) -> Values:
        """The properties with the hash of the password that is given, else of the one there was."""
        old = before["properties"] if before else {}
        if properties.pop("password_hash", None) not in (None, old.get("password_hash")):
            raise ApiError(422, field="properties.password_hash", message="is no property; set password")
        await self._check_login(properties.get("login"), before)
        password = properties.pop("password", None)
        if password is not None:
            _check_password(password)
            return {**properties, "password_hash": await self.context.passwords.hashed(password)}
        return {**properties, **({"password_hash": old["password_hash"]} if "password_hash" in old else {})}

    async def _check_login(self, login: Any, before: Row | None) -> None:
        if login is None:
            return
        if not isinstance(login, str) or not 0 < len(login) <= 64 or ":" in login or not login.isprintable():
            raise ApiError(422, field="properties.login", message="must be 1 to 64 characters without a colon")
        condition = Condition(("properties", "login"), "eq", login)
        page = await self.store.list(self.kind, ListQuery(conditions=(condition,), limit=2))
        if any(before is None or found[self.sid] != before[self.sid] for found in page.items):
            raise ApiError(409, field="properties.login", message="another endpoint has this login")

    async def _check_container(self, sid: Any) -> None:
        if sid is None:
            return
        if not (isinstance(sid, str) and SID.fullmatch(sid)) or await self.store.get("containers", sid) is None:
            raise ApiError(422, field="properties.container_sid", message="names no container")


def _check_type(values: Values, before: Row | None) -> None:
    _refuse_system(before or {})
    if before is None and values["type"] not in MADE_HERE:
        raise ApiError(422, field="type", message=f"accepted: {', '.join(sorted(MADE_HERE))}")
    if before is not None and values["type"] != before["type"]:
        raise ApiError(422, field="type", message="does not change; make another endpoint")


def _check_attributes(values: Values) -> None:
    """Raises `ApiError` 422 for half of a pair of credentials, and for attributes of another type."""
    for user, password in (("out_sip_username", "out_sip_password"), ("in_sip_username", "in_sip_password")):
        if bool(values[user]) != bool(values[password]):
            raise ApiError(422, field=password, message=f"goes with {user}: both or none")
    foreign = frozenset[str]().union(*OF_TYPE.values()) - OF_TYPE.get(values["type"], frozenset())
    for name in sorted(foreign):
        field = Endpoint.model_fields[name]
        if values[name] != field.get_default(call_default_factory=True):
            raise ApiError(422, field=name, message=f"is not for an endpoint of type {values['type']}")


def _refuse_system(row: Row) -> None:
    if row.get("is_system"):
        raise ApiError(403, field="type", message="the system gateway is the switch itself: it can't be changed")


def _check_password(password: Any) -> None:
    if (
        not isinstance(password, str)
        or not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
        or not fits(password)
    ):
        accepted = f"must be text of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        raise ApiError(422, field="properties.password", message=accepted)


def _with_passwords(addresses: list[Values], before: list[Values]) -> list[Values]:
    """Addresses as the client gives them back, without passwords, keep those they had."""
    passwords = {(old["ip"], old["port"], old["sip_username"]): old["sip_password"] for old in before}
    return [
        {**new, "sip_password": new["sip_password"] or passwords.get((new["ip"], new["port"], new["sip_username"]))}
        for new in addresses
    ]
