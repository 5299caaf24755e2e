"""The media of a meeting: the room in which people talk, and the room aside with the music for those who wait.

Both are opened when the first one enters and closed when the meeting is empty. The music is one player for all who
hear it, however many wait.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from media import Engine, MediaError, Player, Recorder, RecorderFailed, Room, Source, SourceNotFound
from softswitch.call import Leg

log = logging.getLogger(__name__)


class Floor:
    """Who hears and speaks where; `music` None means that those aside hear silence."""

    __slots__ = ("_aside", "_engine", "_main", "_music", "_name", "_notice")

    def __init__(self, engine: Engine, name: str, music: Source | None) -> None:
        self._engine = engine
        self._name = name
        self._music = music
        self._main: Room | None = None
        self._aside: Room | None = None
        self._notice: Player | None = None

    def talk(self, leg: Leg, *, speaks: bool) -> None:
        """Into the main room, from wherever the leg is; also to change whether it speaks there."""
        if leg.end is not None:
            return
        if self._main is None:
            self._main = self._engine.open_room(self._name)
        if leg.stream.room is self._main:
            self._main.change(leg.stream, speaks=speaks)
        else:
            self._main.join(leg.stream, speaks=speaks)

    def wait(self, leg: Leg) -> None:
        """Into the room aside, where one hears music and is not heard."""
        if leg.end is not None:
            return
        if self._aside is None:
            self._aside = self._engine.open_room(f"{self._name} aside")
            if self._music is not None:
                self._play(self._aside, (self._music,), repeat=True)
        self._aside.join(leg.stream, speaks=False)

    def leave(self, leg: Leg) -> None:
        """Out of both rooms; a leg that has ended has left by itself."""
        if leg.end is None and leg.stream.room is not None:
            leg.stream.room.leave(leg.stream)

    def tell_all(self, *sources: Source) -> None:
        """Heard by those who talk, over their talk; a notice that is still being told gives way to the next."""
        if self._notice is not None:
            self._notice.stop()
        self._notice = self._play(self._main, sources)

    def chime(self, tone: Source) -> None:
        """Heard by those who talk, beside everything else."""
        self._play(self._main, (tone,))

    def tell_aside(self, *sources: Source) -> None:
        """Heard by those who wait, over the music."""
        self._play(self._aside, sources)

    def play(self, source: Source) -> float:
        """Heard by those who talk; returns how many seconds it takes. Raises `MediaError` where it can't be played."""
        duration_s = self._engine.duration_s(source)
        if self._main is not None:
            self._main.play(source)
        return duration_s

    def duration_s(self, *sources: Source) -> float:
        """How long it takes to say this; nothing when it is missing."""
        try:
            return sum(self._engine.duration_s(source) for source in sources)
        except MediaError:
            return 0.0

    def record(self, path: Path, on_failed: Callable[[RecorderFailed], None]) -> Recorder:
        """Records the main room. Raises OSError when the folder can't be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._main is None:
            self._main = self._engine.open_room(self._name)
        return self._main.record(path, on_failed)

    def close(self) -> None:
        """Gives both rooms back; the next one who enters opens them again."""
        for room in (self._main, self._aside):
            if room is not None:
                room.close()
        self._main = self._aside = self._notice = None

    def _play(self, room: Room | None, sources: tuple[Source, ...], *, repeat: bool = False) -> Player | None:
        if room is None or not sources:
            return None
        try:
            return room.play(*sources, repeat=repeat)
        except SourceNotFound as error:
            log.warning("%r hears nothing: %s", room, error)
            return None
