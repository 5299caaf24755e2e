"""`/mediator/v1/dids`: the redirect numbers of this mediator. They come from and go to `/core/v2/phonenumber/dids`."""

from typing import ClassVar

from softswitch.api.dids_of_login import DidsOfLogin
from softswitch.api.mediator.resource import MediatorResource
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, ReadOnly, Sid


class MediatorDid(Object):
    """A number whose calls come to this mediator."""

    did_sid: ReadOnly[Sid]
    account_sid: ReadOnly[Sid]
    phonenumber: ReadOnly[str]
    country_code: ReadOnly[str | None]
    """ISO 3166-1 alpha-3."""
    in_country_format: ReadOnly[str | None]
    international_format: ReadOnly[str | None]
    date_created: ReadOnly[Date]


class MediatorDids(DidsOfLogin, MediatorResource):
    """Read only."""

    path = "/mediator/v1/dids"
    tag = "mediator dids"
    shown = MediatorDid
    verbs = frozenset({"list", "get"})
    example: ClassVar[Values] = {
        "did_sid": "c2a3f5b0-6b36-4b0a-8e1d-3f9f1d7f7f10",
        "account_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "phonenumber": "12025550105",
        "country_code": "USA",
        "in_country_format": "(202) 555-0105",
        "international_format": "+1 202-555-0105",
        "date_created": "2026-01-31T09:45:00.000000Z",
    }
