"""How many calls of senders whom nobody knows leave a record: enough to see them, too few for a scan to fill the store.

So many a minute for each source, and so many a minute in all, for sources can be made up. What is beyond is counted.
Calls of known senders are no business of this file: each of them leaves its record.
"""

from collections import Counter

WINDOW_S = 60.0
REFUSALS = frozenset({401, 403})
"""How strangers are turned away."""


class Strangers:
    """The records that were left this minute."""

    def __init__(self, per_source: int, in_all: int) -> None:
        """0 of either: none at all."""
        self.per_source, self.in_all = per_source, in_all
        self.left_out = 0
        """Calls without a record."""
        self._left: Counter[str] = Counter()
        self._window_ends_at = 0.0

    def may_leave_a_record(self, source: str, now: float) -> bool:
        """Whether one more call from there is recorded; it counts."""
        if now >= self._window_ends_at:
            self._left.clear()
            self._window_ends_at = now + WINDOW_S
        if self._left[source] >= self.per_source or self._left.total() >= self.in_all:
            self.left_out += 1
            return False
        self._left[source] += 1
        return True
