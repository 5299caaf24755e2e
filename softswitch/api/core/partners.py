"""`/core/v2/partners`: whose everything is. There is one, and it has the callbacks."""

from typing import ClassVar

from pydantic import Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.api.schemas import Date, FreeForm, Name, Object, ReadOnly, Sid


class FullPartner(Object):
    """A partner with everything that can be set."""

    partner_sid: ReadOnly[Sid]
    name: Name
    callbacks: FreeForm = Field(default_factory=dict)
    """URLs by event: `app_conference_call`, `app_conference_meeting`, `app_mediator`."""
    attributes: FreeForm = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class Partners(ConfigurationResource):
    """The one partner is there from the first start on."""

    kind = "partners"
    path = "/core/v2/partners"
    area = "partners"
    tag = "partners"
    shown = FullPartner
    verbs = frozenset({"list", "get", "change", "replace"})
    example: ClassVar[Values] = {
        **PARTNER_EXAMPLE,
        "callbacks": {"app_conference_meeting": "https://example.org/meetings"},
        "attributes": {},
    }
