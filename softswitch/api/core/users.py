"""`/core/v2/users`: people with phones, known by digest credentials. (Ours.)"""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE, Partner
from softswitch.api.resources import ConfigurationResource, Related, Values
from softswitch.api.schemas import Date, FreeForm, Object, ReadOnly, Sid, WriteOnly, not_acceptable


def _printable(text: str) -> str:
    if not text.isprintable():
        raise not_acceptable("has control characters", "printable text")
    return text


class User(Object):
    """A person with a phone."""

    user_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["1001"])]
    password: WriteOnly[Annotated[str, Field(min_length=8, max_length=128), AfterValidator(_printable)]]
    """Never shown."""
    attributes: FreeForm = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class Users(ConfigurationResource):
    """Their passwords are kept as they are: digest authentication computes with them."""

    kind = "users"
    path = "/core/v2/users"
    area = "users"
    tag = "users"
    shown = User
    related: ClassVar = {"partner": Related("partners", "partner_sid", Partner)}
    example: ClassVar[Values] = {
        "user_sid": "7a1c1f7e-5d55-45f5-a2a5-0d2f7a0f3b21",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "username": "1001",
        "password": "correct horse battery",
        "attributes": {},
        "date_created": "2026-01-31T09:45:00.000Z",
    }
