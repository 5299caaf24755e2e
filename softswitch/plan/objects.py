"""The objects of the number plan, as `numbers.toml` writes them: trunk groups, trunks, DIDs, endpoints, users.

Frozen, each valid by itself; what they must agree on among one another is checked in `load`. Limits of 0 mean none.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, PrivateAttr, model_validator

from softswitch.configfile import Model, unusable
from softswitch.plan.fields import (
    Acl,
    AnyPrefix,
    Attributes,
    CallFlow,
    CallsPerSecond,
    Code,
    CodecName,
    Count,
    Dialled,
    HeaderName,
    HeaderPattern,
    Host,
    MediaEncryption,
    Name,
    Onward,
    Password,
    PhoneNumber,
    Prefix,
    Price,
    Properties,
    Role,
    SipCodes,
    SipTransport,
    Stored,
)
from softswitch.plan.transformations import Line, Transformation

RoutingType = Literal["failover", "weighted", "round_robin", "least_cost"]
Transformations = tuple[Transformation, ...]

NO_SID = {"_sid": ""}


class Object(Model):
    """What has a home in the store: there it has a sid, which no file gives and no comparison sees."""

    stored: Stored = Field(default_factory=dict)
    _sid: str = PrivateAttr(default="")

    @property
    def sid(self) -> str:
        """The sid in the store; nothing where there is no store."""
        return (self.__pydantic_private__ or NO_SID)["_sid"]  # the short way: every call asks several times


O = TypeVar("O", bound=Object)  # noqa: E741 - one letter, as type variables have


def with_sid(model: O, sid: str) -> O:
    """The object just made, with its sid."""
    model._sid = sid  # noqa: SLF001 - the one place that gives it
    return model


class Trunk(Object):
    """One far end of a trunk group: a gateway or a carrier's border; or, where it leads inward, an endpoint of ours."""

    name: Name
    endpoint: Name | None = None
    address: Host | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 5060
    transport: SipTransport = "auto"
    media_encryption: MediaEncryption = "off"
    acls: tuple[Acl, ...] = ()
    priority: Count = 0
    weight: Count = 0
    in_capacity: Count = 0
    out_capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    codecs: tuple[CodecName, ...] = ()
    in_identity_mode: Literal["passthrough", "from"] = "passthrough"
    out_identity_mode: Literal["passthrough", "pai", "rpid", "from"] = "passthrough"
    allow_forward: Literal["disabled", "direct", "direct_uri", "protected"] = "disabled"
    allow_transfer: Literal["disabled", "enabled"] = "disabled"
    relay_sip_headers: tuple[HeaderName, ...] = ()
    rate_deck: Name | None = None
    in_sip_username: Line = ""
    in_sip_password: Password = ""
    sip_username: Line = ""
    sip_password: Password = ""
    transformations: Transformations = ()


class TrunkGroup(Object):
    """Trunks to the same place: calls come in over any of them and go out over the best that is free."""

    name: Name
    acls: tuple[Acl, ...] = ()
    routing_type: RoutingType = "failover"
    hard_failure_codes: SipCodes = "408;"
    hard_failure_threshold: Count = 3
    hard_failure_interval: Count = 60
    hard_failure_cooldown: Count = 120
    hard_failure_last_resort: Literal["first", "reject502", "reject503"] = "first"
    soft_failure_codes: SipCodes = "408;"
    sip_options_threshold: Count = 3
    in_capacity: Count = 0
    out_capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    transformations: Transformations = ()
    trunks: tuple[Trunk, ...] = ()


class RateDeck(Object):
    """Prices per minute by prefix, in one currency: the longest prefix of a number counts."""

    name: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    rates: dict[Prefix, Price] = Field(default_factory=dict)


HOME = ("1", "911$", "933$")
"""The United States and Canada, with their emergency number and the one to test it."""

CARIBBEAN_AND_PREMIUM = (
    *("1242", "1246", "1264", "1268", "1284", "1345", "1441", "1473", "1649", "1658", "1664", "1721", "1758", "1767"),
    *("1784", "1809", "1829", "1849", "1868", "1869", "1876", "1900", "1976"),
)
"""What looks like a call within the United States and Canada and is not: the favourites of toll fraud."""


class CallingRules(Object):
    """What the calls out of some users and endpoints may reach and cost; without any named, of everybody else."""

    name: Name
    users: tuple[Name, ...] = ()
    endpoints: tuple[Name, ...] = ()
    allowed_prefixes: tuple[AnyPrefix, ...] = HOME
    refused_prefixes: tuple[AnyPrefix, ...] = CARIBBEAN_AND_PREMIUM
    capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    calls_per_day: Count = 0
    spend_per_day: Price = 0.0
    rate_deck: Name | None = None
    caller_ids: tuple[PhoneNumber, ...] = ()

    @model_validator(mode="after")
    def _spending_needs_prices(self) -> "CallingRules":
        if self.spend_per_day and self.rate_deck is None:
            raise unusable("has spend_per_day and no rate_deck", "the name of a rate deck beside it")
        return self


class DidGroup(Object):
    """DIDs of one conference that share call flow and properties."""

    name: Name
    call_flow: CallFlow | None = None
    properties: Properties = Field(default_factory=dict)


class AccessCode(Model):
    """The digits that lead into a meeting room, and the role they give (CarrierX: meeting key)."""

    access_code: Code
    role: Role


class MeetingRoom(Object):
    """Where a meeting can take place."""

    name: Name
    did_group: Name | None = None
    access_codes: tuple[AccessCode, ...] = ()
    properties: Properties = Field(default_factory=dict)


class ConferenceEndpoint(Object):
    """A conference (CarrierX: the account): its meeting rooms, and what holds for all of them."""

    name: Name
    type: Literal["conference", "conference_v2"]
    call_flow: CallFlow = "secured"
    capacity: Count = 0
    properties: Properties = Field(default_factory=dict)
    did_groups: tuple[DidGroup, ...] = ()
    meeting_rooms: tuple[MeetingRoom, ...] = ()
    transformations: Transformations = ()


class EndpointAddress(Model):
    """One place of a third party. Seen from here: `outbound` takes our calls, `inbound` sends us its own."""

    ip: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 5060
    transport: SipTransport = "auto"
    direction: Literal["any", "inbound", "outbound"] = "any"
    priority: Count = 0
    """The lowest is tried first."""
    dst_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its calls are taken at this port of ours alone."""
    sip_username: Line = ""
    sip_password: Password = ""


class ThirdPartyEndpoint(Object):
    """A SIP application or PBX of somebody else: calls are handed to it, and taken from it."""

    name: Name
    type: Literal["third_party"]
    addresses: tuple[EndpointAddress, ...] = ()
    capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    """Of its calls to us."""
    out_sip_username: Line = ""
    out_sip_password: Password = ""
    """What we answer when it demands something of our calls, where the address says nothing."""
    in_sip_username: Line = ""
    in_sip_password: Password = ""
    """Who can prove these may call from anywhere; from its addresses the address is proof enough."""
    trunk_group: Name | None = None
    """Over which its calls to the PSTN go; none: they do not."""
    relay_sip_headers: tuple[HeaderPattern, ...] = ("X-*",)
    codecs: tuple[CodecName, ...] = ()
    media_encryption: MediaEncryption = "off"
    transformations: Transformations = ()


class FixedBinding(Model):
    """A binding of the number plan: for ever, and changed here alone."""

    redirect_did: PhoneNumber
    destination_did: PhoneNumber
    origination_did: PhoneNumber | None = None
    """The only caller it is for; none: for everybody."""
    name: Line = "N/A"
    dtmf: Dialled = ""
    attributes: Attributes = Field(default_factory=dict)


class MediatorEndpoint(Object):
    """Number masking and two-stage dial-out; its DIDs are the redirect numbers."""

    name: Name
    type: Literal["mediator"]
    capacity: Count = 0
    trunk_group: Name | None = None
    """Over which its calls to the PSTN go; none: the first with an address."""
    bindings: tuple[FixedBinding, ...] = ()
    transformations: Transformations = ()


AnyEndpoint = Annotated[ConferenceEndpoint | ThirdPartyEndpoint | MediatorEndpoint, Field(discriminator="type")]
"""Whatever a DID may lead to beside a user."""


class Did(Object):
    """A number of ours, and the endpoint or the user it leads to."""

    phonenumber: PhoneNumber
    endpoint: Name | None = None
    user: Name | None = None
    trunk_group: Name | None = None
    did_group: Name | None = None
    call_flow: CallFlow | None = None
    meeting_room: Name | None = None
    properties: Properties = Field(default_factory=dict)
    transformations: Transformations = ()

    @model_validator(mode="after")
    def _leads_to_one_place(self) -> "Did":
        if (self.endpoint is None) == (self.user is None):
            raise unusable("leads to two places" if self.endpoint else "leads nowhere", "either endpoint or user")
        return self


class User(Object):
    """A person with phones, known by digest credentials."""

    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    password: Annotated[str, Field(min_length=1)]
    name: Line = ""
    """Shown to whoever he calls."""
    phonenumber: PhoneNumber | None = None
    """His number towards the PSTN."""
    trunk_group: Name | None = None
    """Over which his calls to the PSTN go; none: the first with an address."""
    ring_s: Annotated[int, Field(ge=1, le=600)] = 30
    """How long his phones ring before the call goes on, or back to the caller."""
    forward_busy: Onward = ""
    forward_no_answer: Onward = ""
    forward_unregistered: Onward = ""
    codecs: tuple[CodecName, ...] = ()
    media_encryption: MediaEncryption = "off"
    transformations: Transformations = ()
    """Of the numbers that he dials."""


class NumberPlan(Model):
    """The whole file."""

    rate_decks: tuple[RateDeck, ...] = ()
    trunk_groups: tuple[TrunkGroup, ...] = ()
    endpoints: tuple[AnyEndpoint, ...] = ()
    dids: tuple[Did, ...] = ()
    users: tuple[User, ...] = ()
    calling_rules: tuple[CallingRules, ...] = ()
