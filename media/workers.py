"""The media process and its warm spare: commands go to the one, the other waits for it to die.

The spare has everything imported, built and mapped, and the priority it will need; to take over it is told `Go`, and
then with the sockets all that its predecessor had been told. What the calls were doing lies in the shared table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from media import commands
from media.errors import MediaError
from media.link import WorkerProcess

log = logging.getLogger("media")

SPARE_AFTER_S = 0.5  # the process that has just taken over needs the processor more

Replay = Callable[[], tuple[list[commands.Command], list[Any]]]


class Workers:
    """One process works, another waits. `replay` gives all commands and ports that a new one must know."""

    def __init__(
        self,
        start: commands.Start,
        descriptors: list[int],
        on_told: Callable[[commands.Told], None],
        replay: Replay,
        on_replaced: Callable[[], None],
    ) -> None:
        self._start, self._descriptors = start, descriptors
        self._on_told, self._replay, self._on_replaced = on_told, replay, on_replaced
        self._loop = asyncio.get_running_loop()
        self._working = self._process()
        self._spare: WorkerProcess | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Returns when the process ticks. Raises MediaError."""
        await self._working.ready.wait()
        if self._working.is_gone:
            raise MediaError("the media process ended before it was ready")
        self._working.send([commands.Go()], [])
        self._spare = self._process()

    def send(self, batch: Sequence[commands.Command], ports: Sequence[Any], closing: Sequence[Any] = ()) -> None:
        self._working.send(batch, ports, closing)

    async def stop(self) -> None:
        """Ends both, the working one first: it has files to finish."""
        self._is_stopping = True
        await self._working.stop()
        if self._spare is not None:
            await self._spare.stop()

    @property
    def pid(self) -> int:
        """Of the process that works."""
        return self._working.pid

    def _process(self) -> WorkerProcess:
        worker = WorkerProcess(self._on_told, self._ended)
        worker.send_start(self._start, self._descriptors)
        return worker

    def _ended(self, worker: WorkerProcess) -> None:
        """The spare takes over from the one that worked; a spare that is gone is replaced."""
        worker.reap()
        if self._is_stopping:
            return
        if worker is self._working:
            log.error("media process %d died (%s); another takes over", worker.pid, worker.process.returncode)
            self._take_over(self._spare or self._process())
        self._spare = None
        self._loop.call_later(SPARE_AFTER_S, self._start_spare)

    def _take_over(self, successor: WorkerProcess) -> None:
        self._working = successor
        everything, ports = self._replay()
        successor.send([commands.Go(), *everything], ports)
        self._on_replaced()

    def _start_spare(self) -> None:
        if not self._is_stopping and self._spare is None:
            self._spare = self._process()
