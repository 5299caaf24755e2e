"""Trunk groups and their trunks over HTTP."""

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.real_time

GROUPS = "/core/v2/trunk_groups"


async def test_a_trunk_group_is_made_found_changed_replaced_and_removed(api: Api) -> None:
    made = await api.client.post(GROUPS, json={"name": "acme", "acls": ["192.0.2.7"]})
    assert made.status_code == 200
    group = made.json()
    assert (group["name"], group["acls"], group["hard_failure_codes"]) == ("acme", ["192.0.2.7/32"], "408;")
    address = f"{GROUPS}/{group['trunk_group_sid']}"
    assert (await api.client.get(address)).json() == group
    changed = await api.client.patch(address, json={"in_capacity": 30})
    assert changed.json() == {**group, "in_capacity": 30}
    replaced = await api.client.put(address, json={"name": "acme"})
    assert replaced.json() == {**group, "acls": [], "in_capacity": 0}
    assert (await api.client.delete(address)).status_code == 204
    gone = await api.client.get(address)
    assert (gone.status_code, gone.json()["errors"][0]["field"]) == (404, "trunk_group_sid")


async def test_trunks_live_below_their_group_and_show_no_password(api: Api) -> None:
    sid = (await api.client.post(GROUPS, json={"name": "acme"})).json()["trunk_group_sid"]
    trunk = {"name": "sbc", "address": "sbc.example.org", "sip_username": "us", "sip_password": "very secret"}
    made = await api.client.post(f"{GROUPS}/{sid}/trunks", json=trunk)
    assert made.status_code == 200
    assert "very secret" not in made.text
    listed = await api.client.get(f"{GROUPS}/{sid}/trunks")
    assert listed.json()["items"] == [made.json()]
    with_trunks = await api.client.get(GROUPS, params={"with_trunks": "true", "filter": "trunks.name eq sbc"})
    assert with_trunks.json()["items"][0]["trunks"] == [made.json()]
    kept = await api.client.patch(f"{GROUPS}/{sid}/trunks/{made.json()['trunk_sid']}", json={"port": 5070})
    assert kept.json()["port"] == 5070
    row = await api.context.store.get("trunks", made.json()["trunk_sid"])
    assert row is not None
    assert row["sip_password"] == "very secret"


async def test_trunks_are_not_made_inside_a_new_group_and_the_answer_says_where(api: Api) -> None:
    refused = await api.client.post(GROUPS, json={"name": "north", "trunks": [{"name": "sbc"}]})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, "trunks")
    assert error["message"].endswith("/core/v2/trunk_groups/{trunk_group_sid}/trunks")
    assert (await api.client.get(GROUPS)).json()["total"] == 0
    made = await api.client.post(GROUPS, json={"name": "north", "trunks": []})
    shown = await api.client.get(f"{GROUPS}/{made.json()['trunk_group_sid']}", params={"with_trunks": "true"})
    back = await api.client.put(f"{GROUPS}/{made.json()['trunk_group_sid']}", json=shown.json())
    assert back.status_code == 200, "an object can be sent back as it came"
