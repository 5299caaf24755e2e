"""The conference endpoint: from the answer through the code into the meeting, and to the goodbye.

`run` reads as the caller lives it. What can be heard, entered and pressed on the way is decided by the call flow and
the properties (`properties`, `rooms`); what happens in the room is the meeting's business (`meeting`, `keypad`).
"""

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from media import Engine, Source
from softswitch.call import Call, Events, Outcome, OutgoingLeg, Run, collect
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference.actions import Attendance
from softswitch.endpoints.conference.attendee import Attendee, Moved, SentAway
from softswitch.endpoints.conference.codes import CodeGuard
from softswitch.endpoints.conference.keypad import serve
from softswitch.endpoints.conference.meeting import Meeting
from softswitch.endpoints.conference.prompts import WELCOME_BY_ROLE, others, prompts, said, source
from softswitch.endpoints.conference.properties import Properties, without_hosts
from softswitch.endpoints.conference.recording import in_a_path
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.rooms import Key, Place, Rooms
from softswitch.endpoints.conference.states import AttendeeState, AttendeeTrigger, MeetingState
from softswitch.endpoints.conference.views import MeetingView
from softswitch.plan import AnyEndpoint, ConferenceEndpoint, MeetingRoom

RECORDINGS = "recordings"
WHY_HE_HEARS_MUSIC = {AttendeeState.WAITING: "waiting_for_host", AttendeeState.ON_HOLD: "on_hold"}
DIRECT_FLOWS = frozenset({"direct_host", "direct_participant"})


class Conference(Endpoint):
    """One conference endpoint of the plan, with the meetings that are live in its rooms."""

    def __init__(self, account: ConferenceEndpoint, *, engine: Engine, events: Events, data: Path) -> None:
        """`data`: the folder under which recordings are kept."""
        self.name = account.name
        self._rooms = Rooms(account)
        self._codes = CodeGuard(self._rooms, lambda place: place in self._open)
        self._engine = engine
        self._events = events
        self._recordings = data / RECORDINGS / in_a_path(account.name)
        self._open: dict[Place, Meeting] = {}
        self._closing: dict[str, Meeting] = {}
        self._attendees: dict[str, Attendee] = {}

    def adopt(self, account: AnyEndpoint) -> None:
        """The next caller finds it so; the meetings that are live go on as they began."""
        super().adopt(account)
        if isinstance(account, ConferenceEndpoint):
            self._rooms.adopt(account)

    @property
    def is_idle(self) -> bool:
        """Whether no meeting is live."""
        return not self._open and not self._closing

    async def run(self, call: Call) -> Outcome:
        """The whole call. Raises `CallRejected` before the answer: misconfigured, guessing codes, no port, no codec."""
        visit = self._visit(call)
        attendee = Attendee(call, visit.properties)
        return await self._stay(attendee, self._come(attendee, visit))

    def place_of(self, call: Call) -> Run:
        """Whoever takes the place of an attendee is in the meeting at once, in his role; of somebody who is still on
        his way in, a caller like any other."""
        other = self._attendees.get(call.id)
        if other is None or other.meeting is None or not other.is_present:
            return self.run
        key, properties, access_code = self._key(other.meeting, other.role), other.properties, other.access_code

        async def run(successor: Call) -> Outcome:
            attendee = Attendee(successor, properties)
            attendee.access_code = access_code
            return await self._stay(attendee, self._succeed(attendee, key))

        return run

    async def bring(self, call: Call, leg: OutgoingLeg, meeting: Meeting, role: Role, name: str) -> Outcome:
        """The whole call of somebody whom we call into a meeting. Raises `CallRejected` where he does not come."""
        attendee = Attendee(call, meeting.properties)
        attendee.name, attendee.role = name, role
        return await self._stay(attendee, self._fetch(attendee, leg, meeting))

    async def _stay(self, attendee: Attendee, steps: Coroutine[Any, Any, NoReturn]) -> Outcome:
        """From the first step to the goodbye."""
        self._attendees[attendee.call.id] = attendee
        try:
            await steps
        except SentAway as away:
            attendee.move(AttendeeTrigger.SENT_AWAY, away.reason)
            with suppress(SentAway, Moved):  # sent away twice is sent away once
                await attendee.leg.play(*away.told)
            return Outcome.released(away.reason)
        finally:
            del self._attendees[attendee.call.id]
            attendee.move(AttendeeTrigger.LEFT)

    async def _come(self, attendee: Attendee, visit: "Visit") -> NoReturn:
        """A caller: the welcome, his code, the meeting."""
        await self._welcome(attendee)
        key = visit.direct or await self._read_code(attendee, visit.flow)
        if visit.direct:
            attendee.move(AttendeeTrigger.NO_CODE_WANTED)
        await self._attend(attendee, visit.flow, key)

    async def _fetch(self, attendee: Attendee, leg: OutgoingLeg, meeting: Meeting) -> NoReturn:
        """Somebody whom we call: his answer, the meeting."""
        meeting.expected.add(leg)
        try:
            await leg.answered()
        finally:
            meeting.expected.discard(leg)
        attendee.move(AttendeeTrigger.ANSWERED)
        attendee.move(AttendeeTrigger.NO_CODE_WANTED)
        await self._attend(attendee, self._rooms.call_flow(attendee.call.did), self._key(meeting, attendee.role))

    async def _succeed(self, attendee: Attendee, key: Key) -> NoReturn:
        """Somebody in the place of another."""
        await attendee.leg.answer()
        attendee.move(AttendeeTrigger.ANSWERED)
        attendee.move(AttendeeTrigger.NO_CODE_WANTED)
        await self._attend(attendee, self._rooms.call_flow(attendee.call.did), key, in_place=True)

    def _visit(self, call: Call) -> "Visit":
        flow = self._rooms.call_flow(call.did)
        properties = self._rooms.properties(call.did, flow)
        if flow in DIRECT_FLOWS:
            return Visit(flow, properties, self._rooms.direct(call.did, flow))
        self._codes.refuse_guessers(call, properties)
        return Visit(flow, properties, None)

    # ---- before the room

    async def _welcome(self, attendee: Attendee) -> None:
        await attendee.leg.answer()
        attendee.move(AttendeeTrigger.ANSWERED)
        properties = attendee.properties
        if properties.did_welcomeprompt_enabled:
            await attendee.leg.play(source(properties.did_welcomeprompt, "conference/welcome"), barge_in=True)

    async def _read_code(self, attendee: Attendee, flow: str) -> Key:
        """Asks for a code until a right one comes. Raises `SentAway` after the last try."""
        properties = attendee.properties
        asked = ["enter_access_code"]
        attendee.move(AttendeeTrigger.CODE_WANTED)
        for tries_left in reversed(range(properties.conference_code_tries)):
            entered = await collect(attendee.leg, self._codes.code(properties), *said(properties, *asked))
            attendee.move(AttendeeTrigger.CODE_GIVEN, f"{len(entered.digits)} keys, {entered.ended_by}")
            key = self._codes.open(flow, entered.digits, attendee)
            if key is not None:
                attendee.access_code = entered.digits
                attendee.move(AttendeeTrigger.RIGHT_CODE, f"{key.role} of {key.room.name}")
                return key
            if tries_left:
                attendee.move(AttendeeTrigger.WRONG_CODE)
                asked = ["invalid_access_code", "enter_access_code"] if entered.digits else ["enter_access_code"]
        goodbye = "too_many_attempts_goodbye" if entered.digits else "goodbye"
        raise SentAway("no valid code", *said(properties, goodbye))

    # ---- in the room

    async def _attend(self, attendee: Attendee, flow: str, key: Key, *, in_place: bool = False) -> NoReturn:
        """One meeting after the other: until `SentAway` or the hang-up. `in_place`: of another, in the first one."""
        while True:
            try:
                await self._meet(attendee, flow, key, in_place=in_place)
            except Moved as moved:
                attendee.move(AttendeeTrigger.MOVED, f"to {moved.key.room.name}")
                attendee.leg.hush()
                key, in_place = moved.key, False

    async def _meet(self, attendee: Attendee, flow: str, key: Key, *, in_place: bool) -> NoReturn:
        """Greeting, entry, and the meeting itself: until `SentAway`, `Moved` or the hang-up."""
        attendee.properties = self._rooms.properties(attendee.call.did, flow, key.room)
        meeting = self._meeting(key, attendee.properties)
        try:
            meeting.admit(attendee, key.role, in_place=in_place)
            if not in_place:
                await attendee.leg.play(*self._greeting(attendee, meeting), barge_in=True)
            if meeting.recording.path is not None:
                await attendee.leg.play(*meeting.notices("recording_started"))  # no key skips this one
            meeting.enter(attendee)
            if attendee.state in WHY_HE_HEARS_MUSIC:
                attendee.hear(WHY_HE_HEARS_MUSIC[attendee.state])
            await serve(Attendance(attendee, meeting, key.place, self._codes))
        finally:
            meeting.leave(attendee)

    def _greeting(self, attendee: Attendee, meeting: Meeting) -> tuple[Source, ...]:
        """Role, how many others are there, and what holds in the room: each where the properties want it."""
        properties, role = attendee.properties, attendee.role
        greeting: list[Source] = []
        if properties.conference_welcomeprompt_enabled:
            greeting.append(source(properties.conference_welcomeprompt, f"conference/{WELCOME_BY_ROLE[role]}"))
        if role.letter in properties.conference_announceparticipantcount_policy:
            greeting += others(meeting.head_count())
        if properties.conference_prompts_enabled:
            greeting += prompts(*_what_holds(attendee, meeting))
        return tuple(greeting)

    # ---- the meetings

    def meetings(self) -> tuple[MeetingView, ...]:
        """All meetings as they are now, those that are closing too."""
        return tuple(meeting.view() for meeting in (*self._open.values(), *self._closing.values()))

    def meeting(self, room: str) -> Meeting | None:
        """The meeting that is live in a room, by the name it had when the meeting began; rooms of the plan first."""
        named = [(place, meeting) for place, meeting in self._open.items() if meeting.room == room]
        return min(named, key=lambda found: not found[0][1])[1] if named else None

    def live_meetings(self) -> tuple[Meeting, ...]:
        return tuple(self._open.values())

    @property
    def sid(self) -> str:
        """Of the endpoint in the store; nothing where there is no store."""
        return self._rooms.account.sid

    def attendees(self) -> tuple[Attendee, ...]:
        """Everybody who is on his way into a meeting, in one, or on his way out."""
        return tuple(self._attendees.values())

    def every_meeting(self) -> tuple[Meeting, ...]:
        """Those that are closing too."""
        return (*self._open.values(), *self._closing.values())

    def key_to(self, sid: str, role: Role) -> Key | None:
        """What leads to a room, or to a meeting that takes people, by its sid; None where there is none."""
        room = self._rooms.room(sid)
        if room is not None:
            return Key(room, role)
        meeting = next((meeting for meeting in self._open.values() if meeting.id == sid), None)
        return None if meeting is None else self._key(meeting, role)

    def _key(self, meeting: Meeting, role: Role) -> Key:
        """What opens the room of a meeting, also where the plan does not have that room any more."""
        place, is_of_plan = meeting.place
        room = self._rooms.room(place) if is_of_plan else None
        return Key(room, role) if room is not None else Key(MeetingRoom(name=meeting.room), role, is_of_plan=False)

    async def close(self) -> None:
        """Ends all meetings; for when the program stops."""
        for meeting in self.live_meetings():
            meeting.end()

    def _meeting(self, key: Key, properties: Properties) -> Meeting:
        meeting = self._open.get(key.place)
        if meeting is None:
            meeting = self._open[key.place] = Meeting(
                key.room.name,
                properties if key.may_bring_hosts else without_hosts(properties),
                place=key.place,
                engine=self._engine,
                events=self._events,
                recordings=self._recordings,
                on_move=partial(self._on_move, key.place),
            )
        return meeting

    def _on_move(self, place: Place, meeting: Meeting) -> None:
        """A meeting that closes makes room for the next one in its room; one that has ended is forgotten."""
        if meeting.state in (MeetingState.CLOSING, MeetingState.ENDED) and self._open.get(place) is meeting:
            del self._open[place]
            self._closing[meeting.id] = meeting
        if meeting.state is MeetingState.ENDED:
            self._closing.pop(meeting.id, None)


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a call before it is answered; `direct` is what the number opens without a code."""

    flow: str
    properties: Properties
    direct: Key | None


def _what_holds(attendee: Attendee, meeting: Meeting) -> tuple[str, ...]:
    """Notices that those who are in the room have heard before he came."""
    is_muted = attendee.role is not Role.LISTENER and attendee.mute.muted
    return (
        *(("locked",) if meeting.locked else ()),
        *(("you_are_muted",) if is_muted else ()),
    )
