"""`numbers.toml`: which numbers exist and where they lead. The names are CarrierX's.

A call comes over a **trunk** of a **trunk group** to a **DID**, which leads to an **endpoint**. `objects` describes
these as frozen models, `fields` what a single field of them may say, `transformations` what may be rewritten on the
way, `pattern` which regular expressions are safe, and `load` reads the file and finds what contradicts itself across
objects. Routing asks `Plan` by name and number, in constant time.
"""

from softswitch.plan.fields import DATAGRAMS, CallFlow, Properties, Role
from softswitch.plan.load import demo_credentials, is_demo_secret, load_plan
from softswitch.plan.objects import (
    AccessCode,
    AnyEndpoint,
    CallingRules,
    ConferenceEndpoint,
    Did,
    DidGroup,
    EndpointAddress,
    FixedBinding,
    MediatorEndpoint,
    MeetingRoom,
    NumberPlan,
    RateDeck,
    ThirdPartyEndpoint,
    Trunk,
    TrunkGroup,
    User,
)
from softswitch.plan.plan import Plan
from softswitch.plan.transformations import Conditional, Reject, Rewrite, Set, StirShaken, Transformation

__all__ = [
    "DATAGRAMS",
    "AccessCode",
    "AnyEndpoint",
    "CallFlow",
    "CallingRules",
    "Conditional",
    "ConferenceEndpoint",
    "Did",
    "DidGroup",
    "EndpointAddress",
    "FixedBinding",
    "MediatorEndpoint",
    "MeetingRoom",
    "NumberPlan",
    "Plan",
    "Properties",
    "RateDeck",
    "Reject",
    "Rewrite",
    "Role",
    "Set",
    "StirShaken",
    "ThirdPartyEndpoint",
    "Transformation",
    "Trunk",
    "TrunkGroup",
    "User",
    "demo_credentials",
    "is_demo_secret",
    "load_plan",
]
