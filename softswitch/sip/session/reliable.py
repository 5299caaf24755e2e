"""Reliable provisional responses and PRACK, both sides (RFC 3262)."""

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, incoming, reoffer
from softswitch.sip.session.effects import Respond, SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.events import Ended, Offered, Reanswered
from softswitch.sip.session.offers import SDP, OfferMove, OfferState, OpenOffer
from softswitch.sip.session.states import Move
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

OPTION_TAG = "100rel"


class Reliable(Struct):
    """Callee: the 1xx on the way (only one at a time), and those behind it. Caller: the last RSeq of each fork."""

    rseq: int = 0
    sent: Response | None = None
    is_overtaken: bool = False
    """The last one was followed by the final response before its PRACK came."""
    queue: deque[Response] = field(default_factory=deque)
    wait_s: float = 0.5
    received: dict[str, int] = field(default_factory=dict)


def is_wanted(session: "Session", sdp: bytes | None) -> bool:
    """Whether a 1xx is to be sent reliably: required by the caller, or supported and worth it."""
    if OPTION_TAG in session.request.tokens("Require"):
        return True
    supported = session.settings.reliable_provisionals and OPTION_TAG in session.request.tokens("Supported")
    return sdp is not None and supported


def send(session: "Session", response: Response) -> None:
    """Send a 1xx reliably, or keep it until the one before it was acknowledged (RFC 3262 §3)."""
    state = session.reliable
    if state.sent is not None:
        state.queue.append(response)
        return
    state.rseq = state.rseq + 1 if state.rseq else session.identifiers.first_rseq()
    response.headers.add("Require", OPTION_TAG)
    response.headers.add("RSeq", str(state.rseq))
    state.sent = response
    state.wait_s = session.settings.intervals.t1_s
    _note_sdp(session, response)
    if session.invite_in is not None:
        session.do(Respond(session.invite_in, response))
    session.do(StartTimer(SessionTimer.RETRANSMIT_1XX, state.wait_s))
    session.do(StartTimer(SessionTimer.NO_PRACK, session.settings.intervals.timeout_s))


def _note_sdp(session: "Session", response: Response) -> None:
    """SDP in a reliable 1xx is the answer to the INVITE's offer, or else the first offer (RFC 3262 §5)."""
    if not response.body or session.has_exchanged:
        return
    session.local_sdp = response.body
    received = session.offer_state is OfferState.RECEIVED
    session.offer_moves(OfferMove.ANSWER_SENT if received else OfferMove.OFFER_SENT)


def must_wait(session: "Session") -> bool:
    """A 2xx has to wait for the PRACK of a 1xx with SDP."""
    sent = session.reliable.sent
    return sent is not None and bool(sent.body)


def repeat(session: "Session") -> None:
    state = session.reliable
    if state.sent is not None and session.invite_in is not None:
        session.do(Respond(session.invite_in, state.sent))
        state.wait_s *= 2
        session.do(StartTimer(SessionTimer.RETRANSMIT_1XX, state.wait_s))


def no_prack(session: "Session") -> None:
    """No PRACK for 64*T1: the call is refused (RFC 3262 §3)."""
    if session.state in incoming.WAITING:
        session.move(Move.LOST)
        incoming.refuse_invite(session, 504, "No PRACK")
        session.end(Ended("remote", 504, "No PRACK", 102))


def stop(session: "Session") -> None:
    if session.reliable.sent is not None:
        session.reliable.sent = None
        session.reliable.is_overtaken = True
        session.reliable.queue.clear()
        session.do(StopTimer(SessionTimer.RETRANSMIT_1XX))
        session.do(StopTimer(SessionTimer.NO_PRACK))


def on_prack(session: "Session", transaction: Transaction, request: Request) -> None:
    """Their PRACK of our 1xx, also one that our 2xx has overtaken; one that matches none gets 481 (RFC 3262 §3)."""
    state = session.reliable
    is_awaited = state.sent is not None or state.is_overtaken
    if not is_awaited or _rack_of(request) != f"{state.rseq} {session.request.cseq.number} INVITE":
        session.respond(transaction, 481)
        return
    state.sent, state.is_overtaken = None, False
    session.do(StopTimer(SessionTimer.RETRANSMIT_1XX))
    session.do(StopTimer(SessionTimer.NO_PRACK))
    sdp = request.sdp
    if sdp is not None and session.offer_state is OfferState.STABLE and session.open_offer is None:
        _take_offer(session, transaction, sdp)
        return
    session.respond(transaction, 200)
    if sdp is not None and session.offer_state is OfferState.SENT:
        session.offer_moves(OfferMove.ANSWER_RECEIVED)
        session.emit(Reanswered(sdp))
    _go_on(session)


def _take_offer(session: "Session", transaction: Transaction, sdp: bytes) -> None:
    """A PRACK may carry a new offer; its 200 carries the answer."""
    session.offer_moves(OfferMove.OFFER_RECEIVED)

    def accept(answer: bytes) -> None:
        session.offer_moves(OfferMove.ANSWER_SENT)
        session.local_sdp = answer
        headers = (("Content-Type", SDP),)
        session.do(Respond(transaction, Response.for_request(transaction.request, 200, headers=headers, body=answer)))
        _go_on(session)

    def refuse(status: int, reason: str) -> None:
        session.offer_moves(OfferMove.DROPPED)
        session.respond(transaction, status, reason)
        _go_on(session)

    session.open_offer = OpenOffer(accept, refuse, transaction)
    session.emit(Offered(sdp))


def _go_on(session: "Session") -> None:
    """What waited for the PRACK: the next 1xx, or the answer."""
    if session.reliable.queue and session.invite_in is not None:
        send(session, session.reliable.queue.popleft())
    elif session.held_answer is not None:
        (sdp, headers), session.held_answer = session.held_answer, None
        incoming.answer(session, sdp, headers)
    reoffer.send_waiting(session)


def _rack_of(prack: Request) -> str:
    return " ".join((prack.headers.get("RAck") or "").split())


def acknowledge(session: "Session", dialog: Dialog, response: Response) -> bool:
    """PRACK a reliable 1xx (RFC 3262 §4). False when it came before, or came too early: it is to be ignored."""
    if response.number("RSeq") is None or OPTION_TAG not in response.tokens("Require"):
        return True
    rseq = response.number("RSeq") or 0
    last = session.reliable.received.get(dialog.remote_tag)
    if last is not None and rseq != last + 1:
        return False
    session.reliable.received[dialog.remote_tag] = rseq
    session.timer.hear(response)
    prack = dialog.request("PRACK")
    prack.headers.add("RAck", f"{rseq} {response.cseq.number} INVITE")
    sdp = response.sdp
    if sdp is not None and session.offer_state is OfferState.SENT:
        session.offer_moves(OfferMove.ANSWER_RECEIVED)
    elif sdp is not None and session.offer_state is OfferState.STABLE and not session.has_exchanged:
        _wait_for_our_answer(session, dialog, prack, sdp)
        return True
    session.send_to(dialog, prack)
    return True


def _wait_for_our_answer(session: "Session", dialog: Dialog, prack: Request, sdp: bytes) -> None:
    """The 1xx carries the offer (our INVITE had none), so the PRACK carries the answer."""
    session.offer_moves(OfferMove.OFFER_RECEIVED)
    session.remote_offer = sdp
    session.open_offer = OpenOffer(
        partial(_send_with_answer, session, dialog, prack), lambda _, reason: session.hang_up(reason=reason)
    )
    session.emit(Offered(sdp))


def _send_with_answer(session: "Session", dialog: Dialog, prack: Request, answer: bytes) -> None:
    session.offer_moves(OfferMove.ANSWER_SENT)
    session.local_sdp = answer
    prack.headers.add("Content-Type", SDP)
    prack.body = answer
    session.send_to(dialog, prack)


def on_response(session: "Session", request: Request, response: Response) -> None:
    """The answer to our PRACK matters only where it asks for credentials."""
    again = authorize.retry(session, request, response)
    dialog = session.dialog or session.early.get(request.to.tag or "")
    if again is not None and dialog is not None and not session.is_over:
        dialog.local_cseq = again.cseq.number
        session.send_to(dialog, again)
