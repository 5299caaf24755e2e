"""`/mediator/v1` and the records, on a whole switch with its store: over HTTP, and calls on a wire."""

import asyncio
import contextlib
import io
import shutil
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from media import Engine, MediaSettings
from softswitch.api.tokens import Tokens
from softswitch.app import App
from softswitch.endpoints.mediator import Binding, Mediator
from softswitch.plan import NumberPlan
from softswitch.settings import Settings
from softswitch.sip import Session, Stack, Transport
from tests.api.http import client
from tests.api.live.house import HERE, OUTSIDE, PLAN
from tests.endpoints.conference.phone import Phone
from tests.store.blank import open_blank
from tests.wire import Wire

REDIRECT, SECOND, BERLIN = "12025550105", "12025550107", "4930123457"
ALICE, BOB = "13105550001", "13105550002"
LOGIN, PASSWORD = "mediator-1", "a long password"
HIDE = {"hide_origination_did": "true"}
TOWN = {
    **PLAN,
    "endpoints": [*PLAN["endpoints"], {"name": "mediator", "type": "mediator"}],
    "dids": [*PLAN["dids"], *({"phonenumber": did, "endpoint": "mediator"} for did in (REDIRECT, SECOND, BERLIN))],
}


class Office:
    """A whole switch with its store and its API, a mediator, and the clients of both."""

    def __init__(self, app: App, wire: Wire, phones: Stack, token: str) -> None:
        assert app.api is not None
        url = app.api.url
        self.app, self.sid, self._wire, self._phones = app, "", wire, phones
        self.admin = client(url, headers={"Authorization": f"Bearer {token}"})
        self.client = client(url, auth=(LOGIN, PASSWORD))
        self.stranger = client(url)

    def dial(self, number: str, *, caller: str) -> Phone:
        phone = Phone(self._wire, self._phones, caller, 0)
        phone.dial(number, self.app.sip_address)
        return phone

    async def bind(self, destination: str = BOB, params: dict[str, Any] | None = None, **values: Any) -> httpx.Response:
        body = {"destination_did": destination, **values}
        return await self.client.post("/mediator/v1/bindings", json=body, params=params)

    def keep_ringing(self) -> list[Session]:
        """Whoever is called outside from now on does not answer; all of them."""
        rung: list[Session] = []
        self._phones.on_invite = rung.append
        return rung

    async def listed(self, what: str = "bindings", **params: Any) -> list[dict[str, Any]]:
        return list((await self.client.get(f"/mediator/v1/{what}", params=params)).json()["body"])

    async def records(self) -> list[dict[str, Any]]:
        records = self.app.watching.records
        assert records is not None
        await records.flush()
        return list((await self.admin.get("/core/v2/app/mediator/calls")).json()["items"])

    @property
    def mediator(self) -> Mediator:
        found = self.app.endpoints["mediator"]
        assert isinstance(found, Mediator)
        return found


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    wire = Wire(record=False)
    settings = Settings.model_validate(
        {"sip": {"addresses": [HERE], "transports": ["udp"]}, "api": {"port": 0}, "data": {"directory": str(folder)}}
    )
    store = await open_blank(folder)
    await store.apply(NumberPlan.model_validate(TOWN))
    token, _ = await Tokens(store).create("of this test", ["*"])
    engine = Engine(MediaSettings(address=HERE), in_process=wire)
    phones = Stack(network=wire)
    await phones.listen(Transport.UDP, OUTSIDE, 5060)
    async with App(settings, store.plan, store=store, engine=engine, stack=Stack(network=wire)) as app:
        assert app.api is not None
        at = Office(app, wire, phones, token)
        await _give_login(at)
        try:
            yield at
        finally:
            for one in (at.admin, at.client, at.stranger):
                await one.aclose()
    await asyncio.sleep(1)
    await phones.close()
    await store.close()


async def _give_login(at: Office) -> None:
    listed = await at.admin.get("/core/v2/endpoints", params={"filter": "type eq mediator"})
    at.sid = listed.json()["items"][0]["endpoint_sid"]
    given = {"properties": {"login": LOGIN, "password": PASSWORD}}
    assert (await at.admin.patch(f"/core/v2/endpoints/{at.sid}", json=given)).status_code == 200


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as at:
        yield at


# ---- who may, and the envelope


async def test_every_answer_is_in_the_envelope_errors_too(at: Office) -> None:
    made = await at.bind()
    assert (made.status_code, made.json()["status"]) == (200, 200)
    sid = made.json()["body"]["binding_sid"]
    listed = (await at.client.get("/mediator/v1/bindings")).json()
    assert (listed["status"], listed["count"], listed["total"], listed["has_more"]) == (200, 1, 1, False)
    assert [item["binding_sid"] for item in listed["body"]] == [sid]
    nowhere = await at.client.get("/mediator/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["status"], len(nowhere.json()["body"]["errors"])) == (404, 404, 1)
    json = {"Content-Type": "application/json"}
    wrong = await at.client.post("/mediator/v1/bindings", content=b"{", headers=json)
    assert (wrong.status_code, wrong.json()["status"]) == (400, 400)
    gone = await at.client.delete(f"/mediator/v1/bindings/{sid}")
    assert (gone.status_code, gone.json()) == (200, {"body": {}, "status": 200})


async def test_only_the_login_of_a_mediator_opens_it(at: Office) -> None:
    for other in (at.stranger, at.admin):
        refused = await other.get("/mediator/v1/bindings")
        assert (refused.status_code, refused.json()["status"]) == (401, 401)
        assert refused.json()["body"]["errors"]
    assert (await at.client.get("/conference/v2/accounts")).status_code == 401


async def test_bindings_of_another_mediator_do_not_exist(at: Office) -> None:
    sid = (await at.bind()).json()["body"]["binding_sid"]
    made = (await at.admin.post("/core/v2/endpoints", json={"type": "mediator", "name": "other"})).json()
    login = (made["properties"]["login"], made["properties"]["password"])
    assert login[0].startswith("mediator-")
    async with client(str(at.admin.base_url), auth=login) as other:
        assert (await other.get("/mediator/v1/bindings")).json()["body"] == []
        assert (await other.get(f"/mediator/v1/bindings/{sid}")).status_code == 404
        assert (await other.delete(f"/mediator/v1/bindings/{sid}")).status_code == 404


# ---- bindings


async def test_a_binding_is_as_it_was_asked_for_and_the_rest_at_its_default(at: Office) -> None:
    made = (await at.bind(BOB, origination_did=ALICE, attributes={**HIDE, "order": "4711"})).json()["body"]
    assert made["account_sid"] == at.sid
    assert (made["destination_did"], made["origination_did"], made["redirect_did"]) == (BOB, ALICE, REDIRECT)
    assert (made["name"], made["dtmf"], made["maximum_ttl"], made["wait_origination_did_ttl"]) == (
        "N/A",
        "",
        3600,
        None,
    )
    assert made["attributes"] == {**HIDE, "order": "4711"}
    assert made["redirect_did_info"] == {
        "country_code": "USA",
        "e164_format": "+12025550105",
        "in_country_format": "(202) 555-0105",
        "international_format": "+1 202-555-0105",
        "phonenumber": REDIRECT,
    }
    assert (await at.client.get(f"/mediator/v1/bindings/{made['binding_sid']}")).json()["body"] == made


async def test_a_free_redirect_number_is_chosen_and_409_says_that_there_is_none(at: Office) -> None:
    chosen = [(await at.bind(f"1310555010{n}")).json()["body"]["redirect_did"] for n in range(3)]
    assert chosen == [REDIRECT, SECOND, BERLIN]
    refused = await at.bind("13105550109")
    assert (refused.status_code, refused.json()["body"]["errors"][0]["field"]) == (409, "redirect_did")


async def test_a_redirect_number_is_chosen_from_the_country_that_is_wanted(at: Office) -> None:
    german = await at.bind(params={"fallback_country": "DEU"})
    assert german.json()["body"]["redirect_did"] == BERLIN
    assert (await at.bind(params={"fallback_country": "DEU"})).status_code == 409
    assert (await at.bind(params={"fallback_country": "FRA"})).status_code == 409
    assert (await at.bind(params={"fallback_country": "Germany"})).status_code == 400
    assert (await at.bind(params={"country": "DEU"})).status_code == 400


async def test_a_binding_in_the_same_words_is_given_back_where_that_is_wanted(at: Office) -> None:
    first = (await at.bind(origination_did=ALICE)).json()["body"]
    again = (await at.bind(origination_did=ALICE, params={"reuse": "true"})).json()["body"]
    assert again == first
    other = (await at.bind(origination_did=ALICE, dtmf="1", params={"reuse": "true"})).json()["body"]
    assert other["binding_sid"] != first["binding_sid"]
    assert (await at.bind(origination_did=ALICE, params={"reuse": "maybe"})).status_code == 400


async def test_one_redirect_number_leads_one_caller_to_one_place(at: Office) -> None:
    first = (await at.bind(redirect_did=REDIRECT, origination_did=ALICE)).json()["body"]
    assert (await at.bind("13105550109", redirect_did=REDIRECT, origination_did=ALICE)).status_code == 409
    assert (await at.bind("13105550109", redirect_did=REDIRECT, origination_did="13105550003")).status_code == 200
    second = (await at.bind("13105550108", redirect_did=SECOND, origination_did=ALICE)).json()["body"]
    moved = await at.client.patch(f"/mediator/v1/bindings/{second['binding_sid']}", json={"redirect_did": REDIRECT})
    assert moved.status_code == 409
    assert (await at.client.get(f"/mediator/v1/bindings/{first['binding_sid']}")).json()["body"] == first


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"destination_did": "+1310"}, "destination_did"),
        ({"redirect_did": "12025550101"}, "redirect_did"),
        ({"origination_did": BOB}, "origination_did"),
        ({"dtmf": "12x"}, "dtmf"),
        ({"maximum_ttl": 0}, "maximum_ttl"),
        ({"maximum_ttl": -2}, "maximum_ttl"),
        ({"wait_origination_did_ttl": 0}, "wait_origination_did_ttl"),
        ({"attributes": {"hide_origination_did": "perhaps"}}, "attributes.hide_origination_did"),
        ({"attributes": {"ringback": "no/such"}}, "attributes.ringback"),
        ({"attributes": {"announce": "../../etc/passwd"}}, "attributes.announce"),
        ({"attributes": {"announce": "/etc/passwd"}}, "attributes.announce"),
        ({"attributes": {"maximum_duration": "0"}}, "attributes.maximum_duration"),
        ({"attributes": {"maximum_duration": "for ever"}}, "attributes.maximum_duration"),
        ({"attributes": {"cnam": "x" * 65}}, "attributes.cnam"),
        ({"attributes": {"X-A": "a\r\nVia: b"}}, "attributes.X-A"),
        ({"binding_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52"}, "binding_sid"),
        ({"destination": BOB}, "destination"),
    ],
)
async def test_what_can_not_be_is_refused_by_name(at: Office, values: dict[str, Any], field: str) -> None:
    refused = await at.client.post("/mediator/v1/bindings", json={"destination_did": BOB, **values})
    assert (refused.status_code, refused.json()["body"]["errors"][0]["field"]) == (422, field)
    assert await at.listed() == []


async def upload(at: Office, **container: str) -> tuple[str, str]:
    """The sids of a second of silence, and of the container made for it."""
    made = (await at.admin.post("/core/v2/storage/containers", json=container)).json()["container_sid"]
    audio = io.BytesIO()
    soundfile.write(audio, np.zeros(8000), 8000, format="WAV")
    uploaded = await at.admin.post(
        "/core/v2/storage/files", data={"container_sid": made}, files={"file": ("a.wav", audio.getvalue())}
    )
    return uploaded.json()["file_sid"], made


async def test_a_recording_of_a_conference_is_no_announcement(at: Office) -> None:
    recording, _ = await upload(at, name="recordings", unique="recordings")
    refused = await at.bind(attributes={"announce": recording})
    assert (refused.status_code, refused.json()["body"]["errors"][0]["field"]) == (422, "attributes.announce")


async def test_an_audio_is_a_file_of_the_storage_unless_it_is_that_of_another_endpoint(at: Office) -> None:
    sid, container = await upload(at, name="sounds")
    assert (await at.bind(attributes={"announce": sid, "ringback": sid})).status_code == 200
    theirs = {"type": "mediator", "properties": {"container_sid": container}}
    assert (await at.admin.post("/core/v2/endpoints", json=theirs)).status_code == 200
    refused = await at.bind(attributes={"announce": sid})
    assert (refused.status_code, refused.json()["body"]["errors"][0]["field"]) == (422, "attributes.announce")


async def test_a_change_is_in_force_for_the_next_call(at: Office) -> None:
    made = (await at.bind(BOB, redirect_did=REDIRECT, attributes=HIDE)).json()["body"]
    place = f"/mediator/v1/bindings/{made['binding_sid']}"
    changed = await at.client.patch(place, json={"destination_did": "12025550102", "name": "new"})
    assert (changed.json()["body"]["destination_did"], changed.json()["body"]["attributes"]) == ("12025550102", HIDE)
    caller = await at.dial(REDIRECT, caller=ALICE).answered()
    (call,) = at.app.switch.calls.values()
    assert call.did is not None
    assert call.did.endpoint == "other"
    caller.hang_up()
    replaced = (await at.client.put(place, json={"destination_did": BOB, "redirect_did": REDIRECT})).json()["body"]
    assert (replaced["name"], replaced["attributes"]) == ("N/A", {})
    assert (await at.client.delete(place)).status_code == 200
    assert (await at.client.get(place)).status_code == 404
    assert at.mediator.ledger.bindings.find(REDIRECT, [ALICE], at.mediator.now) is None


async def test_what_the_first_caller_has_fixed_is_seen(at: Office) -> None:
    made = (await at.bind("12025550102", redirect_did=REDIRECT, wait_origination_did_ttl=300)).json()["body"]
    await at.dial(REDIRECT, caller=ALICE).answered()
    seen = (await at.client.get(f"/mediator/v1/bindings/{made['binding_sid']}")).json()["body"]
    assert seen["origination_did"] == ALICE
    assert seen["date_expires"] > made["date_expires"]


async def test_a_binding_whose_time_is_over_is_gone_from_the_lists(at: Office) -> None:
    await at.bind(BOB, maximum_ttl=60)
    await at.bind("13105550109", maximum_ttl=-1)
    assert len(await at.listed()) == 2
    await asyncio.sleep(61)
    (left,) = await at.listed()
    assert (left["maximum_ttl"], left["date_expires"]) == (-1, None)


async def test_lists_are_filtered_ordered_and_paged(at: Office) -> None:
    for n in range(5):
        await at.bind(f"1310555020{n}", redirect_did=REDIRECT, origination_did=f"1310555010{n}")
    found = await at.listed(filter="destination_did eq 13105550203")
    assert [item["origination_did"] for item in found] == ["13105550103"]
    ordered = await at.listed(order="destination_did desc", limit=2)
    assert [item["destination_did"][-1] for item in ordered] == ["4", "3"]
    assert [item["destination_did"][-1] for item in await at.listed(limit=2, offset=3)] == ["3", "4"]


async def test_bindings_survive_a_restart_and_those_whose_time_is_over_do_not(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        kept = (await at.bind("12025550102", redirect_did=REDIRECT, maximum_ttl=-1)).json()["body"]
        await at.bind(BOB, redirect_did=SECOND, maximum_ttl=5)
        await at.dial(REDIRECT, caller=ALICE).answered()
    await asyncio.sleep(10)
    async with office(tmp_path) as at:
        assert [item["binding_sid"] for item in await at.listed()] == [kept["binding_sid"]]
        route = at.mediator.ledger.bindings.find(REDIRECT, ["12025550102"], at.mediator.now)
        assert route is not None
        assert (route.number, route.is_reply) == (ALICE, True)


def refusing_store(folder: Path, *, refuses: bool = True) -> None:
    """The store takes no binding and no dialout any more; or does again. For a thread: it may have to wait."""
    (file,) = folder.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        for table in ("mediator_bindings", "mediator_dialouts"):
            for way in ("INSERT", "UPDATE", "DELETE"):
                name = f"refuse_{way}_{table}"
                words = f"BEFORE {way} ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
                connection.execute(f"CREATE TRIGGER {name} {words}" if refuses else f"DROP TRIGGER {name}")
        connection.commit()


async def test_what_the_store_does_not_take_is_answered_503_and_not_made(at: Office, tmp_path: Path) -> None:
    kept = (await at.bind(ALICE)).json()["body"]
    place = f"/mediator/v1/bindings/{kept['binding_sid']}"
    dialout = {"stage_one_destination_did": ALICE, "stage_two_destination_did": BOB, "redirect_did": REDIRECT}
    dialout |= {"delay": 60}
    await asyncio.to_thread(refusing_store, tmp_path)
    assert (await at.bind()).status_code == 503
    assert (await at.client.post("/mediator/v1/dialouts", json=dialout)).status_code == 503
    assert (await at.client.patch(place, json={"name": "other"})).status_code == 503
    assert (await at.client.get("/mediator/v1/bindings")).status_code == 503
    await asyncio.to_thread(refusing_store, tmp_path, refuses=False)
    assert [(item["binding_sid"], item["name"]) for item in await at.listed()] == [(kept["binding_sid"], "other")]
    assert await at.listed("dialouts") == []
    assert (await at.client.post("/mediator/v1/dialouts", json=dialout)).status_code == 200


# ---- dialouts, DIDs, accounts


async def test_a_dialout_is_there_until_both_talk(at: Office) -> None:
    body = {
        "stage_one_destination_did": ALICE,
        "stage_two_destination_did": BOB,
        "redirect_did": REDIRECT,
        "delay": 60,
        "attributes": HIDE,
    }
    made = await at.client.post("/mediator/v1/dialouts", json=body)
    assert made.status_code == 200, made.text
    dialout = made.json()["body"]
    assert (dialout["state"], dialout["delay"], dialout["account_sid"]) == ("waiting", 60, at.sid)
    place = f"/mediator/v1/dialouts/{dialout['dialout_sid']}"
    changed = await at.client.patch(place, json={"delay": 90})
    assert changed.json()["body"] == {**dialout, "delay": 90}
    refused = await at.client.post("/mediator/v1/dialouts", json={**body, "stage_one_destination_did": "13105550003"})
    assert refused.status_code == 409
    assert [item["dialout_sid"] for item in await at.listed("dialouts")] == [dialout["dialout_sid"]]
    assert (await at.client.delete(place)).json() == {"body": {}, "status": 200}
    assert await at.listed("dialouts") == []
    assert (await at.client.get(place)).status_code == 404
    records = await at.records()
    assert [(one["event_type"], one["reference_sid"], one["sipcause"]) for one in records] == [
        ("dialout", dialout["dialout_sid"], 487)
    ]


async def test_a_dialout_that_waits_survives_a_restart(tmp_path: Path) -> None:
    body = {
        "stage_one_destination_did": ALICE,
        "stage_two_destination_did": BOB,
        "redirect_did": REDIRECT,
        "delay": 600,
    }
    async with office(tmp_path) as at:
        sid = (await at.client.post("/mediator/v1/dialouts", json=body)).json()["body"]["dialout_sid"]
    async with office(tmp_path) as at:
        assert [item["dialout_sid"] for item in await at.listed("dialouts")] == [sid]


async def test_that_a_dialout_has_begun_is_in_the_store_while_it_rings(tmp_path: Path) -> None:
    body = {"stage_one_destination_did": ALICE, "stage_two_destination_did": BOB, "redirect_did": REDIRECT}
    async with office(tmp_path / "one") as at:
        rung = at.keep_ringing()
        sid = (await at.client.post("/mediator/v1/dialouts", json=body)).json()["body"]["dialout_sid"]
        await asyncio.sleep(0.1)
        assert [item["state"] for item in await at.listed("dialouts")] == ["stage one"]
        shutil.copytree(tmp_path / "one", tmp_path / "crashed")
        assert len(rung) == 1
    async with office(tmp_path / "crashed") as at:
        rung = at.keep_ringing()
        await asyncio.sleep(10)
        assert (await at.listed("dialouts"), rung) == ([], [])
        assert [(one["reference_sid"], one["sipcause"]) for one in await at.records()] == [(sid, 503)]


async def test_bindings_made_at_the_same_instant_are_listed_in_the_order_they_were_made(at: Office) -> None:
    now = at.mediator.now
    made = [Binding(str(uuid.uuid4()), REDIRECT, f"131055502{n:02}", f"131055501{n:02}") for n in range(20)]
    for binding in made:
        binding.created_at = now
        at.mediator.ledger.bind(binding, [])
    assert [item["binding_sid"] for item in await at.listed(limit=20)] == [binding.sid for binding in made]


async def test_the_redirect_numbers_and_the_account_are_shown(at: Office) -> None:
    dids = await at.listed("dids", order="phonenumber")
    assert [did["phonenumber"] for did in dids] == sorted((REDIRECT, SECOND, BERLIN))
    assert [did["country_code"] for did in dids] == ["USA", "USA", "DEU"]
    (account,) = await at.listed("accounts")
    assert (account["account_sid"], account["login"], account["name"]) == (at.sid, LOGIN, "mediator")
    assert (await at.client.get(f"/mediator/v1/accounts/{at.sid}")).json()["body"] == account


# ---- records


async def test_a_mediated_call_leaves_a_record_of_its_own(at: Office) -> None:
    made = (await at.bind("12025550102", redirect_did=REDIRECT, attributes=HIDE)).json()["body"]
    caller: Phone = await at.dial(REDIRECT, caller=ALICE).answered()
    await asyncio.sleep(5)
    caller.hang_up()
    await asyncio.sleep(2)
    (record,) = await at.records()
    assert record["event_type"] == "binding"
    assert (record["reference_sid"], record["endpoint_sid"]) == (made["binding_sid"], at.sid)
    assert (record["number_src"], record["number_dst"], record["number_redirect"]) == (ALICE, "12025550102", REDIRECT)
    assert (record["attributes"], record["endpoint_type"], record["version"]) == (HIDE, "mediator", 1)
    assert (record["sipcause"], record["q850_cause"], record["disconnect_originator"]) == (200, 16, "SRC")
    assert record["duration"] >= 5
    assert record["partner_sid"]
    (call,) = (await at.admin.get("/core/v2/calls/call_drs", params={"limit": 1})).json()["items"]
    assert call["dr_sid"] == record["dr_sid"]
    assert (await at.admin.get(f"/core/v2/app/mediator/calls/{record['dr_sid']}")).json() == record


# ---- endpoints


async def test_a_third_party_is_made_and_called_at_once(at: Office) -> None:
    made = await at.admin.post(
        "/core/v2/endpoints",
        json={
            "type": "third_party",
            "name": "crm",
            "addresses": [{"ip": "10.0.0.9", "port": 5090, "sip_username": "us", "sip_password": "secret"}],
            "relay_sip_headers": ["X-*", "Subject"],
            "cps_limit": 5,
        },
    )
    assert made.status_code == 200, made.text
    crm = made.json()
    assert (crm["properties"], crm["relay_sip_headers"], crm["cps_limit"]) == ({}, ["X-*", "Subject"], 5)
    assert "sip_password" not in str(crm)
    account = at.app.plan.endpoints["crm"]
    assert account.type == "third_party"
    assert account.addresses[0].sip_password == "secret"
    renamed = await at.admin.patch(f"/core/v2/endpoints/{crm['endpoint_sid']}", json={"name": "pbx"})
    assert renamed.status_code == 200
    assert at.app.endpoints["pbx"].name == "pbx"
    assert (await at.admin.delete(f"/core/v2/endpoints/{crm['endpoint_sid']}")).status_code == 204
    assert "pbx" not in at.app.endpoints


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": "third_party", "relay_sip_headers": ["Contact"]}, "relay_sip_headers[0]"),
        ({"type": "third_party", "in_sip_username": "only"}, "in_sip_password"),
        ({"type": "third_party", "trunk_group_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52"}, "trunk_group_sid"),
        ({"type": "mediator", "cps_limit": 1}, "cps_limit"),
        ({"type": "conference", "in_sip_username": "a", "in_sip_password": "b"}, "in_sip_password"),
    ],
)
async def test_an_endpoint_has_what_its_type_has(at: Office, values: dict[str, Any], field: str) -> None:
    refused = await at.admin.post("/core/v2/endpoints", json=values)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
