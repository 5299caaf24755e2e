"""What ladders are made of: the last messages and events of the whole switch, in a ring.

Nothing is parsed or looked up when a message passes: it is appended, and a few hundred at a time become one block of
bytes, the oldest of which falls out. Which of them belong to a call is found when somebody asks, off the loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from softswitch.call import Event
from softswitch.ladder.packing import FIELDS, NAMES, Kept, flat, pack, unpack
from softswitch.ladder.picture import Picture, picture_of
from softswitch.sip.peer import Peer

LONGEST_BYTES = 4096
"""Of a message that is longer only the beginning is kept."""
BLOCK = 256
"""Entries that are packed together, while they are still in the processor's cache."""
BLOCK_FIELDS = BLOCK * FIELDS


class Ladder:
    """The last `length` messages and events. `trace` is for the stack, `on_event` for the events of the program."""

    def __init__(
        self,
        length: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._length = length
        self._new: list[Any] = []
        """Fields of those that are not packed yet."""
        self._blocks: deque[bytes] = deque(maxlen=-(-length // BLOCK))
        """Each of `BLOCK` entries, but for one that has forgotten some."""
        self._clock, self._wall_clock = clock, wall_clock

    def __len__(self) -> int:
        return len(_entries(self._all_blocks(), self._length))

    def trace(self, direction: str, peer: Peer, data: bytes) -> None:
        """A SIP message came in or goes out (the stack's `trace`)."""
        if len(data) > LONGEST_BYTES:
            data = data[:LONGEST_BYTES]
        self._new.extend((self._clock(), direction, peer, data))
        if len(self._new) >= BLOCK_FIELDS:
            self._turn()

    def on_event(self, event: Event) -> None:
        """Something happened; what it is of is found later."""
        self._new.extend((self._clock(), NAMES[type(event)], None, event))
        if len(self._new) >= BLOCK_FIELDS:
            self._turn()

    def _turn(self) -> None:
        self._blocks.append(pack(self._new))
        self._new.clear()

    def forget(self, before: float) -> None:
        """Drops what happened before a moment of the calendar (POSIX time)."""
        before_at = before - self._wall_clock() + self._clock()
        while self._blocks:
            if left := _since(before_at, self._blocks.popleft()):
                self._blocks.appendleft(pack(flat(left)))
                return
        self._new = flat(_since(before_at, pack(self._new)))

    async def of(self, call: str) -> Picture | None:
        """The ladder of a call, by its id, its sid or the Call-ID of its INVITE. None when nothing is known of it."""
        blocks, epoch_at = self._all_blocks(), self._wall_clock() - self._clock()
        return await asyncio.to_thread(lambda: picture_of(call, _entries(blocks, self._length), epoch_at))

    def _all_blocks(self) -> tuple[bytes, ...]:
        return (*self._blocks, pack(self._new))


def _entries(blocks: tuple[bytes, ...], at_most: int) -> list[Kept]:
    """The last of all that is kept, oldest first."""
    return list(unpack(blocks))[-at_most:]


def _since(at: float, block: bytes) -> list[Kept]:
    return [entry for entry in unpack([block]) if entry[0] >= at]
