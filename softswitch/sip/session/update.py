"""UPDATE: an offer before the answer, or a session refresh without SDP (RFC 3311)."""

from functools import partial
from typing import TYPE_CHECKING

from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, refresh, reoffer
from softswitch.sip.session.effects import Respond
from softswitch.sip.session.events import Offered, OfferRefused, Reanswered
from softswitch.sip.session.offers import SDP, OfferMove, OfferState, OpenOffer
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session


def is_possible(session: "Session") -> bool:
    """Whether an offer may go out before the answer: the first one was answered, reliably (RFC 3311 §5.1)."""
    return session.has_exchanged and session.timer.peer_updates and _dialog_of(session) is not None


def _dialog_of(session: "Session") -> Dialog | None:
    """The dialog, or before the answer the only early one; with several forks it is not clear whom to offer to."""
    if session.dialog is not None:
        return session.dialog
    return next(iter(session.early.values())) if len(session.early) == 1 else None


def send(session: "Session", sdp: bytes | None) -> None:
    """UPDATE with an offer, or without one as a session refresh."""
    dialog = _dialog_of(session)
    if dialog is None:
        return
    request = dialog.request("UPDATE")
    request.headers.add("Contact", session.contact)
    for name, value in (*session.common_headers, *refresh.request_headers(session)):
        request.headers.add(name, value)
    if sdp is not None:
        request.headers.add("Content-Type", SDP)
        request.body = sdp
        session.offer_moves(OfferMove.OFFER_SENT)
    session.send_to(dialog, request)


def on_response(session: "Session", request: Request, response: Response) -> None:
    if response.status < 200 or session.is_over:
        return
    if response.status < 300:
        _on_success(session, request, response)
        return
    again = authorize.retry(session, request, response) or refresh.retry_longer(session, request, response)
    dialog = _dialog_of(session)
    if again is not None and dialog is not None:
        dialog.local_cseq = again.cseq.number
        session.send_to(dialog, again)
    elif request.body or response.status in (408, 481):
        reoffer.give_way(session, request, response)
    else:
        refresh.try_later(session, response)


def _on_success(session: "Session", request: Request, response: Response) -> None:
    dialog = _dialog_of(session)
    if dialog is not None:
        dialog.refresh_target(response)
    refresh.agree_as_client(session, response)
    if request.body and session.offer_state is OfferState.SENT:
        sdp = response.sdp
        session.offer_moves(OfferMove.ANSWER_RECEIVED if sdp is not None else OfferMove.DROPPED)
        session.local_sdp = request.body
        session.emit(Reanswered(sdp) if sdp is not None else OfferRefused(200, "2xx without an answer"))
    reoffer.send_waiting(session)


def on_update(session: "Session", transaction: Transaction, request: Request) -> None:
    """Their UPDATE (RFC 3311 §5.2)."""
    sdp = request.sdp
    if sdp is not None and session.offer_state is OfferState.SENT:
        session.respond(transaction, 491)
        return
    if sdp is not None and (session.offer_state is OfferState.RECEIVED or session.open_offer is not None):
        session.respond(transaction, 500, headers=(reoffer.retry_after(session),))
        return
    if not refresh.is_acceptable(session, transaction):
        return
    dialog = session.dialog or session.early.get(request.from_.tag or "")
    if dialog is not None:
        session.refresh_target(dialog, request)
    if sdp is None:
        _confirm(session, transaction, None)
        return
    session.offer_moves(OfferMove.OFFER_RECEIVED)
    session.open_offer = OpenOffer(
        partial(_accept, session, transaction), partial(_refuse, session, transaction), transaction
    )
    session.emit(Offered(sdp))


def _accept(session: "Session", transaction: Transaction, sdp: bytes) -> None:
    session.offer_moves(OfferMove.ANSWER_SENT)
    session.local_sdp = sdp
    _confirm(session, transaction, sdp)
    reoffer.send_waiting(session)


def _refuse(session: "Session", transaction: Transaction, status: int, reason: str) -> None:
    session.offer_moves(OfferMove.DROPPED)
    session.respond(transaction, status, reason)
    reoffer.send_waiting(session)


def _confirm(session: "Session", transaction: Transaction, sdp: bytes | None) -> None:
    headers = [("Contact", session.contact), *session.common_headers]
    headers += refresh.answer_headers(session, transaction.request)
    if sdp is not None:
        headers.append(("Content-Type", SDP))
    session.do(Respond(transaction, Response.for_request(transaction.request, 200, headers=headers, body=sdp or b"")))
