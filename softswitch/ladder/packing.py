"""Entries of the ring as one block of bytes, and back. Pure.

An entry that is kept as Python objects costs its call little, but long: when it falls out, seconds later, its pieces
lie scattered over cold memory, and the collector of garbage has looked at them meanwhile. Packed while they are new, a
few hundred of them are one object.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from softswitch import legibly
from softswitch.call import Event
from softswitch.sip import Peer

Kept = tuple[float, str | Event, Peer | None, bytes]
"""When (monotonic seconds); "in" or "out" with peer and bytes of a SIP message, or an event."""

FIELDS = 4
"""Of an entry before it is packed: they lie flat, one entry behind the other, for a tuple of each would be one more
object to collect. A message is when, direction, peer and bytes; an event when, its kind's name, None and itself."""

_encoder = msgspec.msgpack.Encoder(enc_hook=str)


class _Names(dict[type[Event], str]):
    def __missing__(self, kind: type[Event]) -> str:
        return self.setdefault(kind, kind.__name__)


NAMES = _Names()
"""Of the kinds of events; asking a class for its name takes longer."""


def flat(entries: Iterable[Kept]) -> list[Any]:
    """Entries as they are packed."""
    fields: list[Any] = []
    for at, what, peer, data in entries:
        fields += (at, what, peer, data) if isinstance(what, str) else (at, NAMES[type(what)], None, what)
    return fields


def pack(fields: Sequence[Any]) -> bytes:
    """One block, of entries that lie flat."""
    try:
        return _encoder.encode(fields)
    except UnicodeEncodeError:  # a word of an event that nobody made legible
        return _encoder.encode([_legible(value) for value in fields])


def unpack(blocks: Sequence[bytes]) -> Iterator[Kept]:
    """The entries of all blocks, as they were packed."""
    named = {kind.__name__: kind for kind in kinds(Event)}
    for block in blocks:
        fields = iter(msgspec.msgpack.decode(block))
        for at, what, peer, value in zip(fields, fields, fields, fields, strict=True):
            if peer is not None:
                yield at, what, msgspec.convert(peer, Peer), value
            else:
                yield at, msgspec.convert(value, named[what]), None, b""


def kinds(kind: type[Event]) -> Iterator[type[Event]]:
    """All kinds of events there are, under this one."""
    for one in kind.__subclasses__():
        yield one
        yield from kinds(one)


def _legible(value: Any) -> Any:
    return legibly.mended(value, _encoder) if isinstance(value, Event) else value
