"""What users and endpoints have spent today outlives the program: read at the start, written behind in batches."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from softswitch.logs import get_logger
from softswitch.routing import Guard, Spending

if TYPE_CHECKING:
    from softswitch.store import Store

WRITTEN_EVERY_S = 5.0


def today() -> str:
    """The day by UTC."""
    return datetime.now(UTC).date().isoformat()


class SpendingKeeper:
    """Between the guard and the store."""

    def __init__(self, guard: Guard, store: "Store") -> None:
        self._guard, self._store = guard, store
        self._old: list[str] = []
        """Sids of days gone by, which the next writing removes."""

    async def load(self) -> None:
        """What the day had cost before this start."""
        from softswitch.store.tables.rates import spendings

        day = today()
        rows = await self._store.read_behind(spendings)
        self._old = [row["spending_sid"] for row in rows if row["day"] != day]
        self._guard.restore(
            Spending(row["subject"], day, row["calls"], row["price"]) for row in rows if row["day"] == day
        )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(WRITTEN_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """What has changed; what can't be written now is written the next time."""
        from sqlalchemy.exc import SQLAlchemyError

        from softswitch.store.tables.rates import spendings

        changed, self._guard.changed = self._guard.changed, {}
        if not changed and not self._old:
            return
        rows = [_row(spending) for spending in changed.values()]
        try:
            await self._store.write_behind(spendings, rows, self._old)
        except (OSError, SQLAlchemyError) as error:
            get_logger().warning("what was spent is not written", error=str(error))
            self._guard.changed = changed | self._guard.changed
        else:
            self._old = []


def _row(spending: Spending) -> dict[str, object]:
    return {
        "spending_sid": f"{spending.day} {spending.subject}",
        "subject": spending.subject,
        "day": spending.day,
        "calls": spending.calls,
        "price": spending.price,
    }
