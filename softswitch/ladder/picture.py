"""The picture of one call, made from the ring when somebody asks: entries in the order in which they happened. Pure.

Secrets are taken out here, before anything is shown: credentials, the keys of encrypted media, and pressed keys, which
may be an access code.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from softswitch.call import CallStarted, LegStarted
from softswitch.errors import PeerError
from softswitch.ladder import titles
from softswitch.ladder.packing import Kept
from softswitch.logs import without_credentials
from softswitch.sip.grammar import legible
from softswitch.sip.parser import parse

CALL_ID_CHARS = 8
"""How much of a call's sid is its id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the picture. `message` is the whole SIP message, `figures` what a report or callback measured."""

    at: str
    offset_ms: float
    kind: Literal["sip", "event", "key", "quality", "callback"]
    title: str
    direction: str = ""
    peer: str = ""
    message: str = ""
    figures: dict[str, Any] | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A call, who is in it, and what happened."""

    call_id: str
    sip_call_id: str
    from_number: str
    to_number: str
    entries: tuple[Entry, ...]

    @property
    def peers(self) -> tuple[str, ...]:
        """Who sent or got messages, in the order of their first one."""
        return tuple(dict.fromkeys(entry.peer for entry in self.entries if entry.peer))


def picture_of(call: str, kept: Sequence[Kept], epoch_at: float) -> Picture | None:
    """The picture of a call, by id, sid or Call-ID; `epoch_at` is the POSIX time at which the ring's clock showed 0."""
    started = _started(call, kept)
    sip_call_id = started[-1].sip_call_id if started else call
    call_ids = {one.call_id for one in started}
    mine = list(_of_call(call_ids, {sip_call_id, *_legs(call_ids, kept)}, kept))
    if not mine:
        return None
    entries = tuple(_entries(mine, epoch_at))
    if not started:
        return Picture("", sip_call_id, "", "", entries)
    last = started[-1]
    return Picture(last.call_id, sip_call_id, last.from_number, last.to_number, entries)


def _started(call: str, kept: Sequence[Kept]) -> list[CallStarted]:
    """The beginnings of the call: one that had to prove who it is began twice, with one Call-ID."""
    all_started = [event for _, event, _, _ in kept if type(event) is CallStarted]
    named = [
        one for one in all_started if call in (one.call_id, one.sip_call_id) or call[:CALL_ID_CHARS] == one.call_id
    ]
    sip_call_ids = {one.sip_call_id for one in named[-1:]}
    return [one for one in all_started if one.sip_call_id in sip_call_ids]


def _legs(call_ids: Collection[str], kept: Sequence[Kept]) -> Iterator[str]:
    """The Call-IDs of whoever we have called for it."""
    for _, event, _, _ in kept:
        if type(event) is LegStarted and event.call_id in call_ids:
            yield event.sip_call_id


def _of_call(call_ids: Collection[str], sip_call_ids: Collection[str], kept: Sequence[Kept]) -> Iterator[Kept]:
    needles = [sip_call_id.partition("\ufffd")[0].encode() for sip_call_id in sip_call_ids]
    for one in kept:
        _, what, peer, data = one
        if peer is not None:
            if any(needle in data for needle in needles) and _call_id_of(data) in sip_call_ids:
                yield one
        elif getattr(what, "call_id", "") in call_ids:
            yield one


def _call_id_of(data: bytes) -> str:
    """The Call-ID of a message; of one that we kept in part it may still be there."""
    found = re.search(rb"^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", data, re.IGNORECASE | re.MULTILINE)
    return legible(found[1].decode("utf-8", "surrogateescape")) if found else ""


def _entries(mine: Sequence[Kept], epoch_at: float) -> Iterator[Entry]:
    began_at = mine[0][0]
    seen: set[tuple[str, bytes]] = set()
    for at, what, peer, data in mine:
        when = datetime.fromtimestamp(epoch_at + at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        offset_ms = round((at - began_at) * 1000, 1)
        if isinstance(what, str):
            repeated = (what, data) in seen
            seen.add((what, data))
            yield Entry(when, offset_ms, "sip", _title(data), what, str(peer), shown(data), repeated=repeated)
        else:
            kind, title, figures = titles.of_event(what)
            yield Entry(when, offset_ms, kind, title, figures=figures)


def _title(data: bytes) -> str:
    try:
        return titles.of_message(parse(data))
    except PeerError:
        return data.partition(b"\r\n")[0].decode("utf-8", "replace")


def shown(data: bytes) -> str:
    """A message as anybody may see it; the stack has masked it already, but for credentials."""
    return without_credentials(data).decode("utf-8", "replace")
