"""The guard against toll fraud: destinations, rate, calls at once, calls and money of a day; alarms; a restart."""

from typing import Any

import pytest

from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Alarm, Outward, Passage, Refused, Spending, Target
from softswitch.routing.caller import Caller

HOME, ABROAD, PREMIUM, CARIBBEAN = "14155550123", "442071838750", "19005550123", "18765550123"
DECK = {"name": "retail", "rates": {"1": 0.5, "44": 1.0}}


class House:
    """Users 1001 and 1002 and a third party, who call out over one trunk."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.at, self.day = 0.0, "2026-01-31"
        self.alarms: list[Alarm] = []
        self.plan = Plan(
            NumberPlan.model_validate(
                {
                    "rate_decks": [DECK],
                    "trunk_groups": [{"name": "pstn", "trunks": [{"name": "gw", "address": "192.0.2.1"}]}],
                    "endpoints": [{"name": "crm", "type": "third_party"}],
                    "users": [{"username": name, "password": "x" * 8} for name in ("1001", "1002")],
                    "calling_rules": rules,
                }
            )
        )
        self.outward = Outward(self.plan, clock=lambda: self.at)
        self.guard = self.outward.guard
        self.guard.today, self.guard.on_alarm = lambda: self.day, self.alarms.append
        self.caller = Caller("1001", user=self.plan.users["1001"])

    def targets(self, number: str, caller: Caller | None = None) -> list[Target]:
        return self.outward.targets(number, self.plan.trunk_groups["pstn"], caller or self.caller, self.at)[0]

    def begin(self, number: str = HOME, caller: Caller | None = None) -> "Up":
        return Up(self, self.targets(number, caller)[0])

    def talk(self, talked_s: float, number: str = HOME) -> None:
        up = self.begin(number).answer()
        self.at += talked_s
        up.end()

    def refusal(self, number: str = HOME, caller: Caller | None = None) -> Refused:
        with pytest.raises(Refused) as refused:
            self.targets(number, caller)
        return refused.value


class Up:
    """A call that is on its way."""

    def __init__(self, house: House, target: Target) -> None:
        self._house, self._target, self._passage = house, target, Passage()
        self._passage.enter(target.gates, house.at)

    def answer(self) -> "Up":
        self._house.outward.tried(self._target, 200, self._house.at)
        return self

    def end(self) -> None:
        self._passage.leave()


def test_without_rules_the_home_country_is_allowed_and_what_fraud_likes_is_not() -> None:
    house = House()
    assert house.targets(HOME)
    for number in (ABROAD, PREMIUM, CARIBBEAN):
        refused = house.refusal(number)
        assert (refused.status, refused.reason, refused.counted_as) == (
            *(403, "Destination not allowed"),
            "toll_guard_destination",
        )
    assert [alarm.why for alarm in house.alarms] == [
        "calling rules default allow no prefix of it",
        "calling rules default refuse prefix 1900",
        "calling rules default refuse prefix 1876",
    ]


@pytest.mark.parametrize("number", ["9999", "0", "999999", "1009", "120255"])
def test_a_mistyped_extension_is_not_found_and_no_alarm(number: str) -> None:
    house = House()
    refused = house.refusal(number)
    assert (refused.status, refused.counted_as, refused.reasons[-1].why) == (
        *(404, None),
        "nobody here has it, and it is too short for outside",
    )
    assert not house.alarms


def test_a_short_number_goes_out_where_a_rule_names_the_whole_of_it() -> None:
    house = House({"name": "r", "allowed_prefixes": ["", "112$"]})
    assert house.targets("112")
    assert house.targets("1120255")
    assert house.refusal("1009").status == 404


def test_a_short_number_that_the_rules_refuse_is_an_alarm() -> None:
    house = House({"name": "r", "refused_prefixes": ["99"]})
    assert house.refusal("9999").status == 403
    assert [alarm.kind for alarm in house.alarms] == ["destination"]


def test_the_longest_prefix_decides_and_a_tie_is_refused() -> None:
    rules = {"name": "r", "allowed_prefixes": ["44", "4479", "33"], "refused_prefixes": ["447", "33"]}
    house = House(rules)
    assert house.targets("442012345678")
    assert house.targets("447912345678")
    assert house.refusal("447012345678").status == 403
    assert house.refusal("331234567").status == 403


def test_the_emergency_number_is_allowed_and_what_only_begins_like_it_is_not() -> None:
    house = House()
    assert house.targets("911")
    assert house.refusal("911123456789").status == 403


def test_an_empty_prefix_allows_everything() -> None:
    assert House({"name": "r", "allowed_prefixes": [""], "refused_prefixes": []}).targets(ABROAD)


def test_rules_of_a_user_come_before_those_of_everybody() -> None:
    house = House(
        {"name": "traveller", "users": ["1001"], "allowed_prefixes": ["44"]},
        {"name": "nobody calls", "allowed_prefixes": []},
    )
    assert house.targets(ABROAD)
    assert house.refusal(HOME).reasons[-1].why == "calling rules traveller allow no prefix of it"
    other = Caller("1002", user=house.plan.users["1002"])
    assert house.refusal(HOME, other).reasons[-1].why == "calling rules nobody calls allow no prefix of it"


def test_an_endpoint_has_rules_of_its_own() -> None:
    house = House({"name": "crm", "endpoints": ["crm"], "capacity": 1})
    crm = Caller("12025550101", endpoint=house.plan.endpoints["crm"])
    house.begin(caller=crm)
    assert house.refusal(caller=crm).status == 503
    assert house.targets(HOME)


def test_calls_at_once_are_limited_for_each_and_given_back() -> None:
    house = House({"name": "r", "capacity": 2})
    first, _ = house.begin(), house.begin()
    refused = house.refusal()
    assert (refused.status, refused.reasons[-1].why) == (503, "user 1001 has 2 calls out, at most 2")
    house.begin(caller=Caller("1002", user=house.plan.users["1002"]))
    first.end()
    assert house.targets(HOME)


def test_two_calls_that_are_allowed_at_the_same_moment_do_not_both_fit_into_one_place() -> None:
    house = House({"name": "r", "capacity": 1})
    first, second = house.targets(HOME)[0], house.targets(HOME)[0]
    Passage().enter(first.gates, 0.0)
    with pytest.raises(Refused):
        Passage().enter(second.gates, 0.0)


def test_new_calls_a_second_are_limited() -> None:
    house = House({"name": "r", "cps_limit": 2.0})
    house.begin()
    house.begin()
    assert house.refusal().counted_as == "toll_guard_rate"
    house.at = 0.5
    assert house.targets(HOME)


def test_calls_of_a_day_are_limited_until_the_next() -> None:
    house = House({"name": "r", "calls_per_day": 2})
    house.talk(1)
    house.talk(1)
    assert house.refusal().reasons[-1].why == "user 1001 has made 2 calls today, at most 2"
    house.day = "2026-02-01"
    assert house.targets(HOME)


def test_money_of_a_day_is_limited_each_begun_minute_counts_and_near_the_end_there_is_an_alarm() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail"})
    house.talk(61)
    assert [(one.subject, one.price, one.calls) for one in house.guard.spendings()] == [("user 1001", 1.0, 1)]
    house.talk(1)
    assert not house.alarms
    house.talk(1)
    assert [(alarm.kind, alarm.why) for alarm in house.alarms] == [("spend_near", "has spent 2.00 of 2 today")]
    refused = house.refusal()
    assert (refused.status, refused.reasons[-1].why) == (403, "user 1001 has spent 2.00 of 2 USD today")
    house.day = "2026-02-01"
    assert house.targets(HOME)


def test_a_call_that_is_up_counts_with_what_it_has_cost_so_far() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail"})
    house.begin().answer()
    house.at = 120.0
    assert house.targets(HOME)
    house.at = 181.0
    assert house.refusal().reasons[-1].why == "user 1001 has spent 2.00 of 2 USD today"


def test_a_call_that_nobody_answers_costs_nothing() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail"})
    up = house.begin()
    house.at = 500.0
    up.end()
    assert [one.price for one in house.guard.spendings()] == [0.0]


def test_with_a_limit_a_number_without_a_price_is_refused() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail", "allowed_prefixes": [""]})
    assert house.refusal("331234567").reasons[-1].why == (
        "rate deck retail has no price for it, and user 1001 has a limit"
    )


def test_what_was_spent_outlives_a_restart_and_yesterday_does_not() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail"})
    house.guard.restore([Spending("user 1001", "2026-01-31", 7, 1.9), Spending("user 1002", "2026-01-30", 7, 1.9)])
    assert house.refusal().reasons[-1].why == "user 1001 has spent 1.90 of 2 USD today"
    assert house.targets(HOME, Caller("1002", user=house.plan.users["1002"]))


def test_what_has_changed_is_there_to_be_kept() -> None:
    house = House({"name": "r", "rate_deck": "retail"})
    house.talk(30)
    assert list(house.guard.changed.values()) == [Spending("user 1001", "2026-01-31", 1, 0.5)]


def test_a_call_that_nobody_of_ours_has_asked_for_is_not_guarded() -> None:
    house = House({"name": "r", "allowed_prefixes": []})
    assert house.targets(HOME, Caller("13105550199", trunk_group="pstn"))


def test_explaining_counts_nothing_and_raises_no_alarm() -> None:
    house = House({"name": "r", "calls_per_day": 1})
    group = house.plan.trunk_groups["pstn"]
    for _ in range(3):
        house.outward.weigh(HOME, group, house.caller, 0.0)
    with pytest.raises(Refused):
        house.outward.weigh(PREMIUM, group, house.caller, 0.0)
    assert not house.alarms
    assert [one.calls for one in house.guard.spendings()] == [0]


def test_calls_that_are_up_are_to_end_when_there_is_no_money_for_another_minute() -> None:
    house = House({"name": "r", "spend_per_day": 2.0, "rate_deck": "retail"})
    first, second = house.begin().answer(), house.begin().answer()
    house.begin()
    house.at = 119.0
    assert not house.guard.overdrawn(house.at)
    house.at = 121.0
    assert len(house.guard.overdrawn(house.at)) == 2
    first.end()
    second.end()
    assert not house.guard.overdrawn(house.at)
    assert [one.price for one in house.guard.spendings()] == [3.0]
