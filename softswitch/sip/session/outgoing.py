"""A call goes out: the INVITE, its early dialogs, its 2xx from one or several forks, its refusal (RFC 3261 §13.2)."""

from functools import partial
from typing import TYPE_CHECKING

from softswitch.errors import PeerError
from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, cancel, refresh, reliable, reoffer
from softswitch.sip.session.causes import CAUSE_OF, reason_header, reason_of
from softswitch.sip.session.effects import Drop, SendAck, SendRequest, SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.events import Answered, Ended, Provisional
from softswitch.sip.session.offers import SDP, OfferMove, OfferState, OpenOffer
from softswitch.sip.session.states import Move, State

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

MERGED_FORK = 26  # Q.850: non-selected user clearing
MOST_FORKS = 16
"""Of one INVITE; who has more of them gets no answer from us."""


def begin(session: "Session") -> None:
    """Send the INVITE `session.request`."""
    if session.request.body:
        session.offer_moves(OfferMove.OFFER_SENT)
        session.local_sdp = session.request.body
    send_invite(session, session.request)
    session.do(StartTimer(SessionTimer.RINGS_TOO_LONG, session.settings.ring_limit_s))


def send_invite(session: "Session", request: Request) -> None:
    """The initial INVITE, for the first time or again with credentials or a longer interval."""
    session.request = session.invite_out = request
    session.is_heard = False
    session.early.clear()
    routes = request.routes
    loose = routes and "lr" in routes[0].uri.params
    session.do(SendRequest(request, session.next_hop or (routes[0].uri if loose else request.uri)))


def on_response(session: "Session", request: Request, response: Response) -> None:
    """A response to an INVITE of ours: to the first one, or to a re-INVITE."""
    if request.to.tag is not None:
        reoffer.on_response(session, request, response)
    elif response.status < 200:
        on_provisional(session, request, response)
    elif response.status < 300:
        on_success(session, request, response)
    else:
        on_failure(session, request, response)


def on_provisional(session: "Session", request: Request, response: Response) -> None:
    if session.state not in (State.CALLING, State.PROCEEDING, State.CANCELLING):
        return
    session.move(Move.PROVISIONAL)
    session.is_heard = True
    if session.state is State.CANCELLING:
        cancel.send(session)
        return
    if response.status == 100:
        return
    dialog = early_dialog(session, request, response)
    if dialog is not None and not reliable.acknowledge(session, dialog, response):
        return  # sent again
    session.emit(Provisional(response.status, response.reason, response.sdp, response))


def early_dialog(session: "Session", request: Request, response: Response) -> Dialog | None:
    """The early dialog of this fork; None where the response can't make one, or is one too many."""
    tag = response.to.tag
    if tag is None:
        return None
    dialog = session.early.get(tag)
    if dialog is not None or response.contact is None:
        return dialog
    if len(session.early) >= MOST_FORKS:
        session.do(Drop("too_many_forks"))
        return None
    dialog = session.early[tag] = Dialog.of_client(request, response)
    return dialog


def on_success(session: "Session", request: Request, response: Response) -> None:
    tag = response.to.tag or ""
    again = session.acks.get((request.cseq.number, tag))
    if again is not None:
        session.do(again)
    elif session.state in (State.CALLING, State.PROCEEDING):
        _take_answer(session, request, response)
    elif session.state is State.ANSWERED and session.dialog is not None and session.dialog.remote_tag == tag:
        return  # its ACK still waits for the owner's answer
    else:
        _leave_fork(session, request, response)


def _take_answer(session: "Session", request: Request, response: Response) -> None:
    """The first 2xx makes the session."""
    try:
        session.dialog = _confirmed_dialog(session, request, response)
    except PeerError:
        session.move(Move.LOST)
        session.invite_out = None
        session.end(Ended("remote", 502, "2xx without Contact", 111, response))
        return
    session.invite_out = None
    session.do(StopTimer(SessionTimer.RINGS_TOO_LONG))
    refresh.agree_as_client(session, response)
    sdp = response.sdp
    if sdp is not None and session.offer_state is OfferState.STABLE and not session.has_exchanged:
        _wait_for_our_answer(session, request, sdp)
    else:
        _settle_offer(session, sdp)
        session.move(Move.SUCCESS)
        acknowledge(session, session.dialog, request)
    session.emit(Answered(sdp, response))
    reoffer.send_waiting(session)


def _confirmed_dialog(session: "Session", request: Request, response: Response) -> Dialog:
    """The dialog of the 2xx: an early one of that fork goes on, with the 2xx's route set and target (§13.2.2.4)."""
    dialog = Dialog.of_client(request, response)
    early = session.early.pop(dialog.remote_tag, None)
    if early is not None:
        dialog.local_cseq, dialog.remote_cseq = early.local_cseq, early.remote_cseq
    return dialog


def _settle_offer(session: "Session", sdp: bytes | None) -> None:
    if session.offer_state is OfferState.SENT:
        session.offer_moves(OfferMove.ANSWER_RECEIVED if sdp is not None else OfferMove.DROPPED)


def _wait_for_our_answer(session: "Session", request: Request, sdp: bytes) -> None:
    """The 2xx carries the offer, so the ACK carries the answer, and waits for it."""
    session.offer_moves(OfferMove.OFFER_RECEIVED)
    session.remote_offer = sdp
    session.move(Move.OFFER_IN_SUCCESS)
    session.open_offer = OpenOffer(partial(_acknowledge_with, session, request), partial(_refuse_answer, session))


def _acknowledge_with(session: "Session", request: Request, sdp: bytes) -> None:
    session.offer_moves(OfferMove.ANSWER_SENT)
    session.local_sdp = sdp
    session.move(Move.ACK)
    if session.dialog is not None:
        acknowledge(session, session.dialog, request, sdp)
    reoffer.send_waiting(session)


def _refuse_answer(session: "Session", status: int, reason: str) -> None:
    session.hang_up(q850=CAUSE_OF.get(status, 127), reason=reason or "Offer not acceptable")


def acknowledge_unanswered(session: "Session") -> None:
    """Hung up before the offer of the 2xx was answered: the ACK has to go out all the same, before the BYE."""
    if session.dialog is not None:
        acknowledge(session, session.dialog, session.request)


def acknowledge(session: "Session", dialog: Dialog, invite: Request, sdp: bytes | None = None) -> None:
    """ACK a 2xx, and remember the ACK for when the 2xx comes again (RFC 3261 §13.2.2.4)."""
    ack = dialog.request("ACK", cseq=invite.cseq.number)
    for name in ("Authorization", "Proxy-Authorization"):
        for value in invite.headers.all(name):
            ack.headers.add(name, value)
    if sdp is not None:
        ack.headers.add("Content-Type", SDP)
        ack.body = sdp
    effect = SendAck(ack, dialog.next_hop)
    session.acks[invite.cseq.number, dialog.remote_tag] = effect
    session.do(effect)


def _leave_fork(session: "Session", request: Request, response: Response) -> None:
    """A 2xx nobody wants: of a later fork, or after our CANCEL. ACK it, then BYE (RFC 3261 §13.2.2.4, §15)."""
    if len(session.acks) >= MOST_FORKS:
        session.do(Drop("too_many_forks"))
        return
    try:
        dialog = Dialog.of_client(request, response)
    except PeerError:  # nobody knows where its ACK would go
        _cancelled(session)
        return
    acknowledge(session, dialog, request)
    early = session.early.pop(dialog.remote_tag, None)
    if early is not None:
        dialog.local_cseq = early.local_cseq
    request_bye = dialog.request("BYE")
    for name, value in session.bye_headers or (reason_header(MERGED_FORK, "Answered elsewhere"),):
        request_bye.headers.add(name, value)
    session.do(SendRequest(request_bye, dialog.next_hop))
    _cancelled(session)


def _cancelled(session: "Session") -> None:
    """A 2xx ends the transaction of a call that was hung up here, CANCEL or not."""
    if session.state is State.CANCELLING:
        session.move(Move.SUCCESS)
        session.do(StopTimer(SessionTimer.NO_487))
        session.finish()


def on_failure(session: "Session", request: Request, response: Response) -> None:
    """300-699: try again where that can help, otherwise the end; the status is handed on as it is."""
    if session.state not in (State.CALLING, State.PROCEEDING, State.CANCELLING):
        return
    if session.state is not State.CANCELLING:
        again = authorize.retry(session, request, response) or refresh.retry_longer(session, request, response)
        if again is not None:
            send_invite(session, again)
            return
    session.invite_out = None
    session.move(Move.FAILURE)
    session.do(StopTimer(SessionTimer.RINGS_TOO_LONG))
    session.do(StopTimer(SessionTimer.NO_487))
    q850, _ = reason_of(response)
    cause = q850 if q850 is not None else CAUSE_OF.get(response.status)
    session.end(Ended("remote", response.status, response.reason, cause, response))
