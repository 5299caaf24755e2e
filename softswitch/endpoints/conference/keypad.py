"""The keys an attendee presses during the meeting, from his entry to his goodbye.

`serve` is where the task of a call spends the meeting: it waits for keys, and for nothing else. It never returns; the
attendee's hang-up cancels it, and whoever sends him away raises `SentAway` in it. A key cuts short what he alone is
being told, help or a menu.
"""

import asyncio
from typing import NoReturn

from softswitch.endpoints.conference.actions import ACTIONS, Attendance
from softswitch.endpoints.conference.attendee import SentAway
from softswitch.endpoints.conference.bindings import FOR_HOSTS, Action, BindingMatcher
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.states import AttendeeState


async def serve(attendance: Attendance) -> NoReturn:
    """Waits for keys and acts on them. Raises `SentAway` where the start of the meeting was waited for in vain."""
    attendee = attendance.attendee
    clock = asyncio.get_running_loop().time
    matcher = BindingMatcher(attendee.properties.bindings)
    give_up_at = clock() + attendee.properties.conference_start_wait
    while True:
        wake_at = _earliest(matcher.deadline_at, give_up_at if attendee.state is AttendeeState.WAITING else None)
        digit = await attendee.leg.next_digit(None if wake_at is None else wake_at - clock(), aloud=True)
        if digit is not None:
            attendee.leg.hush()
        for action in matcher.expire(clock()) if digit is None else matcher.press(digit, clock()):
            await _act(attendance, action)
        if attendee.state is AttendeeState.WAITING and clock() >= give_up_at:
            raise SentAway("the meeting did not start", *attendance.meeting.notices("conference_not_started_goodbye"))


async def _act(attendance: Attendance, action: Action) -> None:
    if action in FOR_HOSTS and attendance.attendee.role is not Role.HOST:
        attendance.attendee.hear("no_permission")
    else:
        await ACTIONS[action](attendance)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
