"""Lists: filters, orders, cursors; what they refuse; and that indexes answer the ones over records."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from softswitch.store import Condition, Either, InvalidQuery, ListQuery, OneOf, Page, Store
from softswitch.store.resources import RESOURCES
from softswitch.store.tables.records import CALL_DR_FILTERS, CONFERENCE_CALL_FILTERS
from tests.store.conftest import DATABASES
from tests.store.postgres import drop_database, new_database
from tests.store.query_plans import plans_of
from tests.store.records import columns_and_rows

pytestmark = pytest.mark.real_time


def where(path: str, op: Any, value: Any, **rest: Any) -> ListQuery:
    return ListQuery((Condition(tuple(path.split(".")), op, value),), **rest)


def by(*names: str, descending: bool = False, **rest: Any) -> ListQuery:
    return ListQuery(order=tuple((tuple(name.split(".")), descending) for name in names), **rest)


def names(page: Page) -> list[str]:
    return [item["name"] for item in page.items]


async def test_a_list_can_be_kept_to_some_rows_one_way_or_another(groups: Store) -> None:
    either = Either(
        (
            (OneOf("name", ("north", "nowhere")),),
            (Condition(("in_capacity",), "eq", 10), OneOf("name", ("east", "south"))),
        )
    )
    assert names(await groups.list("trunk_groups", by("name", only=(either,)))) == ["east", "north"]
    assert names(await groups.list("trunk_groups", by("name", only=(OneOf("name", ()),)))) == []


async def test_sizes_above_two_gigabytes_are_kept_and_compared(store: Store) -> None:
    size = 5 * 2**30
    container = await store.create("containers", {"name": "large", "quota_bytes": 2 * size})
    sid = container["container_sid"]
    await store.create("files", {"container_sid": sid, "name": "large.wav", "file_bytes": size})
    assert (await store.get("containers", sid) or {})["quota_bytes"] == 2 * size
    for op, found in (("ge", ["large.wav"]), ("eq", ["large.wav"]), ("gt", [])):
        assert names(await store.list("files", where("file_bytes", op, str(size)))) == found


@pytest.fixture
async def groups(store: Store) -> Store:
    """Four trunk groups: north and south with a trunk each, east and west without."""
    for name, capacity, data in (
        ("north", 10, {"zone": "a", "rank": 2, "open": True, "deep": {"er": "x"}}),
        ("south", 9, {"zone": "b", "rank": 10, "open": False}),
        ("east", 10, {"zone": "b", "rank": "none"}),
        ("west", 0, {}),
    ):
        group = await store.create("trunk_groups", {"name": name, "in_capacity": capacity, "routing_data": data})
        if data.get("rank") in (2, 10):
            transfer = "disabled" if name == "north" else "enabled"
            await store.create("trunks", {"trunk_group_sid": group["trunk_group_sid"], "allow_transfer": transfer})
    return store


@pytest.mark.parametrize(
    ("path", "op", "value", "found"),
    [
        ("name", "eq", "north", "north"),
        ("name", "ne", "north", "east south west"),
        ("name", "like", "%st", "east west"),
        ("name", "like", "N%", ""),
        ("name", "gt", "north", "south west"),
        ("in_capacity", "eq", 10, "east north"),
        ("in_capacity", "ge", "9", "east north south"),
        ("in_capacity", "lt", 9.5, "south west"),
        ("routing_data.zone", "eq", "b", "east south"),
        ("routing_data.zone", "ne", "b", "north west"),
        ("routing_data.zone", "eq", None, "west"),
        ("routing_data.zone", "ne", None, "east north south"),
        ("routing_data.rank", "eq", 2, "north"),
        ("routing_data.rank", "eq", "2", "north"),
        ("routing_data.rank", "gt", 2, "south"),
        ("routing_data.rank", "le", "10", "north south"),
        ("routing_data.open", "eq", True, "north"),
        ("routing_data.open", "eq", "false", "south"),
        ("routing_data.deep.er", "eq", "x", "north"),
        ("routing_data.zone.deeper", "eq", "x", ""),
        ("trunks.allow_transfer", "eq", "enabled", "south"),
        ("trunks.allow_transfer", "ne", "nothing", "north south"),
    ],
)
async def test_a_filter_finds_columns_what_is_inside_json_and_children(
    groups: Store, path: str, op: str, value: Any, found: str
) -> None:
    page = await groups.list("trunk_groups", where(path, op, value))
    assert sorted(names(page)) == found.split()
    assert (page.total, page.has_more) == (len(page.items), False)


async def test_all_conditions_must_hold(groups: Store) -> None:
    both = (Condition(("in_capacity",), "eq", 10), Condition(("routing_data", "zone"), "eq", "b"))
    assert names(await groups.list("trunk_groups", ListQuery(both))) == ["east"]


async def test_a_truth_is_compared_as_one(store: Store) -> None:
    await store.create("containers", {"name": "open", "allow_publish": True})
    await store.create("containers", {"name": "shut", "allow_publish": False})
    for false in (False, "false", 0):
        assert names(await store.list("containers", where("allow_publish", "eq", false))) == ["shut"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (where("colour", "eq", "red"), "colour"),
        (where("name.inside", "eq", "red"), "name.inside"),
        (where("routing_data", "eq", "x"), "routing_data"),
        (where('routing_data.a"b', "eq", "x"), 'routing_data.a"b'),
        (where("trunks", "eq", "x"), "trunks"),
        (where("trunks.colour", "eq", "x"), "trunks.colour"),
        (where("in_capacity", "eq", "many"), "in_capacity"),
        (where("in_capacity", "like", "1%"), "in_capacity"),
        (where("name", "gt", None), "name"),
        (where("name", "near", "x"), "name"),
        (by("colour"), "colour"),
        (by("routing_data"), "routing_data"),
        (ListQuery(after="no such sid"), "after"),
        (ListQuery(before="no such sid"), "before"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_by_its_field(groups: Store, query: ListQuery, field: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        await groups.list("trunk_groups", query)
    assert refused.value.field == field


@pytest.mark.parametrize("value", ["'; DROP TABLE trunk_groups; --", "\\", "%", "_", "a\x1fb", "ü", '"', "\x7f"])
async def test_no_text_in_a_filter_does_anything_but_compare(groups: Store, value: str) -> None:
    assert (await groups.list("trunk_groups", where("name", "eq", value))).total == 0
    assert (await groups.list("trunk_groups", where("routing_data.zone", "eq", value))).total == 0
    assert (await groups.list("trunk_groups")).total == 4


async def test_the_order_is_that_of_creation_where_none_is_given(groups: Store) -> None:
    assert names(await groups.list("trunk_groups")) == ["north", "south", "east", "west"]


async def test_orders_by_several_attributes_and_by_what_is_inside_json(groups: Store) -> None:
    assert names(await groups.list("trunk_groups", by("in_capacity", "name"))) == ["west", "south", "east", "north"]
    assert names(await groups.list("trunk_groups", by("name", descending=True)))[0] == "west"
    known = ListQuery((Condition(("routing_data", "zone"), "ne", None),), ((("routing_data", "zone"), False),))
    assert names(await groups.list("trunk_groups", known))[0] == "north"


async def test_a_shuffled_list_has_everything_once(groups: Store) -> None:
    assert sorted(names(await groups.list("trunk_groups", ListQuery(shuffle=True)))) == [
        "east",
        "north",
        "south",
        "west",
    ]


@pytest.mark.parametrize("order", [(), ("name",), ("in_capacity",), ("routing_data.zone",), ("state", "name")])
@pytest.mark.parametrize("descending", [False, True])
async def test_cursors_walk_a_list_forth_and_back_without_losing_or_repeating_a_row(
    store: Store, order: tuple[str, ...], descending: bool
) -> None:
    """Also where many rows are equal in the order, and where some have no value."""
    kind = "dids" if "state" in order else "trunk_groups"
    for n in range(13):
        group = {"name": f"g{n:02}", "in_capacity": n % 3, "routing_data": {"zone": n % 2} if n % 4 else {}}
        did = {"phonenumber": f"1202555{n:04}", "state": None if n % 3 else f"s{n % 2}", "properties": {"name": "x"}}
        await store.create(kind, did if kind == "dids" else group)
    path = tuple(name.replace("name", "phonenumber") if kind == "dids" else name for name in order)
    whole = await store.list(kind, by(*path, descending=descending, limit=100))
    sid = RESOURCES[kind].sid
    everything = [item[sid] for item in whole.items]
    assert await walked(store, kind, by(*path, descending=descending, limit=4), "after") == everything
    assert await walked(store, kind, by(*path, descending=descending, limit=4), "before") == everything


async def walked(store: Store, kind: str, query: ListQuery, direction: str) -> list[str]:
    """All sids by pages, from the first row on or, backwards, from the last."""
    sid = RESOURCES[kind].sid
    whole = await store.list(kind, replace(query, limit=100))
    start = whole.items[0 if direction == "after" else -1][sid]
    found = [start]
    while True:
        page = await store.list(kind, replace(query, **{direction: found[-1 if direction == "after" else 0]}))
        sids = [item[sid] for item in page.items]
        found = [*found, *sids] if direction == "after" else [*sids, *found]
        if not page.has_more:
            return found


async def test_offset_and_limit_cut_a_page_out(groups: Store) -> None:
    page = await groups.list("trunk_groups", by("name", limit=2, offset=1))
    assert (names(page), page.total, page.has_more) == (["north", "south"], 4, True)


async def test_children_are_shown_in_a_list(store: Store) -> None:
    await store.create("endpoints", {"type": "third_party", "addresses": [{"ip": "192.0.2.7"}]})
    page = await store.list("endpoints", where("addresses.ip", "eq", "192.0.2.7"))
    assert [address["ip"] for address in page.items[0]["addresses"]] == ["192.0.2.7"]


async def test_records_are_counted_as_far_as_is_cheap(store: Store) -> None:
    await store.add_records("call_drs", *columns_and_rows(records("call_drs", 1500)))
    assert (await store.list("call_drs")).total is None
    assert (await store.list("call_drs", where("sipcause", "eq", 1))).total == 500


def records(resource: str, count: int) -> list[dict[str, Any]]:
    columns = RESOURCES[resource].columns
    return [{name: value for name, value in record(n).items() if name in columns} for n in range(count)]


def record(number: int) -> dict[str, Any]:
    moment = f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}.000Z"
    return {
        "dr_sid": f"{number:06}",
        "call_sid": f"{number:06}",
        "date_start": moment,
        "date_stop": moment,
        "sipcause": number % 3,
        "number_src": str(number),
    }


LATEST = ((("date_stop",), True),)
INDEXED = (
    *(("call_drs", where(name, "eq", "1", order=LATEST)) for name in CALL_DR_FILTERS),
    *(("conference_calls", where(name, "eq", "1", order=LATEST)) for name in CONFERENCE_CALL_FILTERS),
    ("call_drs", where("date_start", "ge", "2026-01-01T00:20", order=((("date_start",), False),))),
    ("call_drs", where("date_stop", "ge", "2026-01-01T00:20", order=LATEST)),
    ("call_drs", by("date_stop")),
    ("call_drs", by("date_stop", after="000700")),
    ("call_drs", by("date_stop", descending=True, before="000700")),
)


@pytest.fixture(params=DATABASES)
async def filled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with some thousand records, and statistics of them."""
    url = "" if request.param == "sqlite" else await new_database(request.getfixturevalue("postgres"))
    store = await Store.open(url, tmp_path)
    for resource in ("call_drs", "conference_calls"):
        await store.add_records(resource, *columns_and_rows(records(resource, 3000)))
    async with store._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE" if url else "ANALYZE")
    yield store
    await store.close()
    if url:
        await drop_database(url)


async def test_the_lists_of_an_operator_are_answered_by_an_index_already_in_order(filled: Store) -> None:
    for resource, query in INDEXED:
        counting, *_, page = await plans_of(filled, resource, query)
        assert f"ix_{resource}_" in page, (query, page)
        assert "TEMP B-TREE" not in page, (query, page)
        assert "Sort" not in page, (query, page)
        assert f"SCAN {resource}\n" not in counting, (query, counting)


async def test_a_filter_by_the_beginning_of_a_number_is_answered_by_an_index(filled: Store) -> None:
    for resource in ("call_drs", "conference_calls"):
        _, page = await plans_of(filled, resource, where("number_src", "like", "149%"))
        assert f"ix_{resource}_number_src" in page
