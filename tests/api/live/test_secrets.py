"""What is secret comes out by no way: a password is put wherever there is room for one, and everything is read."""

import re
from typing import Any

import pytest

from softswitch.store import RESOURCES
from tests.api.live.house import CODES, House
from tests.api.live.test_events import Stream

MARK = "hunter2"
GROUPS, ENDPOINTS = "/core/v2/trunk_groups", "/core/v2/endpoints"
FAR = {"address": "10.0.0.9", "name": "far"}
ENDLESS = ("/events", "/drain")


async def furnish(home: House) -> list[str]:
    """Objects with a password in every attribute that takes one; the answers to POST that show none."""
    group = (await home.admin.post(GROUPS, json={"name": "secret"})).json()["trunk_group_sid"]
    trunk = FAR | {f"{way}sip_{what}": f"{MARK}-{way}" for way in ("", "in_") for what in ("username", "password")}
    trunk |= {"sip_username": "u", "in_sip_username": "v"}
    address = {"ip": "10.0.0.9", "sip_username": "w", "sip_password": f"{MARK}-address"}
    party = {f"{way}_sip_password": f"{MARK}-{way}" for way in ("in", "out")}
    party |= {f"{way}_sip_username": "x" for way in ("in", "out")}
    answers = [
        await home.admin.post(f"{GROUPS}/{group}/trunks", json=trunk),
        await home.admin.post(ENDPOINTS, json={"type": "third_party", "name": "p", "addresses": [address], **party}),
        await home.admin.post("/core/v2/users", json={"username": "2001", "password": f"{MARK}-user"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3, [answer.text for answer in answers]
    made = {"type": "conference", "properties": {"login": "made", "password": f"{MARK}-login"}}
    shown = (await home.admin.post(ENDPOINTS, json=made)).json()
    assert shown["properties"]["password"] == f"{MARK}-login"  # once
    address_of_it = f"{ENDPOINTS}/{shown['endpoint_sid']}"
    answers += [
        await home.admin.patch(address_of_it, json={"properties": {"password": f"{MARK}-other"}}),
        await home.admin.put(address_of_it, json={**shown, "properties": {"password": f"{MARK}-third"}}),
    ]
    return [answer.text for answer in answers]


async def refused(home: House) -> list[str]:
    """What is said to requests that have a secret in the wrong place, or a wrong one."""
    long = MARK * 100
    answers = [
        await home.admin.post("/core/v2/users", json={"username": "2002", "password": [MARK]}),
        await home.admin.post("/core/v2/users", json={"username": "2002", "password": long}),
        await home.admin.post("/core/v2/users", json={"username": "2001", "password": MARK}),
        await home.admin.post(ENDPOINTS, json={"type": "conference", "properties": {"password": long}}),
        await home.admin.post(ENDPOINTS, json={"type": "third_party", "out_sip_password": MARK}),
        await home.stranger.get(ENDPOINTS, headers={"Authorization": f"Bearer {MARK}"}),
        await home.stranger.get("/conference/v2/accounts", auth=("made", MARK)),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
    return [answer.text for answer in answers]


async def everything(home: House, sids: dict[str, str]) -> dict[str, str]:
    """By path: what GET answers, for every path that the OpenAPI document knows."""
    document = (await home.admin.get("/openapi.json")).json()
    answers = {"/openapi.json": str(document), "/docs": (await home.admin.get("/docs")).text}
    asked = {"limit": "1000", "with_related": "true", "with_trunks": "true"}
    paths = sorted((path for path, found in document["paths"].items() if "get" in found), key=lambda path: "{" in path)
    for path in paths:
        names = re.findall(r"{(\w+)}", path)
        if path.endswith(ENDLESS) or not all(name in sids for name in names):
            continue
        client = home.owner if path.startswith("/conference/v2") else home.admin
        known = {parameter["name"] for parameter in document["paths"][path]["get"].get("parameters", ())}
        query = {name: value for name, value in asked.items() if name in known or "limit" in known}
        query |= {"from": "13105550001", "to": "2001"} if path.endswith("/explain") else {}
        answer = await client.get(path.format(**sids), params=query if known else {})
        answers[path] = answer.text
        if answer.status_code == 200 and '"items"' in answer.text:
            for item in answer.json()["items"]:
                sids |= {name: value for name, value in item.items() if name.endswith("_sid") and value}
    return answers


async def test_no_secret_comes_out_by_any_way(home: House, capfd: pytest.CaptureFixture[str]) -> None:
    async with Stream(home) as stream:
        told = await furnish(home) + await refused(home)
        phone = await home.enter("host")
        call = home.call(phone)
        answers = await everything(home, {"call": call.id, "call_sid": call.sid})
        phone.hang_up()
        await stream.until("ended")
    out, err = capfd.readouterr()
    assert len(answers) > 40
    texts: dict[str, Any] = {**answers, "answers to changes": told, "events": stream.got, "log": out + err}
    for where, text in texts.items():
        assert MARK not in str(text), where
        assert "$argon2" not in str(text), where
        assert home.token not in str(text), where
    for where in ("events", "log", "/switch/v1/ladder/{call}", "/switch/v1/calls", "/metrics"):
        assert CODES["host"] not in str(texts.get(where, "")), where


def test_every_password_of_the_store_is_called_a_secret() -> None:
    hidden = ("password", "hash", "voip_token")
    for resource in RESOURCES.values():
        columns = [*resource.columns, *(name for child in resource.children.values() for name in child.attributes)]
        for name in columns:
            assert not name.endswith(hidden) or name in resource.secrets, f"{resource.name}.{name}"
