"""`/core/v2/users`: people with phones, known by digest credentials. (Ours.)"""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE, PhoneNumber, Transformations
from softswitch.api.core.owned import Owned
from softswitch.api.resources import Values
from softswitch.api.schemas import (
    A_NUMBER,
    Date,
    FreeForm,
    Object,
    ReadOnly,
    Sid,
    WriteOnly,
    at_most,
    not_acceptable,
)
from softswitch.plan.fields import CodecName, MediaEncryption, Onward


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
    name: Annotated[str, Field(max_length=128), AfterValidator(_printable)] = ""
    """Shown to whoever he calls."""
    phonenumber: PhoneNumber | None = None
    """His number towards the PSTN, E.164 without "+"."""
    trunk_group_sid: Sid | None = None
    """Over which his calls to the PSTN go; none: the first with an address."""
    ring_s: Annotated[int, A_NUMBER, Field(ge=1, le=600)] = 30
    """How long his phones ring before the call goes on, or back to the caller."""
    forward_busy: Onward = ""
    """Where his calls go while he is busy: a user, a number; empty: nowhere. So with the other two."""
    forward_no_answer: Onward = ""
    forward_unregistered: Onward = ""
    codecs: Annotated[tuple[CodecName, ...], at_most(8), Field(max_length=8)] = ()
    """Codecs for his calls, best first; empty: those of the settings."""
    media_encryption: MediaEncryption = "off"
    """SRTP with his phones: `off`, `offered`, `required`."""
    transformations: Transformations = ()
    """Of the numbers that he dials, before they are looked up."""
    attributes: FreeForm = Field(default_factory=dict)
    date_created: ReadOnly[Date]


class Users(Owned):
    """Their passwords are kept as they are: digest authentication computes with them."""

    kind = "users"
    path = "/core/v2/users"
    area = "users"
    tag = "users"
    shown = User
    example: ClassVar[Values] = {
        "user_sid": "7a1c1f7e-5d55-45f5-a2a5-0d2f7a0f3b21",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "username": "1001",
        "password": "correct horse battery",
        "name": "Ann",
        "phonenumber": "12025550110",
        "trunk_group_sid": None,
        "ring_s": 30,
        "forward_busy": "",
        "forward_no_answer": "1002",
        "forward_unregistered": "",
        "codecs": [],
        "media_encryption": "off",
        "transformations": [],
        "attributes": {},
        "date_created": "2026-01-31T09:45:00.000Z",
    }
