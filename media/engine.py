"""The signalling side of the media engine: opens the sockets, commands the worker, tells its events.

It remembers everything that it has commanded (in the handles), so a worker that dies is replaced by one that gets the
same table, the same sockets, and every command again. All of it runs on the loop that called `start`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from media import commands
from media.errors import MediaError
from media.events import RecorderFailed, RoomEvent, StreamEvent
from media.handles import Player, Recorder, Room, Stream, StreamStatistics
from media.settings import MediaSettings
from media.sources import Source

log = logging.getLogger("media")


class Datagrams(Protocol):
    """A UDP port of an in-memory network."""

    address: tuple[str, int]

    def send(self, data: bytes, host: str, port: int) -> None: ...
    def receive(self) -> tuple[bytes, tuple[str, int]] | None: ...
    def close(self) -> None: ...


class Wire(Protocol):
    """An in-memory network, for tests under virtual time; OSError when the port is taken."""

    def datagrams(self, host: str, port: int) -> Datagrams: ...


class Engine:
    """All media of one switch. `on_worker_replaced` is called after a media process died and a new one took over."""

    def __init__(self, settings: MediaSettings, *, in_process: Wire | None = None) -> None:
        """`in_process`: the worker runs inside the calling loop over this wire, in whatever time the loop has."""
        self.settings = settings
        self.on_worker_replaced: Callable[[], None] | None = None

    async def start(self) -> None:
        """Starts the media process and its warm spare; returns when it ticks. Raises MediaError."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Closes every stream and room, finishes the recordings, ends the processes. Idempotent."""
        raise NotImplementedError

    def open_stream(self, on_event: Callable[[StreamEvent], None]) -> Stream:
        """Takes a port pair and a row. Synchronous, well under 0.1 ms. Raises NoPortFree."""
        raise NotImplementedError

    def open_room(self, name: str, on_event: Callable[[RoomEvent], None] | None = None) -> Room:
        """An empty room. Names need not be unique; they are for people."""
        raise NotImplementedError

    def duration_s(self, source: Source) -> float:
        """How long a source plays. Raises SourceNotFound."""
        raise NotImplementedError

    async def prepare(self, *sources: Source) -> None:
        """Decodes sources ahead of time, off the loop, so that the first `play` starts at once. Raises SourceNotFound."""
        raise NotImplementedError

    def counters(self) -> dict[str, int | float]:
        """Ticks, packets, drops by name, workers replaced: all since `start`, over all workers."""
        raise NotImplementedError
