"""Calls out as the API shows them: which trunks take calls, why a call goes where, what is alarming, what is spent."""

import pytest

from softswitch.routing import Refused
from softswitch.routing.caller import Caller
from tests.api.live.house import House

RULES = "/switch/v1/calling_rules"


async def test_a_trunk_that_rests_is_shown_with_why_and_until_when_and_explain_says_so_too(home: House) -> None:
    outward, group = home.app.destinations.outward, home.app.plan.trunk_groups["pstn"]
    now = home.app.destinations._clock()
    for _ in range(3):
        targets, _ = outward.targets("13105550123", group, Caller("12025550101"), now)
        outward.tried(targets[0], 408, now)
    (trunk,) = (await home.admin.get("/switch/v1/trunks/health")).json()["trunks"]
    assert (trunk["service"], trunk["why"]) == ("resting", "3 hard failures in 60 s, last 408")
    assert trunk["date_rests_until"] is not None
    alarms = (await home.admin.get("/switch/v1/alarms")).json()
    assert [(alarm["kind"], alarm["subject"]) for alarm in alarms["alarms"]] == [("trunk", "trunk pstn/gateway")]
    assert alarms["counts"] == {"trunk": 1}
    await home.admin.post("/core/v2/users", json={"username": "1001", "password": "very secret"})
    asked = {"from": "1001", "to": "13105550123", "source": "10.0.0.9"}
    told = (await home.admin.get("/switch/v1/explain", params=asked)).json()
    last = {reason["candidate"]: reason["why"] for reason in told["reasons"] if reason["step"] == "trunk"}
    assert last["gateway"] == "last resort: no trunk is in service"
    assert told["status"] == 200


async def test_what_a_user_may_not_call_is_explained_refused_and_an_alarm(home: House) -> None:
    await home.admin.post("/core/v2/users", json={"username": "1001", "password": "very secret"})
    asked = {"from": "1001", "to": "442071838750", "source": "10.0.0.9"}
    told = (await home.admin.get("/switch/v1/explain", params=asked)).json()
    assert (told["status"], told["reason"]) == (403, "Destination not allowed")
    assert (await home.admin.get("/switch/v1/alarms")).json()["alarms"] == []
    plan = home.app.plan
    caller = Caller("", user=plan.users["1001"])
    with pytest.raises(Refused):
        home.app.destinations.outward.targets("442071838750", plan.trunk_groups["pstn"], caller, 0.0)
    alarms = (await home.admin.get("/switch/v1/alarms")).json()["alarms"]
    assert [(alarm["kind"], alarm["number"]) for alarm in alarms] == [("destination", "442071838750")]
    await home.admin.post(RULES, json={"name": "abroad", "allowed_prefixes": ["44"]})
    told = (await home.admin.get("/switch/v1/explain", params=asked)).json()
    assert told["status"] == 200
    spent = (await home.admin.get("/switch/v1/spendings")).json()["spendings"]
    assert [(one["subject"], one["calls"]) for one in spent] == [("user 1001", 0)]
