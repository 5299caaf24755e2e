"""Who talks, as events: a member has started or stopped, a room has other active speakers. Told at a bearable rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.commands import Speakers, Told
from media.events import StreamEvent, TalkStarted, TalkStopped
from media.jitter import JitterBuffer
from media.levels import Levels
from media.rows import Rows

STOPPED_EVERY_TICKS = 5
SPEAKERS_EVERY_TICKS = 10


class Talk:
    """Fed with the decoded frames of those who are mixed."""

    def __init__(
        self,
        rows: Rows,
        levels: Levels,
        jitter: JitterBuffer,
        tell: Callable[[Told], None],
        tell_stream: Callable[[int, StreamEvent], None],
    ) -> None:
        self._rows, self._levels, self._jitter = rows, levels, jitter
        self._tell, self._tell_stream = tell, tell_stream
        self._speakers: dict[int, tuple[int, ...]] = {}

    def heard(self, rows: NDArray[np.intp], samples: NDArray[np.int16]) -> None:
        for row in self._levels.listen(rows, samples, self._jitter.tick):
            self._tell_stream(row, TalkStarted())

    def review(self) -> None:
        """Once a tick: now and then, who has stopped, and less often who speaks where."""
        if self._jitter.tick % STOPPED_EVERY_TICKS:
            return
        for row in self._levels.fallen_silent(self._rows.n, self._jitter.tick):
            self._tell_stream(row, TalkStopped())
        if self._jitter.tick % SPEAKERS_EVERY_TICKS == 0:
            self._review_speakers()

    def _review_speakers(self) -> None:
        now: dict[int, list[int]] = {}
        loudness = self._levels.loudness
        talking = np.flatnonzero(self._levels.talks[: self._rows.n])
        for row in sorted(talking.tolist(), key=lambda row: -int(loudness[row])):
            room = int(self._rows.speaks[row])
            if room:
                now.setdefault(room, []).append(row)
        for room in self._speakers.keys() | now.keys():
            speakers = tuple(now.get(room, ()))
            if set(speakers) != set(self._speakers.get(room, ())):
                self._tell(Speakers(room, speakers))
                self._speakers[room] = speakers
            if not speakers:
                self._speakers.pop(room, None)

    def forget_room(self, room: int) -> None:
        self._speakers.pop(room, None)
