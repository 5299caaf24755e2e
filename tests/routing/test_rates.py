"""Prices by the longest prefix, whatever the size of the deck."""

from hypothesis import given
from hypothesis import strategies as st

from softswitch.plan import NumberPlan, Plan, RateDeck
from softswitch.routing.rates import Decks, Rates

PREFIXES = st.dictionaries(st.from_regex(r"\A[0-9]{1,6}\Z"), st.floats(0, 10), max_size=30)


def test_the_longest_prefix_counts() -> None:
    rates = Rates(RateDeck(name="a", rates={"1": 0.01, "1415": 0.004, "14155": 0.5, "44": 0.02}))
    assert str(rates.rate("14155550123")) == "0.5 USD a minute (prefix 14155)"
    assert [found and found.per_minute for found in map(rates.rate, ("14159", "1212", "4", "33"))] == [
        *(0.004, 0.01),
        *(None, None),
    ]


@given(PREFIXES, st.from_regex(r"\A[0-9]{1,8}\Z"))
def test_it_is_what_looking_at_every_prefix_gives(prefixes: dict[str, float], number: str) -> None:
    fitting = [prefix for prefix in prefixes if number.startswith(prefix)]
    found = Rates(RateDeck(name="a", rates=prefixes)).rate(number)
    assert (found and found.prefix) == (max(fitting, key=len) if fitting else None)


def test_a_deck_of_a_hundred_thousand_prefixes_is_asked_once_a_length_of_prefix() -> None:
    deck = RateDeck.model_construct(name="big", currency="USD", rates={f"{n:07}": 0.01 for n in range(100_000)})
    asked: list[str] = []

    class Counting(dict[str, float]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            asked.append(key)
            return super().get(key, default)

    rates = Rates(deck)
    rates._rates = Counting(deck.rates)
    assert rates.rate("00420425550123") is not None
    assert rates.rate("99999999999") is None
    assert len(asked) == 2


def test_a_begun_minute_counts_in_full() -> None:
    rate = Rates(RateDeck(name="a", rates={"1": 0.5})).rate("1")
    assert rate is not None
    assert [rate.price(talked_s) for talked_s in (0.0, 0.1, 60.0, 60.1)] == [0.0, 0.5, 0.5, 1.0]


def test_another_plan_has_another_price_and_a_deck_that_is_gone_has_none() -> None:
    def plan(price: float) -> Plan:
        return Plan(NumberPlan.model_validate({"rate_decks": [{"name": "a", "rates": {"1": price}}]}))

    decks = Decks(plan(0.1))
    first = decks.rate("a", "12")
    decks.adopt(plan(0.2))
    second = decks.rate("a", "12")
    decks.adopt(Plan())
    assert first is not None
    assert second is not None
    assert (first.per_minute, second.per_minute, decks.rate("a", "12")) == (0.1, 0.2, None)
