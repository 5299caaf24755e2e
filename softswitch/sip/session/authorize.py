"""A challenge is answered once, or once more when only the nonce was stale (RFC 3261 §22, RFC 8760)."""

from typing import TYPE_CHECKING

from softswitch.errors import PeerError
from softswitch.sip.digest import Credentials, answer, challenges_of
from softswitch.sip.headers import AuthValue
from softswitch.sip.identifiers import Identifiers
from softswitch.sip.message import Request, Response

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session


def retry(session: "Session", request: Request, response: Response) -> Request | None:
    """The request of a session again, with credentials, or None when that can't help."""
    if response.status not in (401, 407) or session.credentials is None:
        return None
    again = with_credentials(request, response, session.credentials, session.identifiers)
    if again is not None and session.dialog is not None and request.to.tag is not None:
        session.dialog.local_cseq = max(session.dialog.local_cseq, again.cseq.number)
    return again


def with_credentials(
    request: Request, response: Response, credentials: Credentials, identifiers: Identifiers
) -> Request | None:
    """`request` again, one CSeq on, answering the challenges of `response`; None after a wrong password."""
    name, challenges = challenges_of(response)
    if name in request.headers and not _only_stale(challenges):
        return None
    try:
        header = answer(
            challenges,
            credentials,
            request.method,
            str(request.uri),
            request.body,
            cnonce=identifiers.cnonce(),
            header_name=name,
        )
    except PeerError:
        return None
    again = repeated(request)
    again.headers.set(*header)
    return again


def repeated(request: Request) -> Request:
    """The same request as a new transaction: next CSeq, and a Via still to be filled in."""
    again = Request(request.method, request.uri, request.headers.copy(), request.body)
    again.headers.set("Via", "")
    again.headers.set("CSeq", f"{request.cseq.number + 1} {request.method}")
    return again


def _only_stale(challenges: list[str]) -> bool:
    try:
        return any(AuthValue.parse(value).params.get("stale", "").lower() == "true" for value in challenges)
    except PeerError:
        return False
