"""Guessing codes across calls: who has entered too many wrong ones lately is not served for a while.

Windows slide over the same tries: one for the caller (his number as seen from his source), where those of a source who
show no number are one group with a limit of its own; and, where it is wanted, one for the whole source. A source is a
carrier as a rule: whoever limits it locks out everybody behind it. Memory is bounded: the callers who tried longest ago
are forgotten first, and a caller who entered a right code is forgotten at once.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

CALLERS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who enters codes. `number` is empty for somebody who shows none."""

    source: str
    number: str


@dataclass(frozen=True, slots=True)
class WrongCodeLimits:
    """So many wrong codes within `window_s`, and the caller is blocked until the oldest is past. 0 = no limit."""

    per_caller: int = 9
    without_number: int = 100
    per_source: int = 0
    window_s: float = 600.0


class WrongCodes:
    """The wrong codes of the last minutes, by caller and by source. Pure: time comes in as `now`."""

    __slots__ = ("_tries", "kept")

    def __init__(self, kept: int = CALLERS_KEPT) -> None:
        self.kept = kept
        self._tries: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def add(self, who: Guesser, limits: WrongCodeLimits, now: float) -> None:
        """One wrong code."""
        for key, limit in _keys(who, limits):
            if limit:
                tries = self._tries.pop(key, None)
                if tries is None or tries.maxlen != limit:
                    tries = deque(tries or (), maxlen=limit)
                tries.append(now)
                self._tries[key] = tries
        while len(self._tries) > self.kept:
            self._tries.popitem(last=False)

    def blocks(self, who: Guesser, limits: WrongCodeLimits, now: float) -> bool:
        """Whether this caller is not to be served now."""
        return any(self._is_full(key, limit, now - limits.window_s) for key, limit in _keys(who, limits))

    def forgive(self, who: Guesser) -> None:
        """The caller has entered a right code; what others of his source did stays."""
        if who.number:
            self._tries.pop((who.source, who.number), None)

    def _is_full(self, key: tuple[str, ...], limit: int, since: float) -> bool:
        tries = self._tries.get(key)
        if not limit or tries is None:
            return False
        while tries and tries[0] <= since:
            tries.popleft()
        if not tries:
            del self._tries[key]
        return len(tries) >= limit


def _keys(who: Guesser, limits: WrongCodeLimits) -> tuple[tuple[tuple[str, ...], int], ...]:
    own_limit = limits.per_caller if who.number else limits.without_number
    return ((who.source, who.number), own_limit), ((who.source,), limits.per_source)
