"""What can happen to a leg, as a table."""

from enum import StrEnum

from softswitch.call.states import Table


class LegState(StrEnum):
    OFFERED = "offered"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class LegTrigger(StrEnum):
    RING = "ring"
    ANSWER = "answer"
    END = "end"


LEG_TABLE = Table(
    "leg",
    LegState.OFFERED,
    {
        LegState.OFFERED: {
            LegTrigger.RING: LegState.RINGING,
            LegTrigger.ANSWER: LegState.ANSWERED,
            LegTrigger.END: LegState.ENDED,
        },
        LegState.RINGING: {
            LegTrigger.RING: LegState.RINGING,
            LegTrigger.ANSWER: LegState.ANSWERED,
            LegTrigger.END: LegState.ENDED,
        },
        LegState.ANSWERED: {LegTrigger.END: LegState.ENDED},
    },
)
