"""Who writes the records: from the switch's hooks and the events of conferences into the journal, and from there, in
batches and off the way of the calls, into the store.

    on_started   a call has found its endpoint     -> "opened"
    CallAnswered                                   -> "talks"
    attendee "entered"                             -> "joined"
    on_ended     it is over, refused ones too      -> "closed": the call record and those of its attendances

What the far end is about to hear (an answer, a refusal) is on the journal's slate before that, where a kill does not
reach it. Everything else is gathered, and all of it is written a moment later together with what other calls have told,
out of the way of the calls.

What this process has journalled it imports from memory; the journal is the truth for whoever comes after a kill. Each
record reaches the store exactly once: rows are added by sid, and one that is there is left alone, so a segment that was
imported and not yet removed may be imported again. `open` first closes what was alive when another process
died here.
"""

import asyncio
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from softswitch.call import Call, CallAnswered, Event
from softswitch.call.cdr import CallRecord, concluded, date, joined, left, opened
from softswitch.call.sids import Sids
from softswitch.endpoints.conference import AttendeeChanged, MeetingMoved
from softswitch.endpoints.mediator import DialoutFailed, MediationMoved, MediationStarted, MediatorRecord
from softswitch.endpoints.mediator.record import closed as closed_mediation
from softswitch.endpoints.mediator.record import moved
from softswitch.logs import get_logger
from softswitch.records.alive import Alive
from softswitch.records.importing import STORE_FAILURES, Importer, RecordStore
from softswitch.records.journal import Journal, Segment
from softswitch.records.lines import (
    Closed,
    DialoutClosed,
    Ended,
    Joined,
    Line,
    Mediating,
    Opened,
    encode_ended,
    read,
)
from softswitch.records.strangers import REFUSALS, Strangers
from softswitch.store.errors import told

JOURNAL = "journal"
IMPORT_EVERY_S = 2.0
RETRY_AT_MOST_S = 60.0
GATHERED_S = 0.1
"""How long news wait for those of other calls. A kill in that time shows an end or a coming in as not having happened
yet, and nothing of a call that nobody has answered."""
REMEMBERED_AT_MOST = 10_000
"""Calls of one segment that are imported from memory; more of them, while the store is away, are read back."""
RESTARTED = "The switch was restarted"
OF_A_STAY = frozenset({"entered", "left", "role", "name"})
"""What the record of an attendance keeps of an attendee."""

News = Call | AttendeeChanged | MeetingMoved
"""A call that has ended, or an event."""


class Records:
    """The records of one switch."""

    hears = (AttendeeChanged, CallAnswered, MeetingMoved, MediationStarted, MediationMoved, DialoutFailed)
    """The events that `on_event` wants."""

    def __init__(
        self,
        folder: Path,
        store: RecordStore,
        *,
        sids: Sids,
        quality_of: Callable[[Call], dict[str, Any] | None],
        strangers: Strangers | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is the one of the calls; `wall_clock` gives POSIX time. Without `strangers` each of theirs counts."""
        self.strangers = strangers
        self.journal = Journal(folder / JOURNAL)
        self.on_opened: Callable[[Call, CallRecord], None] = _nobody
        self.on_closed: Callable[[Call, CallRecord], None] = _nobody
        """Hear of each record, when its call has found its endpoint and when it is over."""
        self.on_mediated: Callable[[MediatorRecord], None] = _nobody_mediates
        """Hears of each mediated call or dialout that is over."""
        self.alive: dict[str, Alive] = {}
        """By the id of the call."""
        self.written = 0
        """Calls whose record is in the journal."""
        self.unreadable = 0
        self._importer = Importer(store, folder / JOURNAL, wall_clock)
        self.sids = sids
        self._quality_of = quality_of
        self._clock, self._wall_clock = clock, wall_clock
        self._node = socket.gethostname()
        self._rooms: dict[str, str] = {}
        self._segments: list[Segment] = []
        self._remembered: dict[Path, list[Ended]] = {}
        """What closed segments say that has ended; one that is not here is read back."""
        self._ended: list[Ended] | None = []
        """The same, of the segment that is open; None where that is too much to remember."""
        self._started: dict[str, Call] = {}
        """Calls that have no record yet, by id."""
        self._news: deque[News] = deque()
        """What else has not been looked at, in its order."""
        self._unwritten: list[bytes] = []
        self._gathering: asyncio.TimerHandle | None = None
        self._has_news = False
        self._is_importing = asyncio.Lock()

    @property
    def imported(self) -> int:
        """Calls whose record the store has taken."""
        return self._importer.imported

    @property
    def refused(self) -> int:
        """Records that the store will never take, for what is in them."""
        return self._importer.refused

    @property
    def segments(self) -> int:
        """Segments that wait to be imported."""
        return len(self._segments)

    # ---- the life of the journal

    async def open(self) -> int:
        """Closes what was alive when the last process died, and begins to write. How many calls that were."""
        self._segments = self.journal.leftovers()
        story = await asyncio.to_thread(read, self._segments)
        self.unreadable += story.unreadable
        self.journal.open()
        died_at = max((segment.written_at for segment in self._segments), default=0.0)
        for dr_sid in story.alive:
            self._close(story.cut_off(dr_sid, date(died_at), RESTARTED))
        if story.alive:
            get_logger().warning("calls were cut off when the switch last ended", calls=len(story.alive))
        return len(story.alive)

    async def run(self) -> None:
        """Until cancelled: imports what has ended, more and more seldom while the store takes nothing."""
        wait_s = IMPORT_EVERY_S
        while True:
            await asyncio.sleep(wait_s)
            self.journal.beat()
            try:
                await self.flush()
                wait_s = IMPORT_EVERY_S
            except STORE_FAILURES as error:
                if wait_s == IMPORT_EVERY_S:
                    get_logger().error("the store takes no call records; they stay in the journal", problem=told(error))
                wait_s = min(RETRY_AT_MOST_S, 2 * wait_s)

    async def flush(self) -> None:
        """Everything that has ended is in the store. Raises STORE_FAILURES."""
        async with self._is_importing:
            self._catch_up()
            if self._has_news and not self._segments:
                self._turn()
            while self._segments:
                segment = self._segments[0]
                ended = self._remembered.get(segment.path)
                if ended is None:
                    ended = list((await asyncio.to_thread(read, [segment], only_closed=True)).closed.values())
                await self._importer.add(ended)
                self._remembered.pop(segment.path, None)
                self._segments.pop(0).remove()

    async def close(self) -> None:
        """The end: what the store does not take now it gets at the next start."""
        if self._gathering is not None:
            self._gathering.cancel()
        self._catch_up()
        self._hand_over(self.journal.close())
        try:
            await self.flush()
        except STORE_FAILURES as error:
            get_logger().error("call records stay in the journal until the next start", problem=told(error))
            for segment in self._segments:
                segment.release()

    def _turn(self) -> None:
        segment = self.journal.turn(b"".join(line for alive in self.alive.values() for line in alive.lines))
        if segment is not None:
            self._has_news = False
            self._hand_over(segment)

    def _hand_over(self, segment: Segment) -> None:
        self._segments.append(segment)
        if self._ended is not None:
            self._remembered[segment.path] = self._ended
        self._ended = []

    # ---- what the switch tells

    def on_started(self, call: Call) -> None:
        """A call has found its endpoint (the switch's `on_started`)."""
        self._started[call.id] = call
        self._gather()

    def on_ended(self, call: Call) -> None:
        """A call is over (the switch's `on_ended`). Of those of strangers only some are told."""
        if self._is_one_too_many(call):
            return
        self._news.append(call)
        self._gather()
        if call.answered_at is None or call.transfer is not None or call.gone is not None:
            self._look()  # the far end is about to hear it, or what its legs do now is another call's
            self._keep()

    def _is_one_too_many(self, call: Call) -> bool:
        """Whether a stranger has called who may leave no record any more."""
        if self.strangers is None or call.source is not None or call.outcome is None:
            return False
        if call.outcome.status not in REFUSALS:
            return False
        return not self.strangers.may_leave_a_record(call.caller.session.peer.host, self._clock())

    # ---- news, and the journal

    def _gather(self) -> None:
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHERED_S, self._on_gathered)

    def _on_gathered(self) -> None:
        self._gathering = None
        self._catch_up()

    def _catch_up(self) -> None:
        """All that was told so far is in the journal."""
        try:
            self._look()
        finally:  # a bug of ours costs one call its record
            self._write()
            if self._started or self._news:
                self._gather()

    def _look(self) -> None:
        """All that was told so far has become lines."""
        while self._started:
            self._open(self._started.popitem()[1])
        while self._news:
            self._take(self._news.popleft())

    def _take(self, news: News) -> None:
        if isinstance(news, AttendeeChanged):
            self._on_attendee(news)
        elif isinstance(news, MeetingMoved):
            self._on_meeting(news)
        else:
            self._conclude(news)

    def _alive(self, call_id: str) -> Alive | None:
        """A call that is up; it has a record from now on."""
        started = self._started.pop(call_id, None)
        return self._open(started) if started is not None else self.alive.get(call_id)

    def _open(self, call: Call, date_talk: str | None = None) -> Alive:
        record = opened(call, self._epoch_at(), self.sids)
        record.date_talk = date_talk
        alive = self.alive[call.id] = Alive(call, record)
        self._remember(alive, Opened(record))
        self.on_opened(call, record)
        return alive

    def _conclude(self, call: Call) -> None:
        epoch_at = self._epoch_at()
        alive = self.alive.pop(call.id, None) or Alive(call, opened(call, epoch_at, self.sids))
        record = concluded(alive.record, call, epoch_at, self.sids, self._quality_of(call))
        mediated = closed_mediation(alive.mediated, record) if alive.mediated is not None else None
        self._close(Closed(record, [left(stay, record) for stay in alive.attendances], mediated))
        self.written += 1
        self.on_closed(call, record)
        if mediated is not None:
            self.on_mediated(mediated)

    def _close(self, closed: Ended) -> None:
        """For the journal, and remembered, so that a store that keeps up never waits for the disk."""
        line, closed = encode_ended(closed)
        self._unwritten.append(line)
        self._has_news = True
        if self._ended is not None:
            self._ended.append(closed)
            if len(self._ended) > REMEMBERED_AT_MOST:
                self._ended = None

    def _remember(self, alive: Alive, line: Line) -> None:
        self._unwritten.append(alive.remember(line))

    def _write(self) -> None:
        self.journal.write(b"".join(self._unwritten))
        self._unwritten.clear()

    def _keep(self) -> None:
        """Safe from a kill; it comes to the disk with what others tell."""
        self.journal.keep(b"".join(self._unwritten))
        self._unwritten.clear()
        self._gather()

    # ---- what events tell

    def on_event(self, event: Event) -> None:
        """Every event of the program; some kinds concern us."""
        kind = type(event)
        if kind is CallAnswered:
            self._on_answered(event)  # type: ignore[arg-type]
        elif kind is MeetingMoved or (kind is AttendeeChanged and event.what in OF_A_STAY):  # type: ignore[attr-defined]
            self._news.append(event)  # type: ignore[arg-type]
            self._gather()
        elif kind is MediationStarted or kind is MediationMoved:
            self._on_mediation(event)  # type: ignore[arg-type]
        elif kind is DialoutFailed:
            self._on_dialout_failed(event)  # type: ignore[arg-type]

    def _on_answered(self, event: CallAnswered) -> None:
        """Kept before the far end hears it: whatever becomes of us then, it has called."""
        date_talk = date(self._epoch_at() + event.at)
        started = self._started.pop(event.call_id, None)
        alive = self.alive.get(event.call_id) if started is None else self._open(started, date_talk)
        if alive is None:
            return
        alive.record.date_talk = date_talk
        if started is None or alive.is_of_two:
            self._remember(alive, alive.talks(self.sids))
        self._keep()

    def _on_mediation(self, event: MediationStarted | MediationMoved) -> None:
        alive = self._alive(event.call_id)
        if alive is None:
            return
        if isinstance(event, MediationStarted):
            alive.mediated = replace(event.record, partner_sid=self.sids.partner)
        elif alive.mediated is not None:
            alive.mediated = moved(alive.mediated, event.stage, date(self._epoch_at() + event.at))
            if alive.record.date_talk is not None:  # stage two has answered beside stage one
                self._remember(alive, alive.talks(self.sids))
        if alive.mediated is not None:
            self._remember(alive, Mediating(alive.mediated))
        self._gather()

    def _on_dialout_failed(self, event: DialoutFailed) -> None:
        record = replace(event.record, partner_sid=self.sids.partner)
        self._close(DialoutClosed(record))
        self.on_mediated(record)
        self._gather()

    def _on_meeting(self, event: MeetingMoved) -> None:
        if event.after == "ended":
            self._rooms.pop(event.meeting_id, None)
        else:
            self._rooms[event.meeting_id] = event.room

    def _on_attendee(self, event: AttendeeChanged) -> None:
        alive = self.alive.get(event.call_id)
        if alive is None:
            return
        if event.what == "entered":
            self._on_entered(alive, event)
        elif alive.attendances:
            stay = alive.attendances[-1]
            if event.what == "left":
                stay.date_disconnected = date(self._epoch_at() + event.at)
            elif event.what == "role":
                stay.role = event.value
            elif event.what == "name":
                stay.custom_name = event.value

    def _on_entered(self, alive: Alive, event: AttendeeChanged) -> None:
        """The first stay of a call has the call's own sid, as the live one has; further ones have their own."""
        stay = joined(
            alive.call,
            alive.record,
            call_sid=alive.call.sid if not alive.attendances else str(uuid.uuid4()),
            meeting_sid=event.meeting_id,
            room=self._rooms.get(event.meeting_id, ""),
            role=event.value,
            date_join=date(self._epoch_at() + event.at),
            sids=self.sids,
        )
        stay.node = self._node
        alive.attendances.append(stay)
        if alive.call.outcome is None:
            self._remember(alive, Joined(stay))

    def _epoch_at(self) -> float:
        return self._wall_clock() - self._clock()


def _nobody(_: Call, __: CallRecord) -> None:
    """Until somebody wants to hear of records."""


def _nobody_mediates(_: MediatorRecord) -> None:
    """Until somebody wants to hear of them."""
