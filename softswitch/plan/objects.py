"""The objects of the number plan, as `numbers.toml` writes them: trunk groups, trunks, DIDs, endpoints, users.

Frozen, each valid by itself; what they must agree on among one another is checked in `load`. Limits of 0 mean none.
"""

import ipaddress
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, PrivateAttr, model_validator

from softswitch.configfile import Model, unusable
from softswitch.plan.transformations import Line, Transformation

CallFlow = Literal["open", "secured", "direct_host", "direct_participant"]
Role = Literal["host", "participant", "listener"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _number(text: str) -> str:
    if not re.fullmatch(r"[0-9]{2,15}", text):
        raise unusable(f'is "{text}"', "E.164 digits without +, such as 12025550101")
    return text


def _network(text: object) -> Network:
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        raise unusable(f'is "{text}"', "an address or network, such as 192.0.2.7 or 192.0.2.0/24") from None


def _access_code(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise unusable(f'is "{text}"', "1 to 20 digits")
    return text


def _onward(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,64}", text):
        raise unusable(f'is "{text}"', "a number such as 13105550123, the name of a user, or nothing")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", text):
        raise unusable(f'is "{text}"', "an IP address or a host name, without port and brackets")
    return text.lower()


PhoneNumber = Annotated[str, AfterValidator(_number)]
Acl = Annotated[Network, PlainValidator(_network)]
Code = Annotated[str, AfterValidator(_access_code)]
CodecName = Literal["PCMU", "PCMA"]
MediaEncryption = Literal["off", "offered", "required"]
Onward = Annotated[str, AfterValidator(_onward)]
"""Where calls are forwarded: a number or the name of a user; empty: nowhere."""
Host = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0)]
CallsPerSecond = Annotated[float, Field(ge=0)]
Transformations = tuple[Transformation, ...]

Properties = dict[str, str]
"""Conference properties by CarrierX name, as text. Each is resolved on its own, from the most specific that sets it:
meeting room, DID, DID group, endpoint (CarrierX: account), call flow. Their names and values are the endpoint's."""

Stored = dict[str, Any]
"""What an API client keeps with an object and the switch does not act on, by CarrierX name."""


class Object(Model):
    """What has a home in the store: there it has a sid, which no file gives and no comparison sees."""

    stored: Stored = Field(default_factory=dict)
    _sid: str = PrivateAttr(default="")

    @property
    def sid(self) -> str:
        """The sid in the store; nothing where there is no store."""
        return self._sid


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
    transport: Literal["udp", "tcp"] = "udp"
    acls: tuple[Acl, ...] = ()
    priority: Count = 0
    weight: Count = 0
    in_capacity: Count = 0
    out_capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    codecs: tuple[CodecName, ...] = ()
    in_identity_mode: Literal["passthrough", "from"] = "passthrough"
    in_sip_username: Line = ""
    in_sip_password: Line = ""
    sip_username: Line = ""
    sip_password: Line = ""
    transformations: Transformations = ()

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> "Trunk":
        for user, password, key in (
            (self.sip_username, self.sip_password, "sip_username and sip_password"),
            (self.in_sip_username, self.in_sip_password, "in_sip_username and in_sip_password"),
        ):
            if bool(user) != bool(password):
                raise unusable("has half of its credentials", f"{key}, both or none")
        return self


class TrunkGroup(Object):
    """Trunks to the same place: calls come in over any of them and go out over the best that is free."""

    name: Name
    acls: tuple[Acl, ...] = ()
    routing_type: Literal["failover"] = "failover"
    in_capacity: Count = 0
    out_capacity: Count = 0
    cps_limit: CallsPerSecond = 0.0
    transformations: Transformations = ()
    trunks: tuple[Trunk, ...] = ()


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


AnyEndpoint = ConferenceEndpoint
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


class NumberPlan(Model):
    """The whole file."""

    trunk_groups: tuple[TrunkGroup, ...] = ()
    endpoints: tuple[ConferenceEndpoint, ...] = ()
    dids: tuple[Did, ...] = ()
    users: tuple[User, ...] = ()
