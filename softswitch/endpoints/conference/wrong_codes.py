"""Guessing codes across calls: who has entered too many wrong ones lately is not served for a while.

Two windows slide over the same tries: one for the caller (his number as seen from his source), and a wider one for the
source alone, for guessers who change their number with every call. Memory is bounded: the callers who tried longest
ago are forgotten first, and a caller who entered a right code is forgotten at once.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

CALLERS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class WrongCodeLimits:
    """So many wrong codes within `window_s`, and the caller is blocked until the oldest is past. 0 = no limit."""

    per_caller: int = 9
    per_source: int = 300
    window_s: float = 600.0


class WrongCodes:
    """The wrong codes of the last minutes, by caller and by source. Pure: time comes in as `now`."""

    __slots__ = ("_tries", "kept")

    def __init__(self, kept: int = CALLERS_KEPT) -> None:
        self.kept = kept
        self._tries: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def add(self, source: str, number: str, limits: WrongCodeLimits, now: float) -> None:
        """One wrong code."""
        for key, limit in _keys(source, number, limits):
            if limit:
                tries = self._tries.pop(key, None)
                if tries is None or tries.maxlen != limit:
                    tries = deque(tries or (), maxlen=limit)
                tries.append(now)
                self._tries[key] = tries
        while len(self._tries) > self.kept:
            self._tries.popitem(last=False)

    def blocks(self, source: str, number: str, limits: WrongCodeLimits, now: float) -> bool:
        """Whether this caller is not to be served now."""
        return any(self._is_full(key, limit, now - limits.window_s) for key, limit in _keys(source, number, limits))

    def forgive(self, source: str, number: str) -> None:
        """The caller has entered a right code; what his source did otherwise stays."""
        self._tries.pop((source, number), None)

    def _is_full(self, key: tuple[str, ...], limit: int, since: float) -> bool:
        tries = self._tries.get(key)
        if not limit or tries is None:
            return False
        while tries and tries[0] <= since:
            tries.popleft()
        if not tries:
            del self._tries[key]
        return len(tries) >= limit


def _keys(source: str, number: str, limits: WrongCodeLimits) -> tuple[tuple[tuple[str, ...], int], ...]:
    return ((source, number), limits.per_caller), ((source,), limits.per_source)
