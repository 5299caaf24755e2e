"""Whatever is wrong, the answer has one form, and names what is to blame."""

from typing import Any

import pytest

from tests.api.conftest import Api

GROUPS = "/core/v2/trunk_groups"
ENDPOINTS = "/core/v2/endpoints"
SID = "00000000-0000-4000-8000-000000000000"


BAD = (
    ("POST", GROUPS, b"{", 400, "body"),
    ("POST", GROUPS, b'{"name": }', 400, "body"),
    ("POST", GROUPS, b"\xff\xfe", 400, "body"),
    ("POST", GROUPS, '{"name": "x"}'.encode("utf-16"), 400, "body"),
    ("POST", GROUPS, b"[" * 100_000, 400, "body"),
    ("POST", GROUPS, b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, 400, "body"),
    ("POST", GROUPS, b'{"in_capacity": ' + b"9" * 5000 + b"}", 400, "body"),
    ("POST", GROUPS, b"[]", 422, "body"),
    ("POST", GROUPS, b"7", 422, "body"),
    ("POST", GROUPS, b"null", 422, "body"),
    ("POST", GROUPS, b"", 422, "body"),
    ("POST", GROUPS, b'{"nmae": "x"}', 422, "nmae"),
    ("POST", GROUPS, b'{"in_capacity": -1}', 422, "in_capacity"),
    ("POST", GROUPS, b'{"in_capacity": 1e999}', 422, "in_capacity"),
    ("POST", GROUPS, b'{"in_capacity": true}', 422, "in_capacity"),
    ("POST", GROUPS, b'{"in_capacity": 9223372036854775808}', 422, "in_capacity"),
    ("POST", GROUPS, b'{"cps_limit": NaN}', 400, "body"),
    ("POST", GROUPS, b'{"routing_data": {"a": -Infinity}}', 400, "body"),
    ("POST", GROUPS, b'{"routing_data": {"a": 18446744073709551616}}', 422, "routing_data"),
    ("POST", GROUPS, b'{"name": "a", "name": "b"}', 422, "name"),
    ("POST", GROUPS, b'{"routing_data": {"deep": 1, "deep": 2}}', 422, "deep"),
    ("POST", GROUPS, b'{"routing_data": {"a\\u0000": 1}}', 422, "routing_data"),
    ("POST", GROUPS, b'{"name": "\\ud800"}', 422, "name"),
    ("POST", GROUPS, b'{"name": "\xed\xa0\x80"}', 400, "body"),
    ("POST", GROUPS, b'{"\\uDfff": 1}', 422, "body"),
    ("POST", ENDPOINTS, b'{"type": "third_party", "addresses": [{"ip": "\\ud800"}]}', 422, "addresses[0].ip"),
    ("POST", GROUPS, b'{"acls": ["all of them"]}', 422, "acls[0]"),
    ("POST", GROUPS, b'{"transformations": [{"type": "rewrite", "field": "From"}]}', 422, "transformations[0]"),
    ("POST", ENDPOINTS, b'{"type": "third_party", "addresses": [{"ip": "::1", "prot": 1}]}', 422, "addresses[0].prot"),
    ("PATCH", f"{GROUPS}/{SID}", b"{}", 404, "trunk_group_sid"),
    ("PUT", f"{GROUPS}/{SID}", b"{}", 404, "trunk_group_sid"),
    ("DELETE", f"{GROUPS}/{SID}", b"", 404, "trunk_group_sid"),
    ("GET", f"{GROUPS}/not-a-sid", b"", 404, "trunk_group_sid"),
    ("GET", f"{GROUPS}/{SID}/trunks", b"", 404, "trunk_group_sid"),
    ("GET", f"{GROUPS}/%00", b"", 404, "trunk_group_sid"),
    ("GET", "/core/v2/nothing", b"", 404, ""),
    ("DELETE", GROUPS, b"", 405, ""),
    ("BREW", GROUPS, b"", 405, ""),
    ("POST", GROUPS, b'{"name": "' + b"x" * (1 << 20) + b'"}', 413, "body"),
)


async def test_bad_input_is_4xx_in_one_form(api: Api) -> None:
    for method, path, content, status, field in BAD:
        headers = {"Content-Type": "application/json"}
        answered = await api.client.request(method, path, content=content, headers=headers)
        assert answered.status_code == status, (content[:60], answered.text)
        errors: list[dict[str, Any]] = answered.json()["errors"]
        assert all(set(error) == {"field", "message"} and error["message"] for error in errors)
        assert errors[0]["field"].startswith(field), (content[:60], answered.text)


async def test_a_body_whose_length_nobody_announced_is_cut_off_all_the_same(api: Api) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * (1 << 16)

    answered = await api.client.post(GROUPS, content=endless(), headers={"Content-Type": "application/json"})
    assert answered.status_code == 413
    assert answered.json()["errors"]


async def test_every_wrong_attribute_is_named_at_once(api: Api) -> None:
    body = {"nmae": "x", "routing_tpye": "y", "partner_sid": SID}
    answered = await api.client.post(GROUPS, json=body)
    assert [error["field"] for error in answered.json()["errors"]] == ["nmae", "routing_tpye", "partner_sid"]
    assert 'did you mean "name"' in answered.json()["errors"][0]["message"]


FULL_OF_FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (GROUPS, {"acls": ["x"] * 60_000}, "acls[0]"),
    (GROUPS, {"transformations": [{"x": 1}] * 60_000}, "transformations"),
    (GROUPS, {f"k{number}": 1 for number in range(60_000)}, "body"),
    (GROUPS, {f"k{number}": 1 for number in range(1_000)}, "k0"),
    ("/core/v2/phonenumber/dids", {"phonenumber": "1", "properties": dict.fromkeys(map(str, range(2_000)), 1)}, ""),
    ("/switch/v1/calling_rules", {"allowed_prefixes": ["x"] * 10_000}, "allowed_prefixes[0]"),
    ("/switch/v1/rate_decks", {"rates": dict.fromkeys((f"x{number}" for number in range(90_000)), 1)}, "rates"),
)


async def test_a_body_full_of_faults_gets_a_short_answer(api: Api) -> None:
    """Each of a hundred thousand was told, in megabytes, for which every call waited a second."""
    for path, body, field in FULL_OF_FAULTS:
        answered = await api.client.post(path, json=body)
        errors = answered.json()["errors"]
        assert (answered.status_code, len(errors) <= 20) == (422, True), path
        assert errors[0]["field"].startswith(field), answered.text


async def test_an_object_that_others_name_stays(api: Api) -> None:
    group = (await api.client.post(GROUPS, json={"name": "acme"})).json()
    did = {"phonenumber": "12025550101", "trunk_group_sid": group["trunk_group_sid"]}
    named = (await api.client.post("/core/v2/phonenumber/dids", json=did)).json()
    refused = await api.client.delete(f"{GROUPS}/{group['trunk_group_sid']}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "dids")
    assert refused.json()["errors"][0]["message"].endswith(f"; 12025550101, did_sid {named['did_sid']}")
    twice = await api.client.post("/core/v2/phonenumber/dids", json={"phonenumber": "12025550101"})
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (409, "phonenumber")


async def test_a_bug_of_ours_is_500_and_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(api.context.store, "list", broken)
    transport: Any = api.client._transport
    transport.raise_app_exceptions = False
    answered = await api.client.get(GROUPS)
    assert answered.status_code == 500
    assert answered.json() == {"errors": [{"field": "", "message": "internal error"}]}


async def test_405_names_every_method_of_the_address(api: Api) -> None:
    assert (await api.client.options(GROUPS)).headers["Allow"] == "GET, HEAD, POST"
    assert (await api.client.post(f"{GROUPS}/{SID}")).headers["Allow"] == "GET, HEAD, PATCH, PUT, DELETE"


async def test_head_says_what_get_would(api: Api) -> None:
    head, get = await api.client.head(GROUPS), await api.client.get(GROUPS)
    assert (head.status_code, head.headers) == (200, get.headers)
    assert (await api.client.head(f"{GROUPS}/{SID}")).status_code == 404
    assert (await api.client.head("/switch/v1/events")).status_code in (404, 405)
