"""Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3), with the CRLF keep-alives of RFC 5626 §3.5.1.

One `StreamFraming` per TCP or TLS connection. What it returns goes to `parse`. Every byte is looked at once or
twice, whatever the sizes of the pieces they arrive in, and no more than one message is ever kept.
"""

import re
from enum import Enum

from softswitch.errors import PeerError
from softswitch.sip.grammar import parse_number
from softswitch.sip.parser import LARGEST_MESSAGE_BYTES

LARGEST_HEAD_BYTES = 32_768

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_HEAD_END = 4
_CONTENT_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:(?:\r?\n[ \t]|[ \t])*([^\r\n]*)", re.IGNORECASE)


class KeepAlive(Enum):
    """What stands between messages: a ping is to be answered with one CRLF, which is the pong."""

    PING = "ping"
    PONG = "pong"


class StreamFraming:
    """The framing state of one connection.

    A `PeerError` ends it: behind it nothing can be told apart any more, so the connection is to be closed, after an
    answer to `refused` (the message at fault, readable by `salvage`) where one can be made. Messages that were
    complete before the fault are returned first, the error is then raised by the next `feed`.
    """

    def __init__(self) -> None:
        self.refused = b""
        self._buffer = bytearray()
        self._searched_bytes = 0
        self._message_bytes = 0  # of the message whose head is complete; 0 while it is not
        self._half_ping = False
        self._error: PeerError | None = None

    def feed(self, data: bytes) -> list[bytes | KeepAlive]:
        """Take received bytes, return what is complete now. Raises `PeerError` when the stream can't be framed."""
        if self._error is not None:
            raise self._error
        self._buffer += data
        items: list[bytes | KeepAlive] = []
        try:
            while (item := self._next()) is not None:
                items.append(item)
        except PeerError as error:
            self._error = error
            self.refused = bytes(self._buffer[:LARGEST_HEAD_BYTES])
            self._buffer.clear()
            if not items:
                raise
        return items

    def _next(self) -> bytes | KeepAlive | None:
        if not self._message_bytes:
            if self._buffer.startswith((b"\r", b"\n")):
                return self._next_keep_alive()
            if self._buffer:
                self._half_ping = False
                self._message_bytes = self._find_message_end()
        if not self._message_bytes or len(self._buffer) < self._message_bytes:
            return None
        message = bytes(self._buffer[: self._message_bytes])
        del self._buffer[: self._message_bytes]
        self._message_bytes = 0
        return message

    def _next_keep_alive(self) -> KeepAlive | None:
        """A CRLF alone is a pong until the second half of a ping follows it, in this piece or in the next."""
        if not self._half_ping and self._buffer.startswith(b"\r\n\r\n"):
            del self._buffer[:4]
            return KeepAlive.PING
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
            self._half_ping = not self._half_ping
            return KeepAlive.PONG if self._half_ping else KeepAlive.PING
        if self._buffer == b"\r":
            return None
        raise PeerError("stray line breaks in the stream", drop="unframed")

    def _find_message_end(self) -> int:
        """The length of the message at the front of the buffer, 0 while its head is incomplete."""
        found = _HEAD_END.search(self._buffer, max(0, self._searched_bytes - _LONGEST_HEAD_END))
        head_bytes = found.end() if found else len(self._buffer)
        if head_bytes > LARGEST_HEAD_BYTES:
            raise PeerError("the headers are too large", drop="too_large", status=513)
        if found is None:
            self._searched_bytes = head_bytes
            return 0
        self._searched_bytes = 0
        total_bytes = head_bytes + _content_length(bytes(self._buffer[:head_bytes]))
        if total_bytes > LARGEST_MESSAGE_BYTES:
            raise PeerError("the message is too large", drop="too_large", status=513)
        return total_bytes


def _content_length(head: bytes) -> int:
    values = _CONTENT_LENGTH.findall(head)
    if len(values) != 1:
        raise PeerError(f"{len(values)} Content-Lengths in a stream", drop="unframed")
    return parse_number(values[0].decode("latin-1").strip(" \t"), what="Content-Length")
