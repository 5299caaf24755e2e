"""Calls to and from a third party: addresses in their order, credentials, all that is handed on, who may call whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from softswitch.sip.digest import Challenger
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, DIDS, Phone, Town, town

NUMBER = "12025550106"
FIRST, SECOND = "127.0.0.71", "127.0.0.72"
CRM_HZ = count(700, 170)


@asynccontextmanager
async def business(
    folder: Path, addresses: list[dict[str, Any]] | None = None, *, settings: dict[str, Any] | None = None, **crm: Any
) -> AsyncIterator[Town]:
    """A town with a third party at two addresses."""
    places = [{"ip": FIRST, "port": 5090}, {"ip": SECOND, "port": 5090, "priority": 1}]
    endpoint = {"name": "crm", "type": "third_party", "addresses": addresses or places, **crm}
    dids = [*DIDS, {"phonenumber": NUMBER, "endpoint": "crm"}]
    async with town(folder, dids=dids, endpoints=[endpoint], **(settings or {})) as it:
        yield it


async def box(it: Town, host: str = FIRST, port: int = 5090, name: str = "crm") -> Phone:
    """The application at one of the addresses."""
    return await Phone(it, name, host, next(CRM_HZ), port=port).start()


def hear_each_other(one: Phone, other: Phone) -> bool:
    return one.hears(other.tone_hz) and other.hears(one.tone_hz)


# ---- calls to it


async def test_a_call_over_its_number_is_handed_to_its_first_address(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, caller = await box(it), await it.carrier()
        caller.dial(NUMBER)
        session = await crm.picks_up()
        assert str(session.request.uri) == f"sip:{NUMBER}@{FIRST}:5090"
        assert session.remote_address.uri.username == "13105550199"
        await caller.answered()
        await asyncio.sleep(2)
        assert hear_each_other(caller, crm)
        crm.hang_up()
        assert (await caller.ended()).by == "remote"


async def test_a_third_party_that_refuses_leaves_its_address_and_status_in_log_and_record(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        records = keep_records(it)
        crm, caller = await box(it), await it.carrier()
        with structlog.testing.capture_logs() as lines:
            caller.dial(NUMBER)
            await crm.rings()
            crm.refuse(404, "No Such Queue")
            assert (await caller.ended()).status == 404
        (end,) = [line for line in lines if line["event"] == "call ended"]
        assert (end["by"], end["why"]) == ("callee", f"third party crm {FIRST}:5090: 404 No Such Queue")
        tried = {"target": f"third party crm {FIRST}:5090", "status": 404, "reason": "No Such Queue"}
        assert records[0].user_data == {"failover": [tried]}


async def test_all_that_is_known_of_the_call_is_handed_on(tmp_path: Path) -> None:
    async with business(tmp_path, relay_sip_headers=["X-*", "User-to-User"]) as it:
        crm, caller = await box(it), await it.carrier()
        known = [
            ("P-Asserted-Identity", '"Jane" <sip:13105550100@carrier.test>'),
            ("Diversion", "<sip:12025550188@carrier.test>;reason=user-busy"),
            ("Diversion", "<sip:12025550187@carrier.test>;reason=no-answer"),
            ("History-Info", "<sip:12025550188@carrier.test>;index=1"),
            ("Privacy", "none"),
            ("X-Account", "4711"),
            ("x-campaign", "spring"),
            ("User-to-User", "56a390f3d2b7310023a2;encoding=hex"),
        ]
        caller.dial(NUMBER, headers=[*known, ("P-Secret", "stays here"), ("Subject", "stays too")])
        request = (await crm.rings()).request
        for name, value in known:
            assert value in request.headers.all(name), name
        assert request.headers.get("P-Secret") is None
        assert request.headers.get("Subject") is None
        assert (request.from_.display_name, request.from_.uri.username) == ("Jane", "13105550100")


async def test_a_caller_who_wants_privacy_is_named_by_his_carrier_alone(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, caller = await box(it), await it.carrier()
        asserted = "<sip:13105550100@carrier.test>"
        caller.dial(NUMBER, headers=[("P-Asserted-Identity", asserted), ("Privacy", "id")])
        request = (await crm.rings()).request
        assert (request.from_.display_name, request.from_.uri.username) == ("Anonymous", "anonymous")
        assert (request.headers.get("P-Asserted-Identity"), request.headers.get("Privacy")) == (asserted, "id")


async def test_the_number_the_caller_wrote_stays_in_to_where_a_transformation_changes_the_one_called(
    tmp_path: Path,
) -> None:
    rules = [
        {"type": "set", "field": "number_dst", "value": "500"},
        {"type": "set", "field": "X-Queue", "value": "sales"},
    ]
    async with business(tmp_path, transformations=rules) as it:
        crm, caller = await box(it), await it.carrier()
        caller.dial(NUMBER, headers=[("X-Queue", "none")])
        request = (await crm.rings()).request
        assert (request.uri.username, request.to.uri.username) == ("500", NUMBER)
        assert request.headers.all("X-Queue") == ["sales"]


async def test_a_silent_address_makes_the_next_be_tried(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        it.wire.sends_icmp = False
        second, caller = await box(it, SECOND), await it.carrier()
        caller.dial(NUMBER)
        await second.picks_up()
        await caller.answered()
        (call,) = it.app.switch.calls.values()
        assert [(attempt.target, attempt.status) for attempt in call.tried] == [
            (f"third party crm {FIRST}:5090", 408),
            (f"third party crm {SECOND}:5090", 200),
        ]


async def test_a_broken_address_makes_the_next_be_tried_and_a_busy_one_does_not(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        first, second, caller = await box(it), await box(it, SECOND), await it.carrier()
        caller.dial(NUMBER)
        await first.rings()
        first.refuse(503)
        await second.rings()
        second.refuse(486, "Busy Here")
        assert (await caller.ended()).status == 486
        caller.dial(NUMBER)
        await first.rings(2)
        first.refuse(486, "Busy Here")
        assert (await caller.ended()).status == 486
        assert len(second.sessions) == 1


async def test_addresses_that_only_call_are_not_called(tmp_path: Path) -> None:
    async with business(tmp_path, [{"ip": FIRST, "direction": "inbound"}]) as it:
        caller = await it.carrier()
        caller.dial(NUMBER)
        assert (await caller.ended()).status == 503


async def test_a_challenge_is_answered_with_what_the_address_says_else_with_what_the_endpoint_says(
    tmp_path: Path,
) -> None:
    own = {"sip_username": "first", "sip_password": "one"}
    addresses = [{"ip": FIRST, "port": 5090, **own}, {"ip": SECOND, "port": 5090, "priority": 1}]
    async with business(tmp_path, addresses, out_sip_username="both", out_sip_password="two") as it:
        first, second, caller = await box(it), await box(it, SECOND), await it.carrier()
        caller.dial(NUMBER)
        assert await _proves(first, {"first": "one"})
        first.refuse(503)
        assert await _proves(second, {"both": "two"})


async def _proves(crm: Phone, passwords: dict[str, str]) -> bool:
    """Challenges the call that rings; whether the next one proves one of these."""
    challenger, now = Challenger("crm", b"secret"), asyncio.get_running_loop().time()
    await crm.rings()
    challenges = [("WWW-Authenticate", value) for value in challenger.challenge(now)]
    crm.refuse(401, "Unauthorized", headers=challenges)
    session = await crm.rings(2)
    return challenger.verify(session.request, passwords.get, now).value == "ok"


async def test_its_capacity_is_that_of_the_calls_to_it(tmp_path: Path) -> None:
    async with business(tmp_path, capacity=1) as it:
        crm, caller, ann = await box(it), await it.carrier(), await it.phone("1001")
        caller.dial(NUMBER)
        await crm.picks_up()
        await caller.answered()
        ann.dial(NUMBER)
        assert (await ann.ended()).status == 503


# ---- its own calls


async def test_its_address_calls_users_and_numbers_of_ours_and_the_pstn(tmp_path: Path) -> None:
    async with business(tmp_path, trunk_group="pstn") as it:
        crm, bob, carrier = await box(it), await it.phone("1002"), await it.carrier()
        crm.dial("1002")
        await bob.rings()
        crm.hang_up()
        crm.dial("12025550112")
        await bob.rings(2)
        crm.hang_up()
        crm.dial("13105550177")
        session = await carrier.picks_up()
        assert session.request.uri.username == "13105550177"
        assert session.remote_address.uri.username == NUMBER
        await crm.answered()
        await asyncio.sleep(2)
        assert hear_each_other(crm, carrier)


async def test_without_a_trunk_group_it_reaches_nobody_outside(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, carrier = await box(it), await it.carrier()
        crm.dial("13105550177")
        assert (await crm.ended()).status == 404
        assert not carrier.sessions


async def test_another_port_of_its_address_is_it_too_where_nobody_else_is_there(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, bob = await box(it, port=6000), await it.phone("1002")
        crm.dial("1002")
        await bob.rings()


async def test_addresses_that_are_only_called_do_not_call(tmp_path: Path) -> None:
    async with business(tmp_path, [{"ip": FIRST, "port": 5090, "direction": "outbound"}]) as it:
        crm = await box(it)
        crm.dial("1002")
        assert (await crm.ended()).status in (401, 403)


async def test_an_address_with_a_port_of_ours_is_known_at_that_port_alone(tmp_path: Path) -> None:
    async with business(tmp_path, [{"ip": FIRST, "port": 5090, "dst_port": 5070}]) as it:
        crm = await box(it)
        crm.dial("1002")
        assert (await crm.ended()).status in (401, 403)


async def test_its_password_lets_it_call_from_anywhere(tmp_path: Path) -> None:
    async with business(tmp_path, in_sip_username="crm", in_sip_password="of the crm") as it:
        elsewhere, bob = await box(it, "127.0.0.90"), await it.phone("1002")
        elsewhere.password = "of the crm"
        elsewhere.dial("1002")
        await bob.picks_up()
        await elsewhere.answered()
        (call,) = it.app.switch.calls.values()
        assert call.source is not None
        assert call.source.name == "third party crm"


async def test_a_wrong_password_is_refused_as_that_of_a_user(tmp_path: Path) -> None:
    async with business(tmp_path, in_sip_username="crm", in_sip_password="of the crm") as it:
        elsewhere = await box(it, "127.0.0.90")
        elsewhere.password = "guessed"
        elsewhere.dial("1002")
        assert (await elsewhere.ended()).status == 403


async def test_it_may_prove_itself_where_strangers_get_silence(tmp_path: Path) -> None:
    silence = {"settings": {"sip": {"unknown_sender": "silence", "transports": ["udp"]}}}
    async with business(tmp_path, in_sip_username="crm", in_sip_password="of the crm", **silence) as it:
        elsewhere, bob = await box(it, "127.0.0.90"), await it.phone("1002")
        elsewhere.password = "of the crm"
        elsewhere.dial("1002")
        await bob.picks_up()
        await elsewhere.answered()


async def test_its_calls_per_second_are_limited(tmp_path: Path) -> None:
    async with business(tmp_path, cps_limit=1) as it:
        crm, bob = await box(it), await it.phone("1002")
        crm.dial("1002")
        await bob.rings()
        crm.dial("1002")
        assert (await crm.ended()).status == 503


async def test_whom_it_calls_may_transfer_and_it_may_not(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, bob, cid = await box(it), await it.phone("1002"), await it.phone("1003")
        crm.dial("1002")
        await bob.picks_up()
        await crm.answered()
        crm.refer("<sip:1003@127.0.0.1>")
        await asyncio.sleep(2)
        assert any(message.startswith("SIP/2.0 403") for message in it.messages(crm.host))
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await asyncio.sleep(2)
        assert hear_each_other(crm, cid)


async def test_what_a_trunk_asserts_that_is_not_believed_and_a_verdict_that_is_not_ours_are_not_handed_on(
    tmp_path: Path,
) -> None:
    asserted = '"Bank" <tel:+18005550000;verstat=TN-Validation-Passed>'
    known = [
        ("P-Asserted-Identity", asserted),
        ("Diversion", "<sip:12025550188@carrier.test>;reason=user-busy"),
        ("History-Info", "<sip:12025550188@carrier.test>;index=1"),
    ]
    for mode, handed_on in (("from", []), ("passthrough", ['"Bank" <tel:+18005550000>'])):
        trunk = {"name": "carrier", "address": CARRIER, "port": 5060, "in_identity_mode": mode}
        groups = [{"name": "pstn", "acls": [f"{CARRIER}/32"], "trunks": [trunk]}]
        async with business(tmp_path / mode, settings={"groups": groups}) as it:
            crm, caller = await box(it), await it.carrier()
            caller.dial(NUMBER, headers=known)
            request = (await crm.rings()).request
            assert request.headers.all("P-Asserted-Identity") == handed_on
            assert len(request.headers.all("Diversion")) == len(request.headers.all("History-Info")) == len(handed_on)
            assert request.from_.uri.username == ("13105550199" if mode == "from" else "18005550000")


async def test_what_a_phone_says_of_the_way_of_its_call_is_not_handed_on(tmp_path: Path) -> None:
    async with business(tmp_path) as it:
        crm, ann = await box(it), await it.phone("1001")
        ann.dial(NUMBER, headers=[("Diversion", "<sip:18005550000@bank.example>;reason=user-busy")])
        assert "Diversion" not in (await crm.rings()).request.headers
