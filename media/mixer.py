"""All rooms in one pass: who is mixed, the sum of each room, and what each member hears as G.711.

Members who do not speak share one encoded frame per room and law. A member who is mixed hears the sum minus himself.
Sums are 32-bit and leave through one table lookup that limits softly and encodes at once. Rooms are numbers; number 0
is the room in which nothing is ever said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U, SILENCE_A, SILENCE_U
from media.pool import FRAME_SAMPLES, PAYLOAD_AT, ROW_BYTES
from media.rows import LAWS, U

MIXED_BONUS = 16  # steps of loudness (6 dB): who is heard stays heard
KNEE = 24000  # sums beyond are bent towards full scale
REACH = 98304  # the largest sum the tables know; more is as loud as that


def _soft_limit() -> NDArray[np.int16]:
    """From a sum (index: sum + REACH) to a sample: unchanged to the knee, then ever flatter to full scale."""
    total = np.arange(-REACH, REACH, dtype=np.float64)
    beyond = np.maximum(np.abs(total) - KNEE, 0.0)
    room = 32767 - KNEE
    bent = np.minimum(np.abs(total), KNEE) + room * np.tanh(beyond / room)
    limited: NDArray[np.int16] = np.rint(np.sign(total) * bent).astype(np.int16)
    return limited


SOFT_LIMIT = _soft_limit()
SOFT_ENCODE = tuple(table[SOFT_LIMIT.view(np.uint16)] for table in (ENCODE_U, ENCODE_A))
DECODE = np.concatenate((DECODE_U, DECODE_A))
SILENCE = (SILENCE_U, SILENCE_A)


def decode(payload: NDArray[np.uint8], laws: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Payload bytes [k, 160] of law `laws[k]` each -> samples [k, 160]."""
    if not laws.any():
        return DECODE_U.take(payload, mode="clip")
    index = payload.astype(np.uint16)
    index += laws.astype(np.uint16)[:, np.newaxis] << np.uint16(8)
    return DECODE.take(index, mode="clip")


def limit(sums: NDArray[np.int32]) -> NDArray[np.int16]:
    """Sums -> samples."""
    return SOFT_LIMIT.take(sums + REACH, mode="clip")


def encode(sums: NDArray[np.int32], law: int) -> NDArray[np.uint8]:
    """Sums -> limited payload bytes."""
    return SOFT_ENCODE[law].take(sums + REACH, mode="clip")


class Frames:
    """The distinct encoded frames of one tick, as rows of the shape of a packet; row `law` is silence by that law."""

    def __init__(self) -> None:
        self.rows = np.zeros((256, ROW_BYTES), np.uint8)
        self.used = 0
        self.clear()
        for law in range(LAWS):
            self.rows[law, PAYLOAD_AT:] = SILENCE[law]

    def clear(self) -> None:
        self.used = LAWS

    def add(self, payloads: NDArray[np.uint8]) -> int:
        """Appends [k, 160] and returns the index of the first."""
        first, last = self.used, self.used + len(payloads)
        while last > len(self.rows):
            self.rows = np.concatenate((self.rows, np.zeros_like(self.rows)))
        self.rows[first:last, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES] = payloads
        self.used = last
        return first


class Mixer:
    """`frame_of_mix[LAWS * room + law]` is the index in `Frames` of what the room's silent members hear."""

    def __init__(self, rows: int, rooms: int, loudest_talkers: int) -> None:
        self.loudest_talkers = loudest_talkers
        self.frame_of_mix = np.tile(np.arange(LAWS), rooms)
        self.listeners = np.zeros(LAWS * rooms, np.int32)  # members who hear, by room and law
        self.was_mixed = np.zeros(rows, np.bool_)
        self._mixed = np.zeros(0, np.intp)  # the same as rows
        self._spoken = np.zeros(0, np.int64)

    def choose(
        self, n: int, speaks: NDArray[np.int32], loudness: NDArray[np.uint8], gate: NDArray[np.uint8]
    ) -> NDArray[np.intp]:
        """The rows to mix, sorted by room: of each room the loudest of those above their gate."""
        (loud,) = (loudness[:n] >= gate[:n]).nonzero()
        rows = loud[speaks[loud] > 0]
        rooms = speaks[rows]
        if len(rows) > 1:
            order = np.argsort(rooms, kind="stable")
            rows, rooms = rows[order], rooms[order]
        if len(rows) > self.loudest_talkers:
            rows = self._loudest(rows, rooms, loudness)
        self.was_mixed[self._mixed] = False
        self.was_mixed[rows] = True
        self._mixed = rows
        return rows

    def _loudest(
        self, rows: NDArray[np.intp], rooms: NDArray[np.int32], loudness: NDArray[np.uint8]
    ) -> NDArray[np.intp]:
        """Rows are sorted by room; only rooms with too many candidates are ranked."""
        starts = _starts(rooms)
        sizes = np.diff(starts, append=len(rows))
        if sizes.max() <= self.loudest_talkers:
            return rows
        rank = loudness[rows] + self.was_mixed[rows] * np.int32(MIXED_BONUS)
        order = np.lexsort((-rank, rooms))
        place = np.arange(len(rows)) - np.repeat(starts, sizes)
        return rows[np.sort(order[place < self.loudest_talkers])]

    def mix(
        self, frames: Frames, rooms: NDArray[np.int32], samples: NDArray[np.int16]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Sums `samples` [k, 160], sorted by `rooms` [k], and encodes what silent members hear.

        Returns the spoken rooms [r] and their sums [r, 160].
        """
        self.frame_of_mix[self._spoken] = self._spoken % LAWS
        starts = _starts(rooms)
        spoken = rooms[starts]
        sums = np.add.reduceat(samples, starts, axis=0, dtype=np.int32)
        heard = []
        first_mix = LAWS * spoken.astype(np.intp)
        for law in range(LAWS):
            (wanted,) = self.listeners[first_mix + law].nonzero()
            if len(wanted):
                mixes = first_mix[wanted] + law
                first = frames.add(encode(sums[wanted], law))
                self.frame_of_mix[mixes] = np.arange(first, first + len(mixes))
                heard.append(mixes)
        self._spoken = np.concatenate(heard) if heard else np.zeros(0, np.int64)
        return spoken, sums

    def hush(self) -> None:
        """Nobody speaks anywhere in this tick."""
        if len(self._spoken):
            self.frame_of_mix[self._spoken] = self._spoken % LAWS
            self._spoken = np.zeros(0, np.int64)


def _starts(rooms: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where each run of equal numbers begins."""
    change = np.empty(len(rooms), np.bool_)
    change[0] = True
    np.not_equal(rooms[1:], rooms[:-1], out=change[1:])
    return np.flatnonzero(change)


assert U == 0  # noqa: S101  silence of law l is frame l
