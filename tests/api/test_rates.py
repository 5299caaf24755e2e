"""Rate decks and calling rules over HTTP, and in force for the next call."""

from softswitch.routing import Outward
from softswitch.routing.caller import Caller
from tests.api.conftest import Api

DECKS, RULES, GROUPS = "/switch/v1/rate_decks", "/switch/v1/calling_rules", "/core/v2/trunk_groups"


async def test_a_rate_deck_is_made_and_its_prefixes_are_changed_one_by_one(api: Api) -> None:
    made = await api.client.post(DECKS, json={"name": "one", "rates": {"1": 0.01, "44": 0.02}})
    assert made.status_code == 200, made.text
    address = f"{DECKS}/{made.json()['rate_deck_sid']}"
    changed = await api.client.patch(address, json={"rates": {"44": None, "1415": 0.5}})
    assert changed.json()["rates"] == {"1": 0.01, "1415": 0.5}
    assert api.context.store.plan.rate_decks["one"].rates == {"1": 0.01, "1415": 0.5}
    wrong = await api.client.patch(address, json={"rates": {"+1": 0.5, "2": -1}})
    assert wrong.status_code == 422
    assert (await api.client.delete(address)).status_code == 204
    assert "one" not in api.context.store.plan.rate_decks


async def test_a_deck_of_a_hundred_thousand_prefixes_is_taken_and_asked(api: Api) -> None:
    rates = {f"1{number:06}": number / 1e6 for number in range(100_000)}
    made = await api.client.post(DECKS, json={"name": "big", "rates": rates})
    assert made.status_code == 200, made.text[:200]
    found = Outward(api.context.store.plan).decks.rate("big", "10421234567")
    assert found is not None
    assert (found.prefix, found.per_minute) == ("1042123", 0.042123)
    shown = await api.client.get(DECKS, params={"exclude_fields": "rates"})
    assert shown.json()["items"][0]["name"] == "big"


async def test_a_trunk_takes_a_deck_and_keeps_it_from_being_deleted(api: Api) -> None:
    deck = (await api.client.post(DECKS, json={"name": "one", "rates": {"1": 0.01}})).json()["rate_deck_sid"]
    group = (await api.client.post(GROUPS, json={"name": "pstn", "routing_type": "least_cost"})).json()
    trunks = f"{GROUPS}/{group['trunk_group_sid']}/trunks"
    trunk = {"name": "gw", "address": "192.0.2.1", "rate_deck_sid": deck}
    assert (await api.client.post(trunks, json=trunk)).status_code == 200
    assert (await api.client.delete(f"{DECKS}/{deck}")).status_code == 409
    plan = api.context.store.plan
    assert plan.trunk_groups["pstn"].trunks[0].rate_deck == "one"
    _, reasons = Outward(plan).targets("13105550123", plan.trunk_groups["pstn"], Caller("1"), 0.0)
    assert [reason.why for reason in reasons if reason.step == "trunk"] == [
        "choice 1: 0.01 USD a minute (prefix 1)",
    ]
    renamed = await api.client.patch(f"{DECKS}/{deck}", json={"name": "two"})
    assert renamed.status_code == 200
    assert api.context.store.plan.trunk_groups["pstn"].trunks[0].rate_deck == "two"


async def test_calling_rules_are_in_force_for_the_next_call(api: Api) -> None:
    await api.client.post("/core/v2/users", json={"username": "1001", "password": "very secret"})
    made = await api.client.post(RULES, json={"name": "office", "users": ["1001"], "allowed_prefixes": ["44"]})
    assert made.status_code == 200, made.text
    plan = api.context.store.plan
    assert plan.calling_rules["user", "1001"].allowed_prefixes == ("44",)
    without_prices = await api.client.patch(f"{RULES}/{made.json()['calling_rules_sid']}", json={"spend_per_day": 2.0})
    assert (without_prices.status_code, without_prices.json()["errors"][0]["field"]) == (422, "rate_deck_sid")


async def test_what_a_trunk_group_does_with_failures_is_taken_over_http(api: Api) -> None:
    made = await api.client.post(
        GROUPS,
        json={
            "name": "pstn",
            "hard_failure_codes": "408;500;",
            "soft_failure_codes": "503;",
            "hard_failure_threshold": 5,
            "hard_failure_last_resort": "reject502",
            "sip_options_threshold": 0,
        },
    )
    assert made.status_code == 200
    group = api.context.store.plan.trunk_groups["pstn"]
    assert (group.hard_failure_codes, group.soft_failure_codes, group.hard_failure_threshold) == ("408;500;", "503;", 5)
    assert (group.hard_failure_last_resort, group.sip_options_threshold) == ("reject502", 0)
