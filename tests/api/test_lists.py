"""Lists as a CarrierX client asks for them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import Request

from softswitch.api.core.trunk_groups import TrunkGroups
from softswitch.api.memory import page_of
from softswitch.store import Condition, ListQuery, Row
from tests.api.conftest import Api

pytestmark = pytest.mark.real_time

GROUPS = "/core/v2/trunk_groups"


@pytest.fixture
async def client(api: Api) -> httpx.AsyncClient:
    """With seven trunk groups, a to g, of capacities 0 to 6."""
    for number, name in enumerate("abcdefg"):
        values = {"name": name, "in_capacity": number, "routing_data": {"tier": f"t{number % 2}"}}
        assert (await api.client.post(GROUPS, json=values)).status_code == 200
    return api.client


async def listed(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answered = await client.get(GROUPS, params=parameters)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


async def names(client: httpx.AsyncClient, **parameters: Any) -> str:
    return "".join(item["name"] for item in (await listed(client, **parameters))["items"])


async def test_the_envelope_and_the_way_to_the_next_page(client: httpx.AsyncClient) -> None:
    page = await listed(client, limit=3, order="name")
    assert {name: page[name] for name in ("count", "has_more", "limit", "offset", "total")} == {
        "count": 3,
        "has_more": True,
        "limit": 3,
        "offset": 0,
        "total": 7,
    }
    seen = [item["name"] for item in page["items"]]
    while page["pagination"]["next"] is not None:
        page = (await client.get(page["pagination"]["next"])).json()
        seen += [item["name"] for item in page["items"]]
    assert seen == list("abcdefg")
    assert (await client.get(page["pagination"]["previous"])).json()["items"][0]["name"] == "d"


async def test_ten_come_where_no_limit_is_said(client: httpx.AsyncClient) -> None:
    assert (await listed(client))["limit"] == 10


async def test_order_by_an_attribute_up_down_or_shuffled(client: httpx.AsyncClient) -> None:
    assert await names(client, order="in_capacity desc") == "gfedcba"
    assert await names(client, order="name asc", limit=2, offset=5) == "fg"
    assert sorted(await names(client, order="shuffle")) == list("abcdefg")


async def test_cursors_lead_through_an_order_in_both_directions(client: httpx.AsyncClient) -> None:
    sids = {item["name"]: item["trunk_group_sid"] for item in (await listed(client))["items"]}
    assert await names(client, order="name", after=sids["c"], limit=2) == "de"
    assert await names(client, order="name", before=sids["c"], limit=5) == "ab"
    page = await listed(client, order="name", after=sids["a"], limit=3)
    assert [item["name"] for item in (await client.get(page["pagination"]["next"])).json()["items"]] == list("efg")


async def test_filters_by_value_pattern_number_and_dotted_name(client: httpx.AsyncClient) -> None:
    assert await names(client, filter="name eq c") == "c"
    assert await names(client, filter='name ge "f" and in_capacity lt 6') == "f"
    assert await names(client, order="name", filter="routing_data.tier eq t0") == "aceg"
    assert await names(client, filter="name like z%") == ""
    assert await names(client, order="name", filter="in_capacity ne 3", limit=4) == "abce"


async def test_a_filter_with_sql_in_it_is_only_text(client: httpx.AsyncClient) -> None:
    assert await names(client, filter="name eq \"x' or '1'='1\"") == ""


async def test_only_the_fields_that_are_wanted_come(client: httpx.AsyncClient) -> None:
    page = await listed(client, include_fields="name,in_capacity", limit=1, order="name")
    assert page["items"] == [{"name": "a", "in_capacity": 0}]
    assert (await listed(client, includeFields="name", limit=1, order="name"))["items"] == [{"name": "a"}]
    assert "acls" not in (await listed(client, exclude_fields="acls"))["items"][0]


async def test_related_objects_are_embedded_when_asked_for(client: httpx.AsyncClient) -> None:
    item = (await listed(client, with_related="true"))["items"][0]
    assert item["partner"]["partner_sid"] == item["partner_sid"]
    assert "partner" not in (await listed(client))["items"][0]


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"limit": 0}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"limit": "many"}, "limit"),
    ({"offset": -1}, "offset"),
    ({"offset": 10**12}, "offset"),
    ({"order": "nmae"}, "order"),
    ({"order": "name upwards"}, "order"),
    ({"order": "name asc desc"}, "order"),
    ({"order": ""}, "order"),
    ({"order": "acls"}, "acls"),
    ({"filter": "nmae eq a"}, "filter"),
    ({"filter": "name equals a"}, "filter"),
    ({"filter": ""}, "filter"),
    ({"filter": "in_capacity eq many"}, "in_capacity"),
    ({"filter": "trunks.sip_password like a%"}, "filter"),
    ({"limit": ["5", "6"]}, "limit"),
    ({"after": "x"}, "after"),
    ({"after": "00000000-0000-4000-8000-000000000000"}, "after"),
    ({"after": "00000000-0000-4000-8000-000000000000", "offset": 1}, "after"),
    ({"include_fields": "nmae"}, "include_fields"),
    ({"exclude_fields": "nmae"}, "exclude_fields"),
    ({"fliter": "name eq a"}, "fliter"),
    ({"with_related": "perhaps"}, "with_related"),
)


async def test_a_list_that_can_not_be_is_400_and_names_the_parameter(api: Api) -> None:
    for parameters, field in BAD:
        refused = await api.client.get(GROUPS, params=parameters)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field), refused.text


async def test_nothing_secret_can_be_found_out_by_asking(api: Api) -> None:
    body = {"type": "conference", "properties": {"login": "acme", "password": "very secret"}}
    await api.client.post("/core/v2/endpoints", json=body)
    await api.client.post("/core/v2/users", json={"username": "u", "password": "very secret"})
    for path, attribute in (
        ("endpoints", "properties.password"),
        ("endpoints", "properties.password_hash"),
        ("endpoints", "addresses.sip_password"),
        ("endpoints", "out_sip_password"),
        ("users", "password"),
        ("tokens", "token_hash"),
    ):
        for parameters in ({"filter": f"{attribute} like %"}, {"order": attribute}):
            refused = await api.client.get(f"/core/v2/{path}", params=parameters)
            assert refused.status_code == 400, (attribute, refused.text)
        assert "very secret" not in (await api.client.get(f"/core/v2/{path}")).text


ITEMS = [{"sid": str(n), "name": "abc"[n % 3], "size": n, "inside": {"x": n % 2 == 0}} for n in range(7)]


@pytest.mark.parametrize(
    ("query", "sids"),
    [
        (ListQuery(limit=3), "012"),
        (ListQuery(limit=3, offset=5), "56"),
        (ListQuery(conditions=(Condition(("name",), "like", "%b%"),)), "14"),
        (ListQuery(conditions=(Condition(("size",), "ge", "5"), Condition(("inside", "x"), "eq", "true"))), "6"),
        (ListQuery(conditions=(Condition(("inside", "y"), "eq", None),), limit=2), "01"),
        (ListQuery(order=((("name",), False),), limit=4), "0361"),
        (ListQuery(order=((("size",), True),), after="5", limit=2), "43"),
        (ListQuery(before="3", limit=2), "12"),
    ],
)
def test_a_list_in_memory_is_asked_like_one_in_the_store(query: ListQuery, sids: str) -> None:
    assert "".join(item["sid"] for item in page_of(ITEMS, query, "sid").items) == sids


async def test_calls_have_their_turn_while_a_long_list_is_made_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand objects at once held every call up for 50 ms."""
    turns: list[int] = [0]
    seen: list[int] = []
    show_all = TrunkGroups.show_all

    async def noted(self: TrunkGroups, request: Request, rows: Sequence[Row]) -> list[dict[str, Any]]:
        seen.append(turns[0])
        return await show_all(self, request, rows)

    async def others() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    for number in range(6):
        await api.context.store.create("trunk_groups", {"name": f"group {number}"})
    monkeypatch.setattr(TrunkGroups, "show_all", noted)
    monkeypatch.setattr("softswitch.api.resources.SHOWN_AT_ONCE", 2)
    turning = asyncio.create_task(others())
    listed = (await api.client.get("/core/v2/trunk_groups?order=name&include_fields=name")).json()
    turning.cancel()
    assert [item["name"] for item in listed["items"]] == [f"group {number}" for number in range(6)]
    assert len(set(seen)) == 3
