"""A whole conference on a wire in memory: the endpoint behind a real Stack and a real media engine, and its callers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from media import Engine, MediaSettings
from softswitch.call import Call, Event, Events, Leg, Outcome
from softswitch.endpoints.conference import Conference, Meeting
from softswitch.errors import CallRejected
from softswitch.plan import ConferenceEndpoint, Did
from softswitch.sip import Session, Stack, Transport
from tests.endpoints.conference import prompt_book
from tests.endpoints.conference.phone import Phone
from tests.wire import Wire

NUMBER = "12025550101"
HERE = "10.0.0.1"
QUIET = {"conference_quiet_enabled": "on"}
ROOM = {
    "name": "standup",
    "access_codes": [
        {"access_code": "111111", "role": "host"},
        {"access_code": "222222", "role": "participant"},
        {"access_code": "333333", "role": "listener"},
    ],
}
BRIEF = {
    "did_welcomeprompt_enabled": "off",
    "conference_welcomeprompt_enabled": "off",
    "conference_announceparticipantcount_policy": "",
    "conference_entrytones_enabled": "off",
    "conference_exittones_enabled": "off",
}
"""Properties that leave only the notices: less to hear, so less to get wrong in a test about something else."""


class House:
    """The endpoint, and the part of the switch that a call needs: a task for each call, which a hang-up cancels."""

    def __init__(self, wire: Wire, engine: Engine, conference: Conference, did: Did, events: Events) -> None:
        self.wire = wire
        self.engine = engine
        self.conference = conference
        self.did = did
        self.bus = events
        self.events: list[Event] = []
        self.calls: list[Call] = []
        self.stack: Stack
        self.phones: Stack
        self.address: tuple[str, int]
        self.tasks: dict[Call, asyncio.Task[None]] = {}
        self._moved = asyncio.Event()
        events.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self._moved.set()

    def on_invite(self, session: Session) -> None:
        leg = Leg(session, self.engine)
        call = Call(
            leg,
            from_number=str(session.request.from_.uri.user),
            to_number=self.did.phonenumber,
            did=self.did,
            events=self.bus,
            clock=asyncio.get_running_loop().time,
        )
        self.calls.append(call)
        self.tasks[call] = task = asyncio.create_task(self._live(call))
        leg.on_ended = lambda _end: task.cancel()

    async def _live(self, call: Call) -> None:
        try:
            outcome = await self.conference.run(call)
            call.caller.hang_up(outcome.q850, outcome.reason)
        except CallRejected as rejected:
            outcome = Outcome.of_rejection(rejected)
            call.caller.session.reject(rejected.status, rejected.reason)
        except asyncio.CancelledError:
            outcome = call.caller.outcome()
        finally:
            self.tasks.pop(call, None)
        call.conclude(outcome)

    def dial(self, number: str = "13105550001", tone_hz: int = 0) -> Phone:
        phone = Phone(self.wire, self.phones, number, tone_hz)
        phone.dial(self.did.phonenumber, self.address)
        return phone

    async def enter(self, code: str, tone_hz: int = 0, number: str = "13105550001") -> Phone:
        """A caller who has entered his code and is in the room, talking, waiting or on hold."""
        phone = await self.dial(number, tone_hz).answered()
        call = self.calls[-1]
        await phone.press(f"{code}#")
        await self.reached(call, "talking", "waiting", "on hold")
        return phone

    async def greeted(self, code: str) -> Phone:
        """A caller who has entered his code and still hears his greeting."""
        phone = await self.dial().answered()
        await phone.press(f"{code}#")
        await self.reached(self.call(phone), "entering")
        return phone

    async def reached(self, call: Call, *states: str) -> None:
        """Waits until a call has come to one of these states."""
        while call.state not in states:
            self._moved.clear()
            await self._moved.wait()

    def call(self, phone: Phone) -> Call:
        return next(call for call in self.calls if call.caller.session.call_id == phone.session.call_id)

    @property
    def meeting(self) -> Meeting:
        """The one meeting there is."""
        (meeting,) = self.conference.live_meetings()
        return meeting


@asynccontextmanager
async def house(
    folder: Path,
    account: Mapping[str, Any] | None = None,
    room: Mapping[str, Any] | None = None,
    did: Mapping[str, Any] | None = None,
    wire: Wire | None = None,
) -> AsyncIterator[House]:
    """A conference with one room and one number; the keyword arguments say what is different from usual."""
    prompt_book.write(folder / "prompts")
    wire = wire or Wire(record=False)
    engine = Engine(MediaSettings(address=HERE, prompts=(folder / "prompts",)), in_process=wire)
    plan = ConferenceEndpoint.model_validate(
        {"name": "conference", "type": "conference", "meeting_rooms": [{**ROOM, **(room or {})}], **(account or {})}
    )
    number = Did.model_validate({"phonenumber": NUMBER, "endpoint": "conference", **(did or {})})
    events = Events()
    conference = Conference(plan, engine=engine, events=events, data=folder / "data")
    home = House(wire, engine, conference, number, events)
    home.stack, home.phones = Stack(network=wire), Stack(network=wire)
    home.stack.on_invite = home.on_invite
    await engine.start()
    home.address = await home.stack.listen(Transport.UDP, HERE, 5060)
    await home.phones.listen(Transport.UDP, "10.0.0.2", 5060)
    try:
        yield home
    finally:
        for phone_call in list(home.tasks):
            phone_call.caller.hang_up()
        await asyncio.sleep(0.1)
        await conference.close()
        await home.phones.close()
        await home.stack.close()
        await engine.stop()
