"""The partner over HTTP: where callbacks go."""

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.real_time

PARTNERS = "/core/v2/partners"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999/", "http://[", "ftp://crm.example/", "crm.example", "http://", "http://a b/", 7, ["x"]],
)
async def test_a_callback_that_can_go_nowhere_is_refused_with_its_name(api: Api, url: object) -> None:
    (partner,) = (await api.client.get(PARTNERS)).json()["items"]
    address = f"{PARTNERS}/{partner['partner_sid']}"
    for value in (url, {"url": url}):
        refused = await api.client.patch(address, json={"callbacks": {"app_conference_call": value}})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "callbacks"
        assert "app_conference_call" in refused.text
    assert (await api.client.get(address)).json() == partner


async def test_a_callback_is_a_url_or_an_object_with_one_or_nothing(api: Api) -> None:
    (partner,) = (await api.client.get(PARTNERS)).json()["items"]
    callbacks = {
        "app_conference_call": "https://crm.example:8443/calls?of=us",
        "app_conference_meeting": {"url": "http://10.0.0.7/meetings", "note": "theirs"},
        "app_mediator": None,
        "call_dr": "",
    }
    changed = await api.client.patch(f"{PARTNERS}/{partner['partner_sid']}", json={"callbacks": callbacks})
    assert (changed.status_code, changed.json()["callbacks"]) == (
        200,
        {name: value for name, value in callbacks.items() if value is not None},
    )


async def test_a_callback_that_there_is_not_is_refused_with_the_one_that_was_meant(api: Api) -> None:
    """A name with a letter missing was kept, and nothing ever sent."""
    (partner,) = (await api.client.get(PARTNERS)).json()["items"]
    address = f"{PARTNERS}/{partner['partner_sid']}"
    refused = await api.client.patch(address, json={"callbacks": {"app_conference_cal": "https://crm.example/"}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "callbacks")
    assert 'did you mean "app_conference_call"' in refused.text.replace("\\", "")
    of_carrierx = {"sms": "https://crm.example/", "phonenumber_order": "https://crm.example/"}
    assert (await api.client.patch(address, json={"callbacks": of_carrierx})).json()["callbacks"] == of_carrierx


async def test_the_partner_has_no_transformations_and_says_so(api: Api) -> None:
    """They would look as if they changed numbers; those of endpoints, trunk groups, trunks and DIDs do."""
    (partner,) = (await api.client.get(PARTNERS)).json()["items"]
    rule = {"type": "set", "field": "number_dst", "value": "1"}
    refused = await api.client.patch(f"{PARTNERS}/{partner['partner_sid']}", json={"transformations": [rule]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "transformations")
