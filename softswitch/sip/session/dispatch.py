"""Which verb of a session a request, a response or a timer is for. `Session` asks; the verbs do the work."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.sip.message import Request, Response
from softswitch.sip.session import bye, cancel, incoming, info, outgoing, refer, refresh, reliable, reoffer, update
from softswitch.sip.session.effects import SessionTimer
from softswitch.sip.session.states import State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

REQUEST_VERBS: dict[str, Callable[["Session", Transaction, Request], None]] = {
    "INVITE": reoffer.on_reinvite,
    "BYE": bye.on_bye,
    "UPDATE": update.on_update,
    "PRACK": reliable.on_prack,
    "INFO": info.on_info,
    "OPTIONS": info.on_options,
    "REFER": refer.on_refer,
}

RESPONSE_VERBS: dict[str, Callable[["Session", Request, Response], None]] = {
    "INVITE": outgoing.on_response,
    "BYE": bye.on_response,
    "UPDATE": update.on_response,
    "PRACK": reliable.on_response,
    "INFO": info.on_response,
    "NOTIFY": refer.on_response,
}

TIMER_VERBS: dict[SessionTimer, Callable[["Session"], None]] = {
    SessionTimer.RETRANSMIT_2XX: incoming.repeat_2xx,
    SessionTimer.NO_ACK: incoming.no_ack,
    SessionTimer.RETRANSMIT_1XX: reliable.repeat,
    SessionTimer.NO_PRACK: reliable.no_prack,
    SessionTimer.REPEAT_1XX: incoming.repeat_1xx,
    SessionTimer.EXPIRES: incoming.expired,
    SessionTimer.RINGS_TOO_LONG: cancel.rings_too_long,
    SessionTimer.NO_487: cancel.no_final_response,
    SessionTimer.REOFFER_TOO_LONG: reoffer.takes_too_long,
    SessionTimer.GLARE: reoffer.try_again,
    SessionTimer.REFRESH: refresh.refresh,
    SessionTimer.EXPIRY: refresh.expired,
}


def receive_in_dialog(session: "Session", transaction: Transaction, request: Request) -> None:
    """A request of the far end within a dialog (RFC 3261 §12.2.2)."""
    dialog = session.dialog or session.early.get(request.from_.tag or "")
    is_leaving = session.has_ended and request.method != "BYE"
    if dialog is None or session.state is State.ENDED or is_leaving:
        session.respond(transaction, 481)
    elif not dialog.accepts(request):
        session.respond(transaction, 500, "CSeq out of order")
    elif (verb := REQUEST_VERBS.get(request.method)) is not None:
        verb(session, transaction, request)
    else:
        _refuse(session, transaction, request.method)


def _refuse(session: "Session", transaction: Transaction, method: str) -> None:
    """Nothing is told of a session by subscription within its dialog: no KPML, no second hearing of a REFER."""
    if method == "SUBSCRIBE":
        session.respond(transaction, 489)
    else:
        session.respond(transaction, 405, headers=(("Allow", ", ".join(session.settings.capabilities.methods)),))
