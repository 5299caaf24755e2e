"""The conference's own API: with the endpoint's login, about the endpoint's own objects alone."""

import httpx
import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.real_time

ROOMS = "/conference/v2/meeting_rooms"


@pytest.fixture
async def conference(api: Api) -> httpx.AsyncClient:
    made = await api.client.post("/core/v2/endpoints", json={"type": "conference", "name": "acme"})
    properties = made.json()["properties"]
    return api.with_login(properties["login"], properties["password"])


@pytest.fixture
async def other(api: Api) -> httpx.AsyncClient:
    made = await api.client.post("/core/v2/endpoints", json={"type": "conference", "name": "other"})
    properties = made.json()["properties"]
    return api.with_login(properties["login"], properties["password"])


async def test_an_access_code_belongs_to_one_room_of_an_endpoint(conference: httpx.AsyncClient) -> None:
    key = {"access_code": "482915", "role": "host"}
    first = await conference.post(ROOMS, json={"name": "standup", "access_codes": [key]})
    assert first.status_code == 200, first.text
    second = await conference.post(ROOMS, json={"name": "retro", "access_codes": [key]})
    assert second.status_code == 409
    assert second.json()["errors"][0]["field"].startswith("access_codes")
    twice = await conference.post(ROOMS, json={"name": "retro", "access_codes": [{**key, "access_code": "7"}] * 2})
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (409, "access_codes[1].access_code")


async def test_two_endpoints_may_use_the_same_code_and_do_not_see_each_other(
    api: Api, conference: httpx.AsyncClient
) -> None:
    made = (await api.client.post("/core/v2/endpoints", json={"type": "conference_v2", "name": "other"})).json()
    other = api.with_login(made["properties"]["login"], made["properties"]["password"])
    room = {"name": "standup", "access_codes": [{"access_code": "482915", "role": "host"}]}
    mine = (await conference.post(ROOMS, json=room)).json()
    assert (await other.post(ROOMS, json=room)).status_code == 200
    assert (await other.get(f"{ROOMS}/{mine['meeting_room_sid']}")).status_code == 404
    assert (await other.delete(f"{ROOMS}/{mine['meeting_room_sid']}")).status_code == 404
    assert mine["meeting_room_sid"] not in (await other.get(ROOMS)).text


async def test_patch_goes_into_properties_and_put_sets_them_all(conference: httpx.AsyncClient) -> None:
    properties = {"conference_start_how": "host", "conference_mute_policy": "pl"}
    room = (await conference.post(ROOMS, json={"name": "standup", "properties": properties})).json()
    address = f"{ROOMS}/{room['meeting_room_sid']}"
    change = {"properties": {"conference_moh_enabled": "off", "conference_mute_policy": None}}
    changed = await conference.patch(address, json=change)
    assert changed.json()["properties"] == {"conference_start_how": "host", "conference_moh_enabled": "off"}
    replaced = await conference.put(address, json={"name": "standup"})
    assert replaced.json()["properties"] == {}


async def test_what_get_shows_can_be_put_back_and_read_only_attributes_do_not_change(
    conference: httpx.AsyncClient,
) -> None:
    room = (await conference.post(ROOMS, json={"name": "standup"})).json()
    address = f"{ROOMS}/{room['meeting_room_sid']}"
    assert (await conference.put(address, json={**room, "name": "daily"})).json() == {**room, "name": "daily"}
    refused = await conference.patch(address, json={"account_sid": "00000000-0000-4000-8000-000000000000"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "account_sid", "message": "is read-only"}]


NO_ROOM: tuple[tuple[dict[str, object], str], ...] = (
    ({"nmae": "x"}, "nmae"),
    ({"name": 7}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"access_codes": [{"access_code": "12a4", "role": "host"}]}, "access_codes[0].access_code"),
    ({"access_codes": [{"access_code": "1234", "role": "boss"}]}, "access_codes[0].role"),
    ({"access_codes": [{"access_code": "1234", "role": "host", "rule": 1}]}, "access_codes[0].rule"),
    ({"properties": {"conference_start_howw": "host"}}, "properties.conference_start_howw"),
    ({"properties": {"conference_start_how": "soon"}}, "properties.conference_start_how"),
    ({"properties": {"conference_moh": "/etc/passwd.wav"}}, "properties.conference_moh"),
    ({"properties": {"conference_moh": "/etc/passwd"}}, "properties.conference_moh"),
    ({"properties": {"conference_moh": "secrets/key.pem"}}, "properties.conference_moh"),
    ({"properties": {"did_welcomeprompt": "nope/nothing"}}, "properties.did_welcomeprompt"),
    ({"properties": {"conference_lock_dtmf_binding": "*6"}}, "properties.call_mute_dtmf_binding"),
    ({"did_group_sid": "00000000-0000-4000-8000-000000000000"}, "did_group_sid"),
    ({"did_group_sid": "7"}, "did_group_sid"),
)


async def test_what_a_room_can_not_be_is_422_and_names_the_attribute(conference: httpx.AsyncClient) -> None:
    for body, field in NO_ROOM:
        refused = await conference.post(ROOMS, json={"name": "standup", **body})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text


async def test_the_account_is_the_callers_own_and_its_password_can_be_changed(
    api: Api, conference: httpx.AsyncClient
) -> None:
    listed = (await conference.get("/conference/v2/accounts")).json()
    (account,) = listed["items"]
    address = f"/conference/v2/accounts/{account['account_sid']}"
    changed = await conference.patch(address, json={"password": "a brand new one", "name": "us"})
    assert (changed.status_code, changed.json()["name"]) == (200, "us")
    assert "brand new" not in changed.text
    assert (await conference.get(address)).status_code == 401
    again = api.with_login(account["login"], "a brand new one")
    assert (await again.get(address)).json()["name"] == "us"


async def test_the_four_call_flows_come_with_their_default_properties(conference: httpx.AsyncClient) -> None:
    listed = (await conference.get("/conference/v2/call_flows", params={"order": "name"})).json()
    assert [flow["name"] for flow in listed["items"]] == ["direct_host", "direct_participant", "open", "secured"]
    secured = listed["items"][3]
    assert secured["properties"]["conference_start_wait"] == "360"
    one = await conference.get(f"/conference/v2/call_flows/{secured['call_flow_sid']}")
    assert one.json() == secured
    found = await conference.get("/conference/v2/call_flows", params={"filter": "name like direct%"})
    assert found.json()["total"] == 2
    assert (await conference.post("/conference/v2/call_flows", json={})).status_code == 405


async def test_a_did_of_the_endpoint_gets_its_group_flow_and_properties_here(
    api: Api, conference: httpx.AsyncClient
) -> None:
    (account,) = (await conference.get("/conference/v2/accounts")).json()["items"]
    number = {"phonenumber": "12025550101", "endpoint_sid": account["endpoint_sid"]}
    did = (await api.client.post("/core/v2/phonenumber/dids", json=number)).json()
    group = (await conference.post("/conference/v2/did_groups", json={"name": "evening"})).json()
    address = f"/conference/v2/dids/{did['did_sid']}"
    change = {"did_group_sid": group["did_group_sid"], "properties": {"did_welcomeprompt_enabled": "off"}}
    changed = (await conference.patch(address, json=change)).json()
    assert changed["country_code"] == "USA"
    assert changed["did_group_sid"] == group["did_group_sid"]
    assert (await conference.delete(f"/conference/v2/did_groups/{group['did_group_sid']}")).status_code == 409
    assert (await conference.patch(address, json={"phonenumber": "12025550102"})).status_code == 422


async def test_a_number_that_reaches_the_conference_through_its_trunk_group_is_listed_and_changed_too(
    api: Api, conference: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    (account,) = (await conference.get("/conference/v2/accounts")).json()["items"]
    group = (await api.client.post("/core/v2/trunk_groups", json={"name": "inward"})).json()["trunk_group_sid"]
    outside = (await api.client.post("/core/v2/trunk_groups", json={"name": "outside"})).json()["trunk_group_sid"]
    trunk = {"name": "to the conference", "endpoint_sid": account["endpoint_sid"]}
    assert (await api.client.post(f"/core/v2/trunk_groups/{group}/trunks", json=trunk)).status_code == 200
    numbers = (
        {"phonenumber": "12025550101", "trunk_group_sid": group},
        {"phonenumber": "12025550102", "trunk_group_sid": outside},
        {"phonenumber": "12025550103", "endpoint_sid": account["endpoint_sid"], "trunk_group_sid": outside},
    )
    sids = [(await api.client.post("/core/v2/phonenumber/dids", json=one)).json()["did_sid"] for one in numbers]
    listed = (await conference.get("/conference/v2/dids", params={"order": "phonenumber"})).json()
    assert [(did["phonenumber"], did["account_sid"]) for did in listed["items"]] == [
        ("12025550101", account["account_sid"]),
        ("12025550103", account["account_sid"]),
    ]
    assert (await other.get("/conference/v2/dids")).json()["items"] == []
    address = f"/conference/v2/dids/{sids[0]}"
    changed = await conference.patch(address, json={"properties": {"did_welcomeprompt_enabled": "off"}})
    assert changed.json()["properties"] == {"did_welcomeprompt_enabled": "off"}
    assert (await conference.get(f"/conference/v2/dids/{sids[1]}")).status_code == 404
    assert (await other.get(address)).status_code == 404
