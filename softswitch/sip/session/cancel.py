"""CANCEL, theirs and ours, and all its races with an answer (RFC 3261 §9)."""

from typing import TYPE_CHECKING

from softswitch.sip.message import Request
from softswitch.sip.session import bye, incoming
from softswitch.sip.session.causes import NORMAL_CLEARING, reason_header, reason_of
from softswitch.sip.session.effects import Abandon, Cancel, SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.events import Ended
from softswitch.sip.session.states import Move, State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

NO_ANSWER = 19


def on_cancel(session: "Session", transaction: Transaction, request: Request) -> None:
    """Their CANCEL: 487 while we have not answered; after a final response it changes nothing (RFC 3261 §9.2)."""
    if session.invite_in is not transaction:
        return
    if session.state not in incoming.WAITING:
        incoming.refuse_invite(session, 487)  # a re-INVITE: the session goes on
        return
    session.move(Move.CANCEL)
    incoming.refuse_invite(session, 487)
    q850, text = reason_of(request)
    session.end(Ended("remote", 487, text or "Cancelled", q850 if q850 is not None else NORMAL_CLEARING))


def hang_up(session: "Session", headers: tuple[tuple[str, str], ...], event: Ended) -> None:
    """Our CANCEL. It waits for the first provisional response; if a 2xx comes all the same, BYE follows its ACK."""
    session.move(Move.HANG_UP)
    session.bye_headers = headers
    session.do(StopTimer(SessionTimer.RINGS_TOO_LONG))
    session.end(event)
    if session.is_heard:
        send(session)


def send(session: "Session") -> None:
    if session.cancel_sent or session.invite_out is None:
        return
    session.cancel_sent = True
    session.do(Cancel(session.invite_out, session.bye_headers))
    session.do(StartTimer(SessionTimer.NO_487, session.settings.intervals.timeout_s))


def rings_too_long(session: "Session") -> None:
    """Nobody answers: cancelled on the owner's behalf."""
    if session.state in (State.CALLING, State.PROCEEDING):
        headers = (reason_header(NO_ANSWER, "No answer"),)
        hang_up(session, headers, Ended("local", 408, "No answer", NO_ANSWER))


def no_final_response(session: "Session") -> None:
    """64*T1 after our CANCEL or BYE the INVITE still has no final response: it counts as cancelled (RFC 3261 §9.1).

    Who leaves even the CANCEL of a re-INVITE without an answer is lost.
    """
    invite, session.invite_out = session.invite_out, None
    if invite is not None:
        session.do(Abandon(invite))
    if session.state is State.CANCELLING:
        session.move(Move.LOST)
        session.finish()
    elif invite is not None and not session.is_over:
        bye.lost(session, 408, "No final response to a re-INVITE")
