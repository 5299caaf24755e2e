"""Who may what: tokens, logins, and what somebody learns who has neither."""

import asyncio
import logging
from itertools import product

import httpx
import pytest

from tests.api.conftest import Api

ENDPOINTS = "/core/v2/endpoints"
PLACES = (
    ENDPOINTS,
    f"{ENDPOINTS}/00000000-0000-4000-8000-000000000000",
    "/core/v2/nothing/like/it",
    "/switch/v1/calls",
    "/switch/v1/nothing",
    "/conference/v2/meeting_rooms",
    "/conference/v2/nothing",
)


async def test_without_a_right_token_every_address_answers_the_same(api: Api) -> None:
    wrong = ({}, {"Authorization": "Bearer sw_wrong"}, {"Authorization": "Basic eDp5"})
    for place, method, authorization in product(PLACES, ("GET", "POST", "DELETE", "BREW"), wrong):
        answered = await api.stranger.request(method, place, headers=authorization)
        assert answered.status_code == 401, (place, method)
        assert answered.json() == {"errors": [{"field": "Authorization", "message": "unauthorized"}]}
        assert "www-authenticate" in answered.headers


async def test_no_authorization_header_breaks_anything(api: Api) -> None:
    simple = ("Bearer", "Bearer ", "Basic", "Basic !!!", "Basic Og==", "Digest x", "\xff", "Bearer \xff", "Basic //79")
    for place, authorization in product(PLACES[::3], (*simple, "x" * 9000)):
        answered = await api.stranger.get(place, headers={b"Authorization": authorization.encode("latin-1")})
        assert answered.status_code == 401, authorization


async def test_a_tokens_secret_is_shown_once_and_revoked_at_once(api: Api) -> None:
    made = (await api.client.post("/core/v2/tokens", json={"name": "m", "scopes": ["endpoints.read"]})).json()
    other = api.with_token(made["token"])
    assert (await other.get(ENDPOINTS)).status_code == 200
    address = f"/core/v2/tokens/{made['token_sid']}"
    assert (await api.client.get(address)).json()["token"] is None
    assert made["token"] not in (await api.client.get("/core/v2/tokens")).text
    row = await api.context.store.get("tokens", made["token_sid"])
    assert made["token"] not in str(row)
    assert (await api.client.delete(address)).status_code == 204
    assert (await other.get(ENDPOINTS)).status_code == 401


async def test_a_token_may_what_its_scopes_say_and_no_more(api: Api) -> None:
    scopes = ["trunk_groups.read", "tokens.create"]
    made = (await api.client.post("/core/v2/tokens", json={"name": "m", "scopes": scopes})).json()
    other = api.with_token(made["token"])
    assert (await other.get("/core/v2/trunk_groups")).status_code == 200
    refused = await other.post("/core/v2/trunk_groups", json={"name": "x"})
    assert refused.status_code == 403
    assert "trunk_groups.create" in refused.json()["errors"][0]["message"]
    more = await other.post("/core/v2/tokens", json={"name": "m", "scopes": ["trunk_groups.manage"]})
    assert (more.status_code, more.json()["errors"][0]["field"]) == (403, "scopes")
    unknown = await api.client.post("/core/v2/tokens", json={"name": "m", "scopes": ["everything"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "scopes[0]")


async def test_a_core_token_is_nobody_at_an_endpoint_api_and_the_other_way_round(api: Api) -> None:
    made = (await api.client.post(ENDPOINTS, json={"type": "conference", "name": "acme"})).json()
    login = api.with_login(made["properties"]["login"], made["properties"]["password"])
    assert (await login.get("/conference/v2/accounts")).status_code == 200
    assert (await login.get(ENDPOINTS)).status_code == 401
    assert (await api.client.get("/conference/v2/accounts")).status_code == 401


async def test_the_password_of_an_endpoint_is_shown_once_and_kept_as_a_hash(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = (await api.client.post(ENDPOINTS, json={"type": "conference"})).json()
    password = made["properties"]["password"]
    address = f"{ENDPOINTS}/{made['endpoint_sid']}"
    for shown in (
        await api.client.get(address),
        await api.client.get(ENDPOINTS),
        await api.client.patch(address, json={"name": "x", "properties": {"password": "another one"}}),
        await api.client.put(address, json={"type": "conference", "properties": made["properties"]}),
    ):
        assert shown.status_code == 200, shown.text
        assert password not in shown.text
        assert "argon2" not in shown.text
        assert "another one" not in shown.text
    row = await api.context.store.get("endpoints", made["endpoint_sid"])
    assert row is not None
    assert row["properties"]["password_hash"].startswith("$argon2id$")
    assert password not in str(row)
    assert password not in caplog.text


async def test_a_password_stays_when_a_client_puts_back_what_it_got(api: Api) -> None:
    made = (await api.client.post(ENDPOINTS, json={"type": "conference"})).json()
    login, password = made["properties"]["login"], made["properties"]["password"]
    address = f"{ENDPOINTS}/{made['endpoint_sid']}"
    shown = (await api.client.get(address)).json()
    assert (await api.client.put(address, json={**shown, "name": "new"})).status_code == 200
    assert (await api.with_login(login, password).get("/conference/v2/accounts")).status_code == 200


async def test_two_endpoints_do_not_share_a_login(api: Api) -> None:
    body = {"type": "conference", "properties": {"login": "acme", "password": "long enough"}}
    assert (await api.client.post(ENDPOINTS, json=body)).status_code == 200
    refused = await api.client.post(ENDPOINTS, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "properties.login")


async def test_repeated_wrong_tokens_are_slowed_and_the_right_one_is_not(api: Api) -> None:
    assert (await api.client.get(ENDPOINTS)).status_code == 200
    wrong = api.with_token("sw_wrong")
    loop = asyncio.get_running_loop()
    waited = []
    for _ in range(8):
        began = loop.time()
        assert (await wrong.get(ENDPOINTS)).status_code == 401
        waited.append(loop.time() - began)
    assert waited[7] > 1.0 > waited[0]
    began = loop.time()
    assert (await api.client.get(ENDPOINTS)).status_code == 200
    assert loop.time() - began < 1.0
    answers = await asyncio.gather(*(wrong.get(ENDPOINTS) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {401, 429}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)


async def test_a_wrong_login_takes_as_much_work_as_a_wrong_password(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (await api.client.post(ENDPOINTS, json={"type": "conference"})).json()
    hashed: list[str] = []
    from softswitch.api import passwords

    monkeypatch.setattr(passwords, "_verify", lambda kept, _given: hashed.append(kept) or False)
    for login in (made["properties"]["login"], "nobody"):
        assert (await api.with_login(login, "wrong").get("/conference/v2/accounts")).status_code == 401
    assert len(hashed) == 2
    assert all(kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for kept in hashed)


async def test_many_first_requests_with_one_login_work_out_one_hash(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight clients that began at once waited for eight hashes, one after the other."""
    properties = (await api.client.post(ENDPOINTS, json={"type": "conference"})).json()["properties"]
    hashed: list[str] = []
    from softswitch.api import passwords

    verify = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda *given: hashed.append(given[0]) or verify(*given))
    client = api.with_login(properties["login"], properties["password"])
    answers = await asyncio.gather(*(client.get("/conference/v2/accounts") for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(hashed) == 1


async def test_a_password_that_changes_while_it_is_proved_is_not_remembered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await api.client.post(ENDPOINTS, json={"type": "conference"})).json()
    from softswitch.api import passwords

    def verify_meanwhile(*_given: str) -> bool:
        api.context.passwords.forget()
        return True

    monkeypatch.setattr(passwords, "_verify", verify_meanwhile)
    login, password = made["properties"]["login"], made["properties"]["password"]
    assert (await api.with_login(login, password).get("/conference/v2/accounts")).status_code == 200
    assert api.context.passwords.remembered(login, password) is None


async def test_a_token_that_is_revoked_while_it_is_looked_up_is_not_remembered(api: Api) -> None:
    tokens = api.context.tokens
    secret, row = await tokens.create("short", ["*"])
    looking = asyncio.ensure_future(tokens.find(secret))
    await asyncio.sleep(0)
    tokens.forget(row["token_sid"])
    assert await looking is not None
    assert tokens.remembered(secret) is None


async def test_the_system_gateway_is_nobodys_to_change(api: Api) -> None:
    page = await api.client.get(ENDPOINTS, params={"filter": "type eq system_gateway"})
    (gateway,) = page.json()["items"]
    address = f"{ENDPOINTS}/{gateway['endpoint_sid']}"
    assert (await api.client.patch(address, json={"name": "mine"})).status_code == 403
    assert (await api.client.delete(address)).status_code == 403
    assert (await api.client.post(ENDPOINTS, json={"type": "system_gateway"})).status_code == 422


async def test_the_documents_of_the_api_are_for_everybody(api: Api) -> None:
    client: httpx.AsyncClient = api.stranger
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text.replace("http://...", "")
    assert "https://" not in page.text.replace("https://example.org", "")
    front = await client.get("/")
    assert (front.status_code, front.headers["location"]) == (307, "/docs")
