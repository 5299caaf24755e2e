"""`/switch/v1`: what operators ask and do."""

import asyncio

import pytest

from softswitch.sip import Ended, Response
from tests.api.http import client
from tests.api.live.house import NUMBER, House

CALLS = "/switch/v1/calls"


async def test_every_live_call_is_shown_with_the_path_it_came(home: House) -> None:
    phone = await home.enter("host")
    (item,) = (await home.admin.get(CALLS)).json()["items"]
    call = home.call(phone)
    assert (item["call_sid"], item["call_id"], item["state"]) == (call.sid, call.id, "talking")
    assert (item["source"], item["endpoint"], item["number_dst"]) == ("pstn/gateway", "conference", NUMBER)
    steps = [step["after"] for step in item["path"]]
    assert steps[:3] == ["identified", "routed", "answering"]
    assert steps[-1] == "talking"
    for name in (call.sid, call.id):
        assert (await home.admin.get(f"{CALLS}/{name}")).json()["path"] == item["path"]
    assert (await home.admin.get(f"{CALLS}/{call.id}x")).status_code == 404
    assert (await home.admin.delete(f"{CALLS}/{call.sid}")).status_code == 204
    assert (await phone.ended()).by == "remote"
    assert (await home.admin.get(f"{CALLS}/{call.sid}")).status_code == 404


async def test_explain_says_where_a_call_would_go_and_why(home: House) -> None:
    asked = {"from": "13105550001", "to": NUMBER, "source": "10.0.0.2:5060"}
    explained = (await home.admin.get("/switch/v1/explain", params=asked)).json()
    assert (explained["status"], explained["endpoint"], explained["did"]) == (200, "conference", NUMBER)
    assert ("endpoint", "conference", True) in {(r["step"], r["candidate"], r["taken"]) for r in explained["reasons"]}
    unknown = (await home.admin.get("/switch/v1/explain", params={**asked, "to": "19995550100"})).json()
    assert (unknown["status"], unknown["endpoint"]) == (404, None)
    stranger = (await home.admin.get("/switch/v1/explain", params={**asked, "source": "198.51.100.1"})).json()
    assert stranger["status"] == 403


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"to": NUMBER}, "from"),
        ({"from": "1", "to": NUMBER, "source": "somewhere"}, "source"),
        ({"from": "13105550001", "to": "no number", "source": "10.0.0.2"}, "to"),
        ({"from": "not a number", "to": NUMBER, "source": "10.0.0.2"}, "from"),
    ],
)
async def test_explain_names_the_parameter_that_it_can_not_read(home: House, asked: dict[str, str], field: str) -> None:
    answer = await home.admin.get("/switch/v1/explain", params=asked)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_a_trunk_that_answers_is_up_and_one_that_does_not_goes_down(home: House) -> None:
    async def trunk(**ask: str) -> dict[str, object]:
        answer = await home.admin.get("/switch/v1/trunks/health", params=ask)
        return dict(answer.json()["trunks"][0])

    assert (await trunk())["state"] == "unknown"
    seen = await trunk(ask="true")
    assert (seen["trunk"], seen["state"], seen["status"], seen["failures"]) == ("gateway", "up", 200, 0)
    home.phones.on_request = lambda request, peer: Response.for_request(request, 408)
    assert [(await trunk(ask="true"))["state"] for _ in range(3)] == ["up", "up", "down"]


async def test_rooms_are_shown_with_those_who_talk(home: House) -> None:
    talker = await home.enter("host", tone_hz=2200)
    await home.enter("participant", caller="13105550002")
    await asyncio.sleep(1)
    (room,) = (await home.admin.get("/switch/v1/rooms")).json()["rooms"]
    assert (room["name"], room["hosts"], room["participants"], room["endpoint"]) == ("standup", 1, 1, "conference")
    assert [found["call_id"] for found in room["talkers"]] == [home.call(talker).id]


async def test_a_switch_that_drains_keeps_its_calls_and_turns_new_ones_away_until_that_is_undone(home: House) -> None:
    phone = await home.enter("host")
    begun = await home.admin.post("/switch/v1/drain", json={})
    assert begun.json() == {"draining": True, "calls": 1}
    turned_away = home.dial(caller="13105550002")
    end = await turned_away.ended()
    assert end.status == 503
    assert isinstance(end, Ended)
    assert phone.end is None
    dial = {"number_dst": "13105550188", "meeting_sid": (await home.meeting())["meeting_sid"]}
    assert (await home.owner.post("/conference/v2/calls", json=dial)).status_code == 503
    assert (await home.admin.delete("/switch/v1/drain")).json()["draining"] is False
    await home.enter("participant", caller="13105550003")
    refused = await home.admin.post("/switch/v1/drain", json={"exit": True})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "exit")
    assert (await home.admin.get("/switch/v1/drain")).json()["draining"] is False


async def test_a_token_that_may_only_read_can_not_end_calls_and_a_login_sees_nothing(home: House) -> None:
    phone = await home.enter("host")
    made = await home.admin.post("/core/v2/tokens", json={"name": "reader", "scopes": ["switch.read"]})
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    reader = client(home.url, headers=headers)
    async with reader:
        assert (await reader.get(CALLS)).status_code == 200
        assert (await reader.delete(f"{CALLS}/{home.call(phone).sid}")).status_code == 403
        assert (await reader.post("/switch/v1/drain", json={})).status_code == 403
    assert (await home.owner.get(CALLS)).status_code == 401
    assert (await home.stranger.get(CALLS)).status_code == 401
