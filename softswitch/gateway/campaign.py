"""Many calls: placed at a rate, watched while they live, summed up at the end.

One task a call. `stop()` places no more calls and hangs up those that live; `run` then returns as it always does, with
a report for each call that was placed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from softswitch.gateway.caller import Caller, CallerState
from softswitch.gateway.order import Order
from softswitch.gateway.report import CallReport, Summary


class Campaign:
    """The calls of some orders, `cps` new ones a second (0: all at once)."""

    def __init__(
        self,
        orders: Sequence[Order],
        place: Callable[[Order, float], Caller],
        *,
        cps: float = 10.0,
    ) -> None:
        self.orders = tuple(orders)
        self.reports: list[CallReport] = []
        self.callers: list[Caller] = []
        self.began_at = 0.0
        self._place = place
        self._gap_s = 1 / cps if cps > 0 else 0.0
        self._stopped = asyncio.Event()

    async def run(self) -> Summary:
        """Place every call, wait for the end of the last one."""
        self.began_at = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for number, order in enumerate(self.orders):
                if await self._stopped_before(self.began_at + number * self._gap_s):
                    break
                group.create_task(self._one(order))
        return self.summary

    def stop(self) -> None:
        """No more new calls; BYE or CANCEL for those there are."""
        self._stopped.set()
        for caller in self.callers:
            caller.hang_up()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def summary(self) -> Summary:
        return Summary.of(self.reports)

    @property
    def states(self) -> Counter[CallerState]:
        """How many calls are in which state now."""
        return Counter(caller.state for caller in self.callers)

    @property
    def failed(self) -> int:
        return sum(not report.answered for report in self.reports)

    async def _one(self, order: Order) -> None:
        caller = self._place(order, self.began_at)
        self.callers.append(caller)
        self.reports.append(await caller.run())

    async def _stopped_before(self, at: float) -> bool:
        """Wait until `at`; True when the campaign was stopped instead."""
        try:
            async with asyncio.timeout_at(at):
                await self._stopped.wait()
        except TimeoutError:
            pass
        return self._stopped.is_set()
