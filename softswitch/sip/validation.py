"""What a user agent looks at before it works on a message (RFC 3261 §8.1.3.3, §8.2).

The stack calls `check_request` for every request outside of a dialog and sends the `Rejection` it gets, and
`check_response` for every response of a session's. The order is
the RFC's: is it well formed, is the method known, is the Request-URI ours to understand, are the extensions and the
body ones we support. Bytes that are no message at all are the parser's business.
"""

from dataclasses import dataclass

from softswitch.errors import PeerError
from softswitch.sip.message import SDP, Message, Request, Response
from softswitch.sip.names import KNOWN_METHODS, REASON_PHRASES

_NUMBER_HEADERS = frozenset(("expires", "min-expires", "min-se", "session-expires"))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this user agent can do; what it answers to OPTIONS and judges requests by."""

    methods: tuple[str, ...] = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER")
    extensions: tuple[str, ...] = ("100rel", "timer", "replaces")
    content_types: tuple[str, ...] = (SDP,)
    schemes: tuple[str, ...] = ("sip", "sips", "tel")

    def headers(self) -> list[tuple[str, str]]:
        """Allow, Accept and Supported (RFC 3261 §11.2)."""
        return [
            ("Allow", ", ".join(self.methods)),
            ("Accept", ", ".join(self.content_types)),
            ("Supported", ", ".join(self.extensions)),
        ]


@dataclass(frozen=True, slots=True)
class Rejection:
    """The final response a request gets instead of being worked on."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


def check_request(request: Request, capabilities: Capabilities) -> Rejection | None:
    """None when `request` may be worked on. Not for ACK, which is never answered."""
    fields = request.headers.fields
    return (
        _check_form(request)
        or _check_method(request, capabilities)
        or _check_uri(request, capabilities)
        or (_check_extensions(request, capabilities) if "require" in fields or "proxy-require" in fields else None)
        or (_check_body(request, capabilities) if request.body else None)
        or (_check_accept(request) if "accept" in fields else None)
    )


def check_forwarding(request: Request) -> Rejection | None:
    """483 for a request that may not be sent on any more (RFC 3261 §16.3); for who would send it on."""
    return _reject(483) if request.max_forwards == 0 else None


def check_response(response: Response) -> None:
    """Raise `PeerError` for a response that is of no use: one not readable, or not meant for us (`misrouted`)."""
    fields = response.headers.fields
    vias = fields["via"]
    if (len(vias) > 1 or "," in vias[0]) and len(response.vias) > 1:
        raise PeerError("a response with more Vias than ours", drop="misrouted")
    _ = response.to
    if "contact" in fields:
        _ = response.contact
    if "record-route" in fields:
        _ = response.record_routes
    if not _NUMBER_HEADERS.isdisjoint(fields):
        for key in _NUMBER_HEADERS.intersection(fields):
            response.number(key)
    if "rseq" in fields:
        response.number("rseq")


def _read_headers(message: Message) -> None:
    """Read every header we may have to understand; `PeerError` for the first that can't be."""
    _ = message.vias, message.from_, message.to, message.contacts
    fields = message.headers.fields
    if "route" in fields or "record-route" in fields:
        _ = message.routes, message.record_routes
    if "max-forwards" in fields:
        _ = message.max_forwards
    if not _NUMBER_HEADERS.isdisjoint(fields):
        for key in _NUMBER_HEADERS.intersection(fields):
            message.number(key)


def _check_form(request: Request) -> Rejection | None:
    try:
        _read_headers(request)
    except PeerError as error:
        return _reject(error.status, error.reason)
    if request.method == "INVITE" and request.contact_is_star:
        return _reject(400, "Contact * in an INVITE")
    return None


def _check_method(request: Request, capabilities: Capabilities) -> Rejection | None:
    if request.method in capabilities.methods:
        return None
    allow = ("Allow", ", ".join(capabilities.methods))
    return _reject(405 if request.method in KNOWN_METHODS else 501, headers=(allow,))


def _check_uri(request: Request, capabilities: Capabilities) -> Rejection | None:
    if request.uri.scheme not in capabilities.schemes:
        return _reject(416)
    if request.method == "REGISTER" and request.to.uri.scheme not in capabilities.schemes:
        return _reject(404)  # RFC 3261 §10.3, step 5: no such address-of-record
    return None


def _check_extensions(request: Request, capabilities: Capabilities) -> Rejection | None:
    if request.method == "CANCEL":
        return None  # RFC 3261 §8.2.2.3
    supported = {extension.lower() for extension in capabilities.extensions}
    required = request.tokens("Require") + request.tokens("Proxy-Require")
    unsupported = [extension for extension in required if extension.lower() not in supported]
    return _reject(420, headers=(("Unsupported", ", ".join(unsupported)),)) if unsupported else None


def _check_body(request: Request, capabilities: Capabilities) -> Rejection | None:
    if _is_optional(request):
        return None
    if "content-encoding" in request.headers.fields:
        encodings = request.tokens("Content-Encoding")
        if any(encoding.lower() != "identity" for encoding in encodings):
            return _reject(415, headers=(("Accept-Encoding", "identity"),))
    if request.method in ("INVITE", "UPDATE", "PRACK") and not _is_understood(request, capabilities):
        return _reject(415, headers=(("Accept", ", ".join(capabilities.content_types)),))
    return None


def _is_understood(request: Request, capabilities: Capabilities) -> bool:
    """SDP, alone or as a part: of a multipart body only that is read (RFC 5621 §3.1)."""
    content_type = request.content_type
    if content_type is None:
        return request.sdp is not None
    return content_type in capabilities.content_types or content_type.startswith("multipart/")


def _is_optional(request: Request) -> bool:
    """Whether the sender allows us to ignore the body (RFC 3261 §20.11)."""
    if "content-disposition" not in request.headers.fields:
        return False
    disposition = request.headers.get("Content-Disposition") or ""
    return "handling=optional" in disposition.replace(" ", "").lower()


def _check_accept(request: Request) -> Rejection | None:
    """An INVITE whose sender understands no SDP can't become a session."""
    if request.method != "INVITE":
        return None
    ranges = {value.partition(";")[0].strip().lower() for value in request.tokens("Accept")}
    return None if ranges & {SDP, "application/*", "*/*"} else _reject(406)


def _reject(status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Rejection:
    return Rejection(status, reason or REASON_PHRASES[status], headers)
