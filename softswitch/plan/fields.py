"""What a single field of the number plan may say: types that pydantic checks, each with the words for what it refuses.

`objects` builds the plan of them, and the API its requests, so that both refuse the same.
"""

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from softswitch.configfile import unusable
from softswitch.plan.transformations import Line

CallFlow = Literal["open", "secured", "direct_host", "direct_participant"]
Role = Literal["host", "participant", "listener"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

STRUCTURAL_HEADERS = frozenset(
    {
        *("via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route", "content-type"),
        *("content-length", "content-encoding", "content-disposition", "authorization", "proxy-authorization"),
        *("www-authenticate", "proxy-authenticate", "require", "proxy-require", "supported", "allow", "rack", "rseq"),
        *("session-expires", "min-se", "replaces", "refer-to", "referred-by", "expires", "path", "service-route", ""),
    }
)
"""Headers of one leg alone: nobody may have them handed on."""


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
    if ":" in text or re.fullmatch(r"[0-9.]+", text):  # no host name: the last label of one has a letter (RFC 3696 §2)
        try:
            ipaddress.ip_address(text)
        except ValueError:
            accepted = "an IP address, with numbers of 0 to 255 between its points, or a host name"
            raise unusable(f'is "{text}", which is no IP address', accepted) from None
    return text.lower()


def _sip_codes(text: str) -> str:
    if not re.fullmatch(r"(?:[3-6][0-9]{2};){0,50}", text):
        raise unusable(f'is "{text}"', 'final SIP codes, a semicolon behind each, such as "408;503;"')
    return text


def _header(name: str) -> str:
    if not re.fullmatch(r"(?:[XP]-[\w-]+|User-to-User|Subject|Organization|Call-Info)", name, re.ASCII | re.IGNORECASE):
        raise unusable(f'is "{name}"', "a header whose name begins with X- or P-, or User-to-User, Subject, Call-Info")
    return name


def _header_pattern(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+\*?", text) or text.rstrip("*").lower() in STRUCTURAL_HEADERS:
        accepted = "the name of a header such as X-Customer, or its beginning with *, and none that SIP itself needs"
        raise unusable(f'is "{text}"', accepted)
    return text


def _dialled(text: str) -> str:
    if not re.fullmatch(r"[0-9*#A-Da-d,]{0,128}", text):
        raise unusable(f'is "{text}"', "keys 0-9 * # A-D, and commas, each half a second")
    return text


def _with_name(password: str, others: ValidationInfo) -> str:
    """Told of with all other mistakes of the object."""
    name = (others.field_name or "").replace("password", "username")
    if name in others.data and bool(others.data[name]) != bool(password):
        raise unusable("has half of its credentials", f"{name} and {others.field_name}, both or none")
    return password


PhoneNumber = Annotated[str, AfterValidator(_number)]
HeaderPattern = Annotated[str, AfterValidator(_header_pattern)]
Dialled = Annotated[str, AfterValidator(_dialled)]
SipCodes = Annotated[str, AfterValidator(_sip_codes)]
HeaderName = Annotated[str, AfterValidator(_header)]
Prefix = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
AnyPrefix = Annotated[str, Field(pattern=r"^[0-9]{0,15}\$?$")]
"""The empty one is of every number; with $ behind it, it is the whole number."""
Price = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Acl = Annotated[Network, PlainValidator(_network)]
Code = Annotated[str, AfterValidator(_access_code)]
CodecName = Literal["PCMU", "PCMA"]
MediaEncryption = Literal["off", "offered", "required"]
SipTransport = Literal["auto", "udp", "tcp", "tls"]
"""How somebody is called. `auto`: by UDP, and what is too large for that by TCP (RFC 3261 §18.1.1)."""
DATAGRAMS = ("auto", "udp")
"""Those by which a far end is heard on its UDP port."""
Password = Annotated[Line, Field(validate_default=True), AfterValidator(_with_name)]
"""Beside a field called `..._username`: both or neither."""
Onward = Annotated[str, AfterValidator(_onward)]
"""Where calls are forwarded: a number or the name of a user; empty: nowhere."""
Host = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0)]
CallsPerSecond = Annotated[float, Field(ge=0)]
Properties = dict[str, str]
"""Conference properties by CarrierX name, as text. Each is resolved on its own, from the most specific that sets it:
meeting room, DID, DID group, endpoint (CarrierX: account), call flow. Their names and values are the endpoint's."""

Attributes = dict[str, Line]
"""Of a binding or a dialout, as text: those that the mediator knows, and any of the client's own."""

Stored = dict[str, Any]
"""What an API client keeps with an object and the switch does not act on, by CarrierX name."""
