"""What is older than the settings want is forgotten: call records, dead letters, and the messages of the ladder.

Once an hour, some hundred rows in a transaction and a pause behind each: nothing on a call's way waits for it, and
neither does whoever writes. 0 days keep everything.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from softswitch.logs import get_logger
from softswitch.settings import RecordSettings
from softswitch.store.errors import told

LOOKS_EVERY_S = 3600.0
ROWS_AT_ONCE = 500
PAUSE_S = 0.2
BY_RECORD_DAYS = ("call_drs", "conference_calls", "mediator_calls")
DEAD_LETTERS = "callbacks_dead"


class Forgetting(Protocol):
    """A store that can forget. Raises `OSError` or `SQLAlchemyError`."""

    async def forget(self, resource: str, column: str, before: str, at_most: int) -> int: ...


class Retention:
    """`run` is its life. `forget_messages` hears before which moment (POSIX time) messages are to go."""

    def __init__(
        self,
        store: Forgetting,
        wanted: Callable[[], RecordSettings],
        forget_messages: Callable[[float], None],
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.forgotten = 0
        """Rows."""
        self._store, self._wanted, self._forget_messages = store, wanted, forget_messages
        self._wall_clock = wall_clock

    async def run(self) -> None:
        """Until cancelled. A store that is out of reach is asked again in an hour."""
        while True:
            try:
                await self.forget()
            except (OSError, SQLAlchemyError) as error:
                get_logger().error("old records could not be removed", problem=told(error))
            await asyncio.sleep(LOOKS_EVERY_S)

    async def forget(self) -> None:
        """Everything that is too old by now."""
        wanted, before = self._wanted(), self.forgotten
        if wanted.keep_days:
            self._forget_messages(self._since(wanted.keep_days).timestamp())
            for resource in BY_RECORD_DAYS:
                await self._forget_rows(resource, "date_stop", wanted.keep_days)
        if wanted.keep_dead_letters_days:
            await self._forget_rows(DEAD_LETTERS, "date_created", wanted.keep_dead_letters_days)
        if self.forgotten > before:
            get_logger().info("old records are removed", rows=self.forgotten - before)

    async def _forget_rows(self, resource: str, column: str, days: int) -> None:
        before = f"{self._since(days):%Y-%m-%dT%H:%M:%S}"
        while rows := await self._store.forget(resource, column, before, ROWS_AT_ONCE):
            self.forgotten += rows
            await asyncio.sleep(PAUSE_S)

    def _since(self, days: int) -> datetime:
        return datetime.fromtimestamp(self._wall_clock(), UTC) - timedelta(days=days)
