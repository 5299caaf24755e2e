"""Who sends this request? The most specific match names the sender.

In this order: the address and port of a trunk, unless a user has registered from there and From names a user (a border
controller that carries both); a registered contact (where there is a location service to ask); address and port of a
third party, the ACL of a trunk (longest prefix), the ACL of a trunk group (longest prefix), the address of a third
party whatever the port. Nobody: the sender is unknown, and the switch answers 403 or nothing.

A sender over TCP or TLS has a port of the moment, so there the address with that transport is enough. An address of a
third party with a `dst_port` is one only for what arrives at that port of ours.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from softswitch.plan import Plan, ThirdPartyEndpoint, Trunk, TrunkGroup, User
from softswitch.plan.fields import Network
from softswitch.routing.reasons import Reason
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer, Transport

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Location = Callable[[Peer], User | None]
"""Whose registered contact is this?"""

PartyKey = tuple[str, str, int, int]
"""Transport, address, port (0: any) and the port of ours where it arrives (0: any)."""

SENDERS_REMEMBERED = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identified:
    """A known sender: a trunk group, with the trunk where that much is known; or a user; or a third party."""

    trunk_group: TrunkGroup | None
    trunk: Trunk | None
    user: User | None
    why: str
    endpoint: ThirdPartyEndpoint | None = None

    @classmethod
    def by_password(cls, who: User | ThirdPartyEndpoint) -> "Identified":
        """Who has proved it by digest."""
        if isinstance(who, User):
            return cls(None, None, who, f"password of user {who.username}")
        return cls(None, None, None, f"password of third party {who.name}", who)

    @property
    def name(self) -> str:
        if self.endpoint is not None:
            return f"third party {self.endpoint.name}"
        if self.trunk_group is None:
            return f"user {self.user.username}" if self.user else "nobody"
        return self.trunk_group.name if self.trunk is None else f"{self.trunk_group.name}/{self.trunk.name}"

    def __repr__(self) -> str:
        return f"<Identified {self.name}: {self.why}>"


class Senders:
    """Everybody who may send us calls, found by address in constant time."""

    def __init__(self, plan: Plan, location: Location | None = None) -> None:
        self._location = location
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The next request is known or not by this plan."""
        self._plan = plan
        self._by_address: dict[tuple[str, str, int], Identified] = {}
        self._by_trunk_acl = Networks[Identified]()
        self._by_group_acl = Networks[Identified]()
        self._by_party: dict[PartyKey, Identified] = {}
        self._proving: set[str] = set()
        """The names that third parties prove by digest."""
        for group in plan.numbers.trunk_groups:
            self._add(group)
        for endpoint in plan.numbers.endpoints:
            if isinstance(endpoint, ThirdPartyEndpoint):
                self._add_party(endpoint)
        self.among_trunks = lru_cache(SENDERS_REMEMBERED)(self._among_trunks)

    def identify(self, peer: Peer, name: str = "") -> Identified | None:
        """The sender behind an address, who says in From that he is `name`; None when nobody knows it."""
        user = self._location(peer) if self._location is not None else None
        known = self.among_trunks(peer.transport, peer.host, peer.port, peer.local_port)
        if user is None or (self._is_exact_trunk(known, peer) and name not in self._plan.users):
            return known
        return Identified(None, None, user, f"registered contact of {user.username}")

    def has_to_prove(self, source: Identified | None, request: Request) -> bool:
        """Whether a call needs a password, that of a user or a third party.

        One from a registered phone does, one from nobody known, and one from a network of a trunk group that names one
        of them as its caller.
        """
        if not self._plan.users and not self._proving:
            return False
        if source is None or source.user is not None:
            return True
        is_exact = source.endpoint is not None or source.trunk is not None
        name = request.from_.uri.username
        return not is_exact and (name in self._plan.users or name in self._proving)

    def explain(self, peer: Peer) -> Iterator[Reason]:
        """Each candidate, whether `identify` takes it, and why or why not."""
        taken = self.identify(peer)
        if self._location is not None:
            by_contact = taken is not None and taken.user is not None
            yield Reason("identify", "registered contacts", by_contact, taken.why if taken and by_contact else "none")
        for candidate, reach in self._candidates():
            if taken is not None and _are_one(taken, candidate):
                yield Reason("identify", candidate.name, True, taken.why)
            else:
                yield Reason("identify", candidate.name, False, self._why_not(candidate, reach, peer, taken))

    def _add(self, group: TrunkGroup) -> None:
        for acl in group.acls:
            self._by_group_acl.add(acl, Identified(group, None, None, f"ACL {acl} of trunk group {group.name}"))
        for trunk in group.trunks:
            for acl in trunk.acls:
                self._by_trunk_acl.add(acl, Identified(group, trunk, None, f"ACL {acl} of trunk {trunk.name}"))
            address = ip_address(trunk.address or "")
            if address is not None:
                why = f"address {trunk.address}:{trunk.port} of trunk {trunk.name}"
                self._by_address.setdefault(_address_key(trunk, address), Identified(group, trunk, None, why))

    def _add_party(self, endpoint: ThirdPartyEndpoint) -> None:
        if endpoint.in_sip_username:
            self._proving.add(endpoint.in_sip_username)
        for place in endpoint.addresses:
            address = ip_address(place.ip)
            if address is None or place.direction == "outbound":
                continue
            transport = "UDP" if place.transport == "auto" else place.transport.upper()
            at = place.dst_port or 0
            shown = f"{place.ip}:{place.port} of third party {endpoint.name}"
            exact = Identified(None, None, None, f"address {shown}", endpoint)
            by_host = Identified(None, None, None, f"address {place.ip} of third party {endpoint.name}", endpoint)
            self._by_party.setdefault((transport, str(address), place.port, at), exact)
            self._by_party.setdefault((transport, str(address), 0, at), by_host)

    def _among_trunks(self, transport: str, host: str, port: int, local_port: int) -> Identified | None:
        address = ip_address(host)
        if address is None:
            return None
        key = (transport, str(address), port if transport == Transport.UDP else 0)
        return (
            self._by_address.get(key)
            or (self._party(key, local_port) if key[2] else None)
            or self._by_trunk_acl.find(address)
            or self._by_group_acl.find(address)
            or self._party((*key[:2], 0), local_port)
        )

    def _is_exact_trunk(self, known: Identified | None, peer: Peer) -> bool:
        return known is not None and known is self._by_address.get(_sender_key(peer))

    def _party(self, key: tuple[str, str, int], local_port: int) -> Identified | None:
        return self._by_party.get((*key, local_port)) or self._by_party.get((*key, 0))

    def _candidates(self) -> Iterator[tuple[Identified, str]]:
        """Everybody, trunks first as they are weighed first, with what each accepts."""
        groups = self._plan.numbers.trunk_groups
        for group in groups:
            for trunk in group.trunks:
                place = [f"{trunk.address}:{trunk.port}"] if trunk.address else []
                yield Identified(group, trunk, None, ""), ", ".join([*place, *map(str, trunk.acls)]) or "nothing"
        for group in groups:
            yield Identified(group, None, None, ""), ", ".join(map(str, group.acls)) or "nothing"
        for endpoint in self._plan.numbers.endpoints:
            if isinstance(endpoint, ThirdPartyEndpoint):
                senders = [place for place in endpoint.addresses if place.direction != "outbound"]
                places = ", ".join(f"{place.ip}:{place.port}" for place in senders)
                yield Identified(None, None, None, "", endpoint), places or "nothing"

    def _why_not(self, candidate: Identified, reach: str, peer: Peer, taken: Identified | None) -> str:
        address = ip_address(peer.host)
        acls = candidate.trunk.acls if candidate.trunk else candidate.trunk_group.acls if candidate.trunk_group else ()
        if taken is not None and address is not None and any(address in acl for acl in acls):
            return f"its ACL holds {peer.host} too, but {taken.name} is more specific"
        return f"{peer.host}:{peer.port} is not in {reach}"


class Networks(Generic[T]):
    """What belongs to networks, found for an address by longest prefix: one look-up for each prefix length in use."""

    def __init__(self) -> None:
        self._by_prefix: dict[tuple[int, int], dict[int, T]] = {}

    def add(self, network: Network, what: T) -> None:
        prefix = (network.version, network.prefixlen)
        self._by_prefix.setdefault(prefix, {})[int(network.network_address)] = what
        self._by_prefix = dict(sorted(self._by_prefix.items(), reverse=True))

    def find(self, address: IpAddress) -> T | None:
        number, width = int(address), address.max_prefixlen
        for (version, length), networks in self._by_prefix.items():
            if version == address.version:
                found = networks.get(number >> (width - length) << (width - length))
                if found is not None:
                    return found
        return None


def _are_one(taken: Identified, candidate: Identified) -> bool:
    return (taken.trunk_group, taken.trunk, taken.endpoint) == (
        candidate.trunk_group,
        candidate.trunk,
        candidate.endpoint,
    )


def ip_address(host: str) -> IpAddress | None:
    """The address, an IPv4 one mapped into IPv6 as IPv4, without a zone; None for a host name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _sender_key(peer: Peer) -> tuple[str, str, int]:
    return peer.transport, str(ip_address(peer.host)), peer.port if peer.transport is Transport.UDP else 0


def _address_key(trunk: Trunk, address: IpAddress) -> tuple[str, str, int]:
    transport = "UDP" if trunk.transport == "auto" else trunk.transport.upper()
    return transport, str(address), trunk.port if transport == Transport.UDP else 0
