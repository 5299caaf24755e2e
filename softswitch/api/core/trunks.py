"""`/core/v2/trunk_groups/{trunk_group_sid}/trunks`: the far ends of a trunk group."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from fastapi import Request
from pydantic import AfterValidator, Field

from softswitch.api.core.attributes import Acls, Host, Transformations
from softswitch.api.errors import ApiError
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.api.schemas import (
    SID,
    Count,
    Date,
    Name,
    Object,
    PortNumber,
    Rate,
    ReadOnly,
    Sid,
    Text,
    WriteOnly,
    not_acceptable,
)
from softswitch.plan.fields import HeaderName, SipTransport
from softswitch.store import Row


def _credential(text: str) -> str:
    if not text.isprintable():
        raise not_acceptable("has control characters", "printable text on one line")
    return text


Credential = Annotated[str, Field(max_length=128), AfterValidator(_credential)]
IdentityMode = Literal["passthrough", "from"]
CutMode = Literal["cut_all"]


class Trunk(Object):
    """One far end: a gateway, a carrier's border, or an endpoint of ours. Every attribute is optional."""

    trunk_sid: ReadOnly[Sid]
    trunk_group_sid: ReadOnly[Sid]
    name: Name = "N/A"
    endpoint_sid: Sid | None = None
    """The endpoint that calls over this trunk reach; none where the trunk stands for a far end outside."""
    address: Host | None = None
    """IP address or host name of a far end outside. (Ours.)"""
    port: PortNumber = 5060
    transport: SipTransport = "auto"
    """How it is called; `auto`: by UDP, and what is too large for that by TCP. (Ours.)"""
    media_encryption: Literal["off", "offered", "required"] = "off"
    """SRTP: offered in our calls or not, or the only thing agreed on in calls of either direction. (Ours.)"""
    acls: Acls = Field(default_factory=list)
    """Addresses and networks that may send calls over this trunk, besides its address."""
    priority: Count = 0
    """The lowest is tried first."""
    weight: Count = 0
    """Within one priority."""
    in_capacity: Count = 0
    """Calls in at the same time; 0: no limit."""
    out_capacity: Count = 0
    cps_limit: Rate = 0.0
    in_sip_username: Credential = ""
    """What we demand of its calls (digest)."""
    in_sip_password: WriteOnly[Credential] = ""
    sip_username: Credential = ""
    """What we answer when it demands something of ours."""
    sip_password: WriteOnly[Credential] = ""
    in_identity_mode: IdentityMode = "passthrough"
    """`passthrough` believes P-Asserted-Identity, `from` only looks at From."""
    out_identity_mode: Literal["passthrough", "pai", "rpid", "from"] = "passthrough"
    """Where the caller's number stands besides From: P-Asserted-Identity where it is vouched for (`passthrough`) or
    always (`pai`), Remote-Party-ID (`rpid`), nowhere (`from`)."""
    in_identity_format: Text | None = None
    in_rfc_4694_mode: CutMode = "cut_all"
    out_rfc_4694_mode: CutMode = "cut_all"
    allow_forward: Literal["disabled", "direct", "direct_uri", "protected"] = "disabled"
    """What a 302 of the far end may do: nothing; have its number called over this group; have its URI called; that, if
    its host is the address of a trunk or an endpoint."""
    allow_transfer: Literal["disabled", "enabled"] = "disabled"
    """Whether its calls may be transferred by REFER."""
    asn_mode: Literal["disable"] = "disable"
    call_type: Literal["regular"] = "regular"
    codec: Text | None = None
    in_codec: Text | None = None
    out_codec: Text | None = None
    in_ip_profile_sid: Sid | None = None
    out_ip_profile_sid: Sid | None = None
    location_sid: Sid | None = None
    relay_sip_headers: Annotated[list[HeaderName], Field(max_length=100)] = Field(default_factory=list)
    """Headers of the INVITE that came in which go out with ours."""
    rate_deck_sid: Sid | None = None
    """What calls over it cost, for least cost routing. (Ours.)"""
    transformations: Transformations = ()
    date_created: ReadOnly[Date]


class Trunks(ConfigurationResource):
    """The trunks of one group: it stands in the address."""

    kind = "trunks"
    path = "/core/v2/trunk_groups/{trunk_group_sid}/trunks"
    area = "trunk_groups.trunks"
    tag = "trunks"
    shown = Trunk
    example: ClassVar[Values] = {
        "trunk_sid": "9a1d7c44-52e6-4c0b-9f43-7d5be2a3f0e1",
        "trunk_group_sid": "3b0a4d2e-1f57-4a5c-8d8e-0a2f6a1b7c10",
        "name": "gateway",
        "endpoint_sid": None,
        "address": "192.0.2.7",
        "port": 5060,
        "transport": "auto",
        "media_encryption": "off",
        "acls": [],
        "priority": 0,
        "weight": 0,
        "in_capacity": 0,
        "out_capacity": 0,
        "cps_limit": 0.0,
        "in_sip_username": "",
        "sip_username": "",
        "in_identity_mode": "passthrough",
        "out_identity_mode": "passthrough",
        "in_identity_format": None,
        "in_rfc_4694_mode": "cut_all",
        "out_rfc_4694_mode": "cut_all",
        "allow_forward": "disabled",
        "allow_transfer": "disabled",
        "asn_mode": "disable",
        "call_type": "regular",
        "codec": None,
        "in_codec": None,
        "out_codec": None,
        "in_ip_profile_sid": None,
        "out_ip_profile_sid": None,
        "location_sid": None,
        "relay_sip_headers": [],
        "rate_deck_sid": None,
        "transformations": [],
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def owner(self, request: Request) -> Mapping[str, str]:
        sid = request.path_params["trunk_group_sid"]
        if not SID.fullmatch(sid) or await self.store.get("trunk_groups", sid) is None:
            raise ApiError(404, field="trunk_group_sid")
        return {"trunk_group_sid": sid}

    async def prepare(self, values: Values, before: Row | None) -> Values:  # noqa: ARG002
        for user, password in (("sip_username", "sip_password"), ("in_sip_username", "in_sip_password")):
            if bool(values[user]) != bool(values[password]):
                raise ApiError(422, field=password, message=f"goes with {user}: both or none")
        return values
