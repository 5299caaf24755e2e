"""The room on the terminal: every column where it was, whoever talks, and numbers told apart when it is narrow."""

import io

from msgspec.structs import replace
from rich.console import Console

from softswitch.demo.view import WIDTHS, room_view
from softswitch.endpoints.conference.views import AttendeeView, MeetingView
from tests.gateway.figures import GOOD

WIDTH = 80


def attendee(number: str, *, level_db: float | None) -> AttendeeView:
    """Somebody who talks at that level, or (None) does not."""
    return AttendeeView(
        call_id=number,
        number=number,
        name="",
        role="participant",
        state="in",
        muted=False,
        talking=level_db is not None,
        on_hold=False,
        hand_raised=False,
        duration_s=1.0,
        quality=replace(GOOD, level_db=level_db if level_db is not None else -96.0),
    )


def lines_of(*attendees: AttendeeView, width: int = WIDTH) -> list[str]:
    meeting = MeetingView("m", "standup", "running", 1.0, False, "", "", "", 0, len(attendees), 0, attendees)
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as printed:
        console.print(room_view(meeting, 1.0, "", ""))
    return printed.get().splitlines()


def row_of(number: str, lines: list[str]) -> str:
    return next(line for line in lines if number[-4:] in line)


def test_columns_stay_where_they_are_when_the_bar_of_a_talker_grows() -> None:
    number = "13105550101"
    quiet, loud = (row_of(number, lines_of(attendee(number, level_db=level))) for level in (-48.0, -5.0))
    assert (
        quiet.index("ms") == loud.index("ms") == row_of(number, lines_of(attendee(number, level_db=None))).index("ms")
    )


def test_a_narrow_terminal_still_tells_the_callers_apart() -> None:
    lines = lines_of(attendee("13105550101", level_db=None), attendee("13105550120", level_db=None), width=60)
    assert row_of("13105550101", lines) != row_of("13105550120", lines)
    assert all(name in " ".join(lines) for name in WIDTHS)
