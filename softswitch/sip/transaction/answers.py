"""What is left of requests that were answered: the bytes, for those that come again (RFC 3261 §17.2.2, Completed).

All answers are kept for the same 64*T1, so they end in the order in which they came, and one timer serves as Timer J
of all. Where many register there are tens of thousands: none is anything the garbage collector has to look at.
"""

from collections import deque

from msgspec import Struct

from softswitch.sip.transaction.machine import Key


class _Answer(Struct, frozen=True, eq=False, gc=False):
    data: bytes
    until: float
    key: Key
    merge_key: Key | None


class Answers:
    """By the key of the server transaction that gave them. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self.merge_keys: set[Key] = set()
        """Of the requests that were answered: whichever of them comes on another path is merged."""
        self._kept: dict[Key, _Answer] = {}
        self._in_order: deque[_Answer] = deque()

    def __len__(self) -> int:
        return len(self._in_order)

    def get(self, key: Key) -> bytes | None:
        """What the request was answered that comes again."""
        answer = self._kept.get(key)
        return None if answer is None else answer.data

    def keep(self, data: bytes, until: float, key: Key, merge_key: Key | None) -> None:
        answer = self._kept[key] = _Answer(data, until, key, merge_key)
        self._in_order.append(answer)
        if merge_key is not None:
            self.merge_keys.add(merge_key)

    def next_at(self) -> float | None:
        """When the next of them ends."""
        return self._in_order[0].until if self._in_order else None

    def end(self, now: float) -> None:
        """Those whose time is over by `now` are forgotten."""
        while self._in_order and self._in_order[0].until <= now:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        answer = self._in_order.popleft()
        del self._kept[answer.key]
        if answer.merge_key is not None:
            self.merge_keys.discard(answer.merge_key)
