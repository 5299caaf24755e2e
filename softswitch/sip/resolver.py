"""Where a SIP URI leads (RFC 3263): NAPTR, then SRV, then A and AAAA; the best target comes first.

A numeric host needs no question and is answered at once (`resolve_now`). What was learned is kept for its TTL. The DNS
itself stands behind `Dns`, so that tests bring their own zone.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from softswitch.sip.identifiers import Identifiers
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.uri import Uri

MOST_CACHED = 4096
LOOKUP_TIMEOUT_S = 5.0
FAILURE_TTL_S = 5.0
"""So long a question that nobody has answered is not asked again."""
NAPTR_SERVICES = {"SIP+D2U": Transport.UDP, "SIP+D2T": Transport.TCP, "SIPS+D2T": Transport.TLS}
SRV_PREFIXES = {Transport.UDP: "_sip._udp.", Transport.TCP: "_sip._tcp.", Transport.TLS: "_sips._tcp."}
FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}
UNASKED = (Transport.UDP, Transport.TCP)
"""What a sip URI without a transport is tried by where the domain says nothing; TLS is for those who ask for it."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Naptr:
    order: int
    preference: int
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one question: records (none is an answer too) and how long they hold."""

    records: tuple[Naptr | Srv | str, ...]
    ttl_s: float


class Dns(Protocol):
    """Asks one question; an empty answer when there is no such name, `OSError` when nobody answers."""

    async def ask(self, name: str, kind: str) -> Found: ...


class SystemDns:
    """The resolvers of this machine, through dnspython; for an address also what else it knows (/etc/hosts).

    While they are silent nothing more is asked of them: a lookup has several questions, and somebody waits for all.
    """

    NEGATIVE_TTL_S = 30.0

    def __init__(self) -> None:
        self._silent_until = 0.0

    async def ask(self, name: str, kind: str) -> Found:
        if asyncio.get_running_loop().time() < self._silent_until:
            return await self._without_dns(name, kind, "nobody answers")
        try:
            answer = await dns.asyncresolver.resolve(name, kind, lifetime=LOOKUP_TIMEOUT_S)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Found(await self._elsewhere(name, kind), self.NEGATIVE_TTL_S)
        except dns.exception.Timeout:
            self._silent_until = asyncio.get_running_loop().time() + FAILURE_TTL_S
            return await self._without_dns(name, kind, "nobody answers")
        except dns.exception.DNSException as error:
            return await self._without_dns(name, kind, str(error))
        records = tuple([_record(kind, record) for record in answer])
        return Found(records, float(answer.rrset.ttl if answer.rrset is not None else self.NEGATIVE_TTL_S))

    async def _without_dns(self, name: str, kind: str, why: str) -> Found:
        known = await self._elsewhere(name, kind)
        if not known:
            raise OSError(f"{name}: {why}")
        return Found(known, self.NEGATIVE_TTL_S)

    async def _elsewhere(self, name: str, kind: str) -> tuple[str, ...]:
        """Addresses by the system's own rules."""
        family = FAMILIES.get(kind)
        if family is None:
            return ()
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                found = await asyncio.get_running_loop().getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
        except (OSError, TimeoutError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _record(kind: str, record: object) -> Naptr | Srv | str:
    get: Callable[[str], object] = lambda name: getattr(record, name)  # noqa: E731 - dnspython types its records late
    if kind == "NAPTR":
        service = get("service")
        text = service.decode("ascii", "replace") if isinstance(service, bytes) else str(service)
        return Naptr(_int(get("order")), _int(get("preference")), text, str(get("replacement")))
    if kind == "SRV":
        return Srv(_int(get("priority")), _int(get("weight")), _int(get("port")), str(get("target")))
    return str(get("address"))


def _int(value: object) -> int:
    return int(str(value))


class Resolver:
    """Answers with `Peer`s, best first. Raises `OSError` where the DNS can't be asked or names no address."""

    def __init__(self, dns: Dns, identifiers: Identifiers, now: Callable[[], float]) -> None:
        self._dns = dns
        self._identifiers = identifiers
        self._now = now
        self._cache: dict[tuple[str, str], tuple[float, tuple[Naptr | Srv | str, ...]]] = {}

    def resolve_now(self, uri: Uri) -> list[Peer] | None:
        """The target of a URI with a numeric host; None where the DNS has to be asked."""
        host = _host(uri)
        if not is_numeric(host):
            return None
        transport = _transport(uri) or Transport.UDP
        return [Peer(transport, host, uri.port or transport.default_port)]

    async def resolve(self, uri: Uri) -> list[Peer]:
        targets = self.resolve_now(uri)
        if targets is not None:
            return targets
        host, transport = _host(uri), _transport(uri)
        if uri.port is not None:
            targets = await self._addresses(host, uri.port, transport or Transport.UDP)
        else:
            asks = transport is None or (uri.is_sips and uri.transport is None)
            targets = await self._by_services(host, transport, asks_for_services=asks)
        if not targets:
            transport = transport or Transport.UDP
            targets = await self._addresses(host, transport.default_port, transport)
        return [_with_domain(target, host) for target in targets]

    async def _by_services(self, host: str, wanted: Transport | None, *, asks_for_services: bool) -> list[Peer]:
        """NAPTR names the transports in the order of the domain's wish; without any, the usual SRV names are tried."""
        names: list[tuple[Transport, str]] = []
        if asks_for_services:
            found = await self._ask(host, "NAPTR", Naptr)
            for naptr in sorted(found, key=lambda naptr: (naptr.order, naptr.preference)):
                transport = NAPTR_SERVICES.get(naptr.service.upper())
                if transport is not None and wanted in (None, transport):
                    names.append((transport, naptr.replacement))
        if not names:
            names = [(transport, SRV_PREFIXES[transport] + host) for transport in ([wanted] if wanted else UNASKED)]
        targets: list[Peer] = []
        for transport, name in names:
            for srv in self._in_order(await self._ask(name, "SRV", Srv)):
                targets += await self._addresses(srv.target, srv.port, transport, may_be_missing=True)
        return targets

    def _in_order(self, records: Sequence[Srv]) -> list[Srv]:
        """By priority; within one, drawn by weight (RFC 2782). A single "." says that there is no such service."""
        ordered: list[Srv] = []
        for priority in sorted({srv.priority for srv in records}):
            group = sorted((srv for srv in records if srv.priority == priority), key=lambda srv: srv.weight)
            while group:
                ordered.append(group.pop(self._identifiers.index_by_weight([srv.weight for srv in group])))
        return [srv for srv in ordered if srv.target.rstrip(".")]

    async def _addresses(
        self, host: str, port: int, transport: Transport, *, may_be_missing: bool = False
    ) -> list[Peer]:
        if is_numeric(host):
            return [Peer(transport, host, port)]
        v4, v6 = await asyncio.gather(self._ask(host, "A", str), self._ask(host, "AAAA", str))
        hosts = [*v4, *v6]
        if not hosts and not may_be_missing:
            raise OSError(f"{host} has no address")
        return [Peer(transport, address, port) for address in hosts]

    async def _ask(self, name: str, kind: str, of: type[Record]) -> list[Record]:
        key = (name.rstrip(".").lower(), kind)
        known = self._cache.get(key)
        if known is None or known[0] <= self._now():
            found = await self._found(name, kind)
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            known = self._cache[key] = (self._now() + found.ttl_s, found.records)
        return [record for record in known[1] if isinstance(record, of)]

    async def _found(self, name: str, kind: str) -> Found:
        """One question that nobody answers is no reason to ask no other: broken servers fail at NAPTR or AAAA alone."""
        try:
            return await self._dns.ask(name, kind)
        except OSError:
            return Found((), FAILURE_TTL_S)


def is_numeric(host: str) -> bool:
    if ":" not in host and not host[-1:].isdigit():
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host(uri: Uri) -> str:
    maddr = uri.params.get("maddr")
    return (maddr or uri.host).strip("[]")


def _with_domain(target: Peer, host: str) -> Peer:
    """Over TLS the far end has to be the domain asked for, whatever names the DNS led through (RFC 5922 §4)."""
    return target._replace(domain=host) if target.transport is Transport.TLS else target


def _transport(uri: Uri) -> Transport | None:
    """What the URI asks for; a SIPS URI asks for TLS, whatever it says besides (RFC 3261 §26.2.2)."""
    if uri.is_sips:
        return Transport.TLS
    named = (uri.transport or "").upper()
    return Transport(named) if named in Transport.__members__ else None
