"""Objects one by one: made with defaults, changed, gone; and what is refused, by its field."""

import asyncio
from pathlib import Path

import pytest

from softswitch.store import (
    Condition,
    Conflict,
    InvalidReference,
    InvalidValue,
    ListQuery,
    StillReferenced,
    Store,
)
from tests.store.records import columns_and_rows

pytestmark = pytest.mark.real_time


async def conference(store: Store) -> tuple[str, str]:
    """A conference endpoint and its account."""
    endpoint = await store.create("endpoints", {"type": "conference_v2", "name": "talk"})
    of_it = ListQuery((Condition(("endpoint_sid",), "eq", endpoint["endpoint_sid"]),))
    (account,) = (await store.list("conference_accounts", of_it)).items
    return endpoint["endpoint_sid"], account["account_sid"]


async def test_what_is_not_given_is_at_the_documented_default(store: Store) -> None:
    group = await store.create("trunk_groups", {})
    assert (group["name"], group["routing_type"], group["hard_failure_codes"]) == ("N/A", "failover", "408;")
    assert (group["hard_failure_threshold"], group["hard_failure_interval"], group["hard_failure_cooldown"]) == (
        3,
        60,
        120,
    )
    assert (group["acls"], group["transformations"], group["partner_sid"]) == ([], [], store.partner_sid)
    trunk = await store.create("trunks", {"trunk_group_sid": group["trunk_group_sid"]})
    assert (trunk["allow_forward"], trunk["allow_transfer"], trunk["in_rfc_4694_mode"]) == (
        "disabled",
        "disabled",
        "cut_all",
    )
    assert (trunk["priority"], trunk["weight"], trunk["in_capacity"], trunk["call_type"]) == (0, 0, 0, "regular")


async def test_what_was_made_is_there_and_stays_after_the_store_is_opened_again(
    store: Store, url: str, tmp_path: Path
) -> None:
    made = await store.create(
        "users", {"username": "anna", "password": "x", "attributes": {"floor": 3, "keys": [1, None]}}
    )
    again = await Store.open(url, tmp_path)
    assert await again.get("users", made["user_sid"]) == made
    assert made["attributes"] == {"floor": 3, "keys": [1, None]}
    await again.close()


async def test_a_change_touches_only_what_it_names(store: Store) -> None:
    made = await store.create("users", {"username": "anna", "password": "x"})
    changed = await store.update("users", made["user_sid"], {"password": "y"})
    assert changed == made | {"password": "y"}
    assert await store.update("users", "no such sid", {"password": "z"}) is None


async def test_what_is_deleted_is_gone_and_says_whether_it_was_there(store: Store) -> None:
    made = await store.create("users", {"username": "anna", "password": "x"})
    assert await store.delete("users", made["user_sid"])
    assert await store.get("users", made["user_sid"]) is None
    assert not await store.delete("users", made["user_sid"])


async def test_children_live_in_their_parent_in_their_order(store: Store) -> None:
    addresses = [{"ip": "192.0.2.7", "port": 5062}, {"ip": "192.0.2.8", "direction": "inbound"}]
    made = await store.create("endpoints", {"type": "third_party", "addresses": addresses})
    assert [(address["ip"], address["port"], address["direction"]) for address in made["addresses"]] == [
        ("192.0.2.7", 5062, "any"),
        ("192.0.2.8", 5060, "inbound"),
    ]
    changed = await store.update("endpoints", made["endpoint_sid"], {"addresses": [{"ip": "192.0.2.9"}]})
    assert changed is not None
    assert [address["ip"] for address in changed["addresses"]] == ["192.0.2.9"]


async def test_a_conference_endpoint_comes_and_goes_with_its_account_and_rooms(store: Store) -> None:
    endpoint, account = await conference(store)
    codes = [{"access_code": "1", "role": "host"}, {"access_code": "2", "role": "listener"}]
    room = await store.create("meeting_rooms", {"account_sid": account, "access_codes": codes})
    assert room["access_codes"] == codes
    assert await store.delete("endpoints", endpoint)
    assert await store.get("conference_accounts", account) is None
    assert await store.get("meeting_rooms", room["meeting_room_sid"]) is None


async def test_an_access_code_belongs_to_one_room_of_an_endpoint_and_to_any_of_another(store: Store) -> None:
    (_, account), codes = await conference(store), [{"access_code": "123456", "role": "host"}]
    await store.create("meeting_rooms", {"account_sid": account, "access_codes": codes})
    with pytest.raises(Conflict) as refused:
        await store.create("meeting_rooms", {"account_sid": account, "access_codes": codes})
    assert refused.value.field == "access_codes"
    assert (await store.list("meeting_rooms")).total == 1
    _, other = await conference(store)
    await store.create("meeting_rooms", {"account_sid": other, "access_codes": codes})


@pytest.mark.parametrize(
    ("resource", "values", "error", "field"),
    [
        ("users", {"username": "taken", "password": "x"}, Conflict, "username"),
        ("users", {"password": "x"}, InvalidValue, "username"),
        ("users", {"username": "a", "password": "x", "colour": "red"}, InvalidValue, "colour"),
        ("dids", {"phonenumber": "123", "trunk_group_sid": "none"}, InvalidReference, "trunk_group_sid"),
        ("trunks", {}, InvalidValue, "trunk_group_sid"),
        ("trunks", {"trunk_group_sid": None}, InvalidReference, "trunk_group_sid"),
        ("endpoints", {"type": "x", "addresses": [{"ip": "a"}, {"colour": 1}]}, InvalidValue, "addresses[1].colour"),
        ("trunk_groups", {"acls": ["not a network"]}, InvalidValue, "acls[0]"),
    ],
)  # fmt: skip
async def test_a_refusal_names_the_field_and_leaves_nothing_behind(
    store: Store, resource: str, values: dict[str, object], error: type[Exception], field: str
) -> None:
    await store.create("users", {"username": "taken", "password": "x"})
    before = (await store.list(resource)).total
    with pytest.raises(error) as refused:
        await store.create(resource, values)
    assert refused.value.field == field  # type: ignore[attr-defined]
    assert (await store.list(resource)).total == before


async def test_what_others_point_to_stays_until_they_are_gone(store: Store) -> None:
    group = await store.create("trunk_groups", {})
    did = await store.create("dids", {"phonenumber": "12025550101", "trunk_group_sid": group["trunk_group_sid"]})
    with pytest.raises(StillReferenced) as refused:
        await store.delete("trunk_groups", group["trunk_group_sid"])
    assert refused.value.field == "dids"
    await store.delete("dids", did["did_sid"])
    assert await store.delete("trunk_groups", group["trunk_group_sid"])


async def test_a_room_that_a_did_leads_to_keeps_its_endpoint(store: Store) -> None:
    endpoint, account = await conference(store)
    room = await store.create("meeting_rooms", {"account_sid": account})
    await store.create("dids", {"phonenumber": "12025550101", "meeting_room_sid": room["meeting_room_sid"]})
    with pytest.raises(StillReferenced):
        await store.delete("endpoints", endpoint)
    assert await store.get("meeting_rooms", room["meeting_room_sid"]) == room


async def test_records_come_in_batches_and_each_only_once(store: Store) -> None:
    records = [
        {
            "dr_sid": str(n),
            "date_start": "2026-01-01T00:00:00.000Z",
            "date_stop": "2026-01-01T00:00:09.000Z",
            "sipcause": n,
        }
        for n in range(1200)
    ]
    await store.add_records("call_drs", *columns_and_rows(records[:800]))
    again = [record | {"direction": "again"} for record in records]
    await store.add_records("call_drs", *columns_and_rows(again))
    assert (await store.get("call_drs", "799") or {})["direction"] is None
    last = ListQuery((Condition(("sipcause",), "ge", 1199),))
    assert [row["dr_sid"] for row in (await store.list("call_drs", last)).items] == ["1199"]


async def test_a_record_with_a_field_that_has_no_place_is_refused(store: Store) -> None:
    with pytest.raises(InvalidValue) as refused:
        await store.add_records("call_drs", ["dr_sid", "colour"], [("1", "red")])
    assert refused.value.field == "colour"
    with pytest.raises(InvalidValue, match="rows of different fields"):
        await store.add_records("call_drs", ["dr_sid", "date_start"], [("1", "x"), ("2",)])


async def test_the_first_start_makes_one_partner_with_its_system_gateway(
    store: Store, url: str, tmp_path: Path
) -> None:
    gateway = await store.get("endpoints", store.system_gateway_sid)
    assert gateway is not None
    assert (gateway["type"], gateway["partner_sid"]) == ("system_gateway", store.partner_sid)
    again = await Store.open(url, tmp_path)
    assert (again.partner_sid, again.system_gateway_sid) == (store.partner_sid, store.system_gateway_sid)
    assert (await again.list("partners")).total == 1
    await again.close()


async def test_programs_that_start_at_once_on_an_empty_database_make_one_partner(
    empty_url: str, tmp_path: Path
) -> None:
    """PostgreSQL let each of them make its own."""
    stores = await asyncio.gather(*(Store.open(empty_url, tmp_path) for _ in range(4)))
    assert len({(store.partner_sid, store.system_gateway_sid) for store in stores}) == 1
    assert (await stores[0].list("partners")).total == 1
    assert (await stores[0].list("endpoints")).total == 1
    for store in stores:
        await store.close()
