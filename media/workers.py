"""The media process and its warm spare: commands go to the one, the other waits for it to die.

The spare has everything imported, built and mapped, and the priority it will need; to take over it is told `Go`, and
then with the sockets all that its predecessor had been told. What the calls were doing lies in the shared table.

A process that hangs is as bad as a dead one, and is made one (`media.watch`). Processes that die one soon after the
other get longer and longer pauses, and so does a start that the system refuses: nothing is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from media import commands
from media.errors import MediaError
from media.link import WorkerProcess
from media.watch import EVERY_S, Watch

log = logging.getLogger("media")

SPARE_AFTER_S = 0.5  # the process that has just taken over needs the processor more
PAUSES_S = (0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # before the next one takes over, by how many have died soon
SOON_S = 10.0  # after having taken over

Replay = Callable[[], tuple[list[commands.Command], list[Any]]]


class Workers:
    """One process works, another waits. `replay` gives all commands and ports that a new one must know."""

    def __init__(
        self,
        start: commands.Start,
        descriptors: list[int],
        on_told: Callable[[commands.Told], None],
        replay: Replay,
        on_replaced: Callable[[str], None],
        ticked_at: Callable[[], float],
    ) -> None:
        """`on_replaced` is told why. `ticked_at` reads the clock of the shared table. Raises MediaError."""
        self._start, self._descriptors = start, descriptors
        self._on_told, self._replay, self._on_replaced = on_told, replay, on_replaced
        self._ticked_at = ticked_at
        self._loop = asyncio.get_running_loop()
        self._is_running = False  # nothing is replaced before the first one was ready
        self._spare: WorkerProcess | None = None
        self._deaths = self._spare_deaths = 0  # one soon after the other
        self._works_since = self._loop.time()
        self._watch = Watch(0.0, self._works_since)
        self._working = self._process()

    async def start(self) -> None:
        """Returns when the process ticks. Raises MediaError."""
        await self._working.ready.wait()
        if self._working.is_gone:
            raise MediaError("the media process ended before it was ready")
        self._is_running = True
        self._working.send([commands.Go()], [])
        self._begin()
        self._look()
        self._start_spare()

    def send(self, batch: Sequence[commands.Command], ports: Sequence[Any], closing: Sequence[Any] = ()) -> None:
        """To the process that works. While there is none this is lost, and part of the next one's replay."""
        self._working.send(batch, ports, closing)

    async def stop(self) -> None:
        """Ends both, the working one first: it has files to finish."""
        self._is_running = False
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

    # --- one that works

    def _begin(self) -> None:
        """A process has been told `Go`."""
        self._works_since = self._loop.time()
        self._watch = Watch(self._ticked_at(), self._works_since)

    def _look(self) -> None:
        """Every now and then, as long as the engine runs."""
        if not self._is_running:
            return
        if not self._working.is_gone and self._watch.look(self._ticked_at(), self._loop.time()):
            log.error("media process %d hangs and is killed", self._working.pid)
            self._working.process.kill()
        self._loop.call_later(EVERY_S, self._look)

    def _ended(self, worker: WorkerProcess) -> None:
        """The spare takes over from the one that worked; a spare that is gone is replaced."""
        worker.reap()
        if not self._is_running:
            return
        if worker is self._working:
            self._died()
        else:
            self._spare = None
            self._spare_deaths += 1
            self._loop.call_later(SPARE_AFTER_S + _pause_s(self._spare_deaths), self._start_spare)

    def _died(self) -> None:
        died_soon = self._loop.time() - self._works_since < SOON_S
        self._deaths = self._deaths + 1 if died_soon else 0
        pause_s = _pause_s(self._deaths)
        how = "hung" if self._watch.hangs else f"died ({self._working.process.returncode})"
        why = f"media process {self._working.pid} {how}"
        log.error("%s; another takes over%s", why, f" in {pause_s:g} s" if pause_s else "")
        if pause_s:
            self._loop.call_later(pause_s, self._take_over, why)
        else:
            self._take_over(why)

    def _take_over(self, why: str) -> None:
        if not self._is_running:
            return
        try:
            self._working = self._spare or self._process()
        except MediaError as error:
            log.error("there is no media process: %s; tried again in %g s", error, PAUSES_S[-1])
            self._loop.call_later(PAUSES_S[-1], self._take_over, why)
            return
        self._spare, self._spare_deaths = None, 0
        everything, ports = self._replay()
        self._working.send([commands.Go(), *everything], ports)
        self._begin()
        self._on_replaced(why)
        self._loop.call_later(SPARE_AFTER_S, self._start_spare)

    # --- one that waits

    def _start_spare(self) -> None:
        if not self._is_running or self._spare is not None:
            return
        try:
            self._spare = self._process()
        except MediaError as error:
            log.warning("there is no spare media process: %s; tried again in %g s", error, PAUSES_S[-1])
            self._loop.call_later(PAUSES_S[-1], self._start_spare)


def _pause_s(deaths: int) -> float:
    return PAUSES_S[min(deaths, len(PAUSES_S) - 1)]
