"""`/switch/v1/rate_decks`: what calls out cost, by prefix. (Ours.)"""

from typing import Annotated, Any, ClassVar

from pydantic import Field, TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Owned
from softswitch.api.json_bodies import PREFIXES_LIMIT, RATE_DECKS_PATH
from softswitch.api.resources import NAME_LIMIT, Values
from softswitch.api.schemas import Date, Name, Object, ReadOnly, Sid, at_most, not_acceptable

Prefix = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
Price = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


def _first_fault(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A hundred thousand wrong prefixes are one fault: to tell of each would hold up every call."""
    try:
        return validate(value)
    except ValidationError:
        if isinstance(value, dict):
            for prefix, price in value.items():
                _check_rate(prefix, price)
        raise


def _check_rate(prefix: str, price: Any) -> None:
    try:
        validate_rate({prefix: price})
    except ValidationError:
        accepted = "1 to 15 digits and a price, 0 to 1000000"
        raise not_acceptable(f"{prefix[:NAME_LIMIT]} is no prefix, or its price no price", accepted) from None


validate_rate = TypeAdapter(dict[Prefix, Price]).validate_python

Rates = Annotated[
    dict[Prefix, Price], Field(max_length=PREFIXES_LIMIT), WrapValidator(_first_fault), at_most(PREFIXES_LIMIT)
]


class RateDeck(Object):
    """The longest prefix of a number says what a minute to it costs; a begun minute counts in full."""

    rate_deck_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    name: Name = "N/A"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    rates: Rates = Field(default_factory=dict)
    """Prefix -> price of a minute. PATCH changes the prefixes it has, and null takes one away."""
    date_created: ReadOnly[Date]


class RateDecks(Owned):
    """Trunks name theirs for least cost routing, calling rules theirs for what may be spent."""

    kind = "rate_decks"
    path = RATE_DECKS_PATH
    area = "trunk_groups"
    tag = "rates"
    shown = RateDeck
    example: ClassVar[Values] = {
        "rate_deck_sid": "5f6a2a9c-7a1e-4b38-8d4f-6f5d3f1a2b10",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "name": "carrier one",
        "currency": "USD",
        "rates": {"1": 0.004, "1415": 0.0035, "44": 0.011},
        "date_created": "2026-01-31T09:45:00.000Z",
    }
