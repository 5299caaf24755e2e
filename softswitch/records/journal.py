"""The journal: what happened, one line of JSON a happening.

What was given to `write` or `keep` is in the kernel's hands when they return, and a killed process loses none of it
(a power cut may lose the last seconds: nothing is synchronised). `write` brings lines to a segment by one `os.write`;
`keep` only to the slate, in a tenth of that time, and the next `write` takes them along. `turn` closes a segment and
begins another with the lines of what is still alive, so a closed segment may be removed as soon as what ended in it is
in the store, and no long call keeps an old one. A segment is locked by the process that writes it: two switches may
share a folder, and a lock that can be had is that of a dead one. The time of the last write (`beat` renews it) tells
until when that process lived.

A full disk ends no call: what can't be written waits in memory, is counted, is told once, and follows with the next
line that can.
"""

import contextlib
import fcntl
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from softswitch.logs import get_logger
from softswitch.records.slate import Slate

SUFFIX = ".jsonl"
SLATE_SUFFIX = ".slate"
LINES_KEPT = 10_000
"""How many lines wait for a disk that is full; then the oldest are lost."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed segment that is ours to import: `lock` is held until it is removed or let go."""

    path: Path
    lock: int
    written_at: float

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.lock)

    def release(self) -> None:
        """Leaves it for the next start."""
        os.close(self.lock)


class Journal:
    """The journal of one process in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.lost = 0
        """Lines that never came to the disk."""
        self.bytes_written = 0
        """In the segment that is open."""
        self._folder = folder
        self._waiting: deque[bytes] = deque()
        self._file = -1
        self._path = folder
        self._is_torn = False
        self._slate: Slate | None = None
        self._kept: list[bytes] = []
        """What is on the slate."""

    @property
    def waiting(self) -> int:
        """Lines that wait for room on the disk."""
        return len(self._waiting)

    def leftovers(self) -> list[Segment]:
        """The segments of processes that are no more, oldest first, claimed; then their slates. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        paths = [path for suffix in (SUFFIX, SLATE_SUFFIX) for path in sorted(self._folder.glob(f"*{suffix}"))]
        claimed = (_claim(path) for path in paths)
        return [segment for segment in claimed if segment is not None]

    def open(self) -> None:
        """Begins to write. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{time.time_ns():020d}-{os.getpid()}{SUFFIX}"
        unlocked = self._path.with_suffix(".new")
        self._file = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(self._path)
        self.bytes_written = 0
        if self._slate is None:
            self._slate = Slate.open(self._path.with_suffix(SLATE_SUFFIX))

    def keep(self, line: bytes) -> None:
        """One line or some, for the segment as soon as there is a `write`."""
        if self._slate is not None and self._slate.write(line):
            self._kept.append(line)
        else:
            self.write(line)

    def write(self, line: bytes = b"") -> None:
        """One line or some, each with its line feed, after all that is kept. Never raises for the disk's sake."""
        if self._kept:
            line = b"".join((*self._kept, line))
            self._kept.clear()
        if line:
            self._append(line)
        if self._slate is not None:
            self._slate.wipe()

    def _append(self, line: bytes) -> None:
        if self._waiting:
            self._waiting.append(line)
            self._catch_up()
        elif not self._put(line):
            get_logger().error("the journal can't be written; call records wait in memory", folder=str(self._folder))
            self._waiting.append(line)

    def turn(self, alive: bytes) -> Segment | None:
        """Closes the segment and begins another with the lines of what is alive. None where no other can be begun."""
        self.write()
        closed, path = self._file, self._path
        try:
            self.open()
        except OSError:
            self._file, self._path = closed, path
            return None
        if alive:
            self.write(alive)
        return Segment(path, closed, os.fstat(closed).st_mtime)

    def beat(self) -> None:
        """Says that this process lives."""
        with contextlib.suppress(OSError):
            os.utime(self._file)

    def close(self) -> Segment:
        """Writes no more; the last segment is handed over."""
        self.write()
        if self._waiting:
            self._catch_up()
        if self._slate is not None:
            self._slate.remove()
            self._slate = None
        return Segment(self._path, self._file, os.fstat(self._file).st_mtime)

    def _catch_up(self) -> None:
        while self._waiting and self._put(self._waiting[0]):
            self._waiting.popleft()
        if not self._waiting:
            get_logger().info("the journal is written again", folder=str(self._folder), lost=self.lost)
        while len(self._waiting) > LINES_KEPT:
            self._waiting.popleft()
            self.lost += 1

    def _put(self, line: bytes) -> bool:
        """Whether the whole line is written. After a part of one, the next begins on a line of its own."""
        if self._is_torn:
            line = b"\n" + line
        try:
            written = os.write(self._file, line)
        except OSError:
            return False
        self.bytes_written += written
        if written:
            self._is_torn = written < len(line)
        return written == len(line)


def _claim(path: Path) -> Segment | None:
    """The segment, if its writer is dead; None while it lives."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Segment(path, lock, os.fstat(lock).st_mtime)
