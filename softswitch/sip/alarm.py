"""The timers of a stack, rung by its loop: one timer of the loop for all of them, set for whichever is due first."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any

from softswitch.sip.timers import RunningTimer, Timers

SLACK_S = 0.002  # timers this close together are served by one wake-up of the loop


class Alarm:
    """Calls `fire(owner, name)` for each timer that is due; `fire` must not raise."""

    def __init__(self, fire: Callable[[Any, Any], None]) -> None:
        self._fire = fire
        self._timers = Timers()
        self._handle: asyncio.TimerHandle | None = None
        self._armed_at = inf
        self._clock: Callable[[], float] | None = None

    def __len__(self) -> int:
        """How many timers run."""
        return len(self._timers)

    def start(self, after_s: float, owner: Any, name: Any) -> RunningTimer:
        timer = self._timers.start(self.now(), after_s, owner, name)
        if timer.at < self._armed_at:
            self._arm(timer.at)
        return timer

    def now(self) -> float:
        """The loop's time."""
        clock = self._clock or self._running_clock()
        return clock()

    def close(self) -> None:
        """Nothing is due any more."""
        if self._handle is not None:
            self._handle.cancel()
        self._timers.close()

    def _arm(self, at: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed_at = at
        self._handle = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        """Timers are due; those that start meanwhile need no alarm of their own."""
        self._handle, self._armed_at = None, -inf
        for timer in self._timers.due(self.now() + SLACK_S):
            self._fire(timer.owner, timer.name)
        self._armed_at = inf
        at = self._timers.next_at()
        if at is not None:
            self._arm(at)

    def _running_clock(self) -> Callable[[], float]:
        """The loop's, which is found once: timers belong to the loop that they were first started in."""
        if self._clock is None:
            self._clock = asyncio.get_running_loop().time
        return self._clock
