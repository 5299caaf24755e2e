"""What a REGISTER does (RFC 3261 §10.3): who sends it, for whom, and which of his contacts stand from now on.

`register` answers one request from what is in memory alone; all of it is done, or nothing. The steps are the RFC's:

    authenticate (guard) -> may he, and is it ours? -> read every contact -> is it newer? -> change -> 200 with all
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from softswitch.errors import CallRejected
from softswitch.plan import User
from softswitch.registrar.binding import Binding, Offered, Origin
from softswitch.registrar.contacts import offered, removes_all
from softswitch.registrar.edge import EdgeProxies
from softswitch.registrar.guard import Guard
from softswitch.registrar.location import Change, Location
from softswitch.settings import RegistrarSettings
from softswitch.sip.grammar import legible, split_list
from softswitch.sip.headers import parse_addresses
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer

MOST_PATH = 8
LONGEST_USER_AGENT = 128
EXTENSIONS = "path, outbound"


class Registrar:
    """Takes REGISTER requests; the bindings are in `location`."""

    def __init__(
        self, settings: RegistrarSettings, location: Location, guard: Guard, today: Callable[[], datetime] | None = None
    ) -> None:
        """`today` gives the date for the Date header; the computer's clock where it is not given."""
        self.location = location
        self._settings, self._guard = settings, guard
        self.edge = EdgeProxies(settings.edge_proxies)
        self._today = today or _now_in_utc
        self._date = (0, "")

    def register(self, request: Request, peer: Peer, now: float) -> Response:
        """The 200. Raises `CallRejected` for any other answer, `Denied` among them, and `PeerError`."""
        user = self._guard.authenticate(request, peer, now)
        self._check_subject(request, user)
        return self._changed(request, peer, user, now)

    def _check_subject(self, request: Request, user: User) -> None:
        """A user registers himself and nobody else, in a domain of ours."""
        record = request.to.uri
        if self._settings.domains and record.host.lower() not in self._settings.domains:
            raise CallRejected(404, "No Such Domain Here")
        if record.username != user.username:
            raise CallRejected(403, "Forbidden")

    def _changed(self, request: Request, peer: Peer, user: User, now: float) -> Response:
        origin = _origin(request, peer, self.edge)
        if removes_all(request):
            bindings = list(self.location.of(user.username))
            _refuse_older(bindings, origin)
            self.location.remove(bindings, Change.REMOVED)
            return self._listed(request, user, origin, now)
        contacts = offered(request, self._settings)
        is_outbound = _check_outbound(request, contacts, origin)
        found = [(contact, self.location.same(user.username, contact, origin)) for contact in contacts]
        _refuse_older([binding for _, binding in found if binding is not None], origin)
        for contact, binding in found:
            if contact.expires_s:
                self.location.put(user.username, contact, origin, now, binding)
            elif binding is not None:
                self.location.remove([binding], Change.REMOVED)
        self.location.replace_oldest(user.username, self._settings.contacts)
        return self._listed(request, user, origin, now, requires_outbound=is_outbound)

    def _listed(
        self, request: Request, user: User, origin: Origin, now: float, *, requires_outbound: bool = False
    ) -> Response:
        """200 with every contact that stands and how long it still does, his own where another phone's is the same."""
        response = Response.for_request(request, 200)
        add = response.headers.add
        bindings = self.location.of(user.username)
        own = {binding.uri for binding in bindings if binding.call_id == origin.call_id} if len(bindings) > 1 else ()
        for binding in bindings:
            remaining_s = binding.remaining_s(now)
            if remaining_s and (binding.uri not in own or binding.call_id == origin.call_id):
                add("Contact", f"{binding.shown};expires={remaining_s}")
        for path in origin.path:
            add("Path", path)
        add("Supported", EXTENSIONS)
        if requires_outbound:
            add("Require", "outbound")
        add("Date", self._date_text(now))
        return response

    def _date_text(self, now: float) -> str:
        """RFC 3261 §20.17; written once a second."""
        second, text = self._date
        if int(now) != second:
            text = self._today().strftime("%a, %d %b %Y %H:%M:%S GMT")
            self._date = int(now), text
        return text


def _origin(request: Request, peer: Peer, edge: EdgeProxies) -> Origin:
    """Raises `CallRejected`: 400 for more proxies than a way can have, 420 or 403 for a Path none of ours wrote."""
    path: tuple[str, ...] = ()
    if "path" in request.headers.fields:
        path = tuple(one for value in request.headers.all("Path") for one in split_list(value))
        if len(path) > MOST_PATH or not "".join(path).isprintable():
            raise CallRejected(400, "Unusable Path")
        edge.check(request.headers.reading("path", parse_addresses), peer)
    agent = legible((request.headers.get("User-Agent") or "")[:LONGEST_USER_AGENT])
    cseq = request.cseq.number
    return Origin(peer, path, legible(request.call_id), cseq, agent, is_symmetric="rport" in request.via.params)


def _refuse_older(bindings: Sequence[Binding], origin: Origin) -> None:
    """A request that was overtaken by a newer one of its phone changes nothing (RFC 3261 §10.3, steps 6 and 7)."""
    if any(one.call_id == origin.call_id and one.cseq >= origin.cseq for one in bindings):
        raise CallRejected(400, "Older Than What Stands")


def _check_outbound(request: Request, contacts: Sequence[Offered], origin: Origin) -> bool:
    """Whether flows are registered. Raises `CallRejected` 439 where a proxy on the way can't keep one (RFC 5626 §6)."""
    if not any(contact.reg_id and contact.instance for contact in contacts):
        return False
    if len(request.vias) > 1 and not (origin.path and ";ob" in origin.path[-1]):
        raise CallRejected(439, "First Hop Lacks Outbound Support")
    return True


def _now_in_utc() -> datetime:
    return datetime.now(UTC)
