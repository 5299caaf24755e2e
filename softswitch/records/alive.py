"""A call that is up, as its record stands so far."""

from dataclasses import dataclass, field

from softswitch.call import Call
from softswitch.call.cdr import AttendanceRecord, CallRecord, answered
from softswitch.call.sids import Sids
from softswitch.endpoints.mediator import MediatorRecord
from softswitch.records.lines import Line, Talks, encode


@dataclass(slots=True)
class Alive:
    """Its record, its attendances, and the lines of the journal that say so."""

    call: Call
    record: CallRecord
    attendances: list[AttendanceRecord] = field(default_factory=list)
    mediated: MediatorRecord | None = None
    lines: list[bytes] = field(default_factory=list)

    @property
    def is_of_two(self) -> bool:
        """Whether its far end is somebody whom we have called."""
        return self.call.callee is not None or self.call.is_placed

    def remember(self, line: Line) -> bytes:
        """The line as it goes into the journal, and into each segment that begins while the call is up."""
        encoded = encode(line)
        self.lines.append(encoded)
        return encoded

    def talks(self, sids: Sids) -> Talks:
        """That it was answered, by whom, and what that costs."""
        known, running = answered(self.call, sids) if self.is_of_two else ({}, [])
        return Talks(self.record.dr_sid, self.record.date_talk or "", known, running)
