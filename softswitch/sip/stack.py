"""The SIP stack: the one place where sockets, timers and the pure core meet (RFC 3261 §8, §18).

Datagrams and stream messages come in through `transports`, become messages, find their transaction and their session;
what those return as effects is carried out here. The owner sets `on_invite` and `on_request`, calls `listen`, and from
then on `invite`, `request`, and the verbs of each `Session`. Whatever bytes arrive: an answer by the RFC or a counted
drop.
"""

import asyncio
import logging
import random as chance
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from softswitch.errors import PeerError
from softswitch.sip.client import Asker, Nobody, Question, Sending
from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.digest import Credentials
from softswitch.sip.grammar import format_host_port
from softswitch.sip.headers import Address
from softswitch.sip.identifiers import Chance, Identifiers
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.parser import parse, salvage
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.resolver import Dns, Resolver, SystemDns
from softswitch.sip.session import authorize, effects, events, incoming, outgoing, refresh
from softswitch.sip.session.offers import SDP
from softswitch.sip.session.session import Session, SessionEvent
from softswitch.sip.settings import StackSettings
from softswitch.sip.sources import is_behind_nat, note_source, response_peer
from softswitch.sip.timers import RunningTimer, Timers
from softswitch.sip.transaction import machine
from softswitch.sip.transaction.client_invite import State as ClientInviteState
from softswitch.sip.transaction.layer import Layer
from softswitch.sip.transaction.machine import Event, Transaction, event_of
from softswitch.sip.transport.network import Network, SystemNetwork
from softswitch.sip.transport.transports import Transports
from softswitch.sip.uri import Uri
from softswitch.sip.validation import Capabilities, check_request

TIMER_SLACK_S = 0.002  # timers this close together are served by one wake-up of the loop

HeaderFields = Iterable[tuple[str, str]]
logger = logging.getLogger(__name__)


class Stack:
    """One SIP element. `drops` counts by name whatever was dropped or refused; `trace` sees every message."""

    def __init__(
        self,
        settings: StackSettings | None = None,
        *,
        random: Chance | None = None,
        network: Network | None = None,
        dns: Dns | None = None,
    ) -> None:
        self.settings = settings or StackSettings()
        self.capabilities = Capabilities()
        self.on_invite: Callable[[Session], None] = _nobody_answers
        self.on_request: Callable[[Request, Peer], Response | None] = self.answer_options
        self.drops: Counter[str] = Counter()
        self.trace: Callable[[str, Peer, bytes], None] | None = None

        self._identifiers = Identifiers(random or chance.SystemRandom())
        self._session_settings = self.settings.session(self.capabilities)
        self._layer = Layer(self.settings.intervals())
        self._sessions: dict[tuple[str, str], Session] = {}
        self._sendings: dict[int, Sending] = {}
        self._transports = Transports(
            network or SystemNetwork(),
            self.settings.streams(),
            self._received,
            self._refuse,
            self._lost,
            self.drops,
        )
        self._resolver = Resolver(dns or SystemDns(), self._identifiers, lambda: self._now())
        self._timers = Timers()
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost_peers: set[Peer] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    # --- the owner's side -------------------------------------------------------------------------------------------

    async def listen(self, transport: Transport | str, host: str, port: int) -> tuple[str, int]:
        """Open a socket; port 0 takes a free one. Returns (host, port). Raises `OSError`."""
        self._loop = asyncio.get_running_loop()
        return await self._transports.listen(Transport(transport), host, port)

    def invite(
        self,
        uri: Uri,
        *,
        from_: Address,
        to: Address | None = None,
        next_hop: Uri | None = None,
        offer: bytes | None = None,
        headers: HeaderFields = (),
        credentials: Credentials | None = None,
        on_event: Callable[[SessionEvent], None],
    ) -> Session:
        """Call somebody. Without `offer` the far end is asked for one (see `Answered`)."""
        request = self._new_request("INVITE", uri, from_, to, headers)
        for name, value in (("Contact", ""), *self._session_settings.common_headers):
            request.headers.add(name, value)
        if self.settings.session_expires_s:
            request.headers.add("Session-Expires", str(self.settings.session_expires_s))
        if offer is not None:
            request.headers.add("Content-Type", SDP)
            request.body = offer
        unknown = Peer(Transport.UDP, "", 0)
        session = Session("out", request, unknown, "", self._session_settings, self._identifiers, self._carry_out)
        session.on_event, session.credentials, session.next_hop = on_event, credentials, next_hop
        self._sessions[session.call_id, request.from_.tag or ""] = session
        outgoing.begin(session)
        self._carry_out(session)
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
    ) -> Response:
        """Ask something outside of any dialog. 408 is made up where nobody answers, 503 where nobody can be reached."""
        request = self._new_request(method, uri, from_ or Address(uri), to, headers)
        request.body = body
        while True:
            question = Question()
            self._send_request(question, request, next_hop or _first_hop(request))
            request, response = await question.answered
            if response.status not in (401, 407) or credentials is None:
                return response
            again = authorize.with_credentials(request, response, credentials, self._identifiers)
            if again is None:
                return response
            request = again

    async def drain(self, timeout_s: float) -> bool:
        """Wait until no session and no transaction is left; whether that came within the time."""
        assert self._loop is not None
        ends_at = self._now() + timeout_s
        while (self._sessions or len(self._layer)) and self._now() < ends_at:
            await asyncio.sleep(0.05)
        return not self._sessions and not len(self._layer)

    async def close(self) -> None:
        """Close all sockets, at once. Who wants its sessions to end properly hangs them up and `drain`s first."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._alarm is not None:
            self._alarm.cancel()
        await self._transports.close()

    def counts(self) -> dict[str, int]:
        """What is alive; all zero when nothing was left behind."""
        return {
            "sessions": len(self._sessions),
            "transactions": len(self._layer),
            "timers": len(self._timers),
            "sendings": len(self._sendings),
        }

    def answer_options(self, request: Request, _peer: Peer) -> Response | None:
        """The default `on_request`: 200 to OPTIONS with what we can do, 405 to the rest."""
        if request.method == "OPTIONS":
            return self._response(request, 200, headers=self.capabilities.headers())
        return self._response(request, 405, headers=self.capabilities.headers()[:1])

    def _new_request(self, method: str, uri: Uri, from_: Address, to: Address | None, headers: HeaderFields) -> Request:
        request = Request(method, uri)
        add = request.headers.add
        add("Via", "")
        add("Max-Forwards", MAX_FORWARDS)
        add("From", str(from_.with_tag(self._identifiers.tag())))
        add("To", str(to or Address(uri)))
        add("Call-ID", self._identifiers.call_id())
        add("CSeq", f"{self._identifiers.first_cseq()} {method}")
        add("User-Agent", self.settings.user_agent)
        for name, value in headers:
            add(name, value)
        return request

    # --- bytes come in ----------------------------------------------------------------------------------------------

    def _received(self, data: bytes, peer: Peer) -> None:
        """One datagram, or one message of a stream."""
        if self.trace is not None:
            self.trace("in", peer, data)
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._receive_request(message, peer)
            else:
                self._receive_response(message)
        except PeerError as error:
            self._refuse(data, peer, error)
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while working on a message from %s: %r", peer, data[:200])
            self._give_up(data, peer)

    def _refuse(self, data: bytes, peer: Peer, error: PeerError) -> None:
        """Bytes that are no good: counted, and answered where there is somebody to answer to."""
        self.drops[error.drop] += 1
        request = salvage(data)
        if request is not None:
            self._answer_statelessly(request, peer, error.status, error.reason)

    def _give_up(self, data: bytes, peer: Peer) -> None:
        request = salvage(data)
        if request is not None:
            self._answer_statelessly(request, peer, 500)

    def _answer_statelessly(
        self, request: Request, peer: Peer, status: int, reason: str = "", headers: HeaderFields = ()
    ) -> None:
        """Without a transaction; the tag depends on the request alone, so that a repeated answer is the same."""
        try:
            note_source(request, peer)
            response = Response.for_request(request, status, reason, to_tag=_stateless_tag(request), headers=headers)
            self._send_bytes(response.encode(), self._way_back(request, peer))
        except (PeerError, ValueError):
            self.drops["unanswerable"] += 1

    def _receive_request(self, request: Request, peer: Peer) -> None:
        note_source(request, peer)
        transaction = self._layer.server_for(request)
        if transaction is not None:
            event = Event.ACK if request.method == "ACK" else Event.REQUEST
            self._perform(transaction, self._layer.advance(transaction, event, request))
        elif request.method == "ACK":
            self._receive_ack(request)
        elif len(self._layer.servers) >= self.settings.most_server_transactions:
            self.drops["overload"] += 1
            retry = ("Retry-After", str(self.settings.retry_after_s))
            self._answer_statelessly(request, peer, 503, headers=(retry,))
        else:
            self._receive_new_request(request, peer)

    def _receive_ack(self, ack: Request) -> None:
        """The ACK of a 2xx; it is never answered."""
        session = self._sessions.get((ack.call_id, ack.to.tag or ""))
        if session is None:
            self.drops["stray_ack"] += 1
        else:
            session.receive_request(None, ack)

    def _receive_new_request(self, request: Request, peer: Peer) -> None:
        is_merged = request.to.tag is None and self._layer.is_merged(request)
        rejection = check_request(request, self.capabilities) if request.method != "CANCEL" else None
        transaction = self._layer.open_server(request, self._way_back(request, peer))
        self._perform(transaction, transaction.start())
        if is_merged:
            self.drops["merged"] += 1
            self._respond(transaction, 482)
        elif rejection is not None and not self._is_for_the_owner(request, rejection.status):
            self.drops[f"rejected_{rejection.status}"] += 1
            self._respond(transaction, rejection.status, rejection.reason, rejection.headers)
        elif request.method == "CANCEL":
            self._receive_cancel(transaction, request)
        elif request.to.tag is not None:
            self._receive_in_dialog(transaction, request)
        elif request.method == "INVITE":
            self._receive_invite(transaction, request, peer)
        else:
            self._ask_owner(transaction, request, peer)

    def _is_for_the_owner(self, request: Request, status: int) -> bool:
        """A method only the owner knows (REGISTER, …) is not refused on the owner's behalf."""
        return status == 405 and request.to.tag is None and self.on_request != self.answer_options

    def _receive_cancel(self, transaction: Transaction, cancel: Request) -> None:
        invite = self._layer.cancelled_by(cancel)
        if invite is None or not isinstance(invite.owner, Session):
            self._respond(transaction, 481)
            return
        tag = invite.owner.dialog.local_tag if invite.owner.dialog else None
        self._perform(transaction, self._layer.respond(transaction, Response.for_request(cancel, 200, to_tag=tag)))
        invite.owner.receive_cancel(invite, cancel)

    def _receive_in_dialog(self, transaction: Transaction, request: Request) -> None:
        session = self._sessions.get((request.call_id, request.to.tag or ""))
        if session is None or not session.knows(request.from_.tag):
            self._respond(transaction, 481)
            return
        transaction.owner = session
        session.receive_request(transaction, request)

    def _receive_invite(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        minimum_s = self.settings.min_se_s
        if refresh.is_too_small(request, minimum_s):
            self._respond(transaction, 422, headers=(("Min-SE", str(minimum_s)),))
            return
        contact = self._contact(peer)
        session = Session("in", request, peer, contact, self._session_settings, self._identifiers, self._carry_out)
        try:
            incoming.begin(session, transaction)
        except PeerError as error:
            self.drops[error.drop] += 1
            self._respond(transaction, error.status, error.reason)
            return
        transaction.owner = session
        if session.dialog is not None:
            self._sessions[session.call_id, session.dialog.local_tag] = session
        self._carry_out(session)
        self._present(session)

    def _present(self, session: Session) -> None:
        try:
            self.on_invite(session)
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while taking the call %s", session.call_id)
            session.hang_up(q850=41, reason="Internal error")

    def _ask_owner(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        response = self.on_request(request, peer)
        if response is not None:
            self._perform(transaction, self._layer.respond(transaction, response))

    def _receive_response(self, response: Response) -> None:
        transaction = self._layer.client_for(response)
        if transaction is None:
            self.drops["stray_response"] += 1
        else:
            self._perform(transaction, self._layer.advance(transaction, event_of(response), response))

    # --- effects of transactions ------------------------------------------------------------------------------------

    def _perform(self, transaction: Transaction, todo: list[machine.Effect]) -> None:
        for effect in todo:
            kind = type(effect)
            if kind is machine.Send:
                self._send_bytes(effect.data, transaction.peer)  # type: ignore[union-attr]
            else:
                _TRANSACTION_EFFECTS[kind](self, transaction, effect)

    def _deliver(self, transaction: Transaction, effect: machine.Deliver) -> None:
        message = effect.message
        if isinstance(message, Response):
            self._deliver_response(transaction, message)
        elif isinstance(message, Request):
            self._receive_ack(message)

    def _deliver_response(self, transaction: Transaction, response: Response) -> None:
        sending = transaction.owner
        if not isinstance(sending, Sending):
            return
        if sending.is_to_be_tried_elsewhere(response):
            self._try_next(sending)
            return
        sending.is_heard = True
        if response.status >= 200:
            self._sendings.pop(id(sending.request), None)
        sending.asker.receive_response(sending.request, response)

    def _start_timer(self, transaction: Transaction, effect: machine.StartTimer) -> None:
        transaction.timers[effect.timer] = self._start(effect.after_s, transaction, effect.timer)

    def _stop_timers(self, transaction: Transaction, _: machine.Effect) -> None:
        for timer in transaction.timers.values():
            timer.cancel()
        transaction.timers.clear()

    def _failed(self, transaction: Transaction, effect: machine.Failed) -> None:
        """Nothing came: the transaction user hears a response all the same (RFC 3261 §8.1.3.1)."""
        self.drops[f"transaction_{effect.failure.name.lower()}"] += 1
        if isinstance(transaction.owner, Sending):
            response = Response.for_request(transaction.request, effect.failure.value)
            self._deliver_response(transaction, response)
        elif isinstance(transaction.owner, Session):
            transaction.owner.lose(transaction)

    # --- effects of sessions ----------------------------------------------------------------------------------------

    def _carry_out(self, session: Session) -> None:
        """Do what a session asks for, in order; what an owner's handler adds meanwhile comes behind."""
        todo = session.effects
        while todo:
            effect = todo.popleft()
            _SESSION_EFFECTS[type(effect)](self, session, effect)

    def _emit(self, session: Session, effect: effects.Emit) -> None:
        try:
            session.on_event(effect.event)
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while telling the owner of the call %s of %r", session.call_id, effect.event)

    def _respond_for(self, _: Session, effect: effects.Respond) -> None:
        self._perform(effect.transaction, self._layer.respond(effect.transaction, effect.response))

    def _request_for(self, session: Session, effect: effects.SendRequest) -> None:
        self._send_request(session, effect.request, effect.next_hop, self._known_way(session, effect.request))

    def _ack_for(self, session: Session, effect: effects.SendAck) -> None:
        way = self._known_way(session, effect.request)
        targets = [way] if way is not None else self._resolver.resolve_now(effect.next_hop)
        if targets:
            self._send_ack(effect.request, targets[0])
        else:
            self._spawn(self._resolve_ack(effect))

    async def _resolve_ack(self, effect: effects.SendAck) -> None:
        try:
            targets = await self._resolver.resolve(effect.next_hop)
        except OSError:
            self.drops["unresolved"] += 1
            return
        if targets:
            self._send_ack(effect.request, targets[0])

    def _send_ack(self, ack: Request, peer: Peer) -> None:
        if not ack.headers.get("Via"):
            peer = self._put_via(ack, peer)
        self._send_bytes(ack.encode(), peer)

    def _cancel_for(self, _: Session, effect: effects.Cancel) -> None:
        sending = self._sendings.get(id(effect.request))
        if sending is None or sending.transaction is None:
            return
        invite = sending.transaction
        if invite.state is ClientInviteState.PROCEEDING:
            cancel = _cancel_of(effect.request, effect.headers)
            self._open_client(Sending(cancel, Nobody()), cancel, invite.peer)

    def _abandon_for(self, _: Session, effect: effects.Abandon) -> None:
        sending = self._sendings.pop(id(effect.request), None)
        if sending is not None and sending.transaction is not None:
            self._stop_timers(sending.transaction, machine.STOP_TIMERS)
            self._layer.forget(sending.transaction)

    def _start_timer_for(self, session: Session, effect: effects.StartTimer) -> None:
        running = session.running.pop(effect.timer, None)
        if running is not None:
            running.cancel()
        session.running[effect.timer] = self._start(effect.after_s, session, effect.timer)

    def _stop_timer_for(self, session: Session, effect: effects.StopTimer) -> None:
        running = session.running.pop(effect.timer, None)
        if running is not None:
            running.cancel()

    def _finish(self, session: Session, _: effects.Finished) -> None:
        for timer in session.running.values():
            timer.cancel()
        session.running.clear()
        tag = session.request.from_.tag if session.direction == "out" else session.dialog and session.dialog.local_tag
        self._sessions.pop((session.call_id, tag or ""), None)

    # --- requests go out --------------------------------------------------------------------------------------------

    def _send_request(self, asker: Asker, request: Request, next_hop: Uri, way: Peer | None = None) -> None:
        """Start a client transaction with the first of the targets the next hop leads to."""
        sending = Sending(request, asker)
        self._sendings[id(request)] = sending
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
            self.drops["unresolved"] += 1
        if isinstance(sending.asker, Session) and sending.asker.has_ended and sending.request.method == "INVITE":
            sending.targets = []  # hung up before it was sent
        if sending.targets:
            self._try_next(sending)
        else:
            self._sendings.pop(id(sending.request), None)
            sending.asker.receive_response(sending.request, Response.for_request(sending.request, 503))

    def _try_next(self, sending: Sending) -> None:
        peer = self._put_via(sending.request, sending.targets.pop(0))
        if isinstance(sending.asker, Session):
            self._put_contact(sending.asker, sending.request, peer)
        self._open_client(sending, sending.request, peer)

    def _open_client(self, sending: Sending, request: Request, peer: Peer) -> None:
        transaction = self._layer.open_client(request, peer)
        transaction.owner = sending
        sending.transaction = transaction
        self._perform(transaction, transaction.start())

    def _put_via(self, request: Request, peer: Peer) -> Peer:
        """The topmost Via, with a new branch. A request too large for UDP goes by TCP (RFC 3261 §18.1.1)."""
        if peer.transport is Transport.UDP and self._is_too_large(request) and self._transports.is_open(Transport.TCP):
            peer = peer._replace(transport=Transport.TCP, local_port=0)
        host, port = self._sent_by(peer)
        sent_by = format_host_port(host, port)
        branch = self._identifiers.branch()
        request.headers.set("Via", f"SIP/2.0/{peer.transport} {sent_by};rport;branch={branch}")
        return peer

    def _is_too_large(self, request: Request) -> bool:
        limit = self.settings.largest_udp_request_bytes
        if not limit or len(request.body) + 60 * len(request.headers) < limit // 2:
            return False
        return len(request.encode()) + 100 > limit  # the Via is still to come

    def _put_contact(self, session: Session, request: Request, peer: Peer) -> None:
        if request.headers.get("Contact") == "":
            session.contact = self._contact(peer)
            request.headers.set("Contact", session.contact)
        if session.direction == "out" and request.method == "INVITE":
            session.peer = peer

    def _known_way(self, session: Session, request: Request) -> Peer | None:
        """The way a session's messages come, where it is better than what the dialog names: a connection that stands,
        or a far end behind NAT whose Contact only it can reach."""
        if request.to.tag is None or "Route" in request.headers:
            return None
        peer = session.peer
        if peer.transport is Transport.TCP:
            return peer if self._transports.is_connected(peer) else None
        return peer if is_behind_nat(request.uri.host, peer.host) else None

    def _contact(self, peer: Peer) -> str:
        host, port = self._sent_by(peer)
        transport = "" if peer.transport is Transport.UDP else f";transport={peer.transport.lower()}"
        return f"<sip:{format_host_port(host, port)}{transport}>"

    def _sent_by(self, peer: Peer) -> tuple[str, int]:
        host, port = self._transports.local_address(peer)
        return self.settings.advertised_host or host, port

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- responses and bytes go out ---------------------------------------------------------------------------------

    def _way_back(self, request: Request, peer: Peer) -> Peer:
        """Where the response goes (RFC 3261 §18.2.2, RFC 3581 §4)."""
        return response_peer(request.via, peer)

    def _respond(self, transaction: Transaction, status: int, reason: str = "", headers: HeaderFields = ()) -> None:
        response = self._response(transaction.request, status, reason, headers)
        self._perform(transaction, self._layer.respond(transaction, response))

    def _response(self, request: Request, status: int, reason: str = "", headers: HeaderFields = ()) -> Response:
        return Response.for_request(request, status, reason, to_tag=self._identifiers.tag(), headers=headers)

    def _send_bytes(self, data: bytes, peer: Peer) -> None:
        if self.trace is not None:
            self.trace("out", peer, data)
        if not self._is_closed:
            self._transports.send(data, peer)

    def _lost(self, peer: Peer) -> None:
        """Something to this peer was not delivered. Reports come in floods, so they are looked at once a loop pass."""
        if self._is_closed:
            return
        self.drops["undelivered"] += 1
        if not self._lost_peers:
            asyncio.get_running_loop().call_soon(self._report_lost)
        self._lost_peers.add(peer._replace(local_port=0))

    def _report_lost(self) -> None:
        lost, self._lost_peers = self._lost_peers, set()
        for transaction in (*self._layer.clients.values(), *self._layer.servers.values()):
            if transaction.peer._replace(local_port=0) in lost and self._layer.is_alive(transaction):
                self._perform(transaction, self._layer.advance(transaction, Event.TRANSPORT_ERROR))

    # --- timers -----------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._loop.time() if self._loop is not None else asyncio.get_running_loop().time()

    def _start(self, after_s: float, owner: Transaction | Session, name: Any) -> RunningTimer:
        timer = self._timers.start(self._now(), after_s, owner, name)
        if self._alarm is None or timer.at < self._alarm.when():
            self._arm(timer.at)
        return timer

    def _arm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        """Timers are due."""
        self._alarm = None
        for timer in self._timers.due(self._now() + TIMER_SLACK_S):
            self._fire(timer.owner, timer.name)
        at = self._timers.next_at()
        if at is not None and self._alarm is None:
            self._arm(at)

    def _fire(self, owner: Transaction | Session, name: Any) -> None:
        try:
            if isinstance(owner, Session):
                owner.running.pop(name, None)
                owner.fire(name)
            else:
                owner.timers.pop(name, None)
                self._perform(owner, self._layer.advance(owner, name))
        except Exception:
            self.drops["our_bug"] += 1
            logger.exception("while serving %s of %r", name.value, owner)


_TRANSACTION_EFFECTS: dict[type, Callable[[Stack, Transaction, Any], None]] = {
    machine.Deliver: Stack._deliver,
    machine.StartTimer: Stack._start_timer,
    machine.StopTimers: Stack._stop_timers,
    machine.Failed: Stack._failed,
    machine.Terminated: Stack._stop_timers,
}

_SESSION_EFFECTS: dict[type, Callable[[Stack, Session, Any], None]] = {
    effects.SendRequest: Stack._request_for,
    effects.SendAck: Stack._ack_for,
    effects.Cancel: Stack._cancel_for,
    effects.Abandon: Stack._abandon_for,
    effects.Respond: Stack._respond_for,
    effects.StartTimer: Stack._start_timer_for,
    effects.StopTimer: Stack._stop_timer_for,
    effects.Emit: Stack._emit,
    effects.Finished: Stack._finish,
}


def _nobody_answers(session: Session) -> None:
    session.reject(480)


def _first_hop(request: Request) -> Uri:
    routes = request.routes
    return routes[0].uri if routes and "lr" in routes[0].uri.params else request.uri


def _stateless_tag(request: Request) -> str:
    return f"{hash((request.headers.get('Via'), request.headers.get('Call-ID'))) & 0xFFFFFFFFFFFF:x}"


def _cancel_of(invite: Request, headers: HeaderFields) -> Request:
    """The CANCEL of an INVITE: the same Request-URI, Via, From, To, Call-ID, Route and CSeq number (RFC 3261 §9.1)."""
    cancel = Request("CANCEL", invite.uri)
    for name in ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID"):
        for value in invite.headers.all(name):
            cancel.headers.add(name, value)
    cancel.headers.add("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in headers:
        cancel.headers.add(name, value)
    return cancel


__all__ = [
    "Address",
    "Credentials",
    "Message",
    "Peer",
    "Request",
    "Response",
    "Session",
    "SessionEvent",
    "Stack",
    "StackSettings",
    "Transport",
    "Uri",
    "events",
]
