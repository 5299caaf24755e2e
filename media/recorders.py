"""Recordings to disk: a thread of its own writes WAV files, so that a slow disk never holds up the tick.

The tick calls `Recording.write` with 20 ms of samples; the recording gathers 200 ms of them and hands them to the
thread through a bounded queue (when the disk is too slow for it, samples are dropped and counted, never waited for).
The file's header is brought up to date after every block, so a file is playable at any moment; `kill -9` loses at most
the last 200 ms and what still waits in the queue. `append` goes on with a file that an earlier writer left behind.

The thread lives while there are recordings, and has descriptors of its own: a process with a second thread that shares
them pays for it with every system call on a socket, a tenth of what a tick costs.

A disk that is full or a path that can't be written ends that recording alone: `Writer.ended()` says so. What was given
up before the first sample leaves no file.
"""

import contextlib
import ctypes
import os
import queue
import stat
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
BLOCK_SAMPLES = RATE_HZ // 5
QUEUE_BLOCKS = 8192  # 26 MB; a thousand recordings for a second and a half
LONGEST_BYTES = 0xFFFFFFFF - 64  # what the size fields of a WAV file can say: 74 hours
CLONE_FILES = 0x400
MOST_DESCRIPTORS = 1 << 20

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES = _HEADER.size


class Recording:
    """One file being written, as the tick sees it. Made by `Writer.open`."""

    __slots__ = ("_block", "_filled", "_hand_over", "append", "dropped_samples", "path")

    def __init__(self, path: Path, append: bool, hand_over: Callable[["Recording", bytes | None], bool]) -> None:
        self.path = path
        self.append = append
        self.dropped_samples = 0
        self._hand_over = hand_over
        self._block = np.empty(BLOCK_SAMPLES, "<i2")
        self._filled = 0

    def write(self, samples: NDArray[np.int16]) -> None:
        """Add samples (int16, 8 kHz, any number of them). Takes microseconds, waits for nothing."""
        start = 0
        while start < len(samples):
            count = min(len(samples) - start, BLOCK_SAMPLES - self._filled)
            self._block[self._filled : self._filled + count] = samples[start : start + count]
            self._filled += count
            start += count
            if self._filled == BLOCK_SAMPLES:
                self._flush()

    def close(self) -> None:
        """Finish the file; `Writer.ended` tells when that is done."""
        self._flush()
        self._hand_over(self, None)

    def _flush(self) -> None:
        if self._filled and not self._hand_over(self, self._block[: self._filled].tobytes()):
            self.dropped_samples += self._filled
        self._filled = 0

    def __repr__(self) -> str:
        return f"<Recording {self.path} dropped={self.dropped_samples}>"


_Orders = queue.SimpleQueue[tuple[Recording, bytes | None] | None]


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A file is complete, or had to be given up (`problem` is not empty; what was written before is playable)."""

    recording: Recording
    problem: str = ""


class Writer:
    """All recordings of a process, and the thread that writes them; `threaded=False` writes where it is called."""

    def __init__(self, *, threaded: bool = True, queue_blocks: int = QUEUE_BLOCKS) -> None:
        self.dropped_blocks = 0
        self.failed_recordings = 0
        self._threaded, self._queue_blocks = threaded, queue_blocks
        self._orders = _Orders()
        self._files: dict[Recording, _WavFile] = {}  # the thread's own
        self._ended: deque[RecordingEnded] = deque()
        self._thread: threading.Thread | None = None
        self._running = 0  # recordings whose end was not yet asked for by `ended`

    def open(self, path: Path, *, append: bool = False) -> Recording:
        """Begin a file (its folders are made), or with `append` go on with one of ours. What fails is told later."""
        if self._threaded and self._thread is None:
            self._orders = _Orders()
            self._thread = threading.Thread(target=self._work, args=(self._orders,), name="recorders", daemon=True)
            self._thread.start()
        self._running += 1
        recording = Recording(path, append, self._hand_over)
        self._hand_over(recording, b"")
        return recording

    def ended(self) -> list[RecordingEnded]:
        """What ended since the last call. Cheap when nothing did: call it each tick."""
        ended: list[RecordingEnded] = []
        while self._ended:
            ended.append(self._ended.popleft())
        self._running -= len(ended)
        if self._thread is not None and not self._running:
            self._orders.put(None)
            self._thread = None
        return ended

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread. Recordings should have been closed before."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(timeout_s)
            self._thread = None

    def _hand_over(self, recording: Recording, data: bytes | None) -> bool:
        """Order a block to be written, or (None) the file to be closed; False when the queue is full of blocks."""
        if not self._threaded:
            self._carry_out(recording, data)
        elif data and self._orders.qsize() >= self._queue_blocks:
            self.dropped_blocks += 1
            return False
        else:
            self._orders.put((recording, data))
        return True

    def _work(self, orders: _Orders) -> None:
        _take_descriptors_of_its_own()
        while (order := orders.get()) is not None:
            self._carry_out(*order)

    def _carry_out(self, recording: Recording, data: bytes | None) -> None:
        """A failure ends this recording alone; orders that come after it mean nothing any more."""
        file = self._files.get(recording)
        try:
            if data == b"":
                self._files[recording] = _WavFile(recording.path, recording.append)
            elif file is not None and data is not None:
                file.append(data)
            elif file is not None:
                del self._files[recording]
                file.close()
                self._ended.append(RecordingEnded(recording))
        except OSError as error:
            self._give_up(recording, error)

    def _give_up(self, recording: Recording, error: OSError) -> None:
        self.failed_recordings += 1
        self._ended.append(RecordingEnded(recording, error.strerror or str(error)))
        file = self._files.pop(recording, None)
        if file is not None:
            with contextlib.suppress(OSError):  # the first failure is the one to tell
                file.give_up()


class _WavFile:
    """A WAV file whose header never promises what is not there. Every method may raise OSError."""

    __slots__ = ("_data_bytes", "_descriptor", "_path")

    def __init__(self, path: Path, append: bool) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if append else os.O_TRUNC)
        self._descriptor = os.open(path, flags, 0o644)
        self._data_bytes = 0
        size_bytes = os.fstat(self._descriptor).st_size
        try:
            self._resume(size_bytes)
        except OSError:
            if size_bytes:
                os.close(self._descriptor)
            else:
                self.give_up()
            raise

    def append(self, data: bytes) -> None:
        """The samples first, then the header that knows of them."""
        if self._data_bytes + len(data) > LONGEST_BYTES:
            raise OSError("the recording is as long as a WAV file can be")
        view, position = memoryview(data), HEADER_BYTES + self._data_bytes
        while view:
            count = os.pwrite(self._descriptor, view, position)
            view, position = view[count:], position + count
        self._data_bytes += len(data)
        self._write_header()

    def close(self) -> None:
        try:
            os.ftruncate(self._descriptor, HEADER_BYTES + self._data_bytes)  # a block that a full disk cut short
        finally:
            os.close(self._descriptor)

    def give_up(self) -> None:
        """Close what can't be gone on with; where not one sample was written, there is no file. A device stays."""
        if self._data_bytes:
            self.close()
            return
        is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        os.close(self._descriptor)
        if is_file:
            self._path.unlink()

    def _resume(self, size_bytes: int) -> None:
        """Go on behind the last whole sample, also where the header was not brought up to date any more."""
        if size_bytes:
            if os.pread(self._descriptor, HEADER_BYTES, 0)[8:40] != header(0)[8:40]:
                raise OSError("the file there is no recording to go on with")
            self._data_bytes = (size_bytes - HEADER_BYTES) // 2 * 2
        self._write_header()

    def _write_header(self) -> None:
        os.pwrite(self._descriptor, header(self._data_bytes), 0)


def _take_descriptors_of_its_own() -> None:
    """The standard ones, and those that the calling thread opens; where the system refuses, they stay shared."""
    if sys.platform == "linux" and ctypes.CDLL(None).unshare(CLONE_FILES) == 0:
        os.closerange(3, MOST_DESCRIPTORS)


def header(data_bytes: int) -> bytes:
    """The 44 octets before the samples: PCM, mono, 16 bit, 8 kHz."""
    return _HEADER.pack(
        b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16, b"data", data_bytes
    )
