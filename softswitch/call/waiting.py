"""How one task waits for the things that happen to a leg: until woken, until a deadline, or until interrupted.

No queue and no event object: whatever happened is looked up where it is kept, and what is woken looks again.
"""

import asyncio


class Waiting:
    """The place where the one task of a leg waits. Everything else calls `wake` or `interrupt`."""

    __slots__ = ("_interruption", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._interruption: Exception | None = None

    async def until(self, deadline_at: float | None = None) -> bool:
        """Returns when woken; True when it was the deadline. Raises what `interrupt` was called with."""
        self._raise_interruption()
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if deadline_at is None else loop.call_at(deadline_at, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        self._raise_interruption()
        return deadline_at is not None and loop.time() >= deadline_at

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def interrupt(self, error: Exception) -> None:
        """Raises `error` in the task that waits, or at its next wait."""
        self._interruption = error
        self.wake()

    def _raise_interruption(self) -> None:
        if self._interruption is not None:
            error, self._interruption = self._interruption, None
            raise error
