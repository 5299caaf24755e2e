"""What the switch does beside its calls, for as long as it runs: expiry, health, records, callbacks, the store's news.

A duty runs until it is cancelled. One that ends by an error that nobody expected is our bug: it is counted, logged, and
begun anew after a pause, since a switch whose fraud guard or records had silently ended would look healthy.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Self

from softswitch.logs import get_logger

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between an end and the next beginning; doubled while it ends again within the longest."""

Duty = Callable[[], Coroutine[Any, Any, None]]


class Duties:
    """Some duties of a switch, done while the block of this context manager runs."""

    def __init__(self, failures: Counter[str]) -> None:
        """`failures` counts unexpected ends by duty."""
        self._failures = failures
        self._tasks: list[asyncio.Task[None]] = []
        self._log = get_logger()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, name: str, duty: Duty) -> None:
        """Does `duty` from now on, as its own task."""
        self._tasks.append(asyncio.create_task(self._keep_up(name, duty), name=name))

    async def _keep_up(self, name: str, duty: Duty) -> None:
        clock = asyncio.get_running_loop().time
        pause_s = FIRST_PAUSE_S
        while True:
            began_at = clock()
            try:
                await duty()
                return
            except Exception:  # noqa: BLE001 - whatever it is, the duty has to go on
                self._failures[name] += 1
                self._log.exception("a duty failed and is begun anew", duty=name, after_s=pause_s)
            await asyncio.sleep(pause_s)
            lasted = clock() - began_at > LONGEST_PAUSE_S
            pause_s = FIRST_PAUSE_S if lasted else min(2 * pause_s, LONGEST_PAUSE_S)
