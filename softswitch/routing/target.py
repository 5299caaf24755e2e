"""Where one INVITE of ours goes (RFC 3261 §16.5): a contact of a user, a trunk, an address of a third party.

Whoever decides makes it (the location service, the trunk groups, an endpoint); who places calls carries it out.
"""

from dataclasses import dataclass
from typing import Literal

from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing.limits import Gate
from softswitch.sip.digest import Credentials
from softswitch.sip.headers import Address
from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri


@dataclass(frozen=True, slots=True)
class Target:
    """One place to try."""

    name: str
    """For logs, records, ladders: "trunk pstn/gateway", "contact of 1002", "third party crm 127.0.0.1:5090"."""
    uri: Uri
    """The Request-URI."""
    next_hop: Uri | None = None
    """Where it is sent instead of the Request-URI."""
    route: tuple[str, ...] = ()
    """Route header values (Path, RFC 3327)."""
    flow: Peer | None = None
    """The connection or NAT binding over which the contact has registered (RFC 5626): used while it stands."""
    by_udp_alone: bool = False
    """Also what is too large for a datagram."""
    gates: tuple[Gate, ...] = ()
    """What the call passes there; full ones make the next target be tried."""
    credentials: Credentials | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """P-Asserted-Identity, Diversion, Identity, relayed ones."""
    from_: Address | None = None
    """Instead of the leg's usual From."""
    codecs: tuple[str, ...] = ()
    """The only ones to offer there, best first; none: those of the settings."""
    media_encryption: Literal["off", "offered", "required"] = "off"
    trunk_group: TrunkGroup | None = None
    trunk: Trunk | None = None
    endpoint_sid: str = ""
    rate: float | None = None
    """The price of a minute for whoever pays us, where his calling rules have a rate deck."""
    rate_lcr: float | None = None
    """What a minute costs us, where the trunk has a rate deck."""

    def __str__(self) -> str:
        return self.name
