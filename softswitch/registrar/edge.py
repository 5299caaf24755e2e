"""Whose Path counts: that of the edge proxies of the settings, and nobody else's (RFC 3327 §5.3).

A Path is where calls to a user go, with whatever number his Contact names. A phone that could write one would send
them, from our address, to a carrier that trusts it; so would the `maddr` of a URI.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from softswitch.errors import CallRejected
from softswitch.routing.identify import ip_address
from softswitch.sip.headers import Address
from softswitch.sip.peer import Peer


class EdgeProxies:
    """The proxies of ours through which phones register, by network."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._networks = tuple(networks)

    def check(self, path: Sequence[Address], peer: Peer) -> None:
        """Raises `CallRejected`: 420 for a Path from elsewhere, 403 where it leads elsewhere."""
        if not self.holds(peer.host):
            raise CallRejected(420, "Path From No Edge Proxy", headers=[("Unsupported", "path")])
        first = path[0].uri
        if "maddr" in first.params or not self.holds(first.host):
            raise CallRejected(403, "Path Leads To No Edge Proxy")

    def holds(self, host: str) -> bool:
        """Whether an address is one of theirs; a host name never is."""
        address = ip_address(host.strip("[]")) if self._networks else None
        return address is not None and any(address in network for network in self._networks)
