"""The jitter buffer: which packet each row plays in which tick.

A ring of ticks holds slots, not audio: the packet stays in the pool. All rows play the same column of the ring, so
taking what is due is one copy for all rows. A row's delay is the difference between its timestamps and ours
(`due_timestamp`, the one that plays in this tick): a packet that comes in time for its tick waits for nothing, so an
even stream is held back by the tick alone.

A packet that comes too late moves the row's timestamps so that it plays now, which delays all that follow. When for a
whole window even the latest packet came a frame early, one frame is left out, at a moment of silence where there is
one; each time that turns out to have been wrong, the row waits twice as long before it tries again. Clock drift is the
same thing, slowly. What the first packets of a row had waited for while the call was set up is not jitter: it is given
back at once, a third of a second later. Timestamps that jump out of reach start the row anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from media.pool import FRAME_SAMPLES, KEPT_TICKS, NO_SLOT
from media.streams import StreamColumns

RING = KEPT_TICKS
FARTHEST = RING - 2  # frames ahead; the pool is overwritten after that
LATEST_RESCUED = 10  # frames; a packet later than that is left behind
OUTAGE = 5  # so many packets in a row left behind: their delay is the new normal
FIRST_WINDOW_TICKS = 16
SETTLED_A_TICK = 32
WINDOW_TICKS = 128
REVIEWED_EVERY_TICKS = 8
LONGEST_PATIENCE = 16
SKIP_AT_LATEST_TICKS = 250
NEVER_AHEAD = 127


class Placed(Enum):
    """What became of a packet."""

    IN_TIME = "in time"
    DELAYED_THE_ROW = "delayed the row"
    TOO_LATE = "too late"
    DUPLICATE = "duplicate"
    STARTED_ANEW = "started anew"


class JitterBuffer:
    """Rows of the streams table; `tick` counts the ticks, missed ones too."""

    def __init__(
        self, rows: int, streams: StreamColumns, keep: Callable[[NDArray[np.intp]], NDArray[np.int32]]
    ) -> None:
        """`keep` is the pool's: it copies rows that have to wait, and says to which slots."""
        self.tick = 0
        self.inserted = self.skipped = self.late = 0
        self.due_timestamp = np.zeros(rows, np.uint32)
        self.is_playing = np.zeros(rows, np.bool_)
        self._ring = np.full((RING, rows), NO_SLOT, np.int32)
        self._keep = keep
        self._row = np.arange(rows, dtype=np.int32)
        self._least_ahead = np.full(rows, NEVER_AHEAD, np.int32)
        self._early_windows = np.zeros(rows, np.uint8)
        self._patience = np.ones(rows, np.uint8)
        self._left_behind = np.zeros(rows, np.uint8)
        self._extra_frames = streams.extra_frames
        self._begun_at = np.full(rows, -1, np.int64)  # the tick of the row's first packet
        self._begun: deque[tuple[int, int]] = deque()  # the same and the row, of those whose first window goes on
        self._to_skip: dict[int, int] = {}  # row, and the tick at which it is skipped even while somebody talks
        self._late_packets = streams.late_packets
        self._forgiving_until = 0
        self._forgiven_frames = 0

    # --- the usual way, all rows at once

    def place(self, n: int, came: NDArray[np.bool_], timestamp: NDArray[np.uint32]) -> list[int]:
        """Puts each row's packet of this tick where it is due; returns the rows that need `place_one`.

        What is due in the tick in which it comes stays where it is: in the slot that is the row's own.
        """
        ahead = timestamp - self.due_timestamp[:n]
        now = ahead < FRAME_SAMPLES
        now &= came
        now &= self.is_playing[:n]
        np.copyto(self._ring[self.tick & (RING - 1), :n], self._row[:n], where=now)
        np.copyto(self._least_ahead[:n], 0, where=now)
        (rest,) = (now ^ came).nonzero()
        return self._place_others(rest, ahead) if len(rest) else []

    def _place_others(self, rows: NDArray[np.intp], ahead_samples: NDArray[np.uint32]) -> list[int]:
        """Packets that wait are kept, those of a stall are counted; returns the rows of all others."""
        frames = ahead_samples[rows] // np.uint32(FRAME_SAMPLES)  # of what is late, more than any that waits
        plays = self.is_playing[rows]
        waits = plays & (frames <= FARTHEST)
        if waits.all():
            self._wait(rows, frames)
            return []
        self._wait(rows[waits], frames[waits])
        rest = ~waits
        if self._is_forgiving:
            ahead = ahead_samples[rows].view(np.int32) // FRAME_SAMPLES
            late = plays & (ahead < 0) & (ahead >= -self._forgiven_frames)
            self._late_packets[rows[late]] += np.uint32(1)
            self.late += int(np.count_nonzero(late))
            rest &= ~late
        others: list[int] = rows[rest].tolist()
        return others

    def _wait(self, rows: NDArray[np.intp], frames: NDArray[np.uint32]) -> None:
        self._ring[(self.tick + frames) & (RING - 1), rows] = self._keep(rows)
        self._least_ahead[rows] = np.minimum(self._least_ahead[rows], frames)

    def vacate(self, rows: NDArray[np.intp]) -> None:
        """Further packets of these rows are about to come over what plays now: that is kept elsewhere."""
        column = self._ring[self.tick & (RING - 1)]
        own = rows[column[rows] == rows]
        column[own] = self._keep(own)

    def due(self, n: int) -> NDArray[np.int32]:
        """The slot that each row plays in this tick, NO_SLOT for none."""
        column = self._ring[self.tick & (RING - 1)]
        slots: NDArray[np.int32] = column[:n].copy()
        column[:n] = NO_SLOT
        return slots

    def advance(self, n: int, quiet: NDArray[np.bool_]) -> None:
        """On to the next tick. `quiet`: rows in which a frame may be left out without being missed."""
        self.tick += 1
        self.due_timestamp[:n] += np.uint32(FRAME_SAMPLES)
        if self.tick % REVIEWED_EVERY_TICKS == 0:
            self._review(n)
        if self._begun:
            self._end_first_windows()
        if self._to_skip:
            self._skip_where_quiet(quiet)

    def miss(self, ticks: int) -> None:
        """Time has passed without us: what was due is gone, and it is nobody's fault that packets are late now."""
        for _ in range(min(ticks, RING)):
            self._ring[self.tick & (RING - 1)] = NO_SLOT
            self.tick += 1
        self.tick += max(0, ticks - RING)
        self.due_timestamp += np.uint32(FRAME_SAMPLES * ticks & 0xFFFFFFFF)
        self._forgiving_until = self.tick + 3
        self._forgiven_frames = ticks + LATEST_RESCUED

    # --- one packet

    def place_one(self, row: int, timestamp: int, slot: int) -> Placed:
        if not self.is_playing[row]:
            self.is_playing[row] = True
            self._start(row, timestamp, int(self._extra_frames[row]))
            return self._put(row, timestamp, slot)
        ahead = self._ahead(row, timestamp)
        if 0 <= ahead <= FARTHEST:
            self._left_behind[row] = 0
            return self._put(row, timestamp, slot)
        if self._is_forgiving and -self._forgiven_frames <= ahead < 0:
            return Placed.TOO_LATE
        if -LATEST_RESCUED <= ahead < 0:
            return self._late(row, timestamp, slot, -ahead)
        self._forget_frames(row)
        self._start(row, timestamp, 0)
        self._put(row, timestamp, slot)
        return Placed.STARTED_ANEW

    def stop(self, row: int) -> None:
        """The row's next packet is its first."""
        self.is_playing[row] = False
        self._extra_frames[row] = 0
        self._patience[row] = 1
        self._forget_frames(row)

    def restart(self, row: int) -> None:
        """Another source on the same row: what waits is dropped, what was learned stays."""
        self.is_playing[row] = False
        self._forget_frames(row)

    def _put(self, row: int, timestamp: int, slot: int) -> Placed:
        ahead = self._ahead(row, timestamp)
        column = (self.tick + ahead) & (RING - 1)
        if self._ring[column, row] != NO_SLOT:
            return Placed.DUPLICATE
        self._ring[column, row] = slot
        if self._begun_at[row] != self.tick:  # what came together at the start says nothing
            self._least_ahead[row] = min(self._least_ahead[row], ahead)
        return Placed.IN_TIME

    def _late(self, row: int, timestamp: int, slot: int, by_frames: int) -> Placed:
        """Rescue it by delaying the row, when its later packets have room for that."""
        waiting = self._ring[(self.tick + np.arange(RING)) & (RING - 1), row]
        farthest = int(np.flatnonzero(waiting != NO_SLOT).max(initial=0))
        self._left_behind[row] = min(self._left_behind[row] + 1, 255)
        if farthest + by_frames > FARTHEST or (by_frames > 2 and self._left_behind[row] < OUTAGE):
            return Placed.TOO_LATE
        self._delay(row, by_frames)
        self._put(row, timestamp, slot)
        return Placed.DELAYED_THE_ROW

    def _delay(self, row: int, frames: int) -> None:
        columns = (self.tick + np.arange(RING)) & (RING - 1)
        if self._ring[columns[0], row] == row:  # it came in this tick and will not be played in it after all
            self._ring[columns[0], row] = self._keep(np.array([row]))[0]
        self._ring[columns, row] = np.roll(self._ring[columns, row], frames)
        self._move_clock(row, -frames)
        self._patience[row] = min(2 * int(self._patience[row]), LONGEST_PATIENCE)
        self._early_windows[row] = self._left_behind[row] = 0
        self._least_ahead[row] = 0
        self._to_skip.pop(row, None)
        self.inserted += frames

    def _start(self, row: int, timestamp: int, extra_frames: int) -> None:
        self.due_timestamp[row] = (timestamp - FRAME_SAMPLES * extra_frames) & 0xFFFFFFFF
        self._least_ahead[row] = NEVER_AHEAD
        self._early_windows[row] = self._left_behind[row] = 0
        self._begun_at[row] = self.tick
        self._begun.append((self.tick, row))

    def _forget_frames(self, row: int) -> None:
        self._ring[:, row] = NO_SLOT
        self._to_skip.pop(row, None)

    def _move_clock(self, row: int, frames: int) -> None:
        self.due_timestamp[row] = (int(self.due_timestamp[row]) + FRAME_SAMPLES * frames) & 0xFFFFFFFF

    @property
    def _is_forgiving(self) -> bool:
        return self.tick < self._forgiving_until

    def _ahead(self, row: int, timestamp: int) -> int:
        """How many frames from now it is due, rounded down; negative when its time has passed."""
        difference = (timestamp - int(self.due_timestamp[row])) & 0xFFFFFFFF
        return (difference - (difference >> 31 << 32)) // FRAME_SAMPLES

    # --- giving delay back

    def _end_first_windows(self) -> None:
        for _ in range(SETTLED_A_TICK):  # a thousand may have begun together
            if not self._begun or self._begun[0][0] + FIRST_WINDOW_TICKS > self.tick:
                return
            begun_at, row = self._begun.popleft()
            if begun_at == self._begun_at[row]:  # and not anew since
                self._settle(row)

    def _settle(self, row: int) -> None:
        """What all packets of the first window came early by, beyond what was learned before, is too much."""
        least = int(self._least_ahead[row])
        if self.is_playing[row] and least != NEVER_AHEAD:
            for _ in range(least - int(self._extra_frames[row])):
                self._skip(row)

    def _review(self, n: int) -> None:
        """Every row's window ends once in WINDOW_TICKS, each time that of some rows."""
        stride = WINDOW_TICKS // REVIEWED_EVERY_TICKS
        turn = slice(self.tick // REVIEWED_EVERY_TICKS % stride, n, stride)
        least = self._least_ahead[turn]
        seen = least != NEVER_AHEAD
        if not seen.any():
            return
        early = seen & (least >= 1)
        self._extra_frames[turn] = np.where(seen, least, self._extra_frames[turn])
        windows = self._early_windows[turn]
        windows[:] = np.where(early, np.minimum(windows + 1, 255), 0)
        for row in (turn.start + stride * np.flatnonzero(windows >= self._patience[turn])).tolist():
            self._to_skip.setdefault(row, self.tick + SKIP_AT_LATEST_TICKS)
        least[:] = NEVER_AHEAD

    def _skip_where_quiet(self, quiet: NDArray[np.bool_]) -> None:
        for row, at_latest in list(self._to_skip.items()):
            if row < len(quiet) and (quiet[row] or self.tick >= at_latest):
                self._skip(row)

    def _skip(self, row: int) -> None:
        columns = (self.tick + np.arange(RING)) & (RING - 1)
        frames = np.roll(self._ring[columns, row], -1)
        frames[-1] = NO_SLOT
        self._ring[columns, row] = frames
        self._move_clock(row, 1)
        self._early_windows[row] = 0
        self._least_ahead[row] = NEVER_AHEAD
        self._to_skip.pop(row, None)
        self.skipped += 1
