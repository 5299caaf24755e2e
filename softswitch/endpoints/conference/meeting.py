"""A meeting: a meeting room while somebody is in it. Who may enter, when it starts and stops, who hears whom.

Everything here is immediate: callers' tasks, hosts' keys and the outside call plain methods, and the media follows.
Nothing waits: when the meeting starts and stops is the business of its `Lifetime`. A meeting that has begun to close
takes nobody in any more, and the next caller of its room opens another one (`on_move` hears of it).
"""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

from media import Engine, Source
from softswitch.call import Events, Leg
from softswitch.endpoints.conference.attendee import Attendee, SentAway
from softswitch.endpoints.conference.floor import Floor
from softswitch.endpoints.conference.lifetime import Lifetime
from softswitch.endpoints.conference.prompts import ENTRY_TONE, EXIT_TONE, NOTICE_BY_MODE, prompts, source
from softswitch.endpoints.conference.properties import Properties
from softswitch.endpoints.conference.recording import MeetingRecording
from softswitch.endpoints.conference.report import Report
from softswitch.endpoints.conference.roles import Mute, MuteMode, Role, enter
from softswitch.endpoints.conference.rooms import Place
from softswitch.endpoints.conference.states import AttendeeState, AttendeeTrigger, MeetingState
from softswitch.endpoints.conference.views import MeetingView
from softswitch.errors import CallRejected

TONE_GAP_S = 1.0
"""Chimes are at least so far apart: a hundred people who come at once are one chime."""

HOLDABLE = frozenset({Role.PARTICIPANT.letter, Role.LISTENER.letter})


class Meeting:
    """One live meeting of one room."""

    __slots__ = (
        "_floor",
        "_lifetime",
        "_loop",
        "_on_move",
        "_report",
        "_tone_at",
        "attendees",
        "created_at",
        "entry_tones",
        "exit_tones",
        "expected",
        "id",
        "locked",
        "mute_mode",
        "on_hold",
        "place",
        "properties",
        "recording",
        "room",
    )

    def __init__(
        self,
        room: str,
        properties: Properties,
        *,
        place: Place,
        engine: Engine,
        events: Events,
        recordings: Path,
        on_move: Callable[["Meeting"], None],
    ) -> None:
        self.id = str(uuid.uuid4())
        self.room = room
        self.properties = properties
        self.place = place
        self.attendees: dict[str, Attendee] = {}
        self.expected: set[Leg] = set()
        """Those who are being called to it, and have not answered yet."""
        self.mute_mode = MuteMode.FALSE
        self.on_hold = ""
        self.locked = False
        self.entry_tones = properties.conference_entrytones_enabled
        self.exit_tones = properties.conference_exittones_enabled
        self._loop = asyncio.get_running_loop()
        self.created_at = self._loop.time()
        self._on_move = on_move
        self._lifetime = Lifetime(self, properties)
        self._report = Report(events, self._loop.time, self.id, room)
        music = source(properties.conference_moh, "music/hold") if properties.conference_moh_enabled else None
        self._floor = Floor(engine, f"{room} {self.id[:8]}", music)
        self.recording = MeetingRecording(self._floor, recordings, room, self.id, self._on_recording)
        self._tone_at = 0.0
        self._report.moved("", self.state, "the first attendee")

    def __repr__(self) -> str:
        return f"<Meeting {self.id[:8]} {self.room!r} {self.state} {len(self.attendees)} attendees>"

    # ---- coming and going

    def admit(self, attendee: Attendee, role: Role, *, in_place: bool = False) -> None:
        """Keeps a place. Raises `SentAway` when the room is locked (hosts may enter all the same) or full, but not for
        somebody who comes `in_place` of another."""
        maximum = self.properties.conference_maximum_attendees
        if self.locked and role is not Role.HOST and not in_place:
            raise SentAway("room is locked", *self.notices("room_is_locked"))
        if maximum and len(self.attendees) >= maximum and not in_place:
            raise SentAway("room is full", *self.notices("room_is_full"))
        attendee.role = role
        self._note(attendee)
        attendee.mute = enter(role, attendee.properties.conference_mute_policy, self.mute_mode)
        attendee.meeting = self
        self.attendees[attendee.call.id] = attendee

    def enter(self, attendee: Attendee) -> None:
        """The attendee has heard his greeting and comes in."""
        attendee.entered_at = self._loop.time()
        attendee.leg.on_talk = lambda talking: self._tell(attendee, "talking", talking)
        attendee.leg.on_hold = lambda _: self._apply_speech(attendee)
        self._lifetime.arrived(attendee.role)
        if self.state is MeetingState.WAITING:
            attendee.move(AttendeeTrigger.NOT_STARTED)
            self._floor.wait(attendee.leg)
        else:
            self._let_in(attendee)
        self._tell(attendee, "entered", attendee.role)

    def leave(self, attendee: Attendee) -> None:
        """The attendee is gone, or about to hear his goodbye. Harmless when he was not in."""
        if self.attendees.pop(attendee.call.id, None) is None:
            return
        attendee.meeting = None
        attendee.leg.on_talk = attendee.leg.on_hold = None
        was_in = attendee.is_present
        self._floor.leave(attendee.leg)
        if was_in:
            self._tell(attendee, "left", attendee.role)
            if self.attendees and self.exit_tones and attendee.state is AttendeeState.TALKING:
                self._chime(EXIT_TONE)
        self._lifetime.left(attendee.role if was_in else None)

    def _let_in(self, attendee: Attendee) -> None:
        if self.is_held(attendee):
            attendee.move(AttendeeTrigger.PUT_ON_HOLD)
            self._floor.wait(attendee.leg)
            return
        attendee.move(AttendeeTrigger.LET_IN)
        self._floor.talk(attendee.leg, speaks=attendee.speaks)
        if self.entry_tones:
            self._chime(ENTRY_TONE)

    # ---- what its lifetime asks of it

    @property
    def state(self) -> MeetingState:
        return self._lifetime.state

    @property
    def is_empty(self) -> bool:
        return not self.attendees

    @property
    def has_host(self) -> bool:
        return any(attendee.role is Role.HOST and attendee.is_present for attendee in self.attendees.values())

    def awaits(self, *, host: bool) -> bool:
        coming = (attendee for attendee in self.attendees.values() if attendee.state is AttendeeState.ENTERING)
        return any(attendee.role is Role.HOST or not host for attendee in coming)

    def moved(self, before: str, after: str, why: str) -> None:
        self._report.moved(before, after, why)
        if after == MeetingState.STOPPING and not self.is_empty:
            self.tell_all("host_left")
        if after in (MeetingState.CLOSING, MeetingState.ENDED):
            for leg in self.expected:
                leg.interrupt(CallRejected(487, "The meeting is over", q850=16))
        self._on_move(self)

    def start(self) -> None:
        """Those who wait are let in."""
        for attendee in self.attendees.values():
            if attendee.state is AttendeeState.WAITING:
                attendee.leg.hush()
                self._let_in(attendee)

    def vacate(self) -> None:
        """Nobody is left: the media is given up, and opened again by who comes back."""
        self.recording.stop()
        self._floor.close()

    def say_goodbye(self) -> float:
        """The meeting is over: tells all, and returns how many seconds that takes."""
        self.recording.stop()
        told = self.notices("conference_ended", "goodbye")
        self._floor.tell_all(*told)
        self._floor.tell_aside(*told)
        return self._floor.duration_s(*told)

    def release(self, why: str) -> None:
        for attendee in self.attendees.values():
            attendee.send_away(why)

    # ---- what hosts and the outside do to the whole meeting

    def set_mute_mode(self, mode: MuteMode) -> None:
        """CarrierX `participant_muted`; each change holds for every participant anew."""
        self.mute_mode = mode
        for attendee in self.attendees.values():
            self._set_mute(attendee, attendee.mute.under(mode))
        unmuted_but_listeners = mode is MuteMode.FALSE and self._count(Role.LISTENER)
        self.tell_all("listeners_only_muted" if unmuted_but_listeners else NOTICE_BY_MODE[mode])
        self._report.changed("participant_muted", mode)

    def set_locked(self, locked: bool) -> None:
        """A locked room lets in hosts only."""
        self.locked = locked
        self.tell_all("locked" if locked else "unlocked")
        self._report.changed("locked", locked)

    def set_on_hold(self, letters: str) -> None:
        """Puts roles on hold, and takes off those that are not named. Raises ValueError for other than p and l."""
        if not set(letters) <= HOLDABLE:
            raise ValueError(f"{letters!r} holds other letters than p and l")
        self.on_hold = "".join(sorted(set(letters), reverse=True))
        for attendee in self.attendees.values():
            self._apply_hold(attendee)
        self.tell_all("on_hold" if self.on_hold else "off_hold")
        if self.on_hold and self.properties.conference_prompts_enabled:
            self._floor.tell_aside(*prompts("on_hold"))
        self._report.changed("on_hold", self.on_hold)

    def set_tones(self, enabled: bool) -> None:
        """Entry and exit tones, as long as this meeting lasts."""
        self.entry_tones = self.exit_tones = enabled
        self._report.changed("tones", "on" if enabled else "off")

    def start_recording(self) -> None:
        """Records what is heard in the room; announced to all. Nothing happens when it already runs."""
        self.recording.start()

    def stop_recording(self) -> None:
        self.recording.stop()

    def play(self, source: Source) -> float:
        """Plays to all who talk, over their talk; returns how many seconds it takes. Raises `MediaError`."""
        return self._floor.play(source)

    def end(self) -> None:
        """Everybody is told goodbye and released. Harmless when the meeting is closing already."""
        self._lifetime.end()

    # ---- what is done to one attendee

    def mute(self, attendee: Attendee, muted: bool) -> None:
        """Mutes or unmutes one attendee, who is told. A listener stays muted whatever is asked."""
        if self._set_mute(attendee, attendee.mute.set(muted)):
            attendee.hear("you_are_muted" if muted else "you_are_unmuted")

    def hold(self, attendee: Attendee, on_hold: bool) -> None:
        """Puts one attendee, of any role, on hold for himself; he is told."""
        attendee.on_hold = on_hold
        self._apply_hold(attendee)
        attendee.hear("on_hold" if self.is_held(attendee) else "off_hold")

    def change_role(self, attendee: Attendee, role: Role) -> None:
        """Another role, with all that goes with it: mute, hold, and the rules that count hosts."""
        if role is attendee.role:
            return
        before, attendee.role = attendee.role, role
        self._set_mute(attendee, attendee.mute.as_role(role, self.mute_mode))
        if attendee.is_present:
            self._lifetime.arrived(role)
            self._lifetime.left(before)
        self._apply_hold(attendee)
        self._note(attendee)
        self._tell(attendee, "role", role)

    def rename(self, attendee: Attendee, name: str) -> None:
        attendee.name = name
        self._tell(attendee, "name", name)

    def raise_hand(self, attendee: Attendee, raised: bool) -> None:
        attendee.hand_raised = raised
        self._tell(attendee, "hand_raised", raised)

    def kick(self, attendee: Attendee) -> None:
        """Sends one attendee away; he is told so."""
        attendee.send_away("removed by a host", "removed_by_host")

    def is_held(self, attendee: Attendee) -> bool:
        return attendee.on_hold or attendee.role.letter in self.on_hold

    def _set_mute(self, attendee: Attendee, mute: Mute) -> bool:
        """Whether that muted or unmuted him."""
        before, attendee.mute = attendee.mute, mute
        if mute.muted == before.muted:
            return False
        self._apply_speech(attendee)
        self._tell(attendee, "muted", mute.muted)
        return True

    def _apply_speech(self, attendee: Attendee) -> None:
        if attendee.state is AttendeeState.TALKING:
            self._floor.talk(attendee.leg, speaks=attendee.speaks)

    def _apply_hold(self, attendee: Attendee) -> None:
        held = self.is_held(attendee)
        if held and attendee.state is AttendeeState.TALKING:
            attendee.move(AttendeeTrigger.PUT_ON_HOLD)
            self._floor.wait(attendee.leg)
        elif not held and attendee.state is AttendeeState.ON_HOLD:
            attendee.move(AttendeeTrigger.TAKEN_OFF_HOLD)
            self._floor.talk(attendee.leg, speaks=attendee.speaks)
        else:
            return
        self._tell(attendee, "on_hold", held)

    # ---- what is heard by all

    def tell_all(self, *names: str) -> None:
        """A notice to everybody who talks, if notices are on."""
        self._floor.tell_all(*self.notices(*names))

    def notices(self, *names: str) -> tuple[Source, ...]:
        """Notices as sources: none where they are off."""
        return prompts(*names) if self.properties.conference_prompts_enabled else ()

    def _chime(self, tone: Source) -> None:
        now = self._loop.time()
        if now - self._tone_at >= TONE_GAP_S:
            self._tone_at = now
            self._floor.chime(tone)

    # ---- what is seen

    @property
    def duration_s(self) -> float:
        """Since it started; 0 before."""
        started_at = self._lifetime.started_at
        return 0.0 if started_at is None else self._loop.time() - started_at

    def head_count(self) -> int:
        """How many are in: those who still hear their greeting are not."""
        return sum(attendee.is_present for attendee in self.attendees.values())

    def view(self) -> MeetingView:
        """Everything about it, at this moment."""
        now = self._loop.time()
        return MeetingView(
            self.id,
            self.room,
            self.state,
            self.duration_s,
            self.locked,
            self.on_hold,
            self.mute_mode,
            str(self.recording.path or ""),
            self._count(Role.HOST),
            self._count(Role.PARTICIPANT),
            self._count(Role.LISTENER),
            tuple(attendee.view(now, self.is_held(attendee)) for attendee in self.attendees.values()),
        )

    def _count(self, role: Role) -> int:
        return sum(attendee.role is role for attendee in self.attendees.values())

    # ---- what is told

    def _note(self, attendee: Attendee) -> None:
        attendee.call.notes = {"room": self.room, "role": attendee.role.value}

    def _tell(self, attendee: Attendee, what: str, value: str | bool) -> None:
        self._report.attendee(attendee.call.id, what, value)

    def _on_recording(self, state: str, path: Path, reason: str) -> None:
        told = self.notices(f"recording_{state}")
        self._floor.tell_all(*told)
        self._floor.tell_aside(*told)  # they will be in it
        self._report.recording(state, path, reason)
