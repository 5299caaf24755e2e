"""What the keys do, one function an action. Whether somebody may do it is asked before (`bindings.FOR_HOSTS`)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from softswitch.call import collect
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.conference.bindings import Action
from softswitch.endpoints.conference.codes import CodeGuard
from softswitch.endpoints.conference.meeting import Meeting
from softswitch.endpoints.conference.prompts import WELCOME_BY_ROLE, help_for, others, prompts
from softswitch.endpoints.conference.roles import MuteMode, Role
from softswitch.endpoints.conference.rooms import Place

MODE_BY_MENU_KEY = {"1": MuteMode.FALSE, "2": MuteMode.RELAXED, "3": MuteMode.TRUE}


@dataclass(frozen=True, slots=True)
class Attendance:
    """An attendee, the meeting that he is in, and the codes that may give him another role there."""

    attendee: Attendee
    meeting: Meeting
    place: Place
    codes: CodeGuard


async def mute_self(attendance: Attendance) -> None:
    attendee = attendance.attendee
    if attendee.mute.muted and not attendee.mute.may_unmute:
        attendee.hear("you_cannot_unmute")
    else:
        attendance.meeting.mute(attendee, not attendee.mute.muted)


async def next_mute_mode(attendance: Attendance) -> None:
    attendance.meeting.set_mute_mode(attendance.meeting.mute_mode.next)


async def mute_menu(attendance: Attendance) -> None:
    """One more key: 1 mutes listeners only, 2 participants too, who may unmute themselves, 3 who may not."""
    attendee = attendance.attendee
    attendee.hear("mute_menu")
    key = await attendee.leg.next_digit(attendee.properties.conference_code_first_digit_wait)
    attendee.leg.hush()
    mode = MODE_BY_MENU_KEY.get(key or "")
    if mode is not None:
        attendance.meeting.set_mute_mode(mode)


async def hold(attendance: Attendance) -> None:
    meeting = attendance.meeting
    meeting.set_on_hold("" if meeting.on_hold else "pl")


async def lock(attendance: Attendance) -> None:
    meeting = attendance.meeting
    meeting.set_locked(not meeting.locked)


async def record(attendance: Attendance) -> None:
    meeting = attendance.meeting
    if not attendance.attendee.properties.conference_recording_enabled:
        attendance.attendee.hear("no_permission")
    elif meeting.recording.path is None:
        meeting.start_recording()
    else:
        meeting.stop_recording()


async def tones(attendance: Attendance) -> None:
    enabled = not attendance.meeting.entry_tones
    attendance.meeting.set_tones(enabled)
    attendance.attendee.hear("tones_on" if enabled else "tones_off")


async def raise_hand(attendance: Attendance) -> None:
    raised = not attendance.attendee.hand_raised
    attendance.meeting.raise_hand(attendance.attendee, raised)
    attendance.attendee.hear("hand_raised" if raised else "hand_lowered")


async def give_help(attendance: Attendance) -> None:
    attendee = attendance.attendee
    if attendee.properties.conference_prompts_enabled:
        attendee.leg.say(*help_for(attendee.role, attendee.properties))


async def head_count(attendance: Attendance) -> None:
    if attendance.attendee.properties.conference_prompts_enabled:
        attendance.attendee.leg.say(*others(attendance.meeting.head_count() - 1))


async def role_pin(attendance: Attendance) -> None:
    """Another code of the same room gives its role; a wrong one counts like a wrong one at the door."""
    attendee, codes = attendance.attendee, attendance.codes
    asked = prompts("enter_role_pin") if attendee.properties.conference_prompts_enabled else ()
    entered = await collect(attendee.leg, codes.code(attendee.properties), *asked)
    role = codes.role_in(attendance.place, entered.digits, attendee)
    if role is None:
        attendee.hear("role_pin_invalid")
    else:
        attendance.meeting.change_role(attendee, role)
        muted = ("you_are_muted",) if attendee.mute.muted and role is not Role.LISTENER else ()
        attendee.hear("role_pin_accepted" if role is Role.HOST else WELCOME_BY_ROLE[role], *muted)


ACTIONS: dict[Action, Callable[[Attendance], Awaitable[None]]] = {
    Action.MUTE_SELF: mute_self,
    Action.MUTE_MODE: next_mute_mode,
    Action.MUTE_MENU: mute_menu,
    Action.HOLD: hold,
    Action.LOCK: lock,
    Action.RECORD: record,
    Action.ROLE_PIN: role_pin,
    Action.RAISE_HAND: raise_hand,
    Action.HELP: give_help,
    Action.TONES: tones,
    Action.HEAD_COUNT: head_count,
}
