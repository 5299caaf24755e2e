"""One caller of a conference, from the answer to the goodbye: his call, his role, his mute, his state.

The task of his call runs him (`conference`, `keypad`); the meeting that he is in changes him (`meeting`). It sends him
away by `SentAway`, which is raised where his task waits.
"""

from typing import TYPE_CHECKING

from media import Source
from softswitch.call import Call, Leg
from softswitch.endpoints.conference.prompts import prompts
from softswitch.endpoints.conference.properties import Properties
from softswitch.endpoints.conference.roles import Mute, Role
from softswitch.endpoints.conference.states import ATTENDEE_TABLE, AttendeeState, AttendeeTrigger
from softswitch.endpoints.conference.views import AttendeeView

if TYPE_CHECKING:
    from softswitch.endpoints.conference.meeting import Meeting
    from softswitch.endpoints.conference.rooms import Key

PRESENT = frozenset({AttendeeState.WAITING, AttendeeState.TALKING, AttendeeState.ON_HOLD})
OUT = frozenset({AttendeeState.LEAVING, AttendeeState.GONE})


class SentAway(Exception):  # noqa: N818 - a decision, not an error
    """The attendee has to leave: what he is told, and how his call ends."""

    def __init__(self, reason: str, *told: Source) -> None:
        super().__init__(reason)
        self.reason = reason
        self.told = told


class Moved(Exception):  # noqa: N818 - a decision, not an error
    """The attendee goes on in another room, as what `key` opens."""

    def __init__(self, key: "Key") -> None:
        super().__init__(key)
        self.key = key


class Attendee:
    """See above. `on_hold` is his own hold; whether his role is on hold is the meeting's matter."""

    __slots__ = (
        "access_code",
        "call",
        "entered_at",
        "hand_raised",
        "is_sent_away",
        "leg",
        "meeting",
        "mute",
        "name",
        "on_hold",
        "properties",
        "role",
        "state",
    )

    def __init__(self, call: Call, properties: Properties) -> None:
        self.call = call
        self.leg: Leg = call.caller
        self.properties = properties
        self.access_code = ""
        self.meeting: Meeting | None = None
        self.name = ""
        self.role = Role.PARTICIPANT
        self.mute = Mute(self.role)
        self.on_hold = False
        self.hand_raised = False
        self.is_sent_away = False
        self.state = ATTENDEE_TABLE.initial
        self.entered_at: float | None = None
        call.record(self.state, "conference")

    def __repr__(self) -> str:
        return f"<Attendee {self.call.id} {self.role} {self.state} {self.leg!r}>"

    @property
    def is_present(self) -> bool:
        """In the meeting: waiting for it, talking, or on hold."""
        return self.state in PRESENT

    @property
    def speaks(self) -> bool:
        """Whether he is mixed: neither muted, nor a phone on hold, which would play its music to all."""
        return not self.mute.muted and not self.leg.holds_us

    def move(self, trigger: AttendeeTrigger, why: str = "") -> None:
        """The next state by the table; a step in the story of the call."""
        self.state = ATTENDEE_TABLE.after(self.state, trigger)
        self.call.record(self.state, why or trigger)

    def hear(self, *names: str) -> None:
        """Tells him alone, if notices are on."""
        if self.properties.conference_prompts_enabled:
            self.leg.say(*prompts(*names))

    def send_away(self, reason: str, *names: str) -> None:
        """Ends his stay from outside of his own task; nothing for one who is leaving already."""
        if self.state in OUT:
            return
        self.is_sent_away = True
        told = prompts(*names) if self.properties.conference_prompts_enabled else ()
        self.leg.interrupt(SentAway(reason, *told))

    def go_to(self, key: "Key") -> None:
        """Moves him to another room from outside of his own task; nothing for one who is not in a meeting, or
        has been sent away in the same moment."""
        if self.is_present and not self.is_sent_away:
            self.leg.interrupt(Moved(key))

    def view(self, now: float, on_hold: bool) -> AttendeeView:
        return AttendeeView(
            self.call.id,
            self.call.from_number,
            self.name,
            self.role,
            self.state,
            self.mute.muted,
            self.leg.talking,
            on_hold,
            self.hand_raised,
            0.0 if self.entered_at is None else now - self.entered_at,
            self.leg.stream.statistics() if self.is_present else None,
        )
