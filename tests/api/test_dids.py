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
