"""Numbers over REST: a DID leads to an endpoint or to a user."""

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.real_time


async def test_a_number_leads_to_a_user_or_to_an_endpoint_but_not_to_both(api: Api) -> None:
    user = (await api.client.post("/core/v2/users", json={"username": "1001", "password": "long enough"})).json()
    endpoint = (await api.client.post("/core/v2/endpoints", json={"name": "talk", "type": "conference"})).json()
    number = {"phonenumber": "12025550112", "user_sid": user["user_sid"]}
    made = await api.client.post("/core/v2/phonenumber/dids", json=number)
    assert made.json()["user_sid"] == user["user_sid"]
    (did,) = api.context.store.plan.numbers.dids
    assert (did.user, did.endpoint) == ("1001", None)
    address = f"/core/v2/phonenumber/dids/{made.json()['did_sid']}"
    both = await api.client.patch(address, json={"endpoint_sid": endpoint["endpoint_sid"]})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "user_sid")
    other = await api.client.patch(address, json={"endpoint_sid": endpoint["endpoint_sid"], "user_sid": None})
    assert other.status_code == 200
    assert (await api.client.delete(f"/core/v2/users/{user['user_sid']}")).status_code == 204


async def test_a_number_is_looked_up_whosever_it_is(api: Api) -> None:
    lookup = "/core/v2/phonenumber/lookup/dids"
    strange = (await api.client.get(f"{lookup}/442079460123")).json()
    assert (strange["phonenumber"], strange["country_code"], strange["state"]) == ("442079460123", "GBR", None)
    assert strange["formats"]["international_format"] == "+44 20 7946 0123"
    await api.client.post("/core/v2/phonenumber/dids", json={"phonenumber": "12025550101"})
    ours = (await api.client.get(f"{lookup}/+12025550101?cnam=false")).json()
    assert (ours["state"], ours["e164_format"], ours["formats"]["in_country_format"]) == (
        "active",
        "+12025550101",
        "(202) 555-0101",
    )
    for wrong, status, field in (("1", 404, "number"), ("x", 404, "number"), ("12025550101?cnam=true", 400, "cnam")):
        answered = await api.client.get(f"{lookup}/{wrong}")
        assert (answered.status_code, answered.json()["errors"][0]["field"]) == (status, field)


async def test_an_endpoint_has_no_voip_token(api: Api) -> None:
    """CarrierX shows it; read only, so a client may send it back."""
    made = (await api.client.post("/core/v2/endpoints", json={"name": "talk", "type": "conference"})).json()
    address = f"/core/v2/endpoints/{made['endpoint_sid']}"
    shown = (await api.client.get(address)).json()
    assert shown["voip_token"] is None
    assert (await api.client.put(address, json=shown)).status_code == 200
    refused = await api.client.patch(address, json={"voip_token": "mine"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "voip_token")


async def test_a_user_can_be_sent_back_as_he_was_shown(api: Api) -> None:
    """His password is write-only: PUT wanted it all the same."""
    body = {"username": "1001", "password": "long enough", "name": "Ann"}
    user = (await api.client.post("/core/v2/users", json=body)).json()
    put = await api.client.put(f"/core/v2/users/{user['user_sid']}", json=user)
    assert (put.status_code, put.json()) == (200, user)
    row = await api.context.store.get("users", user["user_sid"])
    assert row is not None
    assert row["password"] == "long enough"
    nameless = await api.client.put(f"/core/v2/users/{user['user_sid']}", json={"password": "another one"})
    assert (nameless.status_code, nameless.json()["errors"][0]["field"]) == (422, "username")
