"""When a meeting starts and when it stops: the rules, their one timer, and `MEETING_TABLE`.

The meeting tells who arrived and who left; what has to happen then it is told through `Owner`. Nothing here knows of
audio or calls.
"""

import asyncio
from typing import Protocol

from softswitch.endpoints.conference.properties import Properties, StartHow, StopHow
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.states import MEETING_TABLE, MeetingState, MeetingTrigger

COMING_S = 0.5
"""So often it is asked whether somebody who is on his way in has come: a greeting takes a few seconds."""


class Owner(Protocol):
    """What a meeting does when its lifetime says so."""

    @property
    def is_empty(self) -> bool: ...

    @property
    def has_host(self) -> bool:
        """Among those who have arrived."""

    def awaits(self, *, host: bool) -> bool:
        """Whether somebody is on his way in, hearing his greeting; with `host`, a host."""

    def moved(self, before: MeetingState, after: MeetingState, why: str) -> None: ...

    def start(self) -> None:
        """Those who wait are let in."""

    def vacate(self) -> None:
        """Nobody is left: recording and rooms are given up; who comes back opens them again."""

    def say_goodbye(self) -> float:
        """Those who are left are told that it is over; returns how many seconds that takes."""

    def release(self, why: str) -> None:
        """Those who are left are sent away."""


class Lifetime:
    """The life of one meeting, from its first attendee to the moment when nobody is left."""

    __slots__ = ("_loop", "_owner", "_properties", "_stop_needs_host", "_timer", "started_at", "state")

    def __init__(self, owner: Owner, properties: Properties) -> None:
        self.state = MEETING_TABLE.initial
        self.started_at: float | None = None
        self._owner = owner
        self._properties = properties
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._stop_needs_host = False

    def arrived(self, role: Role) -> None:
        """Somebody of this role comes in, or takes it."""
        if self.state is MeetingState.WAITING:
            self._start_for(role)
        elif self.state is MeetingState.STOPPING and (role is Role.HOST or not self._stop_needs_host):
            self._cancel_timer()
            self._move(MeetingTrigger.STOP_RULE_UNDONE)

    def left(self, role: Role | None) -> None:
        """Somebody of this role is gone, or gave it up. None: he had not arrived, and matters only as the last."""
        is_empty = self._owner.is_empty
        if is_empty:
            self._owner.vacate()
        if self.state is MeetingState.LIVE:
            self._consider_stop(role, is_empty)
        elif is_empty and self.state is not MeetingState.STOPPING:
            self._finish()
        if is_empty and self._properties.conference_start_how is StartHow.FIRST:
            self._stop_needs_host = False  # whoever comes now would start a meeting too

    def end(self) -> None:
        """Stops now, unless it is closing already."""
        if MEETING_TABLE.allows(self.state, MeetingTrigger.ENDED_ON_REQUEST):
            self._close(MeetingTrigger.ENDED_ON_REQUEST)

    def _start_for(self, role: Role) -> None:
        if self._properties.conference_start_how is StartHow.FIRST or role is Role.HOST:
            self._move(MeetingTrigger.START_RULE_MET)
            self.started_at = self._loop.time()
            self._owner.start()

    def _consider_stop(self, role: Role | None, is_empty: bool) -> None:
        host_counts = role is Role.HOST and self._properties.conference_stop_how is StopHow.HOST
        last_host_left = host_counts and not self._owner.has_host
        if is_empty or last_host_left:
            self._stop_needs_host = last_host_left
            self._move(MeetingTrigger.STOP_RULE_MET)
            self._wait_to_close()

    def _wait_to_close(self) -> None:
        wait_s = self._properties.conference_stop_wait
        if wait_s:
            self._timer = self._loop.call_later(wait_s, self._time_is_up)
        else:
            self._time_is_up()

    def _time_is_up(self) -> None:
        """Nobody is thrown out who has the right code and would undo this as soon as his greeting is over."""
        if self._owner.awaits(host=self._stop_needs_host):
            self._timer = self._loop.call_later(COMING_S, self._time_is_up)
        else:
            self._close(MeetingTrigger.TIME_IS_UP)

    def _close(self, trigger: MeetingTrigger) -> None:
        self._cancel_timer()
        self._move(trigger)
        if self._owner.is_empty:
            self._finish()
        else:
            goodbye_s = self._owner.say_goodbye()
            self._timer = self._loop.call_later(goodbye_s, self._owner.release, f"conference ended: {trigger}")

    def _finish(self) -> None:
        self._owner.vacate()  # whoever acts from outside may have opened something again
        self._cancel_timer()
        self._move(MeetingTrigger.EMPTY)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self, trigger: MeetingTrigger) -> None:
        before, self.state = self.state, MEETING_TABLE.after(self.state, trigger)
        self._owner.moved(before, self.state, trigger)
