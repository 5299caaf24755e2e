"""What would happen to a call, and why: the decisions of the switch for a call that nobody makes.

It asks `Senders`, `Router` and `Outward`, the ones every real call asks, with a request made up from two numbers. The
name of a user as the caller is taken for that user, as if he had given his password. Of a running switch trunks are
shown as they are now: resting, full, in whose turn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from softswitch.errors import PeerError
from softswitch.plan import Plan, User
from softswitch.routing.caller import Caller
from softswitch.routing.destination import Destination, ToEndpoint, ToPstn, ToUser
from softswitch.routing.identify import Identified, Senders, ip_address
from softswitch.routing.number import digits
from softswitch.routing.outward import Outward
from softswitch.routing.reasons import Reason, Refused
from softswitch.routing.router import Decision, Router
from softswitch.sip.grammar import parse_host_port
from softswitch.sip.message import Headers, Request
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.uri import Uri

DEFAULT_PORT = 5060


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every candidate that was weighed; `decision` where the call goes, or the final response in `status`, `reason`."""

    reasons: tuple[Reason, ...]
    decision: Decision | None
    status: int
    reason: str


def explain(
    plan: Plan,
    *,
    from_: str,
    to: str,
    peer: Peer,
    unknown_sender: str = "403",
    outward: Outward | None = None,
    now: float = 0.0,
    contacts: Callable[[User, float], Sequence[Reason]] | None = None,
) -> Explanation:
    """The decisions for a call that comes from `peer`; `from_` and `to` are numbers, users or URIs.

    `outward`, `now` and `contacts` (the phones of a user) are those of a running switch.

    Raises `PeerError` for what is no number or URI.
    """
    senders, request = Senders(plan), _request(from_, to)
    weighed = tuple(senders.explain(peer))
    source = senders.identify(peer)
    user = plan.users.get(request.from_.uri.username)
    if user is not None and senders.has_to_prove(source, request):
        source = Identified(None, None, user, "proves himself by his password")
        weighed = (*(_less_than(user, reason) for reason in weighed), Reason("identify", source.name, True, source.why))
    if source is None:
        status, reason = (403, "Forbidden") if unknown_sender == "403" else (0, "no answer")
        return Explanation(weighed, None, status, f"{reason}: nobody knows {peer.host}:{peer.port}")
    try:
        decision = Router(plan).route(source, request)
        decision = _outward(outward or Outward(plan), source, decision, request, now)
    except Refused as refused:
        return Explanation(weighed + refused.reasons, None, refused.status, refused.reason)
    reasons = weighed + decision.reasons
    if contacts is not None and isinstance(decision.destination, ToUser):
        reasons += tuple(contacts(decision.destination.user, now))
    return Explanation(reasons, decision, 200, described(decision.destination))


def _less_than(user: User, reason: Reason) -> Reason:
    """Whoever is known by an address alone, where somebody says that he is a user."""
    if not reason.taken:
        return reason
    return reason._replace(taken=False, why=f"{reason.why} holds the address, but From names user {user.username}")


def _outward(outward: Outward, source: Identified, decision: Decision, request: Request, now: float) -> Decision:
    """With the reasons of a call out: what the guard says, who is shown, each trunk. Raises `Refused`."""
    if not isinstance(decision.destination, ToPstn):
        return decision
    name = decision.identity.name
    caller = Caller.of(source, request, number=decision.number_src, name=name, endpoint=source.endpoint)
    number, group = decision.destination.number, decision.destination.trunk_group
    try:
        reasons = outward.weigh(number, group, caller, now)
    except Refused as refused:
        refused.reasons = decision.reasons + refused.reasons
        raise
    return replace(decision, reasons=(*decision.reasons, *reasons))


def described(destination: Destination) -> str:
    """Where a call goes, in a few words."""
    return f"endpoint {destination.name}" if isinstance(destination, ToEndpoint) else destination.name


def peer_of(text: str) -> Peer:
    """`192.0.2.7`, `192.0.2.7:5080`, `[2001:db8::7]:5060` as a sender over UDP. Raises `PeerError`."""
    host, port = (text, None) if text.count(":") > 1 and "[" not in text else parse_host_port(text)
    if ip_address(host.strip("[]")) is None:
        raise PeerError(f"not an IP address: {text!r}")
    return Peer(Transport.UDP, host.strip("[]"), port or DEFAULT_PORT)


def _request(from_: str, to: str) -> Request:
    return Request("INVITE", _uri(to), Headers([("From", f"<{_uri(from_)}>;tag=explain")]))


def _uri(text: str) -> Uri:
    """A number as people write it, or a URI as peers do."""
    if ":" in text:
        return Uri.parse(text)
    try:
        return Uri.parse(f"sip:{digits(text)}@softswitch.invalid")
    except PeerError:
        raise PeerError(f"neither a number nor a URI: {text!r}") from None
