"""Who a caller says he is: the number in From, or the one his carrier vouches for (RFC 3325, RFC 3323).

Only a trunk is trusted with P-Asserted-Identity, and only where its `in_identity_mode` says so. A malformed one is
ignored, as if it were absent; From was checked by the stack.
"""

from typing import NamedTuple

from softswitch.errors import PeerError
from softswitch.routing.number import number_of
from softswitch.sip.headers import Address, parse_addresses
from softswitch.sip.message import Request

ANONYMOUS = "anonymous"


class Identity(NamedTuple):
    """The calling number, the name shown with it, and the header both are from."""

    number: str
    name: str
    header: str


def identity_of(request: Request, *, trusts_asserted: bool) -> Identity:
    """The caller by P-Asserted-Identity where it is trusted and there, else by From."""
    if trusts_asserted and "P-Asserted-Identity" in request.headers:
        asserted = _asserted(request)
        if asserted is not None:
            return Identity(number_of(asserted.uri), asserted.name, "P-Asserted-Identity")
    caller = request.from_
    return Identity(number_of(caller.uri) or ANONYMOUS, caller.name, "From")


def _asserted(request: Request) -> Address | None:
    """One SIP and one tel URI may stand there (RFC 3325 §9.1): the tel URI says the number more exactly."""
    try:
        addresses = parse_addresses(request.headers.all("P-Asserted-Identity"))
    except PeerError:
        return None
    return min(addresses, key=lambda address: address.uri.scheme != "tel", default=None)
