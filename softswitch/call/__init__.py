"""What people do in a call: legs, keys, codes, the story of a call and its outcome.

Reading order: `outcome` and `states` are values and tables; `events` tells the world; `digits` and `leg` make one party
out of a SIP session and an audio stream; `originate` is a leg that we call; `collect` reads a code from it; `call`
holds it all together.
"""

from softswitch.call.call import Call, Step
from softswitch.call.collect import Code, Collected, EndedBy, collect
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
)
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.originate import OutgoingLeg
from softswitch.call.outcome import Outcome, q850_of
from softswitch.call.states import OutsideTableError, Table

__all__ = [
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
    "KeyPressed",
    "Leg",
    "LegMeasured",
    "LegState",
    "Outcome",
    "OutgoingLeg",
    "OutsideTableError",
    "Step",
    "Table",
    "collect",
    "q850_of",
]
