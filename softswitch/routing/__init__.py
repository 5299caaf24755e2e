"""Routing: who sends a call, whether it fits, and where it leads. Decisions with reasons; nothing is sent.

Reading order: `number`, `identity` and `identify` say who calls; `limits` whether there is room; `transformations` what
changes on the way; `router` where it goes (`destination`). Of calls out: `outward` puts together who calls (`caller`),
whether he may (`fraud`), who is shown (`presentation`), in which order trunks come (`trunk_group`, by `rates`), which
are fit (`failures`), what a 3xx may do (`redirects`); a `target` comes of it. `explain` asks them all at once.
"""

from softswitch.routing.caller import Caller
from softswitch.routing.destination import Destination, ToEndpoint, ToPstn, ToTalk, ToUser
from softswitch.routing.explain import Explanation, explain, peer_of
from softswitch.routing.failures import Failures, TrunkService
from softswitch.routing.fraud import Alarm, Fare, Guard, Spending
from softswitch.routing.identify import Identified, Senders
from softswitch.routing.identity import Identity, identity_of
from softswitch.routing.limits import Gate, Gates, Passage, TokenBucket
from softswitch.routing.number import digits, international, number_of
from softswitch.routing.outward import Outward
from softswitch.routing.reasons import Reason, Refused
from softswitch.routing.router import Decision, Router
from softswitch.routing.target import Target
from softswitch.routing.transformations import Subject, Transformations
from softswitch.routing.trunk_group import failover_order

__all__ = [
    "Alarm",
    "Caller",
    "Decision",
    "Destination",
    "Explanation",
    "Failures",
    "Fare",
    "Gate",
    "Gates",
    "Guard",
    "Identified",
    "Identity",
    "Outward",
    "Passage",
    "Reason",
    "Refused",
    "Router",
    "Senders",
    "Spending",
    "Subject",
    "Target",
    "ToEndpoint",
    "ToPstn",
    "ToTalk",
    "ToUser",
    "TokenBucket",
    "Transformations",
    "TrunkService",
    "digits",
    "explain",
    "failover_order",
    "identity_of",
    "international",
    "number_of",
    "peer_of",
]
