"""What people do in a call: legs, keys, codes, the story of a call and its outcome.

Reading order: `outcome` and `states` are values and tables; `events` tells the world; `digits` and `leg` make one party
out of a SIP session and an audio stream; `collect` reads a code from it; `call` holds it all together.
"""

from softswitch.call.call import Call, Step
from softswitch.call.collect import Code, Collected, EndedBy, collect
from softswitch.call.events import CallEnded, CallMoved, Event, Events
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LegState
from softswitch.call.outcome import Outcome, q850_of
from softswitch.call.states import OutsideTableError, Table

__all__ = [
    "Call",
    "CallEnded",
    "CallMoved",
    "Code",
    "Collected",
    "EndedBy",
    "Event",
    "Events",
    "Leg",
    "LegState",
    "Outcome",
    "OutsideTableError",
    "Step",
    "Table",
    "collect",
    "q850_of",
]
