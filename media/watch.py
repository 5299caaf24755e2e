"""Whether the media process still ticks, judged from outside by the clock that it leaves in shared memory.

Pure. Whoever looks may himself have been stopped or starved, and has then seen nothing of what the clock did meanwhile:
only looks that came in their time count. So many of them without a tick mean that the process hangs.
"""

EVERY_S = 0.2  # how often to look
PATIENCE_LOOKS = 5  # one second
FIRST_TICK_LOOKS = 50  # a process that takes over is told of thousands of streams before it ticks


class Watch:
    """Of one process, from the moment when it was told to work."""

    __slots__ = ("_looked_at", "_looks", "_patience_looks", "_ticked_at", "hangs")

    def __init__(self, ticked_at: float, now: float) -> None:
        """`ticked_at`: what the clock shows before the process touches it; `now` as in `look`."""
        self.hangs = False
        self._ticked_at, self._looked_at = ticked_at, now
        self._looks = 0
        self._patience_looks = FIRST_TICK_LOOKS

    def look(self, ticked_at: float, now: float) -> bool:
        """Whether it hangs since this look: true once."""
        in_time = now - self._looked_at < 2 * EVERY_S
        self._looked_at = now
        if ticked_at != self._ticked_at:
            self._ticked_at, self._looks, self._patience_looks = ticked_at, 0, PATIENCE_LOOKS
            return False
        self._looks += in_time
        hung_before, self.hangs = self.hangs, self._looks >= self._patience_looks
        return self.hangs and not hung_before
