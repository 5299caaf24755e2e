"""A whole town at random: everybody calls everybody, answers, refuses, holds, transfers, takes over and hangs up at any
moment, over a wire that delays, doubles and loses. No bug of ours, one record a call, and nothing left behind.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from softswitch.call.cdr import CallRecord
from softswitch.endpoints.mediator import Dialout, InUse, Mediator
from softswitch.sip import Session
from softswitch.sip.session import update
from softswitch.sip.session.incoming import WAITING
from softswitch.sip.session.states import State
from tests.endpoints.mediator.leaks import Hidden
from tests.endpoints.mediator.street import CARRIERS, REDIRECT, SECOND
from tests.property.seeds import seeds
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, DIDS, ROOM, Phone, Town, town
from tests.wire import Wire

HALL, GUARDED, OUTSIDE = "12025550101", "12025550102", "13105550177"
CODED = {**ROOM, "access_codes": [{"access_code": "1", "role": "host"}]}
NUMBERS = ("1001", "1002", "1003", "12025550112", HALL, GUARDED, REDIRECT, OUTSIDE, "nobody")
FORWARDS = [{}, {"forward_busy": "1003", "forward_no_answer": OUTSIDE, "ring_s": 8}, {"forward_busy": "1002"}]
MOST_SESSIONS = 4
STEPS = 120


def plan() -> dict[str, Any]:
    mediator = {"name": "mediator", "type": "mediator", "trunk_group": "pstn"}
    binding = {"redirect_did": REDIRECT, "destination_did": "1002", "attributes": {"hide_origination_did": "true"}}
    return {
        "users": FORWARDS,
        "groups": [{**CARRIERS[0], "trunks": [{"name": "carrier", "address": CARRIER, "allow_transfer": "enabled"}]}],
        "endpoints": [
            {"name": "hall", "type": "conference", "call_flow": "direct_host", "meeting_rooms": [ROOM]},
            {"name": "guarded", "type": "conference", "call_flow": "secured", "meeting_rooms": [CODED]},
            {**mediator, "bindings": [binding]},
        ],
        "dids": [
            *DIDS,
            {"phonenumber": HALL, "endpoint": "hall"},
            {"phonenumber": GUARDED, "endpoint": "guarded"},
            *({"phonenumber": number, "endpoint": "mediator"} for number in (REDIRECT, SECOND)),
        ],
    }


@pytest.mark.parametrize("seed", seeds(8))
async def test_whatever_everybody_does(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    wire = Wire(seed, delay_s=0.01, jitter_s=0.05, duplicate=0.05, record=False)
    async with town(tmp_path, wire=wire, **plan()) as it:
        records = keep_records(it)
        phones = [await it.phone(name) for name in ("1001", "1002", "1002-desk", "1003")]
        phones.append(await it.carrier())
        for phone in phones:
            phone.speaks = False
        wire.loss = chance.choice((0.0, 0.05, 0.2))
        life = Life(it, phones, chance)
        for _ in range(STEPS):
            await asyncio.sleep(chance.choice((0.0, 0.01, 0.05, 0.3, 1.0)))
            await life.step()
        wire.loss = 0.0
        for phone in phones:
            for session in phone.sessions:
                session.hang_up()
        await asyncio.sleep(200)
        check_records(records)
        assert any(record.user_data and "transferred_from" in record.user_data for record in records)


@pytest.mark.parametrize("seed", seeds(4))
async def test_whatever_everybody_does_a_masked_caller_stays_hidden(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    wire = Wire(seed, delay_s=0.01, jitter_s=0.05, duplicate=0.05)
    async with town(tmp_path, wire=wire, **plan()) as it:
        phones = [await it.phone(name) for name in ("1001", "1002", "1002-desk", "1003")]
        masked = await it.carrier()
        life = Life(it, [*phones, masked], chance)
        life.masked = masked
        for _ in range(STEPS):
            await asyncio.sleep(chance.choice((0.0, 0.01, 0.05, 0.3)))
            await life.step()
        assert [call for call in masked.sessions if call.direction == "out" and call.dialog is not None]
    for phone in phones:
        assert not Hidden(masked.name, phone.host).leaks(wire)


def check_records(records: list[CallRecord]) -> None:
    assert [sid for sid, times in Counter(record.dr_sid for record in records).items() if times > 1] == []
    assert all(record.sipcause and record.q850_cause and record.disconnect_originator for record in records)


class Life:
    """What happens in a town."""

    def __init__(self, it: Town, phones: list[Phone], chance: random.Random) -> None:
        self.it, self.phones, self.chance = it, phones, chance
        mediator = it.app.endpoints["mediator"]
        assert isinstance(mediator, Mediator)
        self.mediator = mediator
        self.dialouts = 0
        self.numbers: Sequence[str] = NUMBERS
        self.keys: Sequence[str] = ("1#",)
        self.masked: Phone | None = None
        """Who only calls a redirect number."""

    async def step(self) -> None:
        waiting = [(phone, session) for phone in self.phones for session in phone.sessions if _waits(session)]
        if waiting and self.chance.random() < 0.6:
            self._look_at(*self.chance.choice(waiting))
            return
        phone = self.chance.choice(self.phones)
        up = [session for session in phone.sessions if not session.has_ended]
        talks = [session for session in up if session.state is State.CONFIRMED]
        if len(up) < MOST_SESSIONS and (not talks or self.chance.random() < 0.25):
            self._begin(phone)
        elif talks and self.chance.random() < 0.9:
            await self._go_on(phone, self.chance.choice(talks))
        else:
            self.chance.choice(up).hang_up()

    def _begin(self, phone: Phone) -> None:
        what = self.chance.random()
        if phone is self.masked:
            phone.dial(REDIRECT)
        elif what < 0.08:
            self._dial_out()
        elif what < 0.2 and (dialog := self._any_dialog()):
            phone.dial("1002", headers=[("Replaces", dialog)])
        else:
            phone.dial(self.chance.choice(self.numbers), late_offer=self.chance.random() < 0.1)

    def _look_at(self, phone: Phone, session: Session) -> None:
        _turn_to(phone, session)
        what = self.chance.random()
        if what < 0.3:
            phone.ring(self.chance.choice((180, 183)), early_media=self.chance.random() < 0.3)
        elif what < 0.8:
            phone.answer()
        elif what < 0.95:
            session.reject(self.chance.choice((404, 480, 486, 500, 503, 600, 603)))
        else:
            session.reject(302, headers=[("Contact", f"<sip:{self.chance.choice(self.numbers)}@127.0.0.1>")])

    async def _go_on(self, phone: Phone, session: Session) -> None:
        _turn_to(phone, session)
        what = self.chance.random()
        if what < 0.15:
            session.hang_up()
        elif what < 0.23:
            phone.hold(self.chance.choice(("sendonly", "inactive", "sendrecv")))
        elif what < 0.25:
            session.reoffer(None)
        elif what < 0.27:
            update.send(session, None)
            session.flush(session)
        elif what < 0.5:
            phone.refer(f"<sip:{self.chance.choice(self.numbers)}@127.0.0.1>")
        elif what < 0.75 and (other := self._another(phone, session)):
            phone.refer(f"<sip:1003@127.0.0.1?Replaces={phone.dialog_of(other)}>")
        elif what < 0.9:
            await phone.press(self.chance.choice(self.keys))
        elif what < 0.93 and self.it.app.switch.calls:
            self.it.app.switch.end(self.chance.choice(list(self.it.app.switch.calls.values())), "Removed")
        else:
            session.info("text/plain", b"x")

    def _another(self, phone: Phone, session: Session) -> Session | None:
        others = [other for other in phone.sessions if other is not session and (other.dialog or other.early)]
        return self.chance.choice(others) if others else None

    def _any_dialog(self) -> str:
        """As Replaces has it, of somebody's call."""
        phone = self.chance.choice(self.phones)
        found = [session for session in phone.sessions if session.dialog or session.early]
        if not found:
            return ""
        return phone.dialog_of(self.chance.choice(found)).replace("%3B", ";").replace("%3D", "=")

    def _dial_out(self) -> None:
        self.dialouts += 1
        one, two = self.chance.sample(("1001", "1002", "1003", OUTSIDE, "13105550178"), 2)
        try:
            self.mediator.dialouts.add(
                Dialout(f"d{self.dialouts}", one, two, SECOND, 0, {}, created_at=self.mediator.now)
            )
        except InUse:
            pass


def _waits(session: Session) -> bool:
    """For us to answer."""
    return session.state in WAITING


def _turn_to(phone: Phone, session: Session) -> None:
    """What it does next it does in this call."""
    phone.sessions.remove(session)
    phone.sessions.append(session)
