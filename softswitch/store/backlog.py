"""What is on its way to a table that is written behind: the newest state of each thing, in batches, none of it lost.

The registrar and the mediators have one each for what they keep in memory. What the store does not take, or a
write that was cut off leaves, stays in line and goes with the next batch, unless something newer of it has come.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError

from softswitch.logs import get_logger
from softswitch.store.errors import told
from softswitch.store.query import Row
from softswitch.store.store import Store

T = TypeVar("T")


class Backlog(Generic[T]):
    """Things by sid; `len` is how many wait."""

    def __init__(
        self,
        store: Store,
        table: Table,
        rows_of: Callable[[Sequence[T]], Sequence[Row | None]],
        *,
        called: str,
        most_at_once: int,
    ) -> None:
        """`rows_of` says how things are to stand in the table when they are written; None: not at all, any more.

        `called` is what the log calls the things.
        """
        self.written = 0
        """Things so far."""
        self._store, self._table, self._rows_of = store, table, rows_of
        self._called, self._most_at_once = called, most_at_once
        self._waiting: dict[str, T] = {}
        self.is_failing = False
        """Whether the store did not take the last batch."""

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, sid: str, thing: T) -> None:
        """It is new, or has changed, or has gone."""
        self._waiting[sid] = thing

    async def write(self) -> bool:
        """One batch; whether the store took it."""
        if not self._waiting:
            return True
        batch = {sid: self._waiting.pop(sid) for sid in list(self._waiting)[: self._most_at_once]}
        try:
            rows = self._rows_of(list(batch.values()))
            gone = [sid for sid, row in zip(batch, rows, strict=True) if row is None]
            await self._store.write_behind(self._table, [row for row in rows if row is not None], gone)
        except BaseException as error:
            self._waiting = batch | self._waiting
            if not isinstance(error, OSError | SQLAlchemyError):
                raise  # the end of the program, or our bug
            self._fail(error)
            return False
        self.is_failing = False
        self.written += len(batch)
        return True

    async def write_all(self) -> bool:
        """Everything that waits; whether the store took it."""
        while self._waiting:
            if not await self.write():
                return False
        return True

    def _fail(self, why: Exception) -> None:
        if not self.is_failing:
            get_logger().warning(f"the store does not take {self._called}", why=told(why), waiting=len(self))
        self.is_failing = True
