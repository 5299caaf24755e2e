"""What phones send over UDP to keep a NAT binding open: empty lines, and STUN Binding requests (RFC 5626 §3.5, §4.4).

The stack asks for every datagram that does not begin like a message. Empty lines are taken in silence; a Binding
request is answered with the address it came from (RFC 8489 §14.2), so that the phone sees when its binding has changed.
"""

import ipaddress
import struct

BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
MAGIC_COOKIE = 0x2112A442
XOR_MAPPED_ADDRESS = 0x0020
FIRST_OF_A_MESSAGE = b" "
"""Below it are line breaks and the first byte of STUN; above it the letters that messages begin with."""

_HEADER = struct.Struct("!HHI12s")


def is_keep_alive(data: bytes) -> bool:
    """Whether a datagram that begins below `FIRST_OF_A_MESSAGE` is one; a message may come behind empty lines."""
    return not data.strip(b"\r\n") or _is_stun(data)


def answer_to(data: bytes, host: str, port: int) -> bytes | None:
    """The STUN answer to a Binding request that came from there; None for anything else."""
    if not _is_stun(data):
        return None
    kind, _, _, transaction = _HEADER.unpack_from(data)
    if kind != BINDING_REQUEST:
        return None
    attribute = _xor_mapped_address(host, port, transaction)
    return _HEADER.pack(BINDING_SUCCESS, len(attribute), MAGIC_COOKIE, transaction) + attribute


def _is_stun(data: bytes) -> bool:
    if len(data) < _HEADER.size or data[0] > 3:
        return False
    _, length, cookie, _ = _HEADER.unpack_from(data)
    return bool(cookie == MAGIC_COOKIE and length == len(data) - _HEADER.size)


def _xor_mapped_address(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host.partition("%")[0])
    key = struct.pack("!I", MAGIC_COOKIE) + transaction
    masked = bytes(one ^ other for one, other in zip(address.packed, key, strict=False))
    value = struct.pack("!BBH", 0, 1 if address.version == 4 else 2, port ^ (MAGIC_COOKIE >> 16)) + masked
    return struct.pack("!HH", XOR_MAPPED_ADDRESS, len(value)) + value
