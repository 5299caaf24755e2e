"""Requests of ours on their way: targets and failover, Via and Contact, ACK and CANCEL (RFC 3261 §8.1, RFC 3263 §4.3).

The stack's `Client` takes a request and who asks, finds out where it goes, opens the transaction, and tries the next
target when one is silent, broken or overloaded. What comes of it goes to the `Asker`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Protocol

from softswitch.sip.grammar import format_host_port
from softswitch.sip.identifiers import Identifiers
from softswitch.sip.large import Large
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.resolver import Resolver
from softswitch.sip.session import effects
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.sources import is_behind_nat
from softswitch.sip.transaction import machine
from softswitch.sip.transaction.client_invite import State as ClientInviteState
from softswitch.sip.transaction.layer import Layer
from softswitch.sip.transaction.machine import Transaction
from softswitch.sip.transport.transports import Transports
from softswitch.sip.uri import Uri

FAILOVER_STATUSES = (408, 503)


class Asker(Protocol):
    """Who is told what came of a request."""

    def receive_response(self, request: Request, response: Response) -> None: ...


class Question:
    """Asks a request outside of any dialog and waits for its final response."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[tuple[Request, Response]] = asyncio.get_running_loop().create_future()

    def receive_response(self, request: Request, response: Response) -> None:
        if response.status >= 200 and not self.answered.done():
            self.answered.set_result((request, response))


class Nobody:
    """For a request whose answer changes nothing: CANCEL."""

    def receive_response(self, request: Request, response: Response) -> None:
        """Nothing follows from it."""


class Sending:
    """A request, who asks, and the targets left to try; `transaction` is the attempt that runs."""

    __slots__ = ("asker", "by_udp_alone", "is_heard", "request", "targets", "transaction", "udp")

    def __init__(self, request: Request, asker: Asker, *, by_udp_alone: bool = False) -> None:
        self.request = request
        self.asker = asker
        self.by_udp_alone = by_udp_alone
        self.targets: list[Peer] = []
        self.transaction: Transaction | None = None
        self.is_heard = False
        self.udp: Peer | None = None
        """The target that gets it by TCP now, as it is too large for UDP."""

    def is_to_be_tried_elsewhere(self, response: Response) -> bool:
        """Whether the next target may do better: this one never said a word, or has no room."""
        is_open = bool(self.targets) and not self.is_heard and not self.is_given_up
        return is_open and response.status in FAILOVER_STATUSES

    @property
    def is_given_up(self) -> bool:
        """Whether it is a call that was hung up meanwhile: it must not ring anywhere else."""
        return isinstance(self.asker, Session) and self.asker.has_ended and self.request.method == "INVITE"


class Client:
    """The sending half of a stack."""

    def __init__(
        self,
        settings: StackSettings,
        identifiers: Identifiers,
        layer: Layer,
        transports: Transports,
        resolver: Resolver,
        drops: Counter[str],
        perform: Callable[[Transaction, list[machine.Effect]], None],
        send_bytes: Callable[[bytes, Peer], None],
        now: Callable[[], float],
    ) -> None:
        self.sendings: dict[int, Sending] = {}
        self._settings, self._identifiers = settings, identifiers
        self._layer, self._transports, self._resolver = layer, transports, resolver
        self._drops = drops
        self._perform, self._send_bytes = perform, send_bytes
        self._large = Large(settings.largest_udp_request_bytes, transports, self._spawn, now)
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sending in tuple(self.sendings.values()):
            if isinstance(sending.asker, Question):
                sending.asker.receive_response(sending.request, Response.for_request(sending.request, 503))
        self.sendings.clear()

    # --- requests ---------------------------------------------------------------------------------------------------

    def send(self, asker: Asker, request: Request, next_hop: Uri, flow: Peer | None = None) -> None:
        """Start a client transaction with the first of the targets the next hop leads to, or over the flow."""
        session = asker if isinstance(asker, Session) else None
        way = self._known_way(session, request) if session is not None else flow
        by_udp_alone = way is not None or (session is not None and session.by_udp_alone)
        sending = self.sendings[id(request)] = Sending(request, asker, by_udp_alone=by_udp_alone)
        targets = [way] if way is not None else self._resolver.resolve_now(next_hop)
        if targets is None:
            self._spawn(self._resolve(sending, next_hop))
        else:
            sending.targets = targets
            self._try_next(sending)

    async def _resolve(self, sending: Sending, next_hop: Uri) -> None:
        try:
            sending.targets = await self._resolver.resolve(next_hop)
        except OSError:
            if sending.request.method != "OPTIONS":  # that only asks whether somebody is there
                self._drops["unresolved"] += 1
        if sending.targets and not sending.is_given_up:
            self._try_next(sending)
        else:
            self._lead_nowhere(sending)

    def _try_next(self, sending: Sending) -> None:
        target = sending.targets.pop(0)
        way = target if sending.by_udp_alone else self._large.way_now(sending.request, target)
        if way is None:
            sending.transaction = None
            self._spawn(self._seek(sending, target))
        else:
            self._send_by(sending, target, way)

    async def _seek(self, sending: Sending, target: Peer) -> None:
        way = await self._large.seek(target)
        if sending.is_given_up:
            self._lead_nowhere(sending)
        elif id(sending.request) in self.sendings:
            self._send_by(sending, target, way)

    def _send_by(self, sending: Sending, target: Peer, way: Peer) -> None:
        sending.udp = target if way is not target else None
        self._put_via(sending.request, way)
        if isinstance(sending.asker, Session):
            self._put_contact(sending.asker, sending.request, way)
        self._open(sending, way)

    def _lead_nowhere(self, sending: Sending) -> None:
        self.sendings.pop(id(sending.request), None)
        sending.asker.receive_response(sending.request, Response.for_request(sending.request, 503))

    def _open(self, sending: Sending, peer: Peer) -> None:
        transaction = self._layer.open_client(sending.request, peer)
        transaction.owner = sending
        sending.transaction = transaction
        self._perform(transaction, transaction.start())

    def fail(self, sending: Sending, status: int) -> None:
        """Nothing came: what is too large for UDP goes by UDP all the same where TCP leads nowhere (§18.1.1)."""
        if sending.udp is not None and not sending.is_heard and sending.transaction is not None:
            self._large.note_absence(sending.udp)
            sending.targets.insert(0, sending.udp)
        self.deliver(sending, Response.for_request(sending.request, status))

    def deliver(self, sending: Sending, response: Response) -> None:
        """A response came (or was made up): for the asker, or a reason to try the next target."""
        if sending.is_to_be_tried_elsewhere(response):
            self._try_next(sending)
            return
        sending.is_heard = True
        if response.status >= 200:
            self.sendings.pop(id(sending.request), None)
        sending.asker.receive_response(sending.request, response)

    # --- ACK and CANCEL ---------------------------------------------------------------------------------------------

    def acknowledge(self, session: Session, effect: effects.SendAck) -> None:
        """The ACK of a 2xx: to where the dialog leads, without a transaction (RFC 3261 §13.2.2.4)."""
        way = self._known_way(session, effect.request)
        targets = [way] if way is not None else self._resolver.resolve_now(effect.next_hop)
        by_udp_alone = way is not None or session.by_udp_alone
        if targets is None:
            self._spawn(self._resolve_ack(effect, by_udp_alone))
        else:
            self._send_ack(effect.request, targets[0], by_udp_alone)

    async def _resolve_ack(self, effect: effects.SendAck, by_udp_alone: bool) -> None:
        try:
            targets = await self._resolver.resolve(effect.next_hop)
        except OSError:
            self._drops["unresolved"] += 1
            return
        self._send_ack(effect.request, targets[0], by_udp_alone)

    def _send_ack(self, ack: Request, peer: Peer, by_udp_alone: bool) -> None:
        if not ack.headers.get("Via"):
            peer = peer if by_udp_alone else self._large.way_now(ack, peer) or peer
            self._put_via(ack, peer)
        self._send_bytes(ack.encode(), peer)

    def cancel(self, _: Session, effect: effects.Cancel) -> None:
        sending = self.sendings.get(id(effect.request))
        if sending is not None and sending.transaction is not None:
            invite = sending.transaction
            if invite.state is ClientInviteState.PROCEEDING:
                self._open(Sending(_cancel_of(effect), Nobody()), invite.peer)

    def abandon(self, request: Request) -> Transaction | None:
        """Forget a request; returns its transaction, whose timers are the caller's to stop."""
        sending = self.sendings.pop(id(request), None)
        if sending is None or sending.transaction is None:
            return None
        self._layer.forget(sending.transaction)
        return sending.transaction

    # --- Via, Contact, and which way --------------------------------------------------------------------------------

    def _put_via(self, request: Request, peer: Peer) -> None:
        """The topmost Via, with a new branch."""
        sent_by = format_host_port(*self._sent_by(peer))
        branch = self._identifiers.branch()
        request.headers.set("Via", f"SIP/2.0/{peer.transport} {sent_by};rport;branch={branch}")

    def _put_contact(self, session: Session, request: Request, peer: Peer) -> None:
        if request.headers.get("Contact") == "":
            session.contact = self.contact(peer, is_secure=request.uri.is_sips)
            request.headers.set("Contact", session.contact)
        if session.direction == "out" and request.method == "INVITE":
            session.peer = peer

    def contact(self, peer: Peer, *, is_secure: bool = False) -> str:
        """Our Contact for this peer; a SIPS URI where the request goes to one (RFC 3261 §8.1.1.8, §12.1.1)."""
        return _contact(*self._sent_by(peer), peer.transport, is_secure)

    def _sent_by(self, peer: Peer) -> tuple[str, int]:
        host, port = self._transports.local_address(peer)
        return self._settings.advertised_host or host, port

    def _known_way(self, session: Session, request: Request) -> Peer | None:
        """The way a session's messages come, where it is better than what the dialog names.

        That is a connection that stands, or a far end behind NAT whose Contact only it can reach; for an INVITE the
        flow over which a phone has registered.
        """
        if request.to.tag is None:
            flow = session.flow
            if flow is None or flow.transport is Transport.UDP or self._transports.is_connected(flow):
                return flow
            return None if request.uri.host == flow.host else flow  # never to a host that a phone has merely named
        if "Route" in request.headers:
            return None
        peer = session.peer
        if peer.transport is not Transport.UDP:
            return peer if self._transports.is_connected(peer) else None
        return peer if is_behind_nat(request.uri.host, peer.host) else None

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@lru_cache(maxsize=256)
def _contact(host: str, port: int, transport: Transport, is_secure: bool) -> str:
    """Of each place where we are heard, the same in every call."""
    params = "" if transport is Transport.UDP or is_secure else f";transport={transport.lower()}"
    return f"<{'sips' if is_secure else 'sip'}:{format_host_port(host, port)}{params}>"


def _cancel_of(effect: effects.Cancel) -> Request:
    """The CANCEL of an INVITE: the same Request-URI, Via, From, To, Call-ID, Route and CSeq number (RFC 3261 §9.1)."""
    invite = effect.request
    cancel = Request("CANCEL", invite.uri)
    for name in ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID"):
        for value in invite.headers.all(name):
            cancel.headers.add(name, value)
    cancel.headers.add("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in effect.headers:
        cancel.headers.add(name, value)
    return cancel
