"""The whole town at random while operators change everything: the number plan, meetings and who is in them, limits,
bindings, who is registered. No bug of ours, one record a call, no leg without a call, and nothing left behind.
"""

import asyncio
import random
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from media import Prompt
from softswitch.api.conference.calls import Calls
from softswitch.api.errors import ApiError
from softswitch.call import Leg
from softswitch.endpoints.conference import Conference, Meeting, MuteMode, Role
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.mediator import Binding, Mediator, Taken
from softswitch.sip import Address, Credentials, Transport, Uri
from tests.endpoints.mediator.street import REDIRECT, SECOND
from tests.property.seeds import seeds
from tests.property.test_whole_town import GUARDED, HALL, NUMBERS, OUTSIDE, Life, check_records, plan
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import HERE, Phone, Town, town
from tests.wire import Wire

CRM, CRM_HOST = "12025550106", "127.0.0.71"
STEPS = 200
KEYS = ("*6", "*3", "*5", "*7", "*8", "*2", "*4", "*#", "*9", "99", "951", "953", "1#", "2#", "7#", "99", "*")
ROLES = tuple(Role)
BOTH = {"transports": ["udp", "tcp"], "options_every_s": 0}


def town_plan() -> dict[str, Any]:
    made = plan()
    crm = {"name": "crm", "type": "third_party", "cps_limit": 5.0, "capacity": 4}
    crm["addresses"] = [{"ip": CRM_HOST, "port": 5090 + place, "priority": place} for place in range(2)]
    made["endpoints"].append(crm)
    made["dids"].append({"phonenumber": CRM, "endpoint": "crm"})
    return made


class Operators:
    """What others do to the switch, and its phones by themselves."""

    def __init__(self, it: Town, phones: list[Phone], chance: random.Random) -> None:
        self.it, self.phones, self.chance = it, phones, chance
        self.whole = it.app.plan
        self.tasks: list[asyncio.Task[Any]] = []
        self._calls = Calls(SimpleNamespace(store=None), it.app._live())  # type: ignore[arg-type]

    def step(self) -> None:
        often = (self.meet, self.treat, self.treat, self.bring, self.bind, self.watch, self.finish)
        seldom = (self.change_plan, self.limit, self.cancel_dialout, self.register, self.cut)
        what: Callable[[], None] = self.chance.choice(often if self.chance.random() < 0.75 else seldom)
        what()

    def finish(self) -> None:
        """Everything is as it was."""
        self.it.app.adopt(self.whole)
        self.it.app.switch.limit(0, 0.0)

    # ---- the switch

    def change_plan(self) -> None:
        """Some of everything is gone, the rest has other limits."""
        numbers, chance = self.whole.numbers, self.chance

        def some(things: Any) -> list[Any]:
            return [thing for thing in things if chance.random() < 0.9]

        users, endpoints, groups = some(numbers.users), some(numbers.endpoints), some(numbers.trunk_groups)
        endpoints = [end.model_copy(update={"capacity": chance.choice((0, 0, 0, 2, 5))}) for end in endpoints]
        groups = [group.model_copy(update={"in_capacity": chance.choice((0, 0, 0, 3))}) for group in groups]
        names = {user.username for user in users} | {end.name for end in endpoints}
        dids = [did for did in some(numbers.dids) if (did.user or did.endpoint) in names]
        self.it.app.adopt(self.whole.with_parts(users=users, endpoints=endpoints, dids=dids, trunk_groups=groups))

    def limit(self) -> None:
        self.it.app.switch.limit(self.chance.choice((0, 2, 6)), self.chance.choice((0.0, 1.0, 5.0)))

    # ---- conferences

    def meet(self) -> None:
        found = [(hall, meeting) for hall in self._halls() for meeting in hall.every_meeting()]
        if not found:
            return
        _, meeting = self.chance.choice(found)
        what: Callable[[Meeting], Any] = self.chance.choice(
            (
                lambda it: it.set_mute_mode(self.chance.choice(tuple(MuteMode))),
                lambda it: it.set_on_hold(self.chance.choice(("", "p", "l", "pl"))),
                lambda it: it.set_locked(self.chance.random() < 0.3),
                lambda it: it.start_recording(),
                lambda it: it.start_recording(),
                lambda it: it.stop_recording(),
                lambda it: it.play(Prompt("music/hold")),
                lambda it: it.set_tones(self.chance.random() < 0.5),
                lambda it: it.view(),
                lambda it: it.end(),
            )
        )
        what(meeting)

    def treat(self) -> None:
        """What PATCH and DELETE of a live call do."""
        found = [(hall, attendee) for hall in self._halls() for attendee in hall.attendees()]
        if not found:
            return
        hall, attendee = self.chance.choice(found)
        if self.chance.random() < 0.15:
            self._calls.end(hall, attendee)
            return
        sent: dict[str, Any] = self.chance.choice(
            (
                {"role": self.chance.choice(ROLES).value},
                {"muted": self.chance.random() < 0.5},
                {"on_hold": self.chance.random() < 0.5},
                {"name": "Somebody"},
                {"meeting_room_sid": "room"},
                {"meeting_sid": self._any_meeting(hall)},
            )
        )
        self.tasks.append(asyncio.create_task(self._patch(hall, attendee, sent)))

    async def _patch(self, hall: Conference, attendee: Attendee, sent: dict[str, Any]) -> None:
        try:
            await self._calls.act(hall, attendee, sent)
        except ApiError:
            pass  # refused as it should be

    def bring(self) -> None:
        found = [(hall, meeting) for hall in self._halls() for meeting in hall.live_meetings()]
        dids = [did for did in self.it.app.plan.dids.values() if did.endpoint in ("hall", "guarded")]
        if not found or not dids:
            return
        hall, meeting = self.chance.choice(found)
        try:
            call, leg = self._calls._place(self.chance.choice(dids), self.chance.choice((OUTSIDE, "13105550178")))
        except ApiError:
            return
        role = self.chance.choice(ROLES)
        self.it.app.switch.place(call, partial(hall.bring, leg=leg, meeting=meeting, role=role, name="Guest"))

    def _halls(self) -> list[Conference]:
        return [end for end in self.it.app.endpoints.values() if isinstance(end, Conference)]

    def _any_meeting(self, hall: Conference) -> str:
        meetings = hall.live_meetings()
        return self.chance.choice(meetings).id if meetings else "none"

    # ---- the mediator

    def bind(self) -> None:
        mediator = self.it.app.endpoints.get("mediator")
        if not isinstance(mediator, Mediator):
            return
        bindings = [binding for binding in mediator.ledger.bindings if not binding.is_fixed]
        if bindings and self.chance.random() < 0.4:
            mediator.ledger.unbind(self.chance.choice(bindings))
            return
        wanted = Binding(str(uuid.uuid4()), SECOND, self.chance.choice(NUMBERS), created_at=mediator.now)
        wanted.maximum_ttl = self.chance.choice((1, 5, 60))
        wanted.origination_did = self.chance.choice((None, "1001", "1003", "13105550199"))
        wanted.dtmf = self.chance.choice(("", "12,3"))
        wanted.attributes = self.chance.choice(({}, {"ringback": "moh"}, {"announce": "music/hold"}))
        try:
            mediator.ledger.bind(wanted, [SECOND])
        except Taken:
            pass

    def cancel_dialout(self) -> None:
        mediator = self.it.app.endpoints.get("mediator")
        if isinstance(mediator, Mediator) and (dialouts := mediator.dialouts.all()):
            mediator.dialouts.cancel(self.chance.choice(dialouts))

    # ---- what phones do by themselves

    def cut(self) -> None:
        """A connection ends, which one side may notice later than the other."""
        if connections := list(self.it.app.stack._transports._connections.values()):
            self.chance.choice(connections).close()

    def register(self) -> None:
        phone = self.chance.choice(self.phones[:4])
        self.tasks.append(asyncio.create_task(phone.register(self.chance.choice((0, 60, 3600)))))

    def watch(self) -> None:
        phone, of = self.chance.choice(self.phones[:4]), self.chance.choice(("1001", "1002", "1003"))
        me = Address(Uri.parse(f"sip:{phone.user}@{HERE}"))
        headers = [
            ("Event", self.chance.choice(("dialog", "presence"))),
            ("Contact", f"<sip:{phone.name}@{phone.host}>"),
            ("Expires", self.chance.choice(("0", "60", "600"))),
        ]
        who = Credentials(phone.user, phone.password)
        asked = phone.stack.request(
            "SUBSCRIBE", Uri.parse(f"sip:{of}@{HERE}"), from_=me, headers=headers, credentials=who
        )
        self.tasks.append(asyncio.create_task(asked))


def stray_legs(it: Town) -> list[Leg]:
    """Legs that are up and in no call."""
    owners = [session.owner for session in it.app.stack._sessions.values() if not session.has_ended]
    legs = [owner for owner in owners if isinstance(owner, Leg)]
    return [leg for leg in legs if leg.call is None or leg.call.id not in it.app.switch.calls]


@pytest.mark.parametrize("seed", seeds(4))
async def test_whatever_everybody_does_while_everything_changes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    wire = Wire(seed, delay_s=0.01, jitter_s=chance.choice((0.0, 0.05)), duplicate=0.05, record=False)
    by = chance.choice((Transport.UDP, Transport.TCP))
    async with town(tmp_path, wire=wire, sip=BOTH, **town_plan()) as it:
        records = keep_records(it)
        phones = [await it.phone(name, by=by) for name in ("1001", "1002")]
        phones += [await it.phone(name) for name in ("1002-desk", "1003")]
        phones.append(await it.carrier())
        parties = [await Phone(it, CRM, CRM_HOST, 900, port=5090 + place).start() for place in range(2)]
        for phone in (*phones, *parties):
            phone.speaks = False
        wire.loss = chance.choice((0.0, 0.0, 0.1))
        operators = Operators(it, phones, chance)
        life = Life(it, [*phones, *parties[: chance.choice((1, 2))]], chance)
        life.numbers, life.keys = (*NUMBERS, HALL, GUARDED, CRM, REDIRECT, SECOND), KEYS
        for _ in range(STEPS):
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.01, 0.05, 0.3, 1.0)))
            await life.step()
            if chance.random() < 0.4:
                operators.step()
        wire.loss = 0.0
        operators.finish()
        await asyncio.sleep(40)
        assert stray_legs(it) == []
        for phone in (*phones, *parties):
            for session in phone.sessions:
                session.hang_up()
        await asyncio.gather(*operators.tasks)
        await asyncio.sleep(400)
        check_records(records)
        assert all(former.is_idle for former in it.app._former)
        assert [name for name, end in it.app.endpoints.items() if not end.is_idle] == []
        assert not any(it.app.phones.subscriptions.dialogs.of(user) for user in ("1001", "1002", "1003"))
