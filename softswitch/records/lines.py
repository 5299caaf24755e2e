"""The lines of the journal, and what a number of segments says when read together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from softswitch import legibly
from softswitch.call.cdr import AttendanceRecord, CallRecord, cut_off, left
from softswitch.call.prices import Meter
from softswitch.endpoints.mediator import MediatorRecord
from softswitch.endpoints.mediator.record import closed as closed_mediation
from softswitch.records.journal import Segment


class Opened(Struct, tag="opened"):
    """A call has found its endpoint."""

    call: CallRecord


class Talks(Struct, tag="talks", omit_defaults=True):
    """It was answered, by whom, and what that costs; what is said last holds."""

    dr_sid: str
    date_talk: str
    known: dict[str, Any] = msgspec.field(default_factory=dict)
    meters: list[Meter] = msgspec.field(default_factory=list)


class Joined(Struct, tag="joined"):
    """It has come into a meeting."""

    attendance: AttendanceRecord


class Mediating(Struct, tag="mediating"):
    """It is one of a mediator; what is said last holds."""

    record: MediatorRecord


class Closed(Struct, tag="closed", omit_defaults=True):
    """It has ended: everything there is to keep."""

    call: CallRecord
    attendances: list[AttendanceRecord]
    mediated: MediatorRecord | None = None


class DialoutClosed(Struct, tag="closed_dialout"):
    """A dialout has ended before it was a call."""

    mediated: MediatorRecord


Ended = Closed | DialoutClosed
Line = Opened | Talks | Joined | Mediating | Closed | DialoutClosed

MENDED = "\ufffd".encode()[:1]
"""Wherever words were mended; one byte is found in a seventh of the time that three take."""
CLOSED = b'{"type":"closed'
"""How the lines begin that a segment is imported for; the others matter only to whom a kill has cut off."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)
_decoder_of_ended = msgspec.json.Decoder(Ended)


def encode(line: Line) -> bytes:
    """Whatever words it holds: those that no store would take are mended."""
    return legibly.encode(_encoder, line) + b"\n"


def encode_ended(ended: Ended) -> tuple[bytes, Ended]:
    """The line, and what it says: where words were mended, the store gets them as the journal has them."""
    line = encode(ended)
    return line, _decoder_of_ended.decode(line) if MENDED in line else ended


@dataclass(slots=True)
class Story:
    """What a journal tells: calls that have ended, by sid, and those that never did."""

    closed: dict[str, Ended] = field(default_factory=dict)
    alive: dict[str, CallRecord] = field(default_factory=dict)
    meters: dict[str, list[Meter]] = field(default_factory=dict)
    attendances: dict[str, list[AttendanceRecord]] = field(default_factory=dict)
    mediated: dict[str, MediatorRecord] = field(default_factory=dict)
    unreadable: int = 0

    def tell(self, line: Line) -> None:
        match line:
            case Opened():
                self.alive[line.call.dr_sid] = line.call
            case Talks():
                self._answered(line)
            case Joined():
                self.attendances.setdefault(line.attendance.dr_sid, []).append(line.attendance)
            case Mediating():
                self.mediated[line.record.dr_sid] = line.record
            case Closed():
                self.closed[line.call.dr_sid] = line
            case DialoutClosed():
                self.closed[line.mediated.dr_sid] = line

    def _answered(self, line: Talks) -> None:
        record = self.alive.get(line.dr_sid)
        if record is None:
            return
        record.date_talk = line.date_talk
        for name, value in line.known.items():
            setattr(record, name, value)
        self.meters[line.dr_sid] = line.meters
        for before in (record.user_data or {}).get("transferred_from", ()):
            self.meters.pop(before, None)  # its leg is here, with all that it has cost

    def cut_off(self, dr_sid: str, died: str, reason: str) -> Closed:
        """The end of a call that nobody ended: its switch died, at about `died`."""
        record = cut_off(self.alive[dr_sid], died, reason, self.meters.get(dr_sid, ()))
        stays = {stay.call_sid: stay for stay in self.attendances.get(dr_sid, ())}
        mediated = self.mediated.get(dr_sid)
        return Closed(
            record,
            [left(replace(stay, date_disconnected=record.date_stop), record) for stay in stays.values()],
            closed_mediation(mediated, record) if mediated is not None else None,
        )

    def ends(self) -> None:
        """Everything is read: what was closed in any segment is not alive."""
        for dr_sid in self.closed:
            self.alive.pop(dr_sid, None)


def read(segments: Iterable[Segment], *, only_closed: bool = False) -> Story:
    """What segments tell together. Lines that a full disk or a kill has torn are counted. Raises `OSError`."""
    story = Story()
    for segment in segments:
        for line in _lines(segment):
            if only_closed and not line.startswith(CLOSED):
                continue
            try:
                story.tell(_decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                story.unreadable += 1
    story.ends()
    return story


def _lines(segment: Segment) -> Iterator[bytes]:
    with segment.path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line
