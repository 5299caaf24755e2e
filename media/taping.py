"""Recorders at work: what a room says, or what one far end says, goes to the writer thread; the tick never waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media import commands
from media.mixer import decode, limit
from media.pool import FRAME_SAMPLES, NO_SLOT, Pool
from media.recorders import Recording, Writer
from media.rows import Rows

SILENCE = np.zeros(FRAME_SAMPLES, np.int16)


class Taping:
    """The recordings of this worker. Each gets a frame every tick, silence included: it is as long as it took."""

    def __init__(self, rows: Rows, pool: Pool, writer: Writer, tell: Callable[[commands.Told], None]) -> None:
        self._rows, self._pool, self._writer, self._tell = rows, pool, writer, tell
        self._rooms: dict[int, tuple[Recording, int]] = {}
        self._streams: dict[int, tuple[Recording, int]] = {}
        self._numbers: dict[Recording, int] = {}

    def start(self, command: commands.Record) -> None:
        recording = self._writer.open(Path(command.path), append=command.append)
        self._numbers[recording] = command.recorder
        if command.room:
            self._rooms[command.recorder] = (recording, command.room)
        else:
            self._streams[command.recorder] = (recording, command.row)

    def stop(self, command: commands.StopRecording) -> None:
        for running in (self._rooms, self._streams):
            found = running.pop(command.recorder, None)
            if found is not None:
                found[0].close()

    def take(
        self, slots: NDArray[np.int32], spoken: NDArray[np.int32], sums: NDArray[np.int32], missed_ticks: int
    ) -> None:
        """One tick: the slots that rows play, the rooms in which something was said and their sums."""
        for recording, room in self._rooms.values():
            at = int(np.searchsorted(spoken, room))
            said = at < len(spoken) and spoken[at] == room
            self._write(recording, limit(sums[at]) if said else SILENCE, missed_ticks)
        for recording, row in self._streams.values():
            slot = int(slots[row]) if row < len(slots) else NO_SLOT
            self._write(recording, self._frame(row, slot), missed_ticks)

    def _write(self, recording: Recording, frame: NDArray[np.int16], missed_ticks: int) -> None:
        for _ in range(missed_ticks):
            recording.write(SILENCE)
        recording.write(frame)

    def _frame(self, row: int, slot: int) -> NDArray[np.int16]:
        if slot == NO_SLOT:
            return SILENCE
        samples: NDArray[np.int16] = decode(self._pool.payload[slot : slot + 1], self._rows.receive_law[row : row + 1])[
            0
        ]
        return samples

    def tell_ended(self, counts: Counter[str]) -> None:
        """Once a tick: which files are complete, or were given up."""
        for ended in self._writer.ended():
            number = self._numbers.pop(ended.recording, None)
            if number is not None:
                self._rooms.pop(number, None)
                self._streams.pop(number, None)
                self._tell(commands.RecordingEnded(number, ended.problem))
        counts["recording_frames_dropped"] += self._writer.dropped_blocks
        self._writer.dropped_blocks = 0

    def finish(self) -> None:
        """Closes all files and waits for the thread."""
        for running in (self._rooms, self._streams):
            for recording, _ in running.values():
                recording.close()
            running.clear()
        self._writer.stop()

    @property
    def is_idle(self) -> bool:
        return not self._rooms and not self._streams
