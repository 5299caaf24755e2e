"""The recording of a meeting: one mixed WAV file, started and stopped by a host, announced to all.

The file lies in a folder of its endpoint and room, named after room, start and meeting: no two meetings ever write the
same one. It is playable at any moment, also after a kill; it
goes on when the media process is replaced; it ends with the meeting, or when nobody is left in the room. A disk that
is full or a folder that can't be made ends it: that is announced too, and the meeting goes on.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from media import MediaError, Recorder, RecorderFailed
from softswitch.endpoints.conference.floor import Floor

MEETING_LETTERS = 8

Told = Callable[[str, Path, str], None]
"""Hears of `started`, `stopped` or `failed`, with the path and the reason of a failure."""


class MeetingRecording:
    """At most one recording at a time."""

    __slots__ = ("_floor", "_folder", "_meeting", "_room", "_started", "_told", "recorder")

    def __init__(self, floor: Floor, folder: Path, room: str, meeting_id: str, told: Told) -> None:
        """`folder`: the endpoint's."""
        self._floor = floor
        self._room = in_a_path(room)
        self._folder = folder / self._room
        self._meeting = meeting_id[:MEETING_LETTERS]
        self._started = 0
        self._told = told
        self.recorder: Recorder | None = None

    @property
    def path(self) -> Path | None:
        """The file that is being written."""
        return None if self.recorder is None else self.recorder.path

    def start(self) -> None:
        """Starts, unless it runs."""
        if self.recorder is not None:
            return
        path = self._new_path(datetime.now(UTC))
        try:
            self.recorder = self._floor.record(path, self._on_failed)
        except (OSError, MediaError) as error:
            self._told("failed", path, str(error))
        else:
            self._told("started", path, "")

    def stop(self) -> None:
        """Stops, if it runs; the file is complete a moment later."""
        if self.recorder is not None:
            recorder, self.recorder = self.recorder, None
            recorder.stop()
            self._told("stopped", recorder.path, "")

    def _on_failed(self, event: RecorderFailed) -> None:
        if event.recorder is self.recorder:
            self.recorder = None
            self._told("failed", event.recorder.path, event.reason)

    def _new_path(self, now: datetime) -> Path:
        """`standup/standup-20260131-094500-1f3a9c02.wav`; from the second one of a meeting on with its number behind.

        The disk is not asked: the media process makes the file, a moment later.
        """
        self._started += 1
        number = f"-{self._started}" if self._started > 1 else ""
        return self._folder / f"{self._room}-{now:%Y%m%d-%H%M%S}-{self._meeting}{number}.wav"


def in_a_path(name: str) -> str:
    """A name that people gave, as part of a path."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name) or "room"
