"""`/core/v2/partners`: whose everything is. There is one, and it has the callbacks."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.resources import NAME_LIMIT, ConfigurationResource, Values
from softswitch.api.schemas import Date, FreeForm, Name, Object, ReadOnly, Sid, not_acceptable
from softswitch.configfile import did_you_mean
from softswitch.settings import is_http_url

SENT = ("app_conference_call", "app_conference_meeting", "app_mediator", "call_dr")
NEVER_SENT = ("sms", "phonenumber_order")
"""CarrierX has them, too; a client may say where they would go."""


def _leads_somewhere(callbacks: dict[str, Any]) -> dict[str, Any]:
    """Each is one that there is, and has a URL, an object with one, or nothing."""
    for name, value in callbacks.items():
        if name not in SENT + NEVER_SENT:
            near = did_you_mean(name[:NAME_LIMIT], SENT)
            raise not_acceptable(f"{name[:NAME_LIMIT]}: is no callback{near}", ", ".join(SENT))
        url = value.get("url") if isinstance(value, dict) else value
        if url not in (None, "") and not (isinstance(url, str) and is_http_url(url)):
            raise not_acceptable(f"{name}: is no URL", "http:// or https://")
    return callbacks


Callbacks = Annotated[FreeForm, AfterValidator(_leads_somewhere)]


class FullPartner(Object):
    """A partner with everything that can be set."""

    partner_sid: ReadOnly[Sid]
    name: Name
    callbacks: Callbacks = Field(default_factory=dict)
    """URLs by event: `app_conference_call`, `app_conference_meeting`, `app_mediator`, `call_dr`. CarrierX's `sms` and
    `phonenumber_order` are kept and never sent."""
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
