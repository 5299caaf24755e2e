"""Keys of media and keys that were pressed are for the receiver alone: who watches gets messages without them.

The stack masks what it shows to its `trace`: logs, ladders, capture servers. Lengths stay, so Content-Length holds.
"""

import re

_INLINE_KEY = re.compile(rb"(inline:)([^\s|;]+)")  # the key of an a=crypto line (RFC 4568 §6.1)
_MEDIA_TYPE = re.compile(rb"^(?:content-type|c)[ \t]*:(?:[ \t]|\r\n[ \t])*([^;\r\n]*)", re.IGNORECASE | re.MULTILINE)
_SIGNAL = re.compile(rb"^([ \t]*signal[ \t]*=[ \t]*)([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ALL = re.compile(rb"()([^\r\n]+)")


def masked(data: bytes) -> bytes:
    """The same message, with an asterisk for each character of a media key or a key that was pressed."""
    if b"inline:" in data:
        data = _INLINE_KEY.sub(_asterisks, data)
    return _without_digits(data) if data.startswith(b"INFO ") else data


def _without_digits(info: bytes) -> bytes:
    """application/dtmf-relay has lines of which one is the key; all of another type, or of parts, may be keys."""
    head, gap, body = info.partition(b"\r\n\r\n")
    found = _MEDIA_TYPE.search(head)
    media_type = found[1].strip().lower() if found is not None else b""
    if media_type == b"application/dtmf-relay" and _SIGNAL.search(body) is not None:
        return head + gap + _SIGNAL.sub(_asterisks, body)
    if b"dtmf" in media_type or b"digits" in media_type or media_type.startswith(b"multipart/"):
        return head + gap + _ALL.sub(_asterisks, body)
    return info


def _asterisks(found: re.Match[bytes]) -> bytes:
    return found[1] + b"*" * len(found[2])
