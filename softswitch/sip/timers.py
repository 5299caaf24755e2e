"""All timers of a stack in one place, cheap to start and to cancel, and with one timer of the loop for all of them.

SIP knows few durations (T1, T4, 64*T1, …), and timers of one duration are due in the order in which they were started.
So each duration has a lane, a queue that is sorted by itself, and a small heap holds the head of each lane. Starting
and cancelling are O(1); a cancelled timer holds no reference to its owner.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class RunningTimer(Struct, eq=False, gc=False):
    """A timer that was started: due at `at` for `owner`, under the owner's own `name`.

    Thousands run at a time, and the garbage collector needs to look at none: whatever runs ends, and lets its owner go.
    """

    at: float
    owner: Any
    name: Any

    def cancel(self) -> None:
        self.owner = None


class Timers:
    """Every running timer. `now` never goes backwards from call to call."""

    def __init__(self) -> None:
        self._lanes: dict[float, deque[RunningTimer]] = {}
        self._heads: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return sum(timer.owner is not None for lane in self._lanes.values() for timer in lane)

    def start(self, now: float, after_s: float, owner: Any, name: Any) -> RunningTimer:
        timer = RunningTimer(now + after_s, owner, name)
        lane = self._lanes.get(after_s)
        if lane is None:
            self._lanes[after_s] = deque((timer,))
            heapq.heappush(self._heads, (timer.at, after_s))
        else:
            lane.append(timer)
        return timer

    def next_at(self) -> float | None:
        """When the next timer that was not cancelled is due."""
        while self._heads:
            at, after_s = self._heads[0]
            if self._lanes[after_s][0].owner is not None:
                return at
            self._pop()
        return None

    def due(self, now: float) -> Iterator[RunningTimer]:
        """Takes out, in order, the timers that are due by `now`; those started meanwhile count too."""
        while True:
            at = self.next_at()
            if at is None or at > now:
                return
            yield self._pop()

    def close(self) -> None:
        """Lets all owners go."""
        for lane in self._lanes.values():
            for timer in lane:
                timer.cancel()

    def _pop(self) -> RunningTimer:
        _, after_s = heapq.heappop(self._heads)
        lane = self._lanes[after_s]
        timer = lane.popleft()
        if lane:
            heapq.heappush(self._heads, (lane[0].at, after_s))
        else:
            del self._lanes[after_s]
        return timer
