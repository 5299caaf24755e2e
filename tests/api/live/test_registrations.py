"""`/core/v2/users` in force at once, and `/switch/v1/registrations`."""

import asyncio

from softswitch.sip import Address, Credentials, Response, Uri
from tests.api.live.house import HERE, OUTSIDE, House

REGISTRATIONS = "/switch/v1/registrations"
PASSWORD = "correct horse"


async def register(home: House, username: str, password: str = PASSWORD, port: int = 5060) -> Response:
    record = Address.parse(f"<sip:{username}@{HERE}>")
    return await home.phones.request(
        "REGISTER",
        Uri.parse(f"sip:{HERE}"),
        from_=record,
        to=record,
        headers=[("Contact", f"<sip:{username}@{OUTSIDE}:{port}>;expires=300")],
        credentials=Credentials(username, password),
    )


async def make_user(home: House, username: str, **attributes: object) -> str:
    answer = await home.admin.post("/core/v2/users", json={"username": username, "password": PASSWORD, **attributes})
    assert answer.status_code == 200, answer.text
    assert "password" not in answer.json()
    return str(answer.json()["user_sid"])


async def test_a_user_made_over_rest_registers_at_once_and_is_shown(home: House) -> None:
    assert (await register(home, "2001")).status == 403
    user_sid = await make_user(home, "2001", name="Ann", forward_busy="2002", ring_s=20)
    assert (await register(home, "2001")).status == 200
    (item,) = (await home.admin.get(REGISTRATIONS)).json()["items"]
    assert (item["username"], item["user_sid"], item["contact"]) == ("2001", user_sid, f"sip:2001@{OUTSIDE}:5060")
    assert (item["source"], item["state"]) == (f"sip:{OUTSIDE}:5060", "unknown")
    assert 290 <= item["expires"] <= 300
    assert (await home.admin.get(f"{REGISTRATIONS}/{item['registration_sid']}")).json()["username"] == "2001"
    totals = (await home.admin.get(f"{REGISTRATIONS}/totals")).json()
    assert (totals["users"], totals["contacts"], totals["wrong_passwords"]) == (1, 1, 1)


async def test_a_list_of_registrations_is_filtered_and_ordered(home: House) -> None:
    for username in ("2001", "2002", "2003"):
        await make_user(home, username)
        await register(home, username)
    asked = {"filter": "username gt 2001", "order": "username desc", "include_fields": "username"}
    items = (await home.admin.get(REGISTRATIONS, params=asked)).json()["items"]
    assert [item["username"] for item in items] == ["2003", "2002"]


async def test_an_operator_ends_a_registration(home: House) -> None:
    await make_user(home, "2001")
    await register(home, "2001")
    (item,) = (await home.admin.get(REGISTRATIONS)).json()["items"]
    path = f"{REGISTRATIONS}/{item['registration_sid']}"
    assert (await home.admin.delete(path)).status_code == 204
    assert (await home.admin.get(path)).status_code == 404
    assert (await home.admin.delete(path)).status_code == 404
    assert len(home.app.phones.location) == 0


async def test_a_user_deleted_over_rest_loses_his_phones_and_a_new_password_counts_at_once(home: House) -> None:
    user_sid = await make_user(home, "2001")
    await register(home, "2001")
    changed = await home.admin.patch(f"/core/v2/users/{user_sid}", json={"password": "another horse"})
    assert changed.status_code == 200
    assert (await register(home, "2001")).status == 403
    assert (await register(home, "2001", "another horse")).status == 200
    assert (await home.admin.delete(f"/core/v2/users/{user_sid}")).status_code == 204
    assert len(home.app.phones.location) == 0
    assert (await register(home, "2001", "another horse")).status == 403


async def test_explain_shows_the_phones_of_a_user(home: House) -> None:
    await make_user(home, "2001", forward_unregistered="2002")
    await make_user(home, "2002")
    asked = {"from": "13105550001", "to": f"sip:2001@{HERE}", "source": f"{OUTSIDE}:6000"}

    async def contacts() -> list[tuple[str, bool, str]]:
        explained = (await home.admin.get("/switch/v1/explain", params={**asked, "from": f"sip:2002@{HERE}"})).json()
        found = [reason for reason in explained["reasons"] if reason["step"] == "contact"]
        return [(reason["candidate"], reason["taken"], reason["why"]) for reason in found]

    assert await contacts() == [("user 2001", False, "no phone is registered; forwarded to 2002")]
    await register(home, "2001")
    ((contact, taken, why),) = await contacts()
    assert (contact, taken) == (f"sip:2001@{OUTSIDE}:5060", True)
    assert why.startswith("q 1, by its URI, ")


async def test_the_metrics_count_phones(home: House) -> None:
    await make_user(home, "2001")
    await register(home, "2001")
    await asyncio.sleep(2)
    text = (await home.admin.get("/switch/v1/metrics")).text
    for line in ("softswitch_registered_contacts 1.0", "softswitch_registers_total 2.0"):
        assert line in text
