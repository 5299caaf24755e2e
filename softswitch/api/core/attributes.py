"""Attributes that several objects of `/core/v2` have, with what they accept."""

import ipaddress
from typing import Annotated, Any

from pydantic import AfterValidator, FailFast, Field

from softswitch.api.schemas import Date, Object, Sid, at_most, fits, not_acceptable
from softswitch.plan import Transformation
from softswitch.plan.fields import Host, PhoneNumber

__all__ = ["PARTNER_EXAMPLE", "Acls", "Host", "Partner", "PhoneNumber", "SipCodes", "Transformations"]

ACLS_LIMIT = 1000
TRANSFORMATIONS_LIMIT = 100


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise not_acceptable(f'is "{text[:64]}"', "an address or network, such as 192.0.2.7 or 192.0.2.0/24") from None


def _not_too_deep(transformations: tuple[Transformation, ...]) -> tuple[Transformation, ...]:
    if not fits([transformation.model_dump(mode="json") for transformation in transformations]):
        raise not_acceptable("goes too deep", "conditionals at most three inside each other")
    return transformations


Acls = Annotated[list[Annotated[str, AfterValidator(_network)]], FailFast(), Field(max_length=ACLS_LIMIT)]
"""Addresses and networks that may send calls."""

SipCodes = Annotated[str, Field(pattern=r"^(?:[1-6][0-9]{2};){0,50}$")]
"""SIP status codes, each with a semicolon behind it."""

Transformations = Annotated[
    tuple[Transformation, ...],
    at_most(TRANSFORMATIONS_LIMIT),
    Field(max_length=TRANSFORMATIONS_LIMIT),
    AfterValidator(_not_too_deep),
]


class Partner(Object):
    """Whose all objects are."""

    partner_sid: Sid
    name: str
    date_created: Date


PARTNER_EXAMPLE: dict[str, Any] = {
    "partner_sid": "0b6f2a7e-6b0e-4e0c-9a39-5a4f0c6f1c55",
    "name": "default",
    "date_created": "2026-01-31T09:45:00.000Z",
}
