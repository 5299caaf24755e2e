"""Two streams that talk with each other alone: a call of two legs, as the signalling side holds it.

The media process relays their frames (`media.relay`). A recording of both makes them members of a room of two for the
rest of their time together; they notice nothing of that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from media.errors import MediaError
from media.events import RecorderFailed

if TYPE_CHECKING:
    from media.engine import Engine
    from media.handles import Room, Stream
    from media.playback import Recorder


class Pair:
    """What `Engine.bridge` makes. It ends with `close`, or when a stream closes, is bridged anew or joins a room."""

    __slots__ = ("_engine", "_room", "is_closed", "streams")

    def __init__(self, engine: Engine, one: Stream, other: Stream) -> None:
        self._engine = engine
        self._room: Room | None = None
        self.is_closed = False
        self.streams = (one, other)

    def other(self, stream: Stream) -> Stream:
        one, other = self.streams
        return other if stream is one else one

    def record(self, path: Path, on_event: Callable[[RecorderFailed], None] | None = None) -> Recorder:
        """Writes what both say into a WAV file, mixed. Raises MediaError when closed."""
        if self.is_closed:
            raise MediaError(f"{self!r} is closed")
        if self._room is None:
            self._room = self._engine.open_room("pair")
            for stream in self.streams:
                stream.pair = None
                self._room.join(stream)
        return self._room.record(path, on_event)

    def close(self) -> None:
        """Both hear silence. Idempotent."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._room is not None:
            self._room.close()
        for stream in self.streams:
            if stream.pair is self:
                stream.pair = None
                stream.replace()

    def __repr__(self) -> str:
        return f"<Pair {self.streams[0]!r} {self.streams[1]!r}>"
