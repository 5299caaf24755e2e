"""Whether a number that one side is not to learn is anywhere in what was sent to it.

Every packet to a host is searched, SIP and RTP and RTCP alike: for the number as it stands, with anything that people
write between digits, escaped as URIs do, and in base64 and hexadecimal at any place.
"""

import base64
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from tests.wire import Packet, Wire

BETWEEN_DIGITS = re.compile(rb"[-.() ]")


SHORTEST = 5  # bytes: four digits are found by chance, in the noise of RTP as in the tags of SIP


class Hidden:
    """A text that must not reach a host, in each of its disguises; of SHORTEST bytes, or ValueError is raised."""

    def __init__(self, text: str, host: str) -> None:
        if len(text.encode()) < SHORTEST:
            raise ValueError(f"{text!r} is too short to be told from chance")
        self.text, self.host = text, host
        plain = text.encode()
        self._disguises = (plain, plain.hex().encode(), plain.hex().upper().encode(), *_in_base64(plain))

    def leaks(self, wire: Wire) -> list[str]:
        """What was sent to the host and has it."""
        return [_shown(packet) for packet in wire.packets if packet.destination[0] == self.host and self.is_in(packet)]

    def is_in(self, packet: Packet) -> bool:
        data = packet.data
        forms = (data, unquote_to_bytes(data), BETWEEN_DIGITS.sub(b"", data), _reversed_pairs(data))
        return any(disguise in form for form in forms for disguise in self._disguises)


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """The characters that are the same whatever stands before and behind, for each of the three alignments."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain + b"\0\0\0")
        first = -(-offset * 8 // 6)
        last = (offset + len(plain)) * 8 // 6
        yield encoded[first:last]


def _reversed_pairs(data: bytes) -> bytes:
    """As telephone signalling packs digits: two to a byte, the second first; here written out."""
    return b"".join(b"%x%x" % (byte & 15, byte >> 4) for byte in data)


def _shown(packet: Packet) -> str:
    return f"{packet.at:.3f} {packet.source} -> {packet.destination}: {packet.data.decode('utf-8', 'replace')}"
