"""Bytes to message, in one pass and linear time (RFC 3261 §7, §18.3, §25).

The transports call `parse` with one datagram or one framed message: for any bytes it returns a message or raises
`PeerError`. What a server must know before it may answer is checked here (start line, one each of From, To, Call-ID
and CSeq, the CSeq itself, Content-Length); every other header stays text until it is read. `salvage` gets a request
out of bytes `parse` refused, so that it can be answered with the error's status.
"""

import re
from typing import NoReturn

from softswitch.errors import PeerError
from softswitch.sip.grammar import is_token, legible, parse_number
from softswitch.sip.message import COPIED_INTO_RESPONSES, Headers, Message, Request, Response
from softswitch.sip.names import KEY_OF, SINGLE_VALUED, SPELLING_OF
from softswitch.sip.uri import Uri

LARGEST_MESSAGE_BYTES = 65_535
MOST_HEADER_LINES = 256

_REQUIRED = ("Via", "From", "To", "Call-ID", "CSeq")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\n[ \t]+")
_FOLDED = (" ", "\t")


def parse(data: bytes) -> Request | Response:
    """Read one message; bytes behind its Content-Length are not part of it (RFC 3261 §18.3).

    Raises `PeerError` only. Its `status` is what a request earns (see `salvage`); a response is to be dropped.
    """
    lines, body = _split(data)
    headers = Headers()
    if lines[0].startswith("SIP/"):
        response = _parse_status_line(lines[0], headers, body)
        _parse_header_lines(lines, headers)
        _check(response, None)
        return response
    request = _parse_request_line(lines[0], headers, body)
    _parse_header_lines(lines, headers)
    _check(request, request.method)
    return request


def salvage(data: bytes) -> Request | None:
    """What can be read of a request that `parse` refused, enough to build its 400 or 505 with `Response.for_request`.

    None for a response, for an ACK (never answered), and where there is no Via. It has the headers a response copies
    and nothing else, and none of them need be well formed: the answer goes to where the bytes came from.
    """
    try:
        lines = _unfold(_split(data)[0])
    except PeerError:
        return None
    method = lines[0].partition(" ")[0]
    if not is_token(method) or method == "ACK":
        return None
    request = Request(method, Uri("sip", host="invalid"))
    fields = request.headers.fields
    for line in lines[1:]:
        name, _, value = line.partition(":")
        key = KEY_OF.get(name.rstrip(" \t"))
        if key == "via" or (key in COPIED_INTO_RESPONSES and key not in fields):
            fields.setdefault(key, []).append(value.strip(" \t"))
    return request if "via" in fields else None


def _split(data: bytes) -> tuple[list[str], bytes]:
    """Cut a message into its lines (start line first, folds still apart) and what follows the empty line."""
    if len(data) > LARGEST_MESSAGE_BYTES:
        raise PeerError("the message is too large", drop="too_large", status=513)
    head, end, body = data.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    lines = text.splitlines()
    if "\r\n".join(lines) == text and lines and lines[0] and end:
        return lines, body
    lines, body = _split_tolerantly(data)
    if not lines[0]:
        return _split(_without_line_breaks(data))
    if any("\r" in line for line in lines):
        raise PeerError("a carriage return inside a line")
    return lines, body


def _without_line_breaks(data: bytes) -> bytes:
    """What follows the empty lines a message may come behind (RFC 3261 §7.5)."""
    data = data.lstrip(b"\r\n")
    if not data:
        raise PeerError("an empty message", drop="empty")
    return data


def _split_tolerantly(data: bytes) -> tuple[list[str], bytes]:
    """Cut a message whose lines end in LF alone, here and there or everywhere."""
    end = _HEAD_END.search(data)
    if end is None:
        _without_line_breaks(data)
        raise PeerError("no empty line behind the headers", drop="truncated")
    head = data[: end.start()].replace(b"\r\n", b"\n")
    return head.decode("utf-8", "surrogateescape").split("\n"), data[end.end() :]


def _parse_request_line(line: str, headers: Headers, body: bytes) -> Request:
    parts = line.split(" ")
    if len(parts) != 3:
        raise PeerError(f"malformed request line: {line[:120]!r}")
    method, text, version = parts
    if version != "SIP/2.0":
        _refuse_version(version)
    if not method.isalpha() and not is_token(method):
        raise PeerError(f"malformed method: {method[:80]!r}")
    uri = Uri.parse(text)
    if uri.headers or "method" in uri.params:  # RFC 3261 §19.1.1, table 1
        raise PeerError("headers or a method in the Request-URI")
    return Request(method, uri, headers, body)


def _parse_status_line(line: str, headers: Headers, body: bytes) -> Response:
    version, _, rest = line.partition(" ")
    if version != "SIP/2.0":
        _refuse_version(version)
    code, _, reason = rest.partition(" ")
    if len(code) != 3 or not (code.isascii() and code.isdigit()) or not "1" <= code[0] <= "6":
        raise PeerError(f"malformed status line: {line[:120]!r}")
    response = Response(int(code), "", headers, body)
    response.reason = legible(reason)
    return response


def _refuse_version(version: str) -> NoReturn:
    if version.startswith("SIP/"):
        raise PeerError(f"version not supported: {version[:20]!r}", drop="version", status=505)
    raise PeerError(f"not a SIP message: {version[:20]!r}", drop="not_sip")


def _parse_header_lines(lines: list[str], headers: Headers) -> None:
    """Fill `headers`; usual lines take the short way through the loop."""
    if len(lines) > MOST_HEADER_LINES:
        raise PeerError("too many header lines", drop="too_many_headers", status=513)
    fields, key_of = headers.fields, KEY_OF.get
    key: str | None
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        key = key_of(name)
        if key is None:
            if line.startswith(_FOLDED):
                fields.clear()
                return _parse_header_lines(_unfold(lines), headers)
            key, value = _parse_unusual_line(line, headers)
        if key not in fields:
            fields[key] = [value.strip()]
        elif key not in SINGLE_VALUED:
            fields[key].append(value.strip())
        else:
            raise PeerError(f"more than one {SPELLING_OF[key]}")
    return None


def _unfold(lines: list[str]) -> list[str]:
    """Join the lines that continue the one above them (RFC 3261 §7.3.1)."""
    if len(lines) > 1 and lines[1].startswith(_FOLDED):
        raise PeerError("a folded start line")
    return _FOLD.sub(" ", "\n".join(lines)).split("\n")


def _parse_unusual_line(line: str, headers: Headers) -> tuple[str, str]:
    """Key and value of a line whose name is not known or oddly written: `Via:x`, `vIa : x`, `X-Account: 7`."""
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    key = KEY_OF.get(name)
    if key is None:
        key = name.lower()
        if not colon or not is_token(name):
            raise PeerError(f"malformed header line: {line[:120]!r}")
        if key not in SPELLING_OF:
            headers.spelling.setdefault(key, name)
    return key, value


def _check(message: Message, method: str | None) -> None:
    """What must hold before a server may answer: `method` is the request's, None for a response."""
    fields = message.headers.fields
    if not ("via" in fields and "from" in fields and "to" in fields and "call-id" in fields and "cseq" in fields):
        missing = [name for name in _REQUIRED if name not in message.headers]
        raise PeerError(f"missing {', '.join(missing)}")
    if not fields["call-id"][0]:
        raise PeerError("an empty Call-ID")
    cseq = message.cseq
    if method is not None and cseq.method != method:
        raise PeerError(f"{method[:40]} with the CSeq of {cseq.method[:40]}")
    length = fields.get("content-length")
    if length is not None and length[0] != str(len(message.body)):
        message.body = _cut_body(message.body, length[0])


def _cut_body(body: bytes, length: str) -> bytes:
    expected = parse_number(length, what="Content-Length")
    if expected > len(body):
        raise PeerError(f"Content-Length {expected}, but {len(body)} bytes follow", drop="truncated")
    return body[:expected]
