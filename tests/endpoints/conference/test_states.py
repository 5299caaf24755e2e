"""The two tables of a conference."""

import pytest

from softswitch.call import Table
from softswitch.endpoints.conference.states import (
    ATTENDEE_TABLE,
    MEETING_TABLE,
    AttendeeState,
    AttendeeTrigger,
    MeetingState,
)

TABLES = [ATTENDEE_TABLE, MEETING_TABLE]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_is_reached_and_only_the_last_has_no_way_out(table: Table) -> None:  # type: ignore[type-arg]
    states = set(type(table.initial))
    reached = {after for _, _, after in table.moves()} | {table.initial}
    ends = states - set(table.rows)
    assert reached == states
    assert ends in ({AttendeeState.GONE}, {MeetingState.ENDED})


def test_an_attendee_can_hang_up_in_every_state() -> None:
    for state in set(AttendeeState) - {AttendeeState.GONE}:
        assert ATTENDEE_TABLE.after(state, AttendeeTrigger.LEFT) is AttendeeState.GONE
