"""How far a call between two parties has come, as a table."""

from enum import StrEnum

from softswitch.call.states import Table


class Stage(StrEnum):
    UNCALLED = "nobody called"
    TRYING = "trying"
    RINGING = "ringing"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    TALKING = "talking"
    ON_HOLD = "on hold"
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"


class StageTrigger(StrEnum):
    INVITE = "somebody is called"
    RING = "it rings"
    REFUSE = "one refuses"
    FORWARD = "a user forwards"
    ANSWER = "one answers"
    JOIN = "both are joined"
    HOLD = "one side holds"
    RESUME = "it resumes"
    REFER = "one side asks for a transfer"
    TRANSFERRED = "the other goes on elsewhere"
    NOT_TRANSFERRED = "nobody takes him there"


_BEFORE_THE_ANSWER = {
    StageTrigger.INVITE: Stage.TRYING,
    StageTrigger.RING: Stage.RINGING,
    StageTrigger.ANSWER: Stage.ANSWERED,
    StageTrigger.FORWARD: Stage.FORWARDED,
}
_DURING_THE_TALK = {
    StageTrigger.HOLD: Stage.ON_HOLD,
    StageTrigger.RESUME: Stage.TALKING,
    StageTrigger.REFER: Stage.TRANSFERRING,
}

STAGE_TABLE = Table(
    "two parties",
    Stage.UNCALLED,
    {
        Stage.UNCALLED: {
            StageTrigger.INVITE: Stage.TRYING,
            StageTrigger.FORWARD: Stage.FORWARDED,
            StageTrigger.JOIN: Stage.TALKING,
        },
        Stage.TRYING: {**_BEFORE_THE_ANSWER, StageTrigger.REFUSE: Stage.TRYING},
        Stage.RINGING: {**_BEFORE_THE_ANSWER, StageTrigger.REFUSE: Stage.RINGING},
        Stage.FORWARDED: {StageTrigger.INVITE: Stage.TRYING, StageTrigger.FORWARD: Stage.FORWARDED},
        Stage.ANSWERED: {StageTrigger.INVITE: Stage.TRYING, StageTrigger.JOIN: Stage.TALKING},
        Stage.TALKING: _DURING_THE_TALK,
        Stage.ON_HOLD: _DURING_THE_TALK,
        Stage.TRANSFERRING: {
            StageTrigger.TRANSFERRED: Stage.TRANSFERRED,
            StageTrigger.NOT_TRANSFERRED: Stage.TALKING,
        },
        Stage.TRANSFERRED: {},
    },
)
