"""One dialout: two numbers that are called one after the other, and put together.

    waiting -> stage one -> announcing -> stage two -> (both talk: the dialout is no more)

Whatever ends it earlier, a refusal of either side or a DELETE, ends it for good: nobody is called twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from softswitch.call import Call, Table


class DialoutState(StrEnum):
    WAITING = "waiting"
    STAGE_ONE = "stage one"
    ANNOUNCING = "announcing"
    STAGE_TWO = "stage two"
    GONE = "gone"


class DialoutTrigger(StrEnum):
    DUE = "due"
    ANSWERED = "answered"
    ANNOUNCED = "announced"
    END = "end"


DIALOUT_TABLE = Table(
    "dialout",
    DialoutState.WAITING,
    {
        DialoutState.WAITING: {DialoutTrigger.DUE: DialoutState.STAGE_ONE, DialoutTrigger.END: DialoutState.GONE},
        DialoutState.STAGE_ONE: {
            DialoutTrigger.ANSWERED: DialoutState.ANNOUNCING,
            DialoutTrigger.END: DialoutState.GONE,
        },
        DialoutState.ANNOUNCING: {
            DialoutTrigger.ANNOUNCED: DialoutState.STAGE_TWO,
            DialoutTrigger.END: DialoutState.GONE,
        },
        DialoutState.STAGE_TWO: {DialoutTrigger.ANSWERED: DialoutState.GONE, DialoutTrigger.END: DialoutState.GONE},
    },
)


@dataclass(slots=True, eq=False)
class Dialout:
    """What a client asked for, and how far it has come. `created_at` is in POSIX seconds."""

    sid: str
    stage_one_destination_did: str
    stage_two_destination_did: str
    redirect_did: str
    delay: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    state: DialoutState = DIALOUT_TABLE.initial
    call: Call | None = None
    """Stage one's, from its INVITE on."""

    @property
    def due_at(self) -> float:
        return self.created_at + self.delay

    @property
    def numbers(self) -> frozenset[str]:
        """None of these may be in another dialout meanwhile."""
        return frozenset({self.stage_one_destination_did, self.stage_two_destination_did, self.redirect_did})

    def move(self, trigger: DialoutTrigger) -> None:
        self.state = DIALOUT_TABLE.after(self.state, trigger)
