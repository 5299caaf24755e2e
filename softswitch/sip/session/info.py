"""INFO (RFC 6086, and the older use for DTMF) and OPTIONS within a session."""

from typing import TYPE_CHECKING

from softswitch.sip.message import Request, Response
from softswitch.sip.session import authorize, bye
from softswitch.sip.session.events import InfoReceived
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session


def send(session: "Session", content_type: str, body: bytes) -> None:
    if session.dialog is None or session.is_over:
        return
    request = session.dialog.request("INFO")
    request.headers.add("Content-Type", content_type)
    request.body = body
    session.send(request)


def on_response(session: "Session", request: Request, response: Response) -> None:
    """481 and 408 say that the far end knows nothing of the session (RFC 3261 §12.2.1.2)."""
    if response.status < 300 or session.is_over:
        return
    again = authorize.retry(session, request, response)
    if again is not None:
        session.send(again)
    elif response.status in (408, 481):
        bye.lost(session, response.status, response.reason, says_bye=response.status == 408)


def on_info(session: "Session", transaction: Transaction, request: Request) -> None:
    session.respond(transaction, 200)
    session.emit(InfoReceived(request.content_type or "", request.body))


def on_options(session: "Session", transaction: Transaction, _: Request) -> None:
    """What we can do (RFC 3261 §11); a peer also uses it to ask whether the session is alive."""
    session.respond(transaction, 200, headers=session.settings.capabilities.headers())
