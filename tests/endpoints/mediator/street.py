"""A town with a mediator. Whoever is to stay hidden says so, and at the end every packet is looked at.

Two redirect numbers; Ann (1001) and Bob (1002) are users, callers and callees outside are behind the carrier.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from softswitch.call import Event
from softswitch.endpoints.mediator import Binding, Dialout, Mediator
from softswitch.endpoints.mediator.record import DialoutFailed, MediationMoved, MediationStarted
from softswitch.sip import Session
from tests.endpoints.mediator.leaks import Hidden
from tests.stories.town import DIDS, PSTN, Phone, Town, town

REDIRECT, SECOND = "12025550105", "12025550107"
OUTSIDE = "13105550199"
FAR_AWAY = "127.0.0.60"
CARRIERS = [
    PSTN,
    {"name": "far", "acls": [f"{FAR_AWAY}/32"], "trunks": [{"name": "far", "address": FAR_AWAY, "port": 5060}]},
]
HIDE = {"hide_origination_did": "true"}


class Street:
    """The town, its mediator, and what is hidden from whom."""

    def __init__(self, town: Town, mediator: Mediator) -> None:
        self.town, self.mediator = town, mediator
        self.hidden: list[Hidden] = []
        self.events: list[Event] = []
        town.app.events.subscribe(self._on_event)

    def bind(self, destination: str, redirect: str = REDIRECT, **values: Any) -> Binding:
        binding = Binding(str(uuid.uuid4()), redirect, destination, created_at=self.mediator.now, **values)
        assert self.mediator.ledger.bind(binding, [REDIRECT, SECOND]) is binding
        return binding

    async def put_through(self, caller: Phone, callee: Phone) -> Session:
        """Joined over the redirect number; the session of the callee."""
        caller.dial(REDIRECT)
        session = await callee.picks_up()
        await caller.answered()
        return session

    def dial_out(self, one: str, two: str, redirect: str = REDIRECT, delay: int = 0, **attributes: str) -> Dialout:
        dialout = Dialout(str(uuid.uuid4()), one, two, redirect, delay, attributes, self.mediator.now)
        self.mediator.dialouts.add(dialout)
        return dialout

    def hide(self, number: str, *from_: Phone) -> None:
        """Nothing that is sent to these phones may have the number."""
        self.hidden += [Hidden(number, phone.host) for phone in from_]

    def check(self) -> None:
        for secret in self.hidden:
            assert not secret.leaks(self.town.wire), f"{secret.text} is in what was sent to {secret.host}"

    def records(self) -> list[Any]:
        return [event for event in self.events if isinstance(event, MediationStarted | MediationMoved | DialoutFailed)]

    def _on_event(self, event: Event) -> None:
        self.events.append(event)


@asynccontextmanager
async def street(folder: Path, *, bindings: list[dict[str, Any]] | None = None, **more: Any) -> AsyncIterator[Street]:
    """At the end everything is hung up, and nothing hidden may have been sent anywhere it is hidden from."""
    mediator = {"name": "mediator", "type": "mediator", "trunk_group": "pstn", "bindings": bindings or []}
    conference = {"phonenumber": "12025550101", "endpoint": "conference"}
    dids = [*DIDS, conference, *({"phonenumber": number, "endpoint": "mediator"} for number in (REDIRECT, SECOND))]
    async with town(folder, dids=dids, endpoints=[mediator], groups=CARRIERS, **more) as it:
        found = it.app.endpoints["mediator"]
        assert isinstance(found, Mediator)
        here = Street(it, found)
        yield here
    here.check()
