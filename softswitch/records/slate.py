"""The slate of a journal: what was said last, in memory that outlives this process.

A file of fixed size, mapped into memory, so that a line is safe from `kill -9` when its bytes are copied: a tenth of
what a call of the kernel takes, and the far end of a call waits for it. Its room is the disk's from the start, so a
disk that fills up later takes nothing from it. What is not used is line feeds: it reads like a segment.
"""

import contextlib
import fcntl
import mmap
import os
from pathlib import Path
from typing import Self

SIZE_BYTES = 1 << 18
"""Some two hundred calls; when it is full, what is on it is written before its time."""


class Slate:
    """Lines, until they are wiped off."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._memory = mmap.mmap(descriptor, SIZE_BYTES)
        self._memory[:] = b"\n" * SIZE_BYTES
        self._end = 0

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """A new one, locked by this process; None where the disk has no room or its file system can't map files."""
        unlocked = path.with_suffix(".new")
        try:
            descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return None
        try:
            os.posix_fallocate(descriptor, 0, SIZE_BYTES)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            slate = cls(path, descriptor)
            unlocked.rename(path)
        except (OSError, ValueError):
            os.close(descriptor)
            with contextlib.suppress(OSError):
                unlocked.unlink()
            return None
        return slate

    def write(self, lines: bytes) -> bool:
        """Whether there was room for them."""
        end = self._end + len(lines)
        if end > SIZE_BYTES:
            return False
        self._memory[self._end : end] = lines
        self._end = end
        return True

    def wipe(self) -> None:
        """They are somewhere else."""
        if self._end:
            self._memory[: self._end] = b"\n" * self._end
            self._end = 0

    def remove(self) -> None:
        """The end of it."""
        self._memory.close()
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
