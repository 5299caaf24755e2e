"""`/switch/v1/calling_rules`: what users and endpoints may call, how often, and for how much. (Ours.)"""

from typing import Annotated, ClassVar

from pydantic import FailFast, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE, PhoneNumber
from softswitch.api.core.owned import Owned
from softswitch.api.errors import ApiError
from softswitch.api.resources import Values
from softswitch.api.schemas import Count, Date, Name, Object, Rate, ReadOnly, Sid
from softswitch.plan.objects import CARIBBEAN_AND_PREMIUM, HOME
from softswitch.store import Row

Prefixes = Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{0,15}\$?$")]], FailFast(), Field(max_length=10_000)]
Names = Annotated[list[Name], FailFast(), Field(max_length=10_000)]


class CallingRules(Object):
    """The rules of some users and endpoints; those that name nobody are everybody else's."""

    calling_rules_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    name: Name = "N/A"
    users: Names = Field(default_factory=list)
    """Their usernames."""
    endpoints: Names = Field(default_factory=list)
    """Their names."""
    allowed_prefixes: Prefixes = Field(default_factory=lambda: list(HOME))
    """The longest prefix decides, allowed or refused; an empty one is of every number, one with $ behind it the whole
    number: `911$`."""
    refused_prefixes: Prefixes = Field(default_factory=lambda: list(CARIBBEAN_AND_PREMIUM))
    capacity: Count = 0
    """Calls out at the same time, of each; 0: no limit."""
    cps_limit: Rate = 0.0
    """New calls out per second, of each; 0: no limit."""
    calls_per_day: Count = 0
    """Of each; 0: no limit. Days are those of UTC."""
    spend_per_day: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0.0
    """Of each, in the currency of the rate deck; 0: no limit."""
    rate_deck_sid: Sid | None = None
    """By which their calls are priced."""
    caller_ids: Annotated[list[PhoneNumber], FailFast(), Field(max_length=10_000)] = Field(default_factory=list)
    """Numbers they may show besides their own."""
    date_created: ReadOnly[Date]


class CallingRulesResource(Owned):
    """In force for the next call; what was spent today stays."""

    kind = "calling_rules"
    path = "/switch/v1/calling_rules"
    area = "trunk_groups"
    tag = "calling rules"
    shown = CallingRules
    example: ClassVar[Values] = {
        "calling_rules_sid": "0d3f0f57-2d3c-4b41-9d0a-1f3d6b5c7e11",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "name": "office",
        "users": ["1001"],
        "endpoints": [],
        "allowed_prefixes": ["1", "44"],
        "refused_prefixes": ["1900"],
        "capacity": 2,
        "cps_limit": 1.0,
        "calls_per_day": 500,
        "spend_per_day": 20.0,
        "rate_deck_sid": "5f6a2a9c-7a1e-4b38-8d4f-6f5d3f1a2b10",
        "caller_ids": ["12025550100"],
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def prepare(self, values: Values, before: Row | None) -> Values:  # noqa: ARG002
        if values["spend_per_day"] and values["rate_deck_sid"] is None:
            raise ApiError(422, field="rate_deck_sid", message="goes with spend_per_day")
        return values
