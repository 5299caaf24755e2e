"""One contact of a user: where it is, over which flow it has registered, and until when (RFC 3261 §10, RFC 5626).

What a phone wrote is kept as text and read again when a call goes there: twenty thousand phones register far more
often than they are called. `location` owns the bindings and alone changes them.
"""

from math import inf

from msgspec import Struct

from softswitch.sip.grammar import format_host_port
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.sources import is_behind_nat
from softswitch.sip.uri import Uri

MOST_Q = 1000

FlowKey = tuple[Transport, str, int]
"""A far end, whatever port of ours talks with it."""
Place = tuple[str, int | None]
"""Host and port of a URI: where they differ, nothing else need be compared."""


class Offered(Struct, frozen=True):
    """A contact as one REGISTER wants it: `uri` is what it leads to, `shown` the whole value without its `expires`."""

    uri: str
    shown: str
    q: int
    """In thousandths."""
    expires_s: int
    instance: str
    reg_id: int
    """With an instance the name of a flow (RFC 5626 §4.2); 0: none."""


class Origin(Struct, frozen=True):
    """The REGISTER itself: whence it came, by which proxies, and what orders it among others (RFC 3261 §10.3)."""

    peer: Peer
    path: tuple[str, ...]
    call_id: str
    cseq: int
    user_agent: str
    is_symmetric: bool
    """Whether its sender receives where it sends (`rport`, RFC 3581)."""


class Binding:
    """A contact that stands. `expires_at` and the other moments are monotonic seconds."""

    __slots__ = (
        "answered_at", "call_id", "cseq", "expires_at", "has_answered", "instance", "is_asked", "is_down", "is_gone",
        "looked_at", "path", "peer", "place", "q", "refreshed_at", "reg_id", "shown", "sid", "uri", "user_agent",
        "username", "uses_source",
    )  # fmt: skip

    def __init__(self, sid: str, username: str) -> None:
        self.sid = sid
        self.username = username
        self.uri = ""
        self.place: Place = ("", None)
        """Of its URI."""
        self.shown = ""
        self.q = MOST_Q
        self.instance = ""
        self.reg_id = 0
        self.peer = Peer(Transport.UDP, "", 0)
        self.uses_source = False
        """Whether the way to it is where its REGISTER came from, whatever its URI says."""
        self.path: tuple[str, ...] = ()
        self.expires_at = 0.0
        self.refreshed_at = 0.0
        self.call_id = ""
        self.cseq = 0
        self.user_agent = ""
        self.is_down = False
        """Nobody has answered there: others are called first."""
        self.has_answered = False
        """It has answered an OPTIONS once; phones that never do are not taken for dead."""
        self.answered_at: float | None = None
        self.is_asked = False
        self.is_gone = False
        self.looked_at = inf
        """When the location service looks next whether it has ended."""

    def take(self, offered: Offered, origin: Origin, now: float) -> None:
        """Becomes what a REGISTER says."""
        self.uri, self.shown, self.q = offered.uri, offered.shown, offered.q
        self.instance, self.reg_id = offered.instance, offered.reg_id
        self.expires_at, self.refreshed_at = now + offered.expires_s, now
        self.peer, self.path, self.user_agent = origin.peer, origin.path, origin.user_agent
        self.call_id, self.cseq = origin.call_id, origin.cseq
        contact = Uri.parse(offered.uri)
        self.place = place_of(contact)
        self.uses_source = answers_at_source(contact, origin.peer, is_symmetric=origin.is_symmetric)
        self.is_down = False

    @property
    def flow_key(self) -> FlowKey:
        return self.peer.transport, self.peer.host, self.peer.port

    @property
    def flow(self) -> Peer | None:
        """The way to it, where that is not what its URI or its Path says."""
        return self.peer if self.uses_source and not self.path else None

    @property
    def has_way(self) -> bool:
        """Whether calls can go there: never to a host that a phone has merely named."""
        return bool(self.path) or self.uses_source or is_at(self.target_uri, self.peer)

    @property
    def is_cut_off(self) -> bool:
        """Whether its connection is gone, so that only its next REGISTER can bring it back for sure."""
        return self.peer.is_reliable and not self.uses_source and not self.path

    @property
    def target_uri(self) -> Uri:
        return Uri.parse(self.uri)

    @property
    def is_outbound(self) -> bool:
        """Whether it is a flow of RFC 5626: with its connection it ends."""
        return bool(self.reg_id and self.instance)

    def is_same_as(self, offered: Offered, origin: Origin) -> bool:
        """Whether this is the binding that an offered contact means: its flow, else its URI (RFC 5626 §6)."""
        if offered.reg_id and offered.instance:
            return self.instance == offered.instance and self.reg_id == offered.reg_id
        return self._has_uri(offered) and not self._is_of_another(offered, origin)

    def _has_uri(self, offered: Offered) -> bool:
        if self.uri == offered.uri:
            return True
        contact = Uri.parse(offered.uri)
        return self.place == place_of(contact) and self.target_uri.matches(contact)

    def _is_of_another(self, offered: Offered, origin: Origin) -> bool:
        """Whether it is another phone's, with the same private address behind another NAT: at home, at the office."""
        here, there = self.peer.host, origin.peer.host
        if here == there or self.call_id == origin.call_id or self.path or origin.path:
            return False
        is_known = bool(offered.instance) and offered.instance == self.instance
        return not is_known and all(is_behind_nat(self.place[0], source) for source in (here, there))

    def remaining_s(self, now: float) -> int:
        return max(0, round(self.expires_at - now))

    def __repr__(self) -> str:
        state = "gone" if self.is_gone else "down" if self.is_down else "up"
        return f"<Binding {self.username} {self.uri} from {self.peer} {state}>"


def answers_at_source(contact: Uri, peer: Peer, *, is_symmetric: bool) -> bool:
    """Whether the way to a contact is where its REGISTER came from (RFC 3581, RFC 5626).

    So it is for every connection, and over UDP where the Contact names another host (NAT), or the same one with
    another port by a phone that receives where it sends, which `rport` in its Via says.
    """
    if peer.transport is not Transport.UDP:
        return True
    if not is_at(contact, peer):
        return True
    return is_symmetric and (contact.port or peer.transport.default_port) != peer.port


def place_of(contact: Uri) -> Place:
    return contact.host.lower(), contact.port


def is_at(contact: Uri, peer: Peer) -> bool:
    """Whether a URI by itself leads to the host that has registered it."""
    return contact.host == peer.host and "maddr" not in contact.params


def address_text(peer: Peer) -> str:
    """Where a REGISTER came from, as a SIP URI."""
    transport = "" if peer.transport is Transport.UDP else f";transport={peer.transport.lower()}"
    return f"sip:{format_host_port(peer.host, peer.port)}{transport}"
