"""Offering anew within a session: re-INVITE both ways, with and without SDP, and glare (RFC 3261 §14)."""

from functools import partial
from typing import TYPE_CHECKING

from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, bye, incoming, outgoing, refresh, update
from softswitch.sip.session.causes import reason_header
from softswitch.sip.session.effects import Cancel, SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.events import Offered, OfferRefused, Reanswered
from softswitch.sip.session.offers import SDP, OfferMove, OfferState, OpenOffer
from softswitch.sip.session.states import State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

RETRY_AFTER_S = 10  # RFC 3261 §14.2: a random number below this
RECOVERY_ON_TIMER = 102
WAITS = frozenset({SessionTimer.REOFFER_TOO_LONG, SessionTimer.NO_487})
"""For the end of a re-INVITE that has begun to be answered."""


def reoffer(session: "Session", sdp: bytes | None) -> None:
    if not session.is_over:
        session.next_offer = (sdp,)
        send_waiting(session)


def send_waiting(session: "Session") -> None:
    """Send the offer that waits, as soon as nothing else is open and the wait after a glare is over."""
    if session.next_offer is None or session.offer_state is not OfferState.STABLE or session.is_over:
        return
    if SessionTimer.GLARE in session.running:
        return
    (sdp,) = session.next_offer
    if session.state is State.CONFIRMED:
        if session.invite_in is None and session.invite_out is None and session.accepted is None:
            session.next_offer = None
            send(session, sdp)
    elif sdp is not None and update.is_possible(session):
        session.next_offer = None
        update.send(session, sdp)


def send(session: "Session", sdp: bytes | None) -> None:
    """A re-INVITE; without SDP it asks the far end for an offer."""
    if session.dialog is None:
        return
    request = session.dialog.request("INVITE")
    request.headers.add("Contact", session.contact)
    for name, value in (*session.common_headers, *refresh.request_headers(session)):
        request.headers.add(name, value)
    if sdp is not None:
        request.headers.add("Content-Type", SDP)
        request.body = sdp
        session.offer_moves(OfferMove.OFFER_SENT)
    _start(session, request)


def _start(session: "Session", request: Request) -> None:
    session.acks.clear()
    session.invite_out = request
    session.send(request)


def on_response(session: "Session", request: Request, response: Response) -> None:
    if response.status < 200:
        _on_provisional(session, request)
    elif response.status < 300:
        _on_success(session, request, response)
    elif session.invite_out is request and not session.is_over:
        _on_failure(session, request, response)


def _on_provisional(session: "Session", request: Request) -> None:
    """From here on the transaction waits for ever (RFC 3261 §17.1.1.2), and meanwhile nobody else can offer."""
    is_first = session.invite_out is request and not session.running.keys() & WAITS
    if is_first and not session.is_over:
        session.do(StartTimer(SessionTimer.REOFFER_TOO_LONG, session.settings.intervals.timeout_s))


def takes_too_long(session: "Session") -> None:
    """Cancelled, and the session goes on as it was; where not even that is answered, it is over (§14.1)."""
    if session.invite_out is not None and not session.is_over:
        session.do(Cancel(session.invite_out, (reason_header(RECOVERY_ON_TIMER, "No final response"),)))
        session.do(StartTimer(SessionTimer.NO_487, session.settings.intervals.timeout_s))


def _end_waiting(session: "Session") -> None:
    session.invite_out = None
    for timer in WAITS:
        session.do(StopTimer(timer))


def _on_success(session: "Session", request: Request, response: Response) -> None:
    dialog = session.dialog
    if dialog is None:
        return
    again = session.acks.get((request.cseq.number, dialog.remote_tag))
    if again is not None:
        session.do(again)
        return
    if session.invite_out is not request:
        if session.open_offer is None:
            outgoing.acknowledge(session, dialog, request)
        return
    _end_waiting(session)
    dialog.refresh_target(response)
    refresh.agree_as_client(session, response)
    sdp = response.sdp
    if session.offer_state is OfferState.STABLE and sdp is not None and not session.is_over:
        _take_offer(session, request, sdp)
        return
    outgoing.acknowledge(session, dialog, request)
    if session.offer_state is OfferState.SENT:
        _take_answer(session, request, sdp)
    send_waiting(session)


def _take_offer(session: "Session", request: Request, sdp: bytes) -> None:
    """Their offer, which we asked for by a re-INVITE without SDP: the ACK carries our answer."""
    session.offer_moves(OfferMove.OFFER_RECEIVED)

    def accept(answer: bytes) -> None:
        session.offer_moves(OfferMove.ANSWER_SENT)
        session.local_sdp = answer
        if session.dialog is not None:
            outgoing.acknowledge(session, session.dialog, request, answer)
        send_waiting(session)

    def refuse(_status: int, reason: str) -> None:
        """An offer in a 2xx can't be refused: without an answer the session has to end (RFC 6337 §2.1)."""
        if session.dialog is not None:
            outgoing.acknowledge(session, session.dialog, request)
        session.hang_up(q850=65, reason=reason or "Offer not acceptable")

    session.open_offer = OpenOffer(accept, refuse)
    session.emit(Offered(sdp))


def _take_answer(session: "Session", request: Request, sdp: bytes | None) -> None:
    if sdp is None:
        session.offer_moves(OfferMove.DROPPED)
        session.emit(OfferRefused(200, "2xx without an answer"))
    else:
        session.offer_moves(OfferMove.ANSWER_RECEIVED)
        session.local_sdp = request.body
        session.emit(Reanswered(sdp))


def _on_failure(session: "Session", request: Request, response: Response) -> None:
    _end_waiting(session)
    again = authorize.retry(session, request, response) or refresh.retry_longer(session, request, response)
    if again is not None:
        if session.dialog is not None:
            session.dialog.local_cseq = again.cseq.number
        _start(session, again)
    else:
        give_way(session, request, response)


def give_way(session: "Session", request: Request, response: Response) -> None:
    """A re-INVITE or UPDATE was refused: wait after glare, end a dead session, go on as before otherwise."""
    offered = request.body or None
    if session.offer_state is OfferState.SENT:
        session.offer_moves(OfferMove.DROPPED)
    if response.status == 491:
        session.next_offer = session.next_offer or (offered,)
        wait_s = session.identifiers.glare_wait_s(owns_call_id=session.direction == "out")
        session.do(StartTimer(SessionTimer.GLARE, wait_s))
    elif response.status in (408, 481):
        bye.lost(session, response.status, response.reason, says_bye=response.status == 408)
    else:
        session.emit(OfferRefused(response.status, response.reason))
        refresh.once_more(session)
        send_waiting(session)


def try_again(session: "Session") -> None:
    send_waiting(session)


def on_reinvite(session: "Session", transaction: Transaction, request: Request) -> None:
    """Their re-INVITE (RFC 3261 §14.2): the owner gets `Offered`, unless it crosses something of ours."""
    if session.invite_in is not None:
        session.respond(transaction, 500, headers=(retry_after(session),))
        return
    if session.invite_out is not None or session.accepted is not None or session.offer_state is not OfferState.STABLE:
        session.respond(transaction, 491)
        return
    if session.state is not State.CONFIRMED:
        session.respond(transaction, 491)
        return
    if not refresh.is_acceptable(session, transaction):
        return
    if session.dialog is not None:
        session.refresh_target(session.dialog, request)
    session.invite_in = transaction
    sdp = request.sdp
    if sdp is not None:
        session.offer_moves(OfferMove.OFFER_RECEIVED)
    session.open_offer = OpenOffer(partial(_accept, session, transaction), partial(_refuse, session))
    session.emit(Offered(sdp))


def _accept(session: "Session", transaction: Transaction, sdp: bytes) -> None:
    if session.invite_in is transaction:
        incoming.send_2xx(session, transaction, sdp)


def _refuse(session: "Session", status: int, reason: str) -> None:
    incoming.refuse_invite(session, status, reason)
    send_waiting(session)


def retry_after(session: "Session") -> tuple[str, str]:
    return ("Retry-After", str(session.identifiers.below(RETRY_AFTER_S + 1)))
