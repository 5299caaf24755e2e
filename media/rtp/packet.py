"""One RTP packet (RFC 3550 §5.1). Any bytes give a `Packet` or None.

The tick reads and writes the fixed headers of all rows at once (`media.pool`); what is not plain (contributing sources,
an extension, padding) is rare and goes through here.
"""

import struct
from dataclasses import dataclass

HEADER_BYTES = 12
VERSION = 0x80  # version 2, without padding, extension and contributing sources: the first octet of nearly every packet
PADDING = 0x20
EXTENSION = 0x10
MARKER = 0x80
FEEDBACK_TYPES = range(64, 96)  # a second octet in here, marker bit aside, is RTCP on the same port (RFC 5761 §4)

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; `extension` is (profile, data) as on the wire, data a multiple of four octets."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    contributors: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    padding_bytes: int = 0

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> "Packet | None":
        """Read one packet; None when it is not RTP version 2 or its lengths do not add up (RFC 3550 A.1)."""
        size = len(data)
        if size < HEADER_BYTES:
            return None
        first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
        if first & 0xC0 != VERSION:
            return None
        start = HEADER_BYTES + 4 * (first & 0x0F)
        if start > size:
            return None
        contributors = struct.unpack_from(f"!{first & 0x0F}I", data, HEADER_BYTES)
        extension = None
        if first & EXTENSION:
            extension = _parse_extension(data, start)
            if extension is None:
                return None
            start += _EXTENSION.size + len(extension[1])
        padding_bytes = data[-1] if first & PADDING else 0
        if first & PADDING and not 1 <= padding_bytes <= size - start:
            return None
        return cls(
            second & 0x7F,
            sequence,
            timestamp,
            ssrc,
            bytes(data[start : size - padding_bytes]),
            bool(second & MARKER),
            contributors,
            extension,
            padding_bytes,
        )

    def encode(self) -> bytes:
        """The packet as it goes on the wire."""
        first = VERSION | len(self.contributors)
        parts = [struct.pack(f"!{len(self.contributors)}I", *self.contributors)]
        if self.extension is not None:
            first |= EXTENSION
            profile, data = self.extension
            parts += _EXTENSION.pack(profile, len(data) // 4), data
        parts.append(self.payload)
        if self.padding_bytes:
            first |= PADDING
            parts += bytes(self.padding_bytes - 1), bytes((self.padding_bytes,))
        second = self.payload_type | (MARKER if self.marker else 0)
        return _FIXED.pack(first, second, self.sequence, self.timestamp, self.ssrc) + b"".join(parts)


def is_rtcp(data: bytes | bytearray | memoryview) -> bool:
    """Tell RTCP from RTP on a shared port by the second octet (RFC 5761 §4)."""
    return len(data) > 1 and data[1] & 0x7F in FEEDBACK_TYPES


def _parse_extension(data: bytes | bytearray | memoryview, start: int) -> tuple[int, bytes] | None:
    body = start + _EXTENSION.size
    if body > len(data):
        return None
    profile, words = _EXTENSION.unpack_from(data, start)
    if body + 4 * words > len(data):
        return None
    return profile, bytes(data[body : body + 4 * words])
