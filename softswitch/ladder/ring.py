"""What ladders are made of: the last messages and events of the whole switch, in a ring.

Nothing is parsed, copied or looked up when a message passes: one tuple is appended, and the oldest falls out. Which of
them belong to a call is found when somebody asks, off the loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from softswitch.call import Event
from softswitch.ladder.picture import Kept, Picture, picture_of
from softswitch.sip.peer import Peer

LONGEST_BYTES = 4096
"""Of a message that is longer only the beginning is kept."""


class Ladder:
    """The last `length` messages and events. `trace` is for the stack, `on_event` for the events of the program."""

    def __init__(
        self,
        length: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._ring: deque[Kept] = deque(maxlen=length)
        self._keep = self._ring.append
        self._clock, self._wall_clock = clock, wall_clock

    def __len__(self) -> int:
        return len(self._ring)

    def trace(self, direction: str, peer: Peer, data: bytes) -> None:
        """A SIP message came in or goes out (the stack's `trace`)."""
        if len(data) > LONGEST_BYTES:
            data = data[:LONGEST_BYTES]
        self._keep((self._clock(), direction, peer, data))

    def on_event(self, event: Event) -> None:
        """Something happened; what it is of is found later."""
        self._keep((self._clock(), event, None, b""))

    def forget(self, before: float) -> None:
        """Drops what happened before a moment of the calendar (POSIX time)."""
        before_at = before - self._wall_clock() + self._clock()
        while self._ring and self._ring[0][0] < before_at:
            self._ring.popleft()

    async def of(self, call: str) -> Picture | None:
        """The ladder of a call, by its id, its sid or the Call-ID of its INVITE. None when nothing is known of it."""
        kept = tuple(self._ring)
        return await asyncio.to_thread(picture_of, call, kept, self._wall_clock() - self._clock())
