"""A call comes in: ring, answer, reject, and the wait for ACK (RFC 3261 §13.3)."""

from typing import TYPE_CHECKING

from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response
from softswitch.sip.session import bye, refresh, reliable, reoffer
from softswitch.sip.session.causes import CAUSE_OF, reason_of
from softswitch.sip.session.effects import Respond, SessionTimer, Spend, StartTimer, StopTimer
from softswitch.sip.session.events import Confirmed, Ended, Reanswered
from softswitch.sip.session.offers import SDP, OfferMove, OfferState
from softswitch.sip.session.states import Move, State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

HeaderFields = tuple[tuple[str, str], ...]

REPEAT_1XX_AFTER_S = 60.0  # RFC 3261 §13.3.1.1: a proxy gives up after three minutes of silence
LONGEST_WAIT_S = 3600
"""For an answer, however long the caller would wait: a timer costs memory for as long as it was set."""
WAITING = (State.INCOMING, State.RINGING)


def begin(session: "Session", transaction: Transaction) -> None:
    """Take the INVITE. Raises `PeerError` when it can't make a dialog."""
    request = transaction.request
    identifiers = session.identifiers
    session.dialog = Dialog.of_server(request, identifiers.tag(), identifiers.first_cseq())
    session.invite_in = transaction
    if session.remote_offer is not None:
        session.offer_moves(OfferMove.OFFER_RECEIVED)
    if "expires" in request.headers.fields and (expires_s := request.number("Expires")):
        session.do(StartTimer(SessionTimer.EXPIRES, float(min(expires_s, LONGEST_WAIT_S))))


def ring(session: "Session", status: int, reason: str, sdp: bytes | None, headers: HeaderFields) -> None:
    if session.invite_in is None or session.state not in WAITING:
        return
    session.move(Move.RING)
    response = early_response(session, session.invite_in, status, reason, sdp, headers)
    if status > 100 and reliable.is_wanted(session, sdp):
        reliable.send(session, response)
        return
    session.do(Respond(session.invite_in, response))
    session.do(StartTimer(SessionTimer.REPEAT_1XX, REPEAT_1XX_AFTER_S))


def repeat_1xx(session: "Session") -> None:
    """Tell the proxies on the way that it still rings."""
    if session.state is State.RINGING and session.invite_in is not None:
        session.do(Respond(session.invite_in, early_response(session, session.invite_in, 180, "", None, ())))
        session.do(StartTimer(SessionTimer.REPEAT_1XX, REPEAT_1XX_AFTER_S))


def answer(session: "Session", sdp: bytes, headers: HeaderFields) -> None:
    """200, unless a reliable 1xx with SDP still waits for its PRACK: then right after that (RFC 3262 §3)."""
    if session.invite_in is None or session.state not in WAITING:
        return
    if reliable.must_wait(session):
        session.held_answer = (sdp, headers)
        return
    session.move(Move.ANSWER)
    if session.has_exchanged:
        send_2xx(session, session.invite_in, None, headers)  # the answer was in a reliable 1xx
    else:
        send_2xx(session, session.invite_in, sdp, headers)


def send_2xx(session: "Session", transaction: Transaction, sdp: bytes | None, headers: HeaderFields = ()) -> None:
    """200 to an INVITE, the first or a later one: sent again until its ACK comes (RFC 3261 §13.3.1.4)."""
    if sdp is not None:
        received = session.offer_state is OfferState.RECEIVED
        session.offer_moves(OfferMove.ANSWER_SENT if received else OfferMove.OFFER_SENT)
        session.local_sdp = sdp
    timer_headers = refresh.answer_headers(session, transaction.request)
    response = dialog_response(session, transaction, 200, "", sdp, (*session.common_headers, *timer_headers, *headers))
    stop_waiting_timers(session)
    session.invite_in = None
    session.accepted = (transaction, response)
    session.wait_s = session.settings.intervals.t1_s
    session.do(Respond(transaction, response))
    session.do(StartTimer(SessionTimer.RETRANSMIT_2XX, session.wait_s))
    session.do(StartTimer(SessionTimer.NO_ACK, session.settings.intervals.timeout_s))


def repeat_2xx(session: "Session") -> None:
    if session.accepted is not None:
        session.do(Respond(*session.accepted))
        session.wait_s = min(2 * session.wait_s, session.settings.intervals.t2_s)
        session.do(StartTimer(SessionTimer.RETRANSMIT_2XX, session.wait_s))


def on_ack(session: "Session", ack: Request) -> None:
    """The ACK of our 2xx; any other is stray."""
    if session.accepted is None or ack.cseq.number != session.accepted[0].request.cseq.number:
        return
    session.do(Spend(session.accepted[0]))
    session.accepted = None
    session.do(StopTimer(SessionTimer.RETRANSMIT_2XX))
    session.do(StopTimer(SessionTimer.NO_ACK))
    if session.state is State.LEAVING:
        session.move(Move.ACK)
        bye.send(session)
        return
    sdp = _answer_in(session, ack)
    if session.state is State.ACCEPTED:
        session.move(Move.ACK)
        session.emit(Confirmed(sdp))
    elif sdp is not None:
        session.emit(Reanswered(sdp))
    reoffer.send_waiting(session)


def _answer_in(session: "Session", ack: Request) -> bytes | None:
    """The answer an ACK owes when our 2xx carried the offer."""
    if session.offer_state is not OfferState.SENT:
        return None
    sdp = ack.sdp
    session.offer_moves(OfferMove.ANSWER_RECEIVED if sdp is not None else OfferMove.DROPPED)
    return sdp


def no_ack(session: "Session") -> None:
    """No ACK for 64*T1: the session ends with a BYE (RFC 3261 §13.3.1.4)."""
    session.accepted = None
    session.do(StopTimer(SessionTimer.RETRANSMIT_2XX))
    bye.lost(session, 408, "No ACK")


def reject(session: "Session", status: int, reason: str, headers: HeaderFields) -> None:
    if session.invite_in is None or session.state not in WAITING:
        return
    session.move(Move.REJECT)
    refuse_invite(session, status, reason, headers)
    cause, text = reason_of_headers(headers)
    session.end(Ended("local", status, reason or text, cause or CAUSE_OF.get(status)))


def refuse_invite(session: "Session", status: int, reason: str = "", headers: HeaderFields = ()) -> None:
    """The final response to the INVITE that waits for one, the first or a later one."""
    if session.invite_in is not None:
        session.respond(session.invite_in, status, reason, headers=headers)
        session.invite_in = None
        stop_waiting_timers(session)
        if session.offer_state is OfferState.RECEIVED:
            session.offer_moves(OfferMove.DROPPED)


def expired(session: "Session") -> None:
    """The time the caller gave in Expires is over (RFC 3261 §13.3.1)."""
    if session.state in WAITING:
        session.move(Move.LOST)
        refuse_invite(session, 487)
        session.end(Ended("remote", 487, "Expired", 102))


def stop_waiting_timers(session: "Session") -> None:
    for timer in WAITING_TIMERS:
        if timer in session.running:
            session.do(StopTimer(timer))
    reliable.stop(session)


WAITING_TIMERS = (SessionTimer.REPEAT_1XX, SessionTimer.EXPIRES)


def early_response(
    session: "Session", transaction: Transaction, status: int, reason: str, sdp: bytes | None, headers: HeaderFields
) -> Response:
    """A 1xx; from 101 on it makes the dialog (RFC 3261 §12.1.1)."""
    if status == 100:
        return Response.for_request(transaction.request, 100)
    return dialog_response(session, transaction, status, reason, sdp, headers)


def dialog_response(
    session: "Session", transaction: Transaction, status: int, reason: str, sdp: bytes | None, headers: HeaderFields
) -> Response:
    """A 1xx or 2xx with what makes a dialog: To tag, Contact, and the Record-Route as it came."""
    request = transaction.request
    tag = session.dialog.local_tag if session.dialog else None
    response = Response.for_request(request, status, reason, to_tag=tag, body=sdp or b"")
    add = response.headers.add
    if "Record-Route" in request.headers:
        for value in request.headers.all("Record-Route"):
            add("Record-Route", value)
    add("Contact", session.contact)
    for name, value in headers:
        add(name, value)
    if sdp is not None:
        add("Content-Type", SDP)
    return response


def reason_of_headers(headers: HeaderFields) -> tuple[int | None, str]:
    return reason_of(Response(200, headers=headers)) if headers else (None, "")
