"""The far ends that calls go out to, looked after: who answers, who rests, what is spent, what is alarming.

It puts together what the pure decisions of `Outward` need from the world: OPTIONS on the wire, the day, the store, the
log and the events. Made once, by `app`.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.alarms import Alarms
from softswitch.call import Events
from softswitch.plan import Plan
from softswitch.routing import Outward
from softswitch.sip import Stack
from softswitch.spending import today
from softswitch.trunk_health import TrunkHealth

if TYPE_CHECKING:
    from softswitch.spending import SpendingKeeper
    from softswitch.store import Store


class Carriers:
    """Everything about the trunks of calls out."""

    def __init__(self, outward: Outward, stack: Stack, events: Events, plan: Callable[[], Plan]) -> None:
        """`plan`: the one of the next call."""
        self.alarms = Alarms(events)
        self.health = TrunkHealth(stack, events, plan, outward.failures)
        self.spending: SpendingKeeper | None = None
        """Where there is a store."""
        self._outward = outward
        outward.on_move = self.alarms.on_trunk
        outward.guard.on_alarm = self.alarms.on_alarm
        outward.guard.today = today

    async def keep_in(self, store: "Store") -> None:
        """What the day has cost so far is taken over; what it costs from now on is kept."""
        from softswitch.spending import SpendingKeeper

        self.spending = SpendingKeeper(self._outward.guard, store)
        await self.spending.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.health.run())
            if self.spending is not None:
                tasks.create_task(self.spending.run())

    async def close(self) -> None:
        """Writes what has not been written yet."""
        if self.spending is not None:
            await self.spending.write()
