"""REFER within a session, and the NOTIFYs that say what came of it (RFC 3515, RFC 3891, RFC 3892, RFC 5589).

We are the one who is asked: the far end wants somebody else called in its place. One request at a time; `Refer-Sub:
false` (RFC 4488) asks for no NOTIFYs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from softswitch.errors import PeerError
from softswitch.sip.headers import Address
from softswitch.sip.message import Request, Response
from softswitch.sip.names import REASON_PHRASES
from softswitch.sip.replaces import Replaces
from softswitch.sip.session import authorize
from softswitch.sip.session.events import Referred
from softswitch.sip.transaction.machine import Transaction
from softswitch.sip.uri import Uri

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

SIPFRAG = "message/sipfrag;version=2.0"
ACTIVE, TERMINATED = "active;expires=180", "terminated;reason=noresource"  # 180 s: as long as anybody may ring


@dataclass(slots=True)
class Referral:
    """The REFER that is being worked on; `transaction` is None once it was answered."""

    transaction: Transaction | None
    event: str
    is_subscribed: bool


def on_refer(session: "Session", transaction: Transaction, request: Request) -> None:
    """Answered by the owner; at once only where it is no good, or another one is open (491)."""
    if session.referral is not None:
        session.respond(transaction, 491)
        return
    try:
        event = _referred(request)
    except PeerError as error:
        session.respond(transaction, 400, error.reason)
        return
    subscribed = (request.headers.get("Refer-Sub") or "true").strip().lower() != "false"
    session.referral = Referral(transaction, f"refer;id={request.cseq.number}", subscribed)
    session.emit(event)


def _referred(request: Request) -> Referred:
    """Raises `PeerError` where Refer-To is not there once, or can't be read."""
    values = request.headers.all("Refer-To")
    if len(values) != 1:
        raise PeerError("one Refer-To is wanted")
    uri = _refer_to(values[0])
    replaces = next((value for name, value in uri.headers if name.lower() == "replaces"), None)
    return Referred(
        uri.with_(headers=()),
        Replaces.parse(unquote(replaces)) if replaces is not None else None,
        request.headers.get("Referred-By") or "",
    )


def _refer_to(value: str) -> Uri:
    """Some phones (baresip) write Replaces into a bare URI, which RFC 3261 §20 wants in brackets."""
    return Address.parse(value).uri if "<" in value else Uri.parse(value.strip())


def accept(session: "Session") -> None:
    referral = session.referral
    if referral is None or referral.transaction is None:
        return
    headers = () if referral.is_subscribed else (("Refer-Sub", "false"),)
    session.respond(referral.transaction, 202, headers=(("Contact", session.contact), *headers))
    referral.transaction = None
    _notify(session, referral, 100, "Trying", ACTIVE)


def refuse(session: "Session", status: int, reason: str) -> None:
    referral, session.referral = session.referral, None
    if referral is not None and referral.transaction is not None:
        session.respond(referral.transaction, status, reason)


def withdraw(session: "Session") -> None:
    """The session ends before anybody has answered the REFER."""
    refuse(session, 487, "")


def report(session: "Session", status: int, reason: str) -> None:
    referral = session.referral
    if referral is None or referral.transaction is not None:
        return
    if status >= 200:
        session.referral = None
    _notify(session, referral, status, reason, TERMINATED if status >= 200 else ACTIVE)


def _notify(session: "Session", referral: Referral, status: int, reason: str, state: str) -> None:
    """Nothing after the end of the dialog: nobody is there to hear it."""
    if not referral.is_subscribed or session.is_over or session.dialog is None:
        return
    request = session.dialog.request("NOTIFY")
    add = request.headers.add
    add("Contact", session.contact)
    add("Event", referral.event)
    add("Subscription-State", state)
    add("Content-Type", SIPFRAG)
    request.body = f"SIP/2.0 {status} {reason or REASON_PHRASES.get(status, 'Unknown')}\r\n".encode()
    session.send(request)


def on_response(session: "Session", request: Request, response: Response) -> None:
    """Whoever refuses a NOTIFY wants no more of them; the session itself goes on (RFC 6665 §4.2.2)."""
    if response.status < 300:
        return
    again = authorize.retry(session, request, response)
    if again is not None and not session.is_over:
        session.send(again)
    elif session.referral is not None and response.status not in (401, 407):
        session.referral.is_subscribed = False
