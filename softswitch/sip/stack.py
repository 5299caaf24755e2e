"""The SIP stack: the one place where sockets, timers and the pure core meet (RFC 3261 §8, §18).

Datagrams and stream messages come in through `transports` and become messages; `server` takes the requests, `client`
sends ours, `performing` does what transactions and sessions ask for, `losses` looks at what was not delivered. The
owner sets the `hooks`, `on_invite` above all, calls `listen`, and from then on `invite`, `request`, and the verbs of
each `Session`. Whatever bytes arrive: an answer by the RFC or a counted drop.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection

from softswitch.errors import PeerError
from softswitch.sip import keep_alive
from softswitch.sip.beginnings import Beginnings, first_hop
from softswitch.sip.client import Asker, Client, Question, Sending
from softswitch.sip.digest import Credentials
from softswitch.sip.headers import Address
from softswitch.sip.hooks import Hooks
from softswitch.sip.identifiers import Chance, Identifiers, SystemChance
from softswitch.sip.losses import Losses
from softswitch.sip.masking import masked
from softswitch.sip.message import HeaderFields, Request, Response
from softswitch.sip.overload import Overload
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.performing import Performer
from softswitch.sip.resolver import Dns, Resolver, SystemDns
from softswitch.sip.server import Server
from softswitch.sip.session import authorize, outgoing
from softswitch.sip.session.events import SessionEvent
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.transaction.layer import Layer
from softswitch.sip.transaction.machine import Transaction, event_of
from softswitch.sip.transport.network import Network, SystemNetwork
from softswitch.sip.transport.tls import Tls
from softswitch.sip.transport.transports import Transports
from softswitch.sip.uri import Uri
from softswitch.sip.validation import check_response

DRAIN_LOOKS_EVERY_S = 0.05
LAST_WORDS_LOOKS_EVERY_S = 0.01
MOST_CHALLENGES = 4
"""Who calls every nonce stale would be asked for ever."""
UNREADABLE = 502
"""What a 2xx counts as whose dialog can't be known."""

logger = logging.getLogger(__name__)


class Stack(Hooks):
    """One SIP element. `drops` counts by name whatever was dropped or refused."""

    def __init__(
        self,
        settings: StackSettings | None = None,
        *,
        random: Chance | None = None,
        network: Network | None = None,
        dns: Dns | None = None,
        tls: Tls | None = None,
    ) -> None:
        """`tls` is needed to listen and to call over TLS."""
        super().__init__(Identifiers(random or SystemChance()))
        self.settings = settings or StackSettings()
        self.drops: Counter[str] = Counter()
        self._session_settings = self.settings.session(self.capabilities)
        self._beginnings = Beginnings(self._identifiers, self._session_settings)
        self._sessions: dict[tuple[str, str], Session] = {}
        self._is_closed = False
        self._layer = Layer(self.settings.intervals())
        self._performer = Performer(self._layer, self._sessions, self.drops, self._send_bytes)
        self._losses = Losses(self._layer, self.drops, self._performer.perform, lambda peer: self.on_lost(peer))
        self._server = Server(
            self.settings,
            self.capabilities,
            self._identifiers,
            self._layer,
            self._sessions,
            self.drops,
            self._performer.perform,
            self._send_bytes,
            Overload(self.settings, lambda longer_s: self._transports.is_behind(_now(), longer_s), _now),
            self,
        )
        self._transports = Transports(
            network or SystemNetwork(),
            self.settings.streams(),
            self._received,
            self._server.refuse,
            self._losses.note,
            self.drops,
            tls,
        )
        self._client = Client(
            self.settings,
            self._identifiers,
            self._layer,
            self._transports,
            Resolver(dns or SystemDns(), self._identifiers, _now),
            self.drops,
            self._performer.perform,
            self._send_bytes,
            _now,
        )
        self._transports.needed = self._needed
        self._performer.wire(self._client, self._server)

    @property
    def tls(self) -> Tls | None:
        """What is shown and believed over TLS; to be set before listening or calling over it."""
        return self._transports.tls

    @tls.setter
    def tls(self, tls: Tls) -> None:
        self._transports.tls = tls

    # --- the owner's side -------------------------------------------------------------------------------------------

    async def listen(self, transport: Transport | str, host: str, port: int) -> tuple[str, int]:
        """Open a socket; port 0 takes a free one. Returns (host, port). Raises `OSError`."""
        return await self._transports.listen(Transport(transport), host, port)

    def invite(
        self,
        uri: Uri,
        *,
        from_: Address,
        to: Address | None = None,
        next_hop: Uri | None = None,
        flow: Peer | None = None,
        offer: bytes | None = None,
        headers: HeaderFields = (),
        max_forwards: int | None = None,
        credentials: Credentials | None = None,
        by_udp_alone: bool = False,
        on_event: Callable[[SessionEvent], None],
    ) -> Session:
        """Call somebody. Without `offer` the far end is asked for one (see `Answered`).

        `flow` is the way to a phone behind NAT: taken while it stands, whatever the URI says. `max_forwards` is less
        than usual where we hand a call on. `by_udp_alone`: also what is too large for a datagram, as over a UDP flow.
        """
        request = self._beginnings.invite(uri, from_, to, headers, offer, max_forwards)
        unknown = Peer(Transport.UDP, "", 0)
        session = Session(
            "out", request, unknown, "", self._session_settings, self._identifiers, self._performer.carry_out
        )
        session.on_event, session.credentials, session.next_hop = on_event, credentials, next_hop
        session.flow = flow
        session.by_udp_alone = by_udp_alone or (flow is not None and flow.transport is Transport.UDP)
        self._sessions[session.call_id, request.from_.tag or ""] = session
        outgoing.begin(session)
        self._performer.carry_out(session)
        return session

    async def request(
        self,
        method: str,
        uri: Uri,
        *,
        from_: Address | None = None,
        to: Address | None = None,
        next_hop: Uri | None = None,
        headers: HeaderFields = (),
        body: bytes = b"",
        credentials: Credentials | None = None,
        flow: Peer | None = None,
    ) -> Response:
        """Ask something outside of any dialog. 408 is made up where nobody answers, 503 where nobody can be reached.

        `flow` is the way it goes, whatever the URI says.
        """
        request = self._beginnings.request(method, uri, from_ or Address(uri), to, headers)
        request.body = body
        for _ in range(MOST_CHALLENGES):
            question = Question()
            self._client.send(question, request, next_hop or first_hop(request), flow)
            request, response = await question.answered
            if response.status not in (401, 407) or credentials is None:
                break
            again = authorize.with_credentials(request, response, credentials, self._identifiers)
            if again is None:
                break
            request = again
        return response

    def send(self, asker: Asker, request: Request, *, next_hop: Uri | None = None, flow: Peer | None = None) -> None:
        """Send a request that is whole but for its Via; what comes of it goes to the asker, as with `request`."""
        self._client.send(asker, request, next_hop or first_hop(request), flow)

    def new_request(
        self,
        method: str,
        uri: Uri,
        from_: Address | None = None,
        to: Address | None = None,
        headers: HeaderFields = (),
    ) -> Request:
        """A request outside of any dialog, for `send`."""
        return self._beginnings.request(method, uri, from_ or Address(uri), to, headers)

    def new_tag(self) -> str:
        """For the To of an answer that makes a dialog."""
        return self._identifiers.tag()

    def contact(self, peer: Peer) -> str:
        """Our Contact for this peer."""
        return self._client.contact(peer)

    def answer_later(self, request: Request, response: Response) -> None:
        """The answer to a request for which `on_request` had none yet."""
        self._server.answer_later(request, response)

    def answer_never(self, request: Request) -> None:
        """A request for which `on_request` had no answer gets none; nothing is kept of it."""
        self._server.answer_never(request)

    def is_connected(self, peer: Peer) -> bool:
        """Whether a message to this peer needs no new connection."""
        return peer.transport is Transport.UDP or self._transports.is_connected(peer)

    def session_of(self, call_id: str, local_tag: str, remote_tag: str) -> Session | None:
        """The session that a dialog belongs to (RFC 3891 §3)."""
        session = self._sessions.get((call_id, local_tag))
        return session if session is not None and session.knows(remote_tag) else None

    async def last_words(self, timeout_s: float) -> bool:
        """Wait until every request of ours, the BYEs above all, has its answer; whether that came within the time."""
        ends_at = _now() + timeout_s
        while self._client.sendings and _now() < ends_at:  # noqa: ASYNC110 - asked at shutdown alone
            await asyncio.sleep(LAST_WORDS_LOOKS_EVERY_S)
        return not self._client.sendings

    async def drain(self, timeout_s: float) -> bool:
        """Wait until no session and no transaction is left; whether that came within the time."""
        ends_at = _now() + timeout_s
        while (self._sessions or len(self._layer)) and _now() < ends_at:  # noqa: ASYNC110 - asked at shutdown alone
            await asyncio.sleep(DRAIN_LOOKS_EVERY_S)
        return not self._sessions and not len(self._layer)

    async def close(self) -> None:
        """Close all sockets, at once. Who wants its sessions to end properly hangs them up and `drain`s first."""
        self._is_closed = True
        self._losses.close()
        await self._client.close()
        self._performer.alarm.close()
        await self._transports.close()

    def counts(self) -> dict[str, int]:
        """What is alive; all zero when nothing was left behind."""
        return {
            "sessions": len(self._sessions),
            "transactions": len(self._layer),
            "timers": len(self._performer.alarm),
            "sendings": len(self._client.sendings),
        }

    # --- bytes come in ----------------------------------------------------------------------------------------------

    def _received(self, data: bytes, peer: Peer) -> None:
        """One datagram, or one message of a stream."""
        if data[:1] < keep_alive.FIRST_OF_A_MESSAGE and keep_alive.is_keep_alive(data):
            self._keep_alive(data, peer)
            return
        if self.trace is not None:
            self.trace("in", peer, masked(data))
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._server.receive(message, peer)
            else:
                self._receive_response(message)
        except PeerError as error:
            self._server.refuse(data, peer, error)
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while working on a message from %s: %r", peer, data[:200])

    def _keep_alive(self, data: bytes, peer: Peer) -> None:
        answer = keep_alive.answer_to(data, peer.host, peer.port)
        if answer is not None and not self.ignores(peer):
            self._transports.send(answer, peer)

    def _receive_response(self, response: Response) -> None:
        transaction = self._layer.client_for(response)
        if transaction is None:
            self.drops["stray_response"] += 1
            return
        readable = self._readable(transaction, response)
        if readable is not None:
            self._performer.perform(transaction, self._layer.advance(transaction, event_of(readable), readable))

    def _readable(self, transaction: Transaction, response: Response) -> Response | None:
        """A final response of a session's that makes no sense ends its transaction all the same, as one of ours."""
        sending = transaction.owner
        if response.status == 100 or not isinstance(sending, Sending) or not isinstance(sending.asker, Session):
            return response
        try:
            check_response(response)
        except PeerError as error:
            self.drops[f"response_{error.drop}"] += 1
            if response.status < 200 or error.drop == "misrouted":
                return None
            status = response.status if response.status >= 300 else UNREADABLE
            return Response.for_request(transaction.request, status, "Unreadable response")
        return response

    # --- a new call -------------------------------------------------------------------------------------------------

    def open_session(self, request: Request, peer: Peer) -> Session:
        contact = self._client.contact(peer, is_secure=request.uri.is_sips)
        return Session(
            "in", request, peer, contact, self._session_settings, self._identifiers, self._performer.carry_out
        )

    def take(self, session: Session) -> None:
        """Show a new call to the owner; a fault of the owner's ends it."""
        self._performer.carry_out(session)
        try:
            self.on_invite(session)
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while taking the call %s", session.call_id)
            session.hang_up(q850=41, reason="Internal error")

    # --- bytes go out -----------------------------------------------------------------------------------------------

    def _needed(self, peers: Collection[Peer]) -> Collection[Peer]:
        """Of these far ends those that the owner knows, or that talk within a session."""
        talking = {session.peer.place for session in self._sessions.values()}
        return {peer for peer in peers if peer.place in talking or self.knows(peer)}

    def _send_bytes(self, data: bytes, peer: Peer) -> None:
        if self.trace is not None:
            self.trace("out", peer, masked(data))
        if not self._is_closed:
            self._transports.send(data, peer)


def _now() -> float:
    return asyncio.get_running_loop().time()
