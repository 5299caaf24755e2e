"""One INVITE session, incoming or outgoing: the handle its owner holds, and the facts its verbs work on.

The owner calls the verbs (`ring`, `answer`, `hang_up`, …) and hears `SessionEvent`s. The stack feeds what arrives
(`receive_request`, `receive_response`, `fire`) and carries out `effects`. Nothing here waits, reads a clock or knows a
socket: each verb is a file of its own that guards, moves the table of `states`, and appends effects.

An owner may be late by a message: a verb for a session that has ended meanwhile does nothing.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import Credentials
from softswitch.sip.headers import Address
from softswitch.sip.identifiers import Identifiers
from softswitch.sip.message import HeaderFields, Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.session import (
    bye,
    cancel,
    dispatch,
    incoming,
    info,
    offers,
    refer,
    refresh,
    reliable,
    reoffer,
    states,
)
from softswitch.sip.session.effects import (
    Effect,
    Emit,
    Finished,
    Respond,
    SendAck,
    SendRequest,
    SessionTimer,
)
from softswitch.sip.session.events import Ended, SessionEvent
from softswitch.sip.session.offers import OfferMove, OfferState, OpenOffer
from softswitch.sip.session.settings import SessionSettings
from softswitch.sip.session.states import Move, State
from softswitch.sip.timers import RunningTimer
from softswitch.sip.transaction.machine import Transaction
from softswitch.sip.uri import Uri


class Session:
    """One INVITE session. Public are the verbs and what stands first in the constructor."""

    __slots__ = (
        "accepted",
        "acks",
        "by_udp_alone",
        "bye_headers",
        "call_id",
        "cancel_sent",
        "common_headers",
        "contact",
        "credentials",
        "dialog",
        "direction",
        "do",
        "early",
        "effects",
        "flow",
        "flush",
        "has_ended",
        "has_exchanged",
        "held_answer",
        "identifiers",
        "invite_in",
        "invite_out",
        "is_heard",
        "local_sdp",
        "next_hop",
        "next_offer",
        "offer_state",
        "on_bye_answered",
        "on_event",
        "open_offer",
        "owner",
        "peer",
        "referral",
        "reliable",
        "remote_offer",
        "request",
        "retries",
        "running",
        "settings",
        "source",
        "state",
        "timer",
        "wait_s",
    )

    def __init__(
        self,
        direction: Literal["in", "out"],
        request: Request,
        peer: Peer,
        contact: str,
        settings: SessionSettings,
        identifiers: Identifiers,
        flush: Callable[["Session"], None],
    ) -> None:
        self.direction: Literal["in", "out"] = direction
        self.request = request
        self.peer = peer
        self.call_id = request.call_id
        self.state = State.INCOMING if direction == "in" else State.CALLING
        self.remote_offer: bytes | None = request.sdp if direction == "in" else None
        self.on_event: Callable[[SessionEvent], None] = _nobody_listens
        self.on_bye_answered: Callable[[int], None] | None = None  # after `Ended`; 408 or 503 where no answer came
        self.owner: object = None  # whoever holds this handle, for those who find the session by its dialog

        self.source = peer  # of their last request
        self.settings, self.identifiers, self.flush, self.contact = settings, identifiers, flush, contact
        self.effects: deque[Effect] = deque()
        self.do: Callable[[Effect], None] = self.effects.append
        self.running: dict[SessionTimer, RunningTimer] = {}  # the stack's
        self.dialog: Dialog | None = None
        self.early: dict[str, Dialog] = {}
        self.has_ended = False
        self.common_headers = settings.common_headers
        self.bye_headers: tuple[tuple[str, str], ...] = ()
        # offers
        self.offer_state = OfferState.STABLE
        self.has_exchanged = False  # a first offer has been answered
        self.open_offer: OpenOffer | None = None
        self.next_offer: tuple[bytes | None] | None = None
        self.local_sdp: bytes | None = None
        # their INVITE
        self.invite_in: Transaction | None = None
        self.accepted: tuple[Transaction, Response] | None = None
        self.wait_s = settings.intervals.t1_s
        self.reliable = reliable.Reliable()
        self.held_answer: tuple[bytes, tuple[tuple[str, str], ...]] | None = None
        # our INVITE
        self.next_hop: Uri | None = None
        self.by_udp_alone = False
        self.flow: Peer | None = None
        self.invite_out: Request | None = None
        self.acks: dict[tuple[int, str], SendAck] = {}
        self.is_heard = False
        self.cancel_sent = False
        self.credentials: Credentials | None = None
        self.retries = 0
        self.timer = refresh.Terms()
        # their wish for a transfer
        self.referral: refer.Referral | None = None

    # --- the owner's verbs ------------------------------------------------------------------------------------------

    def ring(
        self, status: int = 180, reason: str = "", *, sdp: bytes | None = None, headers: HeaderFields = ()
    ) -> None:
        """A 1xx for an incoming call; reliably (RFC 3262) where required, or supported and `sdp` is given."""
        incoming.ring(self, status, reason, sdp, tuple(headers))
        self.flush(self)

    def answer(self, sdp: bytes, *, headers: HeaderFields = ()) -> None:
        """200 for an incoming call. Where the INVITE had no offer, `sdp` is ours; the answer comes as `Confirmed`."""
        incoming.answer(self, sdp, tuple(headers))
        self.flush(self)

    def reject(self, status: int, reason: str = "", *, headers: HeaderFields = ()) -> None:
        """A final response 300-699 for an incoming call."""
        incoming.reject(self, status, reason, tuple(headers))
        self.flush(self)

    def hang_up(self, *, q850: int = 16, reason: str = "Normal call clearing", headers: HeaderFields = ()) -> None:
        """End it with whatever its state needs: a final response, CANCEL or BYE. `Ended` comes before it returns."""
        bye.hang_up(self, q850, reason, tuple(headers))
        self.flush(self)

    def reoffer(self, sdp: bytes | None) -> None:
        """Offer anew (None: ask the far end for an offer) as soon as nothing else is open.

        What comes of it is `Reanswered` or `OfferRefused`, or `Offered` where `sdp` was None. A newer one replaces one
        that still waits. Glare (491) is waited out and tried again (RFC 3261 §14.1).
        """
        reoffer.reoffer(self, sdp)
        self.flush(self)

    def accept(self, sdp: bytes) -> None:
        """The answer to `Offered(sdp)`, to an offer in `Answered`, or our offer where `Offered(None)` asked for one."""
        if self.open_offer is not None:
            open_offer, self.open_offer = self.open_offer, None
            open_offer.accept(sdp)
            self.flush(self)

    def refuse(self, status: int, reason: str = "") -> None:
        """No answer to `Offered`; the session goes on as it was."""
        if self.open_offer is not None:
            open_offer, self.open_offer = self.open_offer, None
            open_offer.refuse(status, reason)
            self.flush(self)

    def info(self, content_type: str, body: bytes) -> None:
        """An INFO within the dialog (RFC 6086); nothing before the far end has one."""
        info.send(self, content_type, body)
        self.flush(self)

    def accept_referral(self) -> None:
        """202 to the REFER of `Referred`, and the first NOTIFY: we are trying."""
        refer.accept(self)
        self.flush(self)

    def refuse_referral(self, status: int, reason: str = "") -> None:
        """No transfer; the session goes on as it was."""
        refer.refuse(self, status, reason)
        self.flush(self)

    def report_referral(self, status: int, reason: str = "") -> None:
        """How the transfer stands, as the status of the new call; a final one ends the matter."""
        refer.report(self, status, reason)
        self.flush(self)

    @property
    def local_address(self) -> Address:
        return self.request.to if self.direction == "in" else self.request.from_

    @property
    def remote_address(self) -> Address:
        return self.request.from_ if self.direction == "in" else self.request.to

    # --- what the stack feeds ---------------------------------------------------------------------------------------

    def receive_request(self, transaction: Transaction | None, request: Request, source: Peer) -> None:
        """A request within the session, already validated; `transaction` is None for ACK."""
        if transaction is None or request.method == "ACK":
            incoming.on_ack(self, request)
        else:
            self.source = source
            dispatch.receive_in_dialog(self, transaction, request)
        self.flush(self)

    def receive_cancel(self, transaction: Transaction, request: Request) -> None:
        """A CANCEL of the INVITE `transaction`; its own 200 is already on the way."""
        cancel.on_cancel(self, transaction, request)
        self.flush(self)

    def receive_response(self, request: Request, response: Response) -> None:
        """A response to a request of ours; made up (408, 503) where none came."""
        handler = dispatch.RESPONSE_VERBS.get(request.method)
        if handler is not None:
            handler(self, request, response)
        self.flush(self)

    def lose(self, transaction: Transaction) -> None:
        """A response can't be delivered: a call that still rings is lost, later the ACK timer decides."""
        if self.invite_in is transaction and self.state in incoming.WAITING:
            bye.lost(self, 503, "Transport error")
            self.flush(self)

    def knows(self, remote_tag: str | None) -> bool:
        """Whether a request with this From tag belongs to a dialog of this session."""
        if self.dialog is not None:
            return self.dialog.remote_tag == (remote_tag or "")
        return remote_tag in self.early

    def fire(self, timer: SessionTimer) -> None:
        dispatch.TIMER_VERBS[timer](self)
        self.flush(self)

    # --- for the verbs ----------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the owner has nothing left to say: it has ended, or is ending."""
        return self.has_ended or self.state is State.ENDED

    def move(self, move: Move) -> None:
        self.state = states.after(self.state, move)

    def emit(self, event: SessionEvent) -> None:
        if not self.has_ended:
            self.effects.append(Emit(event))

    def refresh_target(self, dialog: Dialog, request: Request) -> None:
        """Their re-INVITE or UPDATE says where they are from now on (RFC 3261 §12.2), and it came from where they are
        heard: behind a NAT that has moved them, or over another connection than before."""
        dialog.refresh_target(request)
        self.peer = self.source

    def offer_moves(self, move: OfferMove) -> None:
        self.offer_state = offers.after(self.offer_state, move)
        if move in (OfferMove.ANSWER_SENT, OfferMove.ANSWER_RECEIVED):
            self.has_exchanged = True
        if move is OfferMove.DROPPED:
            self._withdraw_open_offer()

    def end(self, event: Ended) -> None:
        """Tell the owner, once; a session in state ENDED is finished for the stack too."""
        self.emit(event)
        self.has_ended = True
        self._withdraw_open_offer()
        refer.withdraw(self)
        self.next_offer = self.held_answer = None
        self.finish()

    def _withdraw_open_offer(self) -> None:
        open_offer, self.open_offer = self.open_offer, None
        if open_offer is not None and open_offer.transaction is not None:
            self.respond(open_offer.transaction, 487)

    def finish(self) -> None:
        """Say that nothing more is to come, when that is so."""
        if self.state is State.ENDED:
            self.effects.append(Finished())

    def respond(self, transaction: Transaction, status: int, reason: str = "", *, headers: HeaderFields = ()) -> None:
        """A plain response within the dialog."""
        tag = self.dialog.local_tag if self.dialog else None
        self.do(
            Respond(transaction, Response.for_request(transaction.request, status, reason, to_tag=tag, headers=headers))
        )

    def send(self, request: Request) -> None:
        """A request within the dialog."""
        if self.dialog is not None:
            self.send_to(self.dialog, request)

    def send_to(self, dialog: Dialog, request: Request) -> None:
        """A request within a dialog that may still be an early one."""
        self.do(SendRequest(request, dialog.next_hop))

    def __repr__(self) -> str:
        return f"<Session {self.direction} {self.state.value} {self.call_id} {self.peer}>"


def _nobody_listens(_: SessionEvent) -> None:
    """Until an owner has set `on_event`."""
