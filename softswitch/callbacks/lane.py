"""A lane to one URL: one callback at a time and in order, so nobody hears of a call's end before its beginning.

The head is tried until it is taken, refused for good, or has been tried often enough; then it is a dead letter, and the
next one's turn. A URL has several lanes, since a receiver far away would take but some a second in one.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from zlib import crc32

from softswitch.callbacks.backoff import Answer, wait_s

NEVER_TRIED = Answer(0, "never tried")
LANES = 8
"""To one URL. What has no call (meetings, mediated calls, dead letters) shares the first."""


def host_of(url: str) -> str:
    """The host of a URL, the part that may be shown: the rest may have secrets in it. Empty where it is no URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


@dataclass(slots=True)
class Letter:
    """One callback on its way. `name` is CarrierX's name of the event."""

    name: str
    url: str
    body: bytes
    call_id: str = ""
    attempts: int = 0
    last: Answer = NEVER_TRIED
    sid: str = ""
    """Of the dead letter that it was; nothing for one that is new."""

    @property
    def lane(self) -> int:
        """All of one call are in one."""
        return crc32(self.call_id.encode()) % LANES


class Lane:
    """`post` makes one attempt; `bury` takes what will not be tried again."""

    def __init__(
        self,
        post: Callable[[Letter], Awaitable[Answer]],
        bury: Callable[[Letter, str], None],
        *,
        most_attempts: int,
        longest_queue: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.failures = 0
        """In a row; while there are any, the circuit is open and only the head is tried."""
        self.queue: deque[Letter] = deque()
        self._post, self._bury = post, bury
        self._most_attempts, self._longest_queue = most_attempts, longest_queue
        self._chance = chance

    def put(self, letter: Letter) -> None:
        """Queues it; where the queue is full it is dead at once."""
        if len(self.queue) >= self._longest_queue:
            self._bury(letter, "queue full")
            return
        self.queue.append(letter)

    async def run(self) -> None:
        """Until it is empty, or cancelled."""
        while self.queue:
            await self._deliver(self.queue[0])

    async def _deliver(self, letter: Letter) -> None:
        """One attempt at the head, and the pause that follows a failure."""
        letter.attempts += 1
        answer = letter.last = await self._post(letter)
        if answer.is_taken or answer.is_final:
            self.failures = 0
        else:
            self.failures += 1
        if answer.is_taken:
            self.queue.popleft()
        elif answer.is_final:
            self._bury(self.queue.popleft(), "refused")
        elif letter.attempts >= self._most_attempts:
            self._bury(self.queue.popleft(), "tried often enough")
        if self.failures:
            await asyncio.sleep(wait_s(self.failures, answer, self._chance))

    def give_up(self, why: str) -> None:
        """Everything that waits is dead: the program ends."""
        while self.queue:
            self._bury(self.queue.popleft(), why)
