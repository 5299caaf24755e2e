"""A 3xx of a trunk: whether the call follows it, by the trunk's `allow_forward`. Pure.

    disabled     no: the 3xx is the trunk's answer
    direct       the number of each Contact is called, over the same trunk group as if it had been dialled
    direct_uri   each Contact is called as it stands
    protected    each Contact is called as it stands, where that is the address and port of a trunk or an endpoint

Contacts are tried by their q-value (RFC 3261 §8.1.3.4). A call is sent on `HOPS_AT_MOST` times, and never to where it
has been sent before.
"""

from collections.abc import Iterable
from typing import NamedTuple

from softswitch.plan import Plan
from softswitch.routing.number import number_of
from softswitch.routing.reasons import Reason
from softswitch.routing.target import Target
from softswitch.sip.headers import Address
from softswitch.sip.uri import Uri

HOPS_AT_MOST = 5
PORT, TLS_PORT = 5060, 5061
"""Where a Contact names none (RFC 3261 §19.1.2)."""
CONTACTS_AT_MOST = 10


class Onward(NamedTuple):
    """A number to call, or with `uri` a place."""

    number: str
    uri: Uri | None


class Redirects:
    """Who may be forwarded where."""

    def __init__(self, plan: Plan) -> None:
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        trunks = (trunk for group in plan.numbers.trunk_groups for trunk in group.trunks)
        known = {(trunk.address.lower(), trunk.port) for trunk in trunks if trunk.address}
        for endpoint in plan.numbers.endpoints:
            known |= {(str(address.ip).lower(), address.port) for address in getattr(endpoint, "addresses", ())}
        self._known = known

    def ways(self, target: Target, contacts: Iterable[Address], hops: int, reasons: list[Reason]) -> list[Onward]:
        """What to try, best first; a reason for each Contact goes into `reasons`."""
        policy = target.trunk.allow_forward if target.trunk is not None else "disabled"
        if policy == "disabled" or hops >= HOPS_AT_MOST:
            why = "allow_forward is disabled" if policy == "disabled" else f"sent on {hops} times already"
            reasons.append(Reason("redirect", target.name, False, why))
            return []
        found = []
        for contact in sorted(contacts, key=_q, reverse=True)[:CONTACTS_AT_MOST]:
            why_not = self._why_not(policy, contact.uri, target)
            reasons.append(Reason("redirect", contact.uri.text, not why_not, why_not or f"allow_forward is {policy}"))
            if not why_not:
                found.append(Onward(number_of(contact.uri), None if policy == "direct" else contact.uri))
        return found

    def _why_not(self, policy: str, uri: Uri, target: Target) -> str:
        number = number_of(uri)
        if policy == "direct":
            if not number.isdigit():
                return "names no number"
            return "is the number that was called" if number == number_of(target.uri) else ""
        if not uri.is_sip or uri.is_sips:
            return "can't be called over a trunk"
        if uri.matches(target.uri):
            return "is where it was sent to"
        host, port = _place(uri)
        if policy == "protected" and (host, port) not in self._known:
            return f"{host}:{port} is no address of a trunk or an endpoint"
        return ""


def _place(uri: Uri) -> tuple[str, int]:
    """Where a request to it is sent: `maddr` goes before the host (RFC 3263 §4)."""
    return (uri.params.get("maddr") or uri.host).lower(), uri.port or (TLS_PORT if uri.transport == "tls" else PORT)


def _q(contact: Address) -> float:
    """RFC 3261 §20.10: 1 where nothing, or nonsense, is said."""
    try:
        return float(contact.params.get("q") or 1.0)
    except ValueError:
        return 1.0
