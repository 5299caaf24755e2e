"""Who is mixed in which room, and which frame each row hears.

Whoever is above his gate is mixed, of too many in a room the loudest. What follows from that (which sums there are, by
which laws they are encoded, who hears which of the encoded frames) is worked out when somebody begins or ends to talk,
comes, goes or moves, and kept: in most ticks the same people talk as in the one before.

Members who do not speak share one encoded frame per room and law. A member who is mixed hears the sum minus himself.
Rooms are numbers; number 0 is the room in which nothing is ever said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.rows import LAWS, Rows

MIXED_BONUS = 16  # steps of loudness (6 dB): who is heard stays heard

Places = NDArray[np.intp]
NOBODY = np.zeros(0, np.intp)
NOWHERE = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Everything about a tick's mix but its sound. Frames count from LAWS on: `mixes` first, then `own`."""

    talkers: Places  # rows, sorted by room
    order: Places | None  # of talkers and then music, by room; None as they are
    spoken: NDArray[np.int32]  # the rooms in which somebody speaks or something plays
    starts: Places  # of each room among its voices
    mixes: tuple[tuple[int, Places], ...]  # law, and the rooms (places in `spoken`) that have silent listeners of it
    own: tuple[tuple[int, Places, Places], ...]  # law, places in `talkers`, and of their rooms in `spoken`
    hears: Places  # frame of each row


class Casting:
    """Chooses the talkers of all rooms in one pass. `listeners` counts who hears, by LAWS * room + law."""

    def __init__(self, rows: Rows, rooms: int, loudest_talkers: int) -> None:
        self.loudest_talkers = loudest_talkers
        self.listeners = np.zeros(LAWS * rooms, np.int32)
        self._rows = rows
        self._frame_of_mix = np.tile(np.arange(LAWS), rooms)  # silence of each law, but while a cast is worked out
        self._was_mixed = np.zeros(rows.length, np.bool_)
        self._talkers = NOBODY
        self._loud: Places | None = None  # of whom `_talkers` are all who are in a room
        self._cast: Cast | None = None
        self._music = b""
        self._changes = -1

    def cast(
        self, n: int, loudness: NDArray[np.uint8], gate: NDArray[np.uint8], music_rooms: NDArray[np.int32] = NOWHERE
    ) -> Cast:
        """Of the first n rows, and of the rooms in which music plays."""
        if self._changes != self._rows.changes:
            self._changes, self._loud, self._cast = self._rows.changes, None, None
        talkers, music = self._choose(n, loudness, gate), music_rooms.tobytes()
        if self._cast is None or self._cast.talkers is not talkers or self._music != music:
            self._cast, self._music = self._worked_out(n, talkers, music_rooms), music
        return self._cast

    # --- who talks

    def _choose(self, n: int, loudness: NDArray[np.uint8], gate: NDArray[np.uint8]) -> Places:
        """The rows to mix, sorted by room; the same array as long as they are the same."""
        (loud,) = (loudness[:n] >= gate[:n]).nonzero()
        if self._loud is not None and len(loud) == len(self._loud) and (loud == self._loud).all():
            return self._talkers
        speaks = self._rows.speaks[loud]
        rows = loud[speaks > 0]
        if len(rows) > 1:
            rows = rows[np.argsort(speaks[speaks > 0], kind="stable")]
        candidates = len(rows)
        if candidates > self.loudest_talkers:
            rows = self._loudest(rows, loudness)
        self._loud = loud if len(rows) == candidates else None
        if not np.array_equal(rows, self._talkers):
            self._was_mixed[self._talkers] = False
            self._was_mixed[rows] = True
            self._talkers = rows
        return self._talkers

    def _loudest(self, rows: Places, loudness: NDArray[np.uint8]) -> Places:
        """Rows are sorted by room; only rooms with too many candidates are ranked."""
        rooms = self._rows.speaks[rows]
        starts = _starts(rooms)
        sizes = np.diff(starts, append=len(rows))
        if sizes.max() <= self.loudest_talkers:
            return rows
        rank = loudness[rows] + self._was_mixed[rows] * np.int32(MIXED_BONUS)
        order = np.lexsort((-rank, rooms))
        place = np.arange(len(rows)) - np.repeat(starts, sizes)
        return rows[np.sort(order[place < self.loudest_talkers])]

    # --- what follows from it

    def _worked_out(self, n: int, talkers: Places, music_rooms: NDArray[np.int32]) -> Cast:
        rooms, order = self._rows.speaks[talkers], None
        if len(music_rooms):
            rooms = np.concatenate((rooms, music_rooms))
            order = np.argsort(rooms, kind="stable")
            rooms = rooms[order]
        starts = _starts(rooms)
        spoken = rooms[starts]
        mixes = tuple(self._mixes(spoken))
        own = tuple(self._own(talkers, spoken))
        return Cast(talkers, order, spoken, starts, mixes, own, self._hears(n, talkers, spoken, mixes, own))

    def _mixes(self, spoken: NDArray[np.int32]) -> Iterator[tuple[int, Places]]:
        for law in range(LAWS):
            (wanted,) = self.listeners[LAWS * spoken.astype(np.intp) + law].nonzero()
            if len(wanted):
                yield law, wanted

    def _own(self, talkers: Places, spoken: NDArray[np.int32]) -> Iterator[tuple[int, Places, Places]]:
        """A talker who hears the room that he speaks in hears it without himself."""
        rooms, laws = self._rows.speaks[talkers], self._rows.send_law[talkers]
        hears_it = self._rows.hears[talkers] == rooms
        for law in range(LAWS):
            (his,) = (hears_it & (laws == law)).nonzero()
            if len(his):
                yield law, his, np.searchsorted(spoken, rooms[his])

    def _hears(
        self,
        n: int,
        talkers: Places,
        spoken: NDArray[np.int32],
        mixes: tuple[tuple[int, Places], ...],
        own: tuple[tuple[int, Places, Places], ...],
    ) -> Places:
        frame_of_mix, frame = self._frame_of_mix, LAWS
        for law, rooms in mixes:
            frame_of_mix[LAWS * spoken[rooms].astype(np.intp) + law] = np.arange(frame, frame + len(rooms))
            frame += len(rooms)
        hears: Places = frame_of_mix.take(self._rows.hears_mix[:n], mode="clip")
        for law, rooms in mixes:
            frame_of_mix[LAWS * spoken[rooms].astype(np.intp) + law] = law
        for _, his, _ in own:
            hears[talkers[his]] = np.arange(frame, frame + len(his))
            frame += len(his)
        return hears


def _starts(rooms: NDArray[np.int32]) -> Places:
    """Where each run of equal numbers begins."""
    change = np.ones(len(rooms), np.bool_)
    np.not_equal(rooms[1:], rooms[:-1], out=change[1:])
    return np.flatnonzero(change)
