"""What the live part of the API works with: the running switch, as the composition root puts it together."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from media import Engine
from softswitch.alarms import Alarms
from softswitch.api.events import Feed
from softswitch.call.cdr import date
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference import Conference
from softswitch.plan import Plan
from softswitch.registrar import Phones
from softswitch.sip import Stack
from softswitch.switch import Switch
from softswitch.trunk_health import TrunkHealth
from softswitch.watching import Watching


@dataclass(frozen=True)
class Live:
    """The parts of a running switch that its API shows and steers."""

    switch: Switch
    endpoints: Mapping[str, Endpoint]
    engine: Engine
    stack: Stack
    feed: Feed
    health: TrunkHealth
    plan: Callable[[], Plan]
    """The plan of the next call."""
    sip_address: Callable[[], tuple[str, int]]
    """Where we are called: host and port of the first listener."""
    stop: Callable[[], None] | None = None
    """Ends the program; None where somebody else decides that."""
    watching: Watching | None = None
    """Ladders and metrics; None where nobody watches."""
    alarms: Alarms | None = None
    phones: Phones | None = None
    """Users' phones; None where nobody registers."""
    clock: Callable[[], float] = time.monotonic
    """The clock of the calls."""
    draw: Callable[[], float] = field(default=random.random)

    @classmethod
    def of(
        cls,
        switch: Switch,
        endpoints: Mapping[str, Endpoint],
        engine: Engine,
        stack: Stack,
        plan: Callable[[], Plan],
        sip_address: Callable[[], tuple[str, int]],
        **more: Any,
    ) -> Self:
        """With a feed and a watch over the trunks of its own; `more` are further fields."""
        feed = Feed(switch.events, lambda at: date(time.time() - time.monotonic() + at))
        health = more.pop("health", None) or TrunkHealth(stack, switch.events, plan, switch.outward.failures)
        return cls(switch, endpoints, engine, stack, feed, health, plan, sip_address, **more)

    def conference(self, endpoint_sid: str) -> Conference | None:
        """The conference with this sid; None where the plan has none (any more)."""
        for endpoint in self.endpoints.values():
            if isinstance(endpoint, Conference) and endpoint.sid == endpoint_sid:
                return endpoint
        return None

    def date(self, at: float) -> str:
        """A moment of the calls' clock, as the API writes dates."""
        return date(time.time() - self.clock() + at)
