"""An event loop whose clock jumps: a test that waits for 32 s takes no time, and two runs are the same.

Nothing sleeps here. When all that is left to do is to wait for a timer, the clock is set to that timer. Work that
really happens elsewhere (a thread of an executor, a socket of the kernel) is waited for in real time, and the clock
moves as much. When nothing is left that could wake a waiting task, `DeadlockError` says so, and who waits.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

STARTS_AT = 1000.0
LIMIT_S = 6 * 3600.0
REAL_PATIENCE_S = 10.0


class DeadlockError(AssertionError):
    """No timer, no socket and no thread is left that could wake the waiting tasks."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`asyncio.SelectorEventLoop` in virtual time; `advanced_s` says how far the clock has come.

    `limit_s` ends a test that waits for ever while something periodic keeps the clock going.
    """

    def __init__(self) -> None:
        self._now = STARTS_AT
        self._executing = 0
        self.limit_s = LIMIT_S
        super().__init__(_JumpingSelector(self))

    @property
    def advanced_s(self) -> float:
        return self._now - STARTS_AT

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the clock; what has become due runs in the next pass of the loop."""
        self._now += seconds
        if self.advanced_s > self.limit_s:
            raise DeadlockError(f"still running after {self.limit_s:g} virtual seconds; waiting: {self._waiting()}")

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._executing += 1
        future.add_done_callback(self._executed)
        return future

    def _executed(self, _future: "asyncio.Future[Any]") -> None:
        self._executing -= 1

    @contextmanager
    def working_elsewhere(self) -> Iterator[None]:
        """While this lasts the clock goes as in reality: a thread or a socket is at work that the loop cannot see."""
        self._executing += 1
        try:
            yield
        finally:
            self._executing -= 1

    def is_work_elsewhere(self) -> bool:
        return self._executing > 0

    def deadlock(self) -> DeadlockError:
        return DeadlockError(f"nothing is left that could wake the waiting tasks: {self._waiting()}")

    def _waiting(self) -> str:
        return ", ".join(sorted(_place(task) for task in asyncio.all_tasks(self))) or "none"


class _JumpingSelector(selectors.DefaultSelector):
    """Polls the real files first; only when none is ready does it let the clock jump."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._loop.is_work_elsewhere():
            return self._wait_really(timeout)
        if timeout is None:
            return self._wait_for_others()
        self._loop.advance(timeout)
        return []

    def _wait_really(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        started_at = time.monotonic()
        ready = super().select(REAL_PATIENCE_S if timeout is None else timeout)
        self._loop.advance(time.monotonic() - started_at)
        return ready

    def _wait_for_others(self) -> list[tuple[selectors.SelectorKey, int]]:
        own_pipe_only = len(self.get_map()) <= 1
        if own_pipe_only and threading.active_count() == 1:
            ready = super().select(0)  # the last thread may have left its word between the first look and its end
            if ready:
                return ready
            raise self._loop.deadlock()
        ready = self._wait_really(None)
        if not ready:
            raise self._loop.deadlock()
        return ready


def wait_for(patch: pytest.MonkeyPatch, owner: type, name: str, *, when: Callable[[Any], bool]) -> None:
    """Makes the clock go as in reality while the coroutine method `name` of an `owner` runs, `when` he says so."""
    method = getattr(owner, name)

    @wraps(method)
    async def waited_for(self: Any, *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualTimeLoop) or not when(self):
            return await method(self, *args, **kwargs)
        with loop.working_elsewhere():
            return await method(self, *args, **kwargs)

    patch.setattr(owner, name, waited_for)


def _place(task: "asyncio.Task[Any]") -> str:
    frames = task.get_stack(limit=1)
    where = f"{frames[0].f_code.co_filename.rsplit('/', 1)[-1]}:{frames[0].f_lineno}" if frames else "not started"
    return f"{task.get_name()} at {where}"
