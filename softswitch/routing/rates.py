"""What a call to a number costs: the longest prefix of a rate deck. Pure.

A deck of 100,000 prefixes is one dictionary; a look-up asks it once for each length of prefix that the deck has, at
most 15 times whatever its size.
"""

from collections.abc import Mapping
from typing import NamedTuple

from softswitch.plan import Plan, RateDeck

BILLED_S = 60
"""A begun minute counts in full."""


class Rate(NamedTuple):
    """The price of a minute, and the prefix that says so."""

    per_minute: float
    prefix: str
    currency: str

    def __str__(self) -> str:
        return f"{self.per_minute:g} {self.currency} a minute (prefix {self.prefix})"

    def price(self, talked_s: float) -> float:
        """Of so many seconds from the answer; a begun minute counts in full."""
        minutes = -(-talked_s // BILLED_S)
        return minutes * self.per_minute


class Rates:
    """One deck, ready to be asked."""

    __slots__ = ("_currency", "_lengths", "_rates")

    def __init__(self, deck: RateDeck) -> None:
        self._rates: Mapping[str, float] = deck.rates
        self._currency = deck.currency
        self._lengths = tuple(sorted({len(prefix) for prefix in deck.rates}, reverse=True))

    def rate(self, number: str) -> Rate | None:
        """By the longest prefix; None where no prefix fits: the number has no price."""
        for length in self._lengths:
            prefix = number[:length]
            found = self._rates.get(prefix)
            if found is not None and len(prefix) == length:
                return Rate(found, prefix, self._currency)
        return None


class Decks:
    """All rate decks of a number plan; each is made ready when it is first asked, and again when it has changed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ready: dict[str, tuple[RateDeck, Rates]] = {}

    def adopt(self, plan: Plan) -> None:
        self._plan = plan

    def rate(self, deck_name: str, number: str) -> Rate | None:
        """None where the deck has no price for the number, or is no more."""
        deck = self._plan.rate_decks.get(deck_name)
        if deck is None:
            return None
        ready = self._ready.get(deck_name)
        if ready is None or ready[0] is not deck:
            ready = self._ready[deck_name] = deck, Rates(deck)
        return ready[1].rate(number)
