"""Live events for readers far away: numbered, kept for a while, and never at the cost of a call.

The switch publishes to a `Feed` like to any other subscriber. Each event is written as JSON once, whoever reads it,
kept in a bounded ring, and put into the bounded queue of every reader that wants it. A reader whose queue is full is
dropped and told why; nothing waits for him. With no reader the feed does not listen, so events cost nothing; after
the last one has gone it listens for `LINGER_S` more, so that who lost his connection finds what he missed.
"""

import asyncio
import re
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from softswitch import legibly
from softswitch.call import Event, Events
from softswitch.endpoints.conference import AttendeeChanged

RING_EVENTS = 4096
QUEUE_EVENTS = 1024
LINGER_S = 300.0
READERS_AT_MOST = 100

SLOW = "slow reader"
KINDS = ("call", "key", "talker", "attendee", "meeting", "recording", "trunk", "alarm", "phone", "source")
"""What a reader can ask for."""

GAP = "gap"
"""What a reader has missed and can't get any more: told to him whatever he asked for."""

CALL_ID_CHARACTERS = 8

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Told:
    """One event as readers get it; `call_id` is empty where it is about no call."""

    id: str
    kind: str
    call_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asked for; empty: everything. A call is named by its sid or its id."""

    kinds: frozenset[str] = frozenset()
    call: str = ""

    def __contains__(self, told: Told) -> bool:
        if told.kind == GAP:
            return True
        is_of_call = not self.call or self.call[:CALL_ID_CHARACTERS] == told.call_id
        return is_of_call and (not self.kinds or told.kind in self.kinds)


class ReaderDropped(Exception):  # noqa: N818 - a decision, not an error
    """The feed has let go of this reader, for the reason given."""


class Reader:
    """One who reads: a bounded queue. Iterate with `next`; `close` when gone."""

    def __init__(self, wanted: Wanted, close: Callable[["Reader"], None], limit: int) -> None:
        self.wanted = wanted
        self.dropped = asyncio.Event()
        self.reason = ""
        self._close = close
        self._limit = limit
        self._queue: deque[Told] = deque()
        self._news = asyncio.Event()

    def put(self, told: Told) -> bool:
        """Whether there was room."""
        if told in self.wanted:
            if len(self._queue) >= self._limit:
                return False
            self._queue.append(told)
            self._news.set()
        return True

    def drop(self, reason: str) -> None:
        self.reason = reason
        self._queue.clear()
        self.dropped.set()
        self._news.set()

    async def next(self) -> list[Told]:
        """All that has come, at least one. Raises `ReaderDropped`."""
        while not self._queue:
            if self.dropped.is_set():
                raise ReaderDropped(self.reason)
            self._news.clear()
            await self._news.wait()
        told = list(self._queue)
        self._queue.clear()
        return told

    def close(self) -> None:
        self._close(self)


class Feed:
    """The ring, and everybody who reads from it."""

    def __init__(
        self,
        events: Events,
        date: Callable[[float], str],
        *,
        ring_events: int = RING_EVENTS,
        queue_events: int = QUEUE_EVENTS,
    ) -> None:
        """`date` writes a moment of the calls' clock."""
        self.dropped: Counter[str] = Counter()
        """Readers that were let go, by reason."""
        self.published = 0
        self._events, self._date = events, date
        self._queue_events = queue_events
        self._ring: deque[Told] = deque(maxlen=ring_events)
        self._run = secrets.token_hex(4)
        self._number = 0
        self._readers: list[Reader] = []
        self._unsubscribe: Callable[[], None] | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def is_listening(self) -> bool:
        return self._unsubscribe is not None

    def open(self, wanted: Wanted, after: str = "") -> Reader | None:
        """A reader, beginning behind the event `after` where the ring still has it; None where there are too many.

        Where it has not, the first thing the reader gets is an event of the kind "gap".
        """
        if len(self._readers) >= READERS_AT_MOST:
            return None
        self._listen()
        reader = Reader(wanted, self._gone, self._queue_events)
        if after:
            for told in self._missed(after):
                if not reader.put(told):
                    break
        self._readers.append(reader)
        return reader

    def publish(self, event: Event) -> None:
        """The subscriber: called for every event while somebody reads."""
        self._number += 1
        self.published += 1
        told = self._told(event)
        self._ring.append(told)
        for reader in [reader for reader in self._readers if not reader.put(told)]:
            self._drop(reader, SLOW)

    def close(self) -> None:
        """The end of the program: everybody is told."""
        for reader in list(self._readers):
            self._drop(reader, "going down")
        self._leave()

    # ---- listening, only as long as somebody reads

    def _listen(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._unsubscribe is None:
            self._unsubscribe = self._events.subscribe(self.publish)

    def _leave(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._ring.clear()

    def _gone(self, reader: Reader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
        if not self._readers and self._leaving is None and self._unsubscribe is not None:
            self._leaving = asyncio.get_running_loop().call_later(LINGER_S, self._leave)

    def _drop(self, reader: Reader, reason: str) -> None:
        self.dropped[reason] += 1
        self._readers.remove(reader)
        reader.drop(reason)

    # ---- what is told

    def _missed(self, after: str) -> Iterator[Told]:
        """What came behind the event `after`."""
        run, _, number = after.partition("-")
        oldest = self._number - len(self._ring)
        known = run == self._run and number.isdecimal() and oldest <= int(number) <= self._number
        if not known:
            yield Told(f"{self._run}-{self._number}", GAP, "", b'{"kind":"gap","event":"gap"}')
            return
        yield from list(self._ring)[int(number) - oldest :]

    def _told(self, event: Event) -> Told:
        kind, name = kind_of(event)
        fields = msgspec.structs.asdict(event)
        at = fields.pop("at", None)
        number = f"{self._run}-{self._number}"
        body = {"id": number, "kind": kind, "event": name, "at": None if at is None else self._date(at), **fields}
        return Told(number, kind, fields.get("call_id", ""), legibly.encode(_encoder, body))


def kind_of(event: Event) -> tuple[str, str]:
    """The kind of an event, and its name within the kind: `CallStarted` is ("call", "started")."""
    if isinstance(event, AttendeeChanged):
        return ("talker" if event.what == "talking" else "attendee"), event.what
    words = re.findall("[A-Z][a-z]*", type(event).__name__)
    name = "".join(words[1:]).lower()
    return words[0].lower(), name or getattr(event, "state", "")
