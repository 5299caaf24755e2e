"""Finds one part in a multipart body (RFC 2046 §5.1, RFC 5621): the SDP beside an ISUP or a location.

`Message.sdp` calls it. Every byte is looked at once; a body that keeps no boundary simply has no parts.
"""

from softswitch.errors import PeerError
from softswitch.sip.grammar import parse_params, unquote

_LONGEST_BOUNDARY = 70  # RFC 2046 §5.1.1


def find_part(content_type: str, body: bytes, wanted: str) -> bytes | None:
    """The content of the first part of type `wanted` (lower case), or None; `content_type` is the whole header."""
    boundary = _boundary(content_type)
    if boundary is None:
        return None
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return None
        head, _, content = part.partition(b"\r\n\r\n")
        if _part_type(head) == wanted:
            return content
    return None


def _boundary(content_type: str) -> bytes | None:
    _, semicolon, params = content_type.partition(";")
    try:
        boundary = unquote(parse_params(semicolon + params).get("boundary") or "")
    except PeerError:
        return None
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        return None
    return boundary.encode("utf-8", "surrogateescape")


def _part_type(head: bytes) -> str:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-type", b"c"):
            return value.partition(b";")[0].strip().lower().decode("latin-1")
    return ""
