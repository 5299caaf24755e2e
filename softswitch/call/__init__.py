"""What people do in a call: legs, keys, codes, the story of a call and its outcome.

Reading order: `outcome` and `states` are values and tables; `events` tells the world; `digits`, `keys` and `leg` make
one party out of a SIP session and an audio stream; `originate` is a leg that we call; `collect` reads a code from it;
`call` holds it all together. Two parties: `fork` rings somebody, `placing` begins a call of ours with him, `connect`
brings the caller and him together, in `bridge` they talk; `transfer`, `takeover` and `succession` put another in
the place of one.
"""

from softswitch.call.call import Call
from softswitch.call.collect import Code, Collected, EndedBy, collect
from softswitch.call.connect import connect, converse, reach
from softswitch.call.events import (
    CallAnswered,
    CallbackTried,
    CallEnded,
    CallMoved,
    CallStarted,
    Event,
    Events,
    KeyPressed,
    LegMeasured,
    LegStarted,
)
from softswitch.call.fork import Invitation
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.lines import Lines
from softswitch.call.loops import check_hops
from softswitch.call.originate import Attempt, OutgoingLeg
from softswitch.call.outcome import Outcome, q850_of
from softswitch.call.placing import first_leg, reach_caller
from softswitch.call.stages import STAGE_TABLE, Stage, StageTrigger
from softswitch.call.states import OutsideTableError, Table
from softswitch.call.succession import hand_over_place
from softswitch.call.takeover import take_over
from softswitch.call.transfer import Onward, Run

__all__ = [
    "STAGE_TABLE",
    "Attempt",
    "Call",
    "CallAnswered",
    "CallEnded",
    "CallMoved",
    "CallStarted",
    "CallbackTried",
    "Code",
    "Collected",
    "EndedBy",
    "Event",
    "Events",
    "Invitation",
    "KeyPressed",
    "Leg",
    "LegMeasured",
    "LegStarted",
    "LegState",
    "Lines",
    "Onward",
    "Outcome",
    "OutgoingLeg",
    "OutsideTableError",
    "Run",
    "Stage",
    "StageTrigger",
    "Table",
    "check_hops",
    "collect",
    "connect",
    "converse",
    "first_leg",
    "hand_over_place",
    "q850_of",
    "reach",
    "reach_caller",
    "take_over",
]
