"""Entries of the ring as one block of bytes, and back. Pure.

An entry that is kept as Python objects costs its call little, but long: when it falls out, seconds later, its pieces
lie scattered over cold memory, and the collector of garbage has looked at them meanwhile. Packed while they are new, a
few hundred of them are one object.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from softswitch import legibly
from softswitch.call import Event
from softswitch.sip import Peer

Kept = tuple[float, str | Event, Peer | None, bytes]
"""When (monotonic seconds); "in" or "out" with peer and bytes of a SIP message, or an event."""

_Packed = tuple[float, str, Peer | None, Raw]
"""When; direction, peer and bytes of a message, or the name of an event's kind, None and the event."""

_encoder = msgspec.msgpack.Encoder(enc_hook=str)
_decoder = msgspec.msgpack.Decoder(list[_Packed])
_bytes_of = msgspec.msgpack.Decoder(bytes).decode


def pack(entries: Iterable[Kept]) -> bytes:
    """One block."""
    packed = [
        (at, what, peer, data) if peer is not None else (at, type(what).__name__, None, what)
        for at, what, peer, data in entries
    ]
    try:
        return _encoder.encode(packed)
    except UnicodeEncodeError:  # a word of an event that nobody made legible
        return _encoder.encode([(at, what, peer, _legible(value)) for at, what, peer, value in packed])


def unpack(blocks: Sequence[bytes]) -> Iterator[Kept]:
    """The entries of all blocks, as they were packed."""
    named = {kind.__name__: kind for kind in kinds(Event)}
    for block in blocks:
        for at, what, peer, value in _decoder.decode(block):
            if peer is not None:
                yield at, what, peer, _bytes_of(value)
            else:
                yield at, msgspec.msgpack.decode(value, type=named[what]), None, b""


def kinds(kind: type[Event]) -> Iterator[type[Event]]:
    """All kinds of events there are, under this one."""
    for one in kind.__subclasses__():
        yield one
        yield from kinds(one)


def _legible(value: Any) -> Any:
    return legibly.mended(value, _encoder) if isinstance(value, Event) else value
