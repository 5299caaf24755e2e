"""What a mediator works with, put together once by `app`: where a number leads, who places calls, who keeps things."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from media import Source
from softswitch.call import Call, Events, Invitation, Lines, Outcome
from softswitch.endpoints.mediator.binding import Binding
from softswitch.endpoints.mediator.dialout import Dialout
from softswitch.endpoints.mediator.masking import Shown
from softswitch.plan import MediatorEndpoint, Plan
from softswitch.routing import ToEndpoint, ToPstn, ToUser

_EPOCH_AT = time.time() - time.monotonic()

Run = Callable[[Call], Awaitable[Outcome]]


def calendar() -> float:
    """POSIX seconds that go on evenly, by the loop's clock where one runs."""
    try:
        return _EPOCH_AT + asyncio.get_running_loop().time()
    except RuntimeError:
        return time.time()


class Ways(Protocol):
    """Who knows where a number leads, and who is rung there."""

    def lead(self, number: str, account: MediatorEndpoint) -> ToEndpoint | ToUser | ToPstn:
        """Raises `CallRejected` 404 where a number leads nowhere."""

    def invitation(
        self, destination: ToUser | ToPstn, shown: Shown, account: MediatorEndpoint, call: Call | None
    ) -> Invitation:
        """`call`: the one that comes in, where there is one. Raises `CallRejected` where nobody can be rung."""

    async def hand_on(self, call: Call, destination: ToEndpoint, shown: Shown) -> Outcome:
        """A call for another endpoint of ours, which sees of the caller what is shown."""


class Keeper(Protocol):
    """Who keeps bindings and dialouts for the next start."""

    def note(self, endpoint_sid: str, thing: Binding | Dialout) -> None: ...

    def forget(self, thing: Binding | Dialout) -> None: ...

    async def flush(self) -> bool: ...


class Forgetful:
    """Nothing is kept: there is no store."""

    def note(self, endpoint_sid: str, thing: Binding | Dialout) -> None:
        """It lives in memory alone."""

    def forget(self, thing: Binding | Dialout) -> None:
        """It never was anywhere else."""

    async def flush(self) -> bool:
        """There is nothing to write."""
        return True


@dataclass(frozen=True)
class Means:
    """The same for all mediators of a switch."""

    lines: Lines
    events: Events
    ways: Ways
    place: Callable[[Call, Run], None]
    """Runs a call that we place (`Switch.place`)."""
    end: Callable[[Call, str], None]
    """Ends a call from outside (`Switch.end`)."""
    audio: Callable[[str, str], Awaitable[Source | None]]
    """What an attribute names, for an endpoint by its sid: a file of the storage, or a prompt."""
    plan: Callable[[], Plan]
    keeper: Callable[[], Keeper]
    wall_clock: Callable[[], float] = calendar
    """POSIX seconds."""
