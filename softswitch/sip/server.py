"""Requests of others: what a user agent server does with each, in the order of RFC 3261 §8.2, §9.2, §12.2.2 and §13.3.

The stack's `Server` gets every parsed request: one that repeats another goes to its transaction, an ACK or a request
within a dialog to its session, an INVITE becomes a session, the rest is the owner's.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from softswitch.errors import PeerError
from softswitch.sip.identifiers import Identifiers
from softswitch.sip.message import HeaderFields, Request, Response
from softswitch.sip.overload import Overload
from softswitch.sip.parser import salvage
from softswitch.sip.peer import Peer
from softswitch.sip.session import incoming, refresh
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.sources import note_source, response_peer
from softswitch.sip.transaction import machine
from softswitch.sip.transaction.layer import Layer, server_key
from softswitch.sip.transaction.machine import Event, Key, Transaction
from softswitch.sip.validation import Capabilities, check_request


class User(Protocol):
    """Who decides what becomes of calls and requests: the stack's owner, through the stack."""

    def open_session(self, request: Request, peer: Peer) -> Session: ...
    def take(self, session: Session) -> None: ...
    def is_known(self, peer: Peer) -> bool: ...
    def challenge_for(self, request: Request, peer: Peer) -> HeaderFields | None: ...
    def answer_for(self, request: Request, peer: Peer) -> Response | None: ...
    def takes_all_methods(self) -> bool: ...
    def is_ignored(self, peer: Peer, method: str = "") -> bool: ...


class Server:
    """The receiving half of a stack. `sessions` is shared with it: (Call-ID, our tag) -> session."""

    def __init__(
        self,
        settings: StackSettings,
        capabilities: Capabilities,
        identifiers: Identifiers,
        layer: Layer,
        sessions: dict[tuple[str, str], Session],
        drops: Counter[str],
        perform: Callable[[Transaction, list[machine.Effect]], None],
        send_bytes: Callable[[bytes, Peer], None],
        overload: Overload,
        user: User,
    ) -> None:
        self._settings, self._capabilities, self._identifiers = settings, capabilities, identifiers
        self._layer, self._sessions, self._drops = layer, sessions, drops
        self._perform, self._send_bytes = perform, send_bytes
        self._overload, self._user = overload, user

    def receive(self, request: Request, peer: Peer) -> None:
        note_source(request, peer)
        key = server_key(request, request.method)
        transaction = self._layer.servers.get(key)
        if transaction is not None:
            event = Event.ACK if request.method == "ACK" else Event.REQUEST
            self._perform(transaction, self._layer.advance(transaction, event, request))
        elif (answer := self._layer.answers.get(key)) is not None:
            self._send_bytes(answer, response_peer(request.via, peer))
        elif request.method == "ACK":
            self.receive_ack(request, peer)
        elif self._is_to_be_ignored(request, peer):
            self._drops["ignored"] += 1
        elif self._overload.refuses(request, self._layer.unspent, lambda: self._user.is_known(peer)):
            self._drops["overload"] += 1
            retry_after = ("Retry-After", str(self._overload.retry_after_s(request)))
            self._send_statelessly(request, peer, 503, "", (retry_after,))
        elif (challenge := self._user.challenge_for(request, peer)) is not None:
            self._send_statelessly(request, peer, 401, "", challenge)
        else:
            self._receive_new(request, peer, key)

    def _is_to_be_ignored(self, request: Request, peer: Peer) -> bool:
        """Whether this sender gets silence; never within a session of ours."""
        return (
            self._user.is_ignored(peer, request.method)
            and (request.call_id, request.to.tag or "") not in self._sessions
        )

    def receive_ack(self, ack: Request, peer: Peer) -> None:
        """The ACK of a 2xx; it is never answered."""
        session = self._sessions.get((ack.call_id, ack.to.tag or ""))
        if session is None:
            self._drops["stray_ack"] += 1
        else:
            session.receive_request(None, ack, peer)

    def _receive_new(self, request: Request, peer: Peer, key: Key) -> None:
        self._forget_old_answers()
        rejection = check_request(request, self._capabilities) if request.method != "CANCEL" else None
        transaction = self._layer.open_server(request, response_peer(request.via, peer), key)
        self._perform(transaction, transaction.start())
        if transaction.is_merged:
            self._drops["merged"] += 1
            self._respond(transaction, 482)
        elif rejection is not None and not self._is_for_the_user(request, rejection.status):
            self._drops[f"rejected_{rejection.status}"] += 1
            self._respond(transaction, rejection.status, rejection.reason, rejection.headers)
        else:
            self._work_on(transaction, request, peer)

    def _forget_old_answers(self) -> None:
        """Answers are kept for repeats as long as there is room; the oldest were heard most likely."""
        if self._layer.spent <= self._settings.most_spent_transactions:
            return
        self._drops["forgotten_early"] += 1
        if self._layer.answers:
            self._layer.answers.forget_oldest()
        else:
            oldest = self._layer.oldest_spent_invite
            self._layer.forget(oldest)
            self._perform(oldest, [machine.TERMINATED])

    def _work_on(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        """What is wrong only at a closer look is refused through the transaction, which would wait for ever."""
        try:
            self._dispatch(transaction, request, peer)
        except PeerError as error:
            self._drops[error.drop] += 1
            self._refuse_unanswered(transaction, error.status, error.reason)
        except Exception:
            self._refuse_unanswered(transaction, 500)
            raise

    def _refuse_unanswered(self, transaction: Transaction, status: int, reason: str = "") -> None:
        if not transaction.data:
            self._respond(transaction, status, reason)

    def _dispatch(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        if request.method == "CANCEL":
            self._receive_cancel(transaction, request)
        elif request.to.tag is not None:
            self._receive_in_dialog(transaction, request, peer)
        elif request.method == "INVITE":
            self._receive_invite(transaction, request, peer)
        else:
            self._receive_other(transaction, request, peer)

    def _is_for_the_user(self, request: Request, status: int) -> bool:
        """A method only the owner knows (REGISTER, …) is not refused on the owner's behalf."""
        may_be_new = request.to.tag is None or request.method == "SUBSCRIBE"
        return status == 405 and may_be_new and self._user.takes_all_methods()

    def _receive_cancel(self, transaction: Transaction, cancel: Request) -> None:
        """RFC 3261 §9.2: 200 to the CANCEL itself, whatever becomes of its INVITE; 481 where there is none."""
        invite = self._layer.cancelled_by(cancel)
        if invite is None or not isinstance(invite.owner, Session):
            self._respond(transaction, 481)
            return
        tag = invite.owner.dialog.local_tag if invite.owner.dialog else None
        self._perform(transaction, self._layer.respond(transaction, Response.for_request(cancel, 200, to_tag=tag)))
        invite.owner.receive_cancel(invite, cancel)

    def _receive_in_dialog(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        session = self._sessions.get((request.call_id, request.to.tag or ""))
        if session is None and request.method == "SUBSCRIBE":
            self._receive_other(transaction, request, peer)  # a dialog of subscriptions, which are the user's
            return
        if session is None or not session.knows(request.from_.tag):
            self._respond(transaction, 481)
            return
        transaction.owner = session
        session.receive_request(transaction, request, peer)

    def _receive_invite(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        if refresh.is_too_small(request, self._settings.min_se_s):
            self._respond(transaction, 422, headers=(("Min-SE", str(self._settings.min_se_s)),))
            return
        session = self._user.open_session(request, peer)
        try:
            incoming.begin(session, transaction)
        except PeerError as error:
            self._drops[error.drop] += 1
            self._respond(transaction, error.status, error.reason)
            return
        transaction.owner = session
        if session.dialog is not None:
            self._sessions[session.call_id, session.dialog.local_tag] = session
        self._user.take(session)

    def _receive_other(self, transaction: Transaction, request: Request, peer: Peer) -> None:
        response = self._user.answer_for(request, peer)
        if response is None:
            return
        if response.status == 401:
            self._layer.forget(transaction)
            challenges = [("WWW-Authenticate", value) for value in response.headers.all("WWW-Authenticate")]
            self._send_statelessly(request, peer, 401, response.reason, challenges)
        else:
            self._answer(transaction, response)

    def answer_later(self, request: Request, response: Response) -> None:
        """The answer to a request that got none when it came; nothing where its transaction is over."""
        transaction = self._layer.server_for(request)
        if transaction is not None and not transaction.data:
            self._answer(transaction, response)

    def answer_never(self, request: Request) -> None:
        """A request that gets no answer is forgotten: its transaction would wait for one for ever."""
        transaction = self._layer.server_for(request)
        if transaction is not None and not transaction.data:
            self._layer.forget(transaction)

    def _answer(self, transaction: Transaction, response: Response) -> None:
        to = response.headers.get("To") or ""
        if to == transaction.request.headers.get("To") and transaction.request.to.tag is None:
            response.headers.set("To", f"{to};tag={self._identifiers.tag()}")
        self._perform(transaction, self._layer.respond(transaction, response))

    def _respond(self, transaction: Transaction, status: int, reason: str = "", headers: HeaderFields = ()) -> None:
        tag = self._identifiers.tag()
        response = Response.for_request(transaction.request, status, reason, to_tag=tag, headers=headers)
        self._perform(transaction, self._layer.respond(transaction, response))

    # --- without a transaction --------------------------------------------------------------------------------------

    def refuse(self, data: bytes, peer: Peer, error: PeerError) -> None:
        """Bytes that are no good: counted, and answered where there is somebody to answer to."""
        if self._user.is_ignored(peer):
            self._drops["ignored"] += 1
            return
        self._drops[error.drop] += 1
        request = salvage(data)
        if request is not None:
            self.answer_statelessly(request, peer, error.status, error.reason)

    def answer_statelessly(
        self, request: Request, peer: Peer, status: int, reason: str = "", headers: HeaderFields = ()
    ) -> None:
        """The tag depends on the request alone, so that the answer to a repeated request is the same."""
        try:
            note_source(request, peer)
            self._send_statelessly(request, peer, status, reason, headers)
        except (PeerError, ValueError):
            self._drops["unanswerable"] += 1

    def _send_statelessly(self, request: Request, peer: Peer, status: int, reason: str, headers: HeaderFields) -> None:
        """Nothing is kept of it: of those who have not proved anything there may be any number (RFC 3261 §8.2.7)."""
        response = Response.for_request(request, status, reason, to_tag=_stateless_tag(request), headers=headers)
        self._send_bytes(response.encode(), response_peer(request.via, peer))


def _stateless_tag(request: Request) -> str:
    return f"{hash((request.headers.get('Via'), request.headers.get('Call-ID'))) & 0xFFFFFFFFFFFF:x}"
