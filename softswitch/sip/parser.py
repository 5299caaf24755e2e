"""Bytes to message, in one pass and linear time (RFC 3261 §7, §18.3, §25).

The transports call `parse` with one datagram or one framed message: for any bytes it returns a message or raises
`PeerError`. What a server must know before it may answer is checked here (start line, one each of From, To, Call-ID
and CSeq, the CSeq itself, Content-Length); every other header stays text until it is read. `salvage` gets a request
out of bytes `parse` refused, so that it can be answered with the error's status.
"""

import re

from softswitch.errors import PeerError
from softswitch.sip.grammar import is_token, parse_number
from softswitch.sip.message import Headers, Message, Request, Response
from softswitch.sip.names import KEY_OF, SINGLE_VALUED, SPELLING_OF
from softswitch.sip.uri import Uri

LARGEST_MESSAGE_BYTES = 65_535
LARGEST_HEAD_BYTES = 32_768
MOST_HEADER_LINES = 256

_REQUIRED = ("Via", "From", "To", "Call-ID", "CSeq")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r\n[ \t]+")


def parse(data: bytes) -> Request | Response:
    """Read one message; bytes behind its Content-Length are not part of it (RFC 3261 §18.3).

    Raises `PeerError` only. Its `status` is what a request earns (see `salvage`); a response is to be dropped.
    """
    lines, body = _split(data)
    is_response = lines[0][:4].upper() == "SIP/"
    message = _parse_status_line(lines[0]) if is_response else _parse_request_line(lines[0])
    _parse_header_lines(lines, message.headers)
    message.body = body
    _check(message)
    return message


def salvage(data: bytes) -> Request | None:
    """What can be read of a request that `parse` refused, enough to build its 400 or 505 with `Response.to`.

    None for a response, for an ACK (never answered), and where there is no Via. Nothing but the headers a response
    copies may be relied on, and none of them need be readable: the answer goes to where the bytes came from.
    """
    try:
        lines, _ = _split(data)
        method, _, _ = lines[0].partition(" ")
        if not is_token(method) or method == "ACK":
            return None
        request = Request(method, Uri("sip", host="invalid"))
        _parse_header_lines(lines, request.headers, lenient=True)
        return request if "via" in request.headers.fields else None
    except PeerError:
        return None


def _split(data: bytes) -> tuple[list[str], bytes]:
    """Cut a message into its unfolded lines (start line first) and what follows the empty line."""
    if data[:2] == b"\r\n" or data[:1] == b"\n":
        data = data.lstrip(b"\r\n")  # RFC 3261 §7.5
    if not data:
        raise PeerError("an empty message", drop="empty")
    if len(data) > LARGEST_MESSAGE_BYTES:
        raise PeerError("the message is too large", drop="too_large", status=513)
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or head.count(b"\n") != head.count(b"\r\n"):
        head, body = _split_tolerantly(data)
    if len(head) > LARGEST_HEAD_BYTES:
        raise PeerError("the headers are too large", drop="too_large", status=513)
    text = head.decode("utf-8", "surrogateescape")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    lines = text.split("\r\n")
    if len(lines) > MOST_HEADER_LINES:
        raise PeerError("too many header lines", drop="too_many_headers", status=513)
    if text.count("\r") != len(lines) - 1:
        raise PeerError("a carriage return inside a line")
    return lines, body


def _split_tolerantly(data: bytes) -> tuple[bytes, bytes]:
    """Cut a message whose lines end in LF alone, here and there or everywhere."""
    end = _HEAD_END.search(data)
    if end is None:
        raise PeerError("no empty line behind the headers", drop="truncated")
    head = data[: end.start()]
    return head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), data[end.end() :]


def _parse_request_line(line: str) -> Request:
    parts = line.split(" ")
    if len(parts) != 3:
        raise PeerError(f"malformed request line: {line[:120]!r}")
    method, uri, version = parts
    if version != "SIP/2.0" and version.upper() != "SIP/2.0":
        if version[:4].upper() == "SIP/":
            raise PeerError(f"version not supported: {version[:20]!r}", drop="version", status=505)
        raise PeerError(f"malformed request line: {line[:120]!r}", drop="not_sip")
    if not is_token(method):
        raise PeerError(f"malformed method: {method[:80]!r}")
    return Request(method, _parse_request_uri(uri))


def _parse_request_uri(text: str) -> Uri:
    uri = Uri.parse(text)
    if uri.headers or (uri.is_sip and "method" in uri.params):  # RFC 3261 §19.1.1, table 1
        raise PeerError("headers or a method in the Request-URI")
    return uri


def _parse_status_line(line: str) -> Response:
    version, _, rest = line.partition(" ")
    if version.upper() != "SIP/2.0":
        raise PeerError(f"version not supported: {version[:20]!r}", drop="version", status=505)
    code, _, reason = rest.partition(" ")
    if len(code) != 3 or not (code.isascii() and code.isdigit()) or not "1" <= code[0] <= "6":
        raise PeerError(f"malformed status line: {line[:120]!r}")
    response = Response(int(code))
    response.reason = reason
    return response


def _parse_header_lines(lines: list[str], headers: Headers, *, lenient: bool = False) -> None:
    fields = headers.fields
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = KEY_OF.get(name)
        if key is None or not colon:
            key = _unusual_key(name.rstrip(" \t"), headers) if colon else None
            if key is None:
                if lenient:
                    continue
                raise PeerError(f"malformed header line: {line[:120]!r}")
        value = value.strip(" \t")
        values = fields.get(key)
        if values is None:
            fields[key] = [value]
        elif key not in SINGLE_VALUED:
            values.append(value)
        elif not lenient:
            raise PeerError(f"more than one {SPELLING_OF[key]}")


def _unusual_key(name: str, headers: Headers) -> str | None:
    """The key of a name that is oddly written or not known to us; None when it is no token."""
    key = KEY_OF.get(name)
    if key is not None:
        return key
    if not is_token(name):
        return None
    key = name.lower()
    if key not in SPELLING_OF:
        headers.spelling.setdefault(key, name)
    return key


def _check(message: Request | Response) -> None:
    fields = message.headers.fields
    if not ("via" in fields and "from" in fields and "to" in fields and "call-id" in fields and "cseq" in fields):
        missing = [name for name in _REQUIRED if name not in message.headers]
        raise PeerError(f"missing {', '.join(missing)}")
    if not fields["call-id"][0]:
        raise PeerError("an empty Call-ID")
    cseq = message.cseq
    if isinstance(message, Request) and cseq.method != message.method:
        raise PeerError(f"{message.method[:40]} with the CSeq of {cseq.method[:40]}")
    length = fields.get("content-length")
    if length is not None:
        _cut_body(message, length[0])


def _cut_body(message: Message, length: str) -> None:
    expected = parse_number(length, what="Content-Length")
    if expected < len(message.body):
        message.body = message.body[:expected]
    elif expected > len(message.body):
        raise PeerError(f"Content-Length {expected}, but {len(message.body)} bytes follow", drop="truncated")
