"""How each caller is heard, told now and then while his call is up and once at its end.

The figures are read from the memory that the media process writes, so asking costs it nothing; calls are asked a few
at a time, so that a thousand of them do not hold up one INVITE.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from softswitch import quality
from softswitch.call import Call, Events, LegMeasured

CALLS_AT_ONCE = 20
PAUSE_S = 0.01


class Measuring:
    """Measures the calls of `calls`, by id."""

    def __init__(
        self, calls: Mapping[str, Call], events: Events, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._events = events
        self._every_s = every_s
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            calls = list(self._calls.values())
            for first in range(0, len(calls), CALLS_AT_ONCE):
                for call in calls[first : first + CALLS_AT_ONCE]:
                    self.measure(call)
                await asyncio.sleep(PAUSE_S)

    def measure(self, call: Call, at: float | None = None) -> dict[str, Any] | None:
        """Tells and returns the figures of one call, as of `at` or now; None where it has no audio."""
        statistics = call.caller.statistics()
        if statistics is None:
            return None
        figures = quality.figures(statistics)
        if self._events:
            self._events.publish(LegMeasured(call.id, self._clock() if at is None else at, figures))
        return figures

    def at_end(self, call: Call) -> dict[str, Any] | None:
        """What the record of a call keeps: the figures of the caller's side, and of whoever answered him."""
        figures = self.measure(call, call.story[-1].at)
        sides = {} if figures is None else {"src": figures}
        statistics = call.callee.statistics() if call.callee is not None else None
        if statistics is not None:
            sides["dst"] = quality.figures(statistics)
        return sides or None
