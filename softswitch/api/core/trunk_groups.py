"""`/core/v2/trunk_groups`: trunks to the same place. `with_trunks=true` shows them inside."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from softswitch.api.core.attributes import Acls, SipCodes, Transformations
from softswitch.api.core.owned import Owned
from softswitch.api.core.trunks import Trunk
from softswitch.api.resources import Part, Values
from softswitch.api.schemas import Count, Date, FreeForm, Name, Object, Rate, ReadOnly, Sid, Text


class TrunkGroup(Object):
    """Calls come in over any of its trunks, and go out over the best that is free."""

    trunk_group_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    name: Name = "N/A"
    acls: Acls = Field(default_factory=list)
    """Addresses and networks that may send calls over this group."""
    routing_type: Literal["failover", "weighted", "round_robin", "least_cost"] = "failover"
    """`failover`: the lowest priority first, weights within one priority; `weighted`: by weight alone; `round_robin`:
    in turn; `least_cost`: the lowest price in the trunk's rate deck first."""
    routing_data: FreeForm = Field(default_factory=dict)
    external_handlers: Annotated[list[Text], Field(max_length=0)] = Field(default_factory=list)
    """External services that are asked what to do: none are supported."""
    hard_failure_codes: SipCodes = "408;"
    """Final answers that count against a trunk, and after which the next trunk is tried."""
    hard_failure_threshold: Count = 3
    """So many of them within the interval, and the trunk rests; 0: it never does."""
    hard_failure_interval: Count = 60
    """Seconds."""
    hard_failure_cooldown: Count = 120
    """Seconds that it rests; then one call tries whether it is back."""
    hard_failure_last_resort: Literal["first", "reject502", "reject503"] = "first"
    """When all rest: the first is tried all the same, or the call is refused."""
    soft_failure_codes: SipCodes = "408;"
    """Answers after which the next trunk is tried, as it is after 408 and 503 anyway."""
    sip_options_locations: Annotated[list[Text], Field(max_length=100)] = Field(default_factory=list)
    sip_options_threshold: Count = 3
    """So often in a row no answer to OPTIONS, and a trunk gets no calls until it answers; 0: it does not matter."""
    transformations: Transformations = ()
    in_capacity: Count = 0
    """Calls in at the same time; 0: no limit."""
    out_capacity: Count = 0
    cps_limit: Rate = 0.0
    """New calls per second; 0: no limit."""
    date_created: ReadOnly[Date]
    trunks: ReadOnly[list[dict[str, Any]] | None] = None
    """Only with `with_trunks=true`."""


class TrunkGroups(Owned):
    """Deleting a group deletes its trunks."""

    kind = "trunk_groups"
    path = "/core/v2/trunk_groups"
    area = "trunk_groups"
    tag = "trunk groups"
    shown = TrunkGroup
    parts: ClassVar = {"trunks": Part("trunks", "trunk_group_sid", Trunk, "with_trunks")}
    example: ClassVar[Values] = {
        "trunk_group_sid": "3b0a4d2e-1f57-4a5c-8d8e-0a2f6a1b7c10",
        "partner_sid": "0b6f2a7e-6b0e-4e0c-9a39-5a4f0c6f1c55",
        "name": "pstn",
        "acls": ["192.0.2.0/24"],
        "routing_type": "failover",
        "routing_data": {},
        "external_handlers": [],
        "hard_failure_codes": "408;",
        "hard_failure_threshold": 3,
        "hard_failure_interval": 60,
        "hard_failure_cooldown": 120,
        "hard_failure_last_resort": "first",
        "soft_failure_codes": "408;",
        "sip_options_locations": [],
        "sip_options_threshold": 3,
        "transformations": [],
        "in_capacity": 0,
        "out_capacity": 0,
        "cps_limit": 0.0,
        "date_created": "2026-01-31T09:45:00.000Z",
    }
