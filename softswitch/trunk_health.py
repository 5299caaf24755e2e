"""Which trunks are alive: each that has an address is asked by OPTIONS now and then (RFC 3261 §11).

Any answer means that somebody is there; silence, and a 503 of our own making, mean that nobody can be reached. A trunk
goes down after `sip_options_threshold` failures in a row and up with the first answer. Events tell of each change, and
`Failures` of the trunk groups hears of it: calls go elsewhere meanwhile.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from softswitch.alarms import TrunkMoved
from softswitch.call import Events
from softswitch.plan import DATAGRAMS, Plan, Trunk, TrunkGroup
from softswitch.routing import Failures
from softswitch.sip import Stack, Uri
from softswitch.sip.grammar import format_host_port

DOWN_AFTER = 3
"""Where the trunk group has no threshold, for the display alone."""
UNREACHED = frozenset({408, 503})
"""What the stack answers for a peer that says nothing or can't be reached."""


class TrunkState(StrEnum):
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(slots=True)
class Health:
    """What is known of one trunk. `status` is the last answer, `answer_ms` how long it took."""

    state: TrunkState = TrunkState.UNKNOWN
    asked_at: float | None = None
    status: int | None = None
    answer_ms: float | None = None
    failures: int = 0


Key = tuple[str, str]
"""Trunk group and trunk, by sid where they have one."""


class TrunkHealth:
    """The health of every trunk of the plan that has an address."""

    def __init__(
        self,
        stack: Stack,
        events: Events,
        plan: Callable[[], Plan],
        failures: Failures | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        every_s: float = 30.0,
    ) -> None:
        """`failures` hears which trunks answer; `every_s` of 0: they are asked when somebody wants to know."""
        self._every_s = every_s
        self._failures = failures
        self._stack, self._events, self._plan, self._clock = stack, events, plan, clock
        self._known: dict[Key, Health] = {}
        self._asking: set[Key] = set()
        """Trunks whose answer is waited for: a silent one takes half a minute, and nobody waits for it."""

    async def run(self) -> None:
        """Until cancelled: asks all trunks at once, every now and then."""
        async with asyncio.TaskGroup() as tasks:
            while self._every_s:
                await asyncio.sleep(self._every_s)
                for pair in self._trunks():
                    tasks.create_task(self._ask(*pair))

    async def ask_all(self) -> None:
        """One round. Returns when each has answered or been given up."""
        await asyncio.gather(*(self._ask(*pair) for pair in self._trunks()))

    def _trunks(self) -> list[tuple[TrunkGroup, Trunk]]:
        """Those of the plan that have an address and are not being asked already."""
        trunks = [(group, trunk) for group in self._plan().numbers.trunk_groups for trunk in group.trunks]
        asked = [(group, trunk) for group, trunk in trunks if trunk.address is not None]
        self._known = {key: self._known.get(key, Health()) for key in (_key(*pair) for pair in asked)}
        return [pair for pair in asked if _key(*pair) not in self._asking]

    def of(self, group: TrunkGroup, trunk: Trunk) -> Health:
        return self._known.get(_key(group, trunk)) or Health()

    async def _ask(self, group: TrunkGroup, trunk: Trunk) -> None:
        transport = "" if trunk.transport in DATAGRAMS else f";transport={trunk.transport}"
        uri = Uri.parse(f"sip:{format_host_port(trunk.address or '', trunk.port)}{transport}")
        asked_at, key = self._clock(), _key(group, trunk)
        self._asking.add(key)
        try:
            response = await self._stack.request("OPTIONS", uri)
        finally:
            self._asking.discard(key)
        health = self._known.get(key)
        if health is None:
            return
        health.asked_at, health.status = asked_at, response.status
        if response.status in UNREACHED:
            health.failures, health.answer_ms = health.failures + 1, None
            if health.failures >= (group.sip_options_threshold or DOWN_AFTER):
                self._move(group, trunk, health, TrunkState.DOWN, f"{health.failures} times no answer to OPTIONS")
        else:
            health.failures, health.answer_ms = 0, round(1000 * (self._clock() - asked_at), 1)
            self._move(group, trunk, health, TrunkState.UP, f"{response.status} to OPTIONS")
        if self._failures is not None:
            self._failures.of(group, trunk).options(health.failures, self._clock())

    def _move(self, group: TrunkGroup, trunk: Trunk, health: Health, after: TrunkState, why: str) -> None:
        before, health.state = health.state, after
        if before is not after and self._events:
            self._events.publish(TrunkMoved(group.name, trunk.name, self._clock(), before, after, why))


def _key(group: TrunkGroup, trunk: Trunk) -> Key:
    return group.sid or group.name, trunk.sid or trunk.name
