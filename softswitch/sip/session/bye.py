"""The end: hang up whatever the state needs, BYE both ways, and a far end that is lost (RFC 3261 §15)."""

from typing import TYPE_CHECKING

from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, cancel, incoming, outgoing
from softswitch.sip.session.causes import NORMAL_CLEARING, reason_header, reason_of, status_for
from softswitch.sip.session.effects import SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.events import Ended
from softswitch.sip.session.states import Move, State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

HeaderFields = tuple[tuple[str, str], ...]


def hang_up(session: "Session", q850: int, reason: str, headers: HeaderFields) -> None:
    if session.is_over:
        return
    headers = (reason_header(q850, reason), *headers)
    if session.state in incoming.WAITING:
        incoming.reject(session, status_for(q850), "", headers)
    elif session.state in (State.CALLING, State.PROCEEDING):
        cancel.hang_up(session, headers, Ended("local", 487, reason, q850))
    else:
        _leave(session, headers)
        session.end(Ended("local", 200, reason, q850))


def _leave(session: "Session", headers: HeaderFields) -> None:
    """BYE at once, or (a callee that has not seen the ACK) as soon as it came or did not."""
    waits_for_ack = session.state is State.ACCEPTED
    if session.state is State.ANSWERED:
        outgoing.acknowledge_unanswered(session)
    session.move(Move.HANG_UP)
    if waits_for_ack:
        session.bye_headers = headers
    else:
        send(session, headers)


def send(session: "Session", headers: HeaderFields = ()) -> None:
    """BYE; an INVITE of theirs that is still open gets its 487 first."""
    if session.dialog is None:
        return
    incoming.refuse_invite(session, 487)
    _stop_all(session)
    request = session.dialog.request("BYE")
    for name, value in headers or session.bye_headers:
        request.headers.add(name, value)
    session.send(request)
    if session.has_ended:  # LEAVING: the owner was told when it hung up
        session.finish()


def on_bye(session: "Session", transaction: Transaction, request: Request) -> None:
    """BYE of the far end (RFC 3261 §15.1.2); from a callee it means nothing before the dialog is confirmed."""
    if session.state in (State.CALLING, State.PROCEEDING, State.CANCELLING):
        session.respond(transaction, 481)
        return
    session.respond(transaction, 200)
    was_waiting = session.state in incoming.WAITING
    session.move(Move.BYE)
    incoming.refuse_invite(session, 487)
    _stop_all(session)
    q850, text = reason_of(request)
    session.end(Ended("remote", 487 if was_waiting else 200, text, q850 if q850 is not None else NORMAL_CLEARING))


def on_response(session: "Session", request: Request, response: Response) -> None:
    """The session is over whatever the answer to a BYE says, but it may have to be sent again with credentials."""
    again = authorize.retry(session, request, response)
    if again is not None:
        session.send(again)
    elif response.status >= 200 and session.on_bye_answered is not None:
        session.on_bye_answered(response.status)


def lost(session: "Session", status: int, reason: str, *, says_bye: bool = True) -> None:
    """The far end does not answer any more, or knows nothing of us: 408, 481, no ACK, expired."""
    if session.state is State.ENDED:
        return
    was_waiting = session.state in incoming.WAITING
    session.move(Move.LOST)
    incoming.refuse_invite(session, 487)
    if says_bye and not was_waiting:
        send(session, (reason_header(102, reason),))
    _stop_all(session)
    session.end(Ended("remote", status, reason, 102))


def _stop_all(session: "Session") -> None:
    session.accepted = None
    for timer in tuple(session.running):
        if timer is not SessionTimer.NO_487:
            session.do(StopTimer(timer))
    if session.invite_out is not None:  # a re-INVITE the far end may leave open
        session.do(StartTimer(SessionTimer.NO_487, session.settings.intervals.timeout_s))
