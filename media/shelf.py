"""Sources ready to play, in memory shared with the worker: frames of 20 ms, encoded in both laws.

`Shelf.place` decodes a source once; whoever plays it afterwards only names its first frame. What nobody plays may be
taken off again when room is needed, the longest unused first. Frame 0 is silence.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from media.codecs import Codec
from media.errors import MediaError, SourceNotFound
from media.players import Audio, Library
from media.playing import SILENCE_FRAME, SILENT, shelf_view
from media.pool import FRAME_SAMPLES
from media.rows import LAWS, A, U
from media.sources import File, Prompt, Silence, Source
from media.streams import shared_memory

FRAME_MS = 20
FRAMES_A_SECOND = 50


@dataclass(slots=True, eq=False)
class Place:
    """Where a source lies: `frames` frames from `first`. `users` players need it there."""

    first: int
    frames: int
    duration_s: float
    version: tuple[int, int]
    users: int = 0

    @property
    def segment(self) -> tuple[int, int]:
        return self.first, self.frames


class Shelf:
    """`descriptor` is the shared memory, as large as `seconds` of audio need; pages are taken when first written."""

    def __init__(self, library: Library, seconds: int) -> None:
        self._library = library
        self._length = max(seconds, 1) * FRAMES_A_SECOND
        self.descriptor = shared_memory("softswitch-shelf", self._length * LAWS * FRAME_SAMPLES)
        self.memory = memoryview(mmap.mmap(self.descriptor, 0))
        self._frames = shelf_view(self.memory)
        self._places: OrderedDict[Source, Place] = OrderedDict()
        self._outdated: list[Place] = []  # changed on disk since, perhaps still playing
        self._paths: dict[Prompt, Path] = {}
        for law, codec in ((U, Codec.PCMU), (A, Codec.PCMA)):
            self._frames[SILENCE_FRAME, law] = self._library.load(Silence(FRAME_MS)).payloads(codec)[0]

    def find(self, source: Source) -> Place | None:
        """Where the source lies, when it is there and has not changed on disk since. Raises SourceNotFound."""
        place = self._places.get(source)
        if isinstance(source, Prompt | File):
            version = self._version(source)
            if place is not None and place.version != version:
                self._outdated.append(self._places.pop(source))
                return None
        if place is not None:
            self._places.move_to_end(source)
        return place

    def place(self, source: Source) -> Place:
        """The same, decoded now if need be. Raises SourceNotFound."""
        place = self.find(source)
        return place if place is not None else self.put(source, decode(self._library, source))

    def put(self, source: Source, audio: Audio) -> Place:
        """Lays down what another thread has decoded."""
        frames = len(audio.frames)
        version = self._version(source) if isinstance(source, Prompt | File) else (0, 0)
        place = Place(self._room_for(frames), frames, audio.duration_s, version)
        for law, codec in ((U, Codec.PCMU), (A, Codec.PCMA)):
            self._frames[place.first : place.first + frames, law] = audio.payloads(codec)
        self._places[source] = place
        return place

    def close(self) -> None:
        os.close(self.descriptor)

    def _version(self, source: Prompt | File) -> tuple[int, int]:
        path = source.path if isinstance(source, File) else self._path(source)
        try:
            status = path.stat()
        except OSError as error:
            raise SourceNotFound(f"{path}: {error.strerror}") from error
        return status.st_mtime_ns, status.st_size

    def _path(self, prompt: Prompt) -> Path:
        if prompt not in self._paths:
            self._paths[prompt] = self._library.find(prompt.name)
        return self._paths[prompt]

    def _room_for(self, frames: int) -> int:
        """First fit; makes room by forgetting what has not been played for longest."""
        while True:
            first = self._gap(frames)
            if first is not None:
                return first
            unused = next((source for source, place in self._places.items() if not place.users), None)
            if unused is None:
                seconds = self._length // FRAMES_A_SECOND
                raise MediaError(f"no room to load {frames // FRAMES_A_SECOND} s (source_cache_s is {seconds})")
            del self._places[unused]

    def _gap(self, frames: int) -> int | None:
        start = SILENCE_FRAME + 1
        self._outdated = [place for place in self._outdated if place.users]
        for place in sorted((*self._places.values(), *self._outdated), key=lambda place: place.first):
            if place.first - start >= frames:
                return start
            start = place.first + place.frames
        return start if self._length - start >= frames else None


def decode(library: Library, source: Source) -> Audio:
    """The slow part: reads, decodes and encodes. May run in another thread, with a library of its own."""
    audio = library.load(source)
    for codec in Codec:
        audio.payloads(codec)
    return audio


def silence(ms: int) -> tuple[int, int]:
    """A segment of silence, which needs no room on the shelf."""
    return SILENT, max(1, round(ms / FRAME_MS))
