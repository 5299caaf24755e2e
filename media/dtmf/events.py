"""Telephone-events, RFC 4733: packets to keys, and keys to packets. Pure; one `EventReceiver` a stream that sends them.

A key is one press, however many packets it takes: its updates, three copies of its end, further segments of a very long
one. It is told once, at its end, or when its end must have been lost. Packets of one key share their timestamp; peers
that break this in either way (a new timestamp in every packet, the same for several keys) are understood, as are those
that never set the marker or send only ends. The rule behind it: no key begins before the previous one is over.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from media.dtmf import DIGITS

END = 0x80
VOLUME = 0x3F
LOST_END_S = 0.2  # after so long without a packet the key is over; updates come every 20 to 50 ms
STALE_S = 0.3  # a packet so long after the end is no copy of it, whatever its timestamp

UPDATE_SAMPLES = 160
UPDATE_MS = 20
ENDS = 3
LONGEST_MS = 8000  # the duration field holds 8.19 s

_PAYLOAD = struct.Struct("!BBH")
_REORDERED = 0x8000  # a sequence number this far "ahead" is behind


@dataclass(frozen=True, slots=True)
class Key:
    """One press of a key."""

    digit: str
    duration_samples: int

    @property
    def duration_ms(self) -> int:
        return self.duration_samples // 8


class EventReceiver:
    """The keys of one RTP source. `reset()` it when the SSRC changes."""

    __slots__ = ("_at", "_code", "_duration", "_is_open", "_past", "_sequence", "_timestamp")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new source speaks."""
        self._is_open = False
        self._code = -1
        self._timestamp = 0
        self._sequence = -1
        self._duration = 0  # of the current segment
        self._past = 0  # of the segments before it
        self._at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a key is down; only then `expire` has anything to do."""
        return self._is_open

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> list[Key]:
        """Take one packet; gives the keys that it ends: none, one, or two when the end of the previous was lost."""
        if len(payload) < _PAYLOAD.size:
            return []
        code, flags, duration = _PAYLOAD.unpack_from(payload)
        if code >= len(DIGITS) or self._is_old(sequence, now):
            return []
        keys: list[Key] = []
        if self._is_same_key(code, timestamp, bool(flags & END), duration, marker, now):
            self._go_on(timestamp, duration)
        else:
            keys = self._end() if self._is_open else keys
            self._begin(code, timestamp, duration)
        self._sequence, self._at = sequence, now
        if flags & END and self._is_open:
            keys += self._end()
        return keys

    def expire(self, now: float) -> list[Key]:
        """The key whose end was lost, once it is overdue."""
        return self._end() if self._is_open and now - self._at >= LOST_END_S else []

    def _is_old(self, sequence: int, now: float) -> bool:
        """Reordered and repeated packets say nothing new: the later one has counted already."""
        if self._sequence < 0 or now - self._at > STALE_S:
            return False
        ahead = (sequence - self._sequence) & 0xFFFF
        return ahead == 0 or ahead >= _REORDERED

    def _is_same_key(self, code: int, timestamp: int, end: bool, duration: int, marker: bool, now: float) -> bool:
        if code != self._code:
            return False
        if not self._is_open and now - self._at > STALE_S:
            return False
        ahead = (timestamp - self._timestamp) & 0xFFFFFFFF
        if ahead == 0:
            return self._is_open or (end and not marker) or duration > self._duration
        return not marker and ahead <= self._duration

    def _begin(self, code: int, timestamp: int, duration: int) -> None:
        self._is_open = True
        self._code, self._timestamp, self._duration, self._past = code, timestamp, duration, 0

    def _go_on(self, timestamp: int, duration: int) -> None:
        if not self._is_open:
            self._timestamp = timestamp  # a copy of the end
            return
        if timestamp != self._timestamp and duration < self._duration:
            self._past += self._duration  # the next segment of a long key, RFC 4733 §2.5.1.3
            self._duration = duration
        self._timestamp = timestamp
        self._duration = max(self._duration, duration)

    def _end(self) -> list[Key]:
        self._is_open = False
        return [Key(DIGITS[self._code], self._past + self._duration)]


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet to send: at which tick of the plan, with which timestamp (counted from the plan's first tick)."""

    tick: int
    timestamp_samples: int
    marker: bool
    payload: bytes


def plan(digits: str, *, duration_ms: int = 100, gap_ms: int = 60, volume_dbm0: int = -10) -> list[EventPacket]:
    """The packets that press these keys, one a tick of 20 ms: the marker first, updates, three ends, then the gap.

    `duration_ms` is 20 ... 8000, `gap_ms` the silence between keys (the last two ends lie within it). Raises ValueError
    for a digit that no telephone has.
    """
    updates = max(1, min(duration_ms, LONGEST_MS) // UPDATE_MS)
    ticks_a_key = updates + max(ENDS, gap_ms // UPDATE_MS)
    packets: list[EventPacket] = []
    for index, digit in enumerate(digits.upper()):
        packets += _press(DIGITS.index(digit), index * ticks_a_key, updates, -volume_dbm0 & VOLUME)
    return packets


def plan_ticks(digits: str, *, duration_ms: int = 100, gap_ms: int = 60) -> int:
    """How many ticks a plan takes, its last gap included."""
    return len(digits) * (max(1, min(duration_ms, LONGEST_MS) // UPDATE_MS) + max(ENDS, gap_ms // UPDATE_MS))


def _press(code: int, first_tick: int, updates: int, volume: int) -> Iterator[EventPacket]:
    timestamp = first_tick * UPDATE_SAMPLES
    for tick in range(updates + ENDS):
        duration = min(tick + 1, updates) * UPDATE_SAMPLES
        flags = volume | (END if tick >= updates else 0)
        yield EventPacket(first_tick + tick, timestamp, tick == 0, _PAYLOAD.pack(code, flags, duration))
