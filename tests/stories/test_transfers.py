"""One of two brings the other together with a third: blind or attended, and what becomes of it when it fails."""

import asyncio
from pathlib import Path

import pytest
import structlog

from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, MUSIC_HZ, RINGBACK_HZ, hear_each_other, talking, town, two_talking_and_a_third


async def test_a_blind_transfer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.ring()
        await asyncio.sleep(1)
        assert ann.hears(RINGBACK_HZ)
        cid.answer()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        assert bob.notified == ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]
        cid.hang_up()
        await ann.ended()


async def test_the_caller_transfers_and_his_call_goes_on_without_him(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        ann.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await ann.ended()
        await asyncio.sleep(2)
        assert hear_each_other(bob, cid)
        bob.hang_up()
        await cid.ended()


async def test_a_transferor_who_hangs_up_before_the_answer_transfers_all_the_same(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.ring()
        bob.hang_up()
        await asyncio.sleep(1)
        cid.answer()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)


async def test_a_transfer_that_fails_leaves_the_talk_as_it_was(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.refuse(486)
        await asyncio.sleep(2)
        assert bob.notified[-1] == "SIP/2.0 486 Busy Here"
        assert hear_each_other(ann, bob)


async def test_a_transfer_that_fails_after_the_transferor_has_gone_ends_the_call(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        bob.hang_up()
        await asyncio.sleep(1)
        cid.refuse(486)
        assert (await ann.ended()).by == "remote"


async def test_whoever_is_transferred_hangs_up_while_it_rings(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.ring()
        ann.hang_up()
        assert (await cid.ended()).status == 487
        await bob.ended()


async def test_a_transfer_to_the_pstn(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        await talking(it, ann, bob)
        bob.refer("<sip:13105550177@127.0.0.1>")
        session = await carrier.picks_up()
        assert session.remote_address.uri.username == "12025550112"
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, carrier)


async def test_a_transfer_to_a_number_as_the_transferor_dials_it(tmp_path: Path) -> None:
    national = {"type": "rewrite", "field": "number_dst", "match": r"^(\d{10})$", "replace": r"1\1"}
    async with town(tmp_path, users=[{}, {"transformations": [national]}, {}]) as it:
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        await talking(it, ann, bob)
        bob.refer("<sip:3105550177@127.0.0.1>")
        assert (await carrier.picks_up()).request.uri.username == "13105550177"
        await bob.ended()


async def test_a_trunk_may_not_transfer_unless_the_plan_says_so(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        bob, carrier = await it.phone("1002"), await it.carrier()
        await talking(it, carrier, bob, "12025550112")
        carrier.refer("<sip:13105550177@127.0.0.1>")
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 403") for text in it.messages(carrier.host))
        assert hear_each_other(carrier, bob)


async def test_a_transfer_to_nobody_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.refer("<sip:nobody@127.0.0.1>")
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 404") for text in it.messages(bob.host))
        assert hear_each_other(ann, bob)


@pytest.mark.parametrize("headers", [[], [("Refer-To", "<sip:1003@127.0.0.1>")]])
async def test_a_refer_without_one_refer_to_is_a_bad_request(tmp_path: Path, headers: list[tuple[str, str]]) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.refer("<sip:1003@127.0.0.1>" if headers else "", headers)
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 400") for text in it.messages(bob.host))
        assert hear_each_other(ann, bob)


async def test_a_transfer_leaves_a_line_in_the_log_whatever_comes_of_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        _ann, bob, cid = await two_talking_and_a_third(it)
        (call,) = it.app.switch.calls.values()
        with structlog.testing.capture_logs() as lines:
            bob.refer("<sip:nobody@127.0.0.1>")
            await asyncio.sleep(1)
            bob.refer("<sip:1003@127.0.0.1>")
            await cid.rings()
            cid.refuse(486)
            await asyncio.sleep(1)
            bob.refer("<sip:1003@127.0.0.1>")
            await cid.rings(2)
            cid.answer()
            await bob.ended()
        told = [line for line in lines if "transfer" in line["event"]]
        assert [(line["event"], line["call"], line["by"], line["to"]) for line in told] == [
            ("transfer refused", call.id, "callee", "nobody"),
            ("transfer failed", call.id, "callee", "1003"),
            ("transferred", call.id, "callee", "1003"),
        ]
        assert [line.get("status") for line in told] == [404, 486, None]


async def test_an_attended_transfer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        bob.hold()
        await asyncio.sleep(1)
        bob.direction = "sendrecv"
        second, _ = await talking(it, bob, cid)
        assert ann.hears(MUSIC_HZ)
        bob.bring_together(first, second, "1003")
        await asyncio.sleep(2)
        assert bob.notified[-1] == "SIP/2.0 200 OK"
        assert first.has_ended
        assert second.has_ended
        assert hear_each_other(ann, cid)
        assert not ann.hears(MUSIC_HZ)
        assert len(it.app.switch.calls) == 1
        ann.hang_up()
        await cid.ended()


async def test_a_caller_who_was_taken_into_another_call_keeps_his_place_on_the_trunk(tmp_path: Path) -> None:
    trunk = {"name": "carrier", "address": CARRIER, "port": 5060, "in_capacity": 1}
    async with town(tmp_path, groups=[{"name": "pstn", "trunks": [trunk]}]) as it:
        carrier, bob, cid = await it.carrier(), await it.phone("1002"), await it.phone("1003")
        came, first = await talking(it, carrier, bob, "12025550112")
        second, _ = await talking(it, bob, cid)
        bob.bring_together(second, first, "13105550199")
        await asyncio.sleep(2)
        assert hear_each_other(carrier, cid)
        assert len(it.app.switch.calls) == 1
        carrier.dial("12025550112")
        assert (await carrier.ended()).status == 503
        came.hang_up()
        await cid.ended()
        await asyncio.sleep(1)
        carrier.dial("12025550112")
        await bob.rings(2)


async def test_an_attended_transfer_to_a_dialog_that_is_none_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.refer("<sip:1003@127.0.0.1?Replaces=nothing%3Bto-tag%3Da%3Bfrom-tag%3Db>")
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 481") for text in it.messages(bob.host))
        assert hear_each_other(ann, bob)


async def test_a_caller_over_a_trunk_gives_his_place_to_nobody_unless_the_plan_says_so(tmp_path: Path) -> None:
    dids = [{"phonenumber": "12025550101", "endpoint": "conference"}]
    async with town(tmp_path, dids=dids) as it:
        cid, carrier = await it.phone("1003"), await it.carrier()
        carrier.dial("12025550101")
        await carrier.answered()
        carrier.refer("<sip:1003@127.0.0.1>")
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 403") for text in it.messages(carrier.host))
        assert cid.sessions == []


async def test_a_trunk_that_may_transfer_reaches_users_but_not_the_pstn(tmp_path: Path) -> None:
    trunk = {"name": "carrier", "address": CARRIER, "port": 5060, "allow_transfer": "enabled"}
    async with town(tmp_path, groups=[{"name": "pstn", "trunks": [trunk]}]) as it:
        bob, cid, carrier = await it.phone("1002"), await it.phone("1003"), await it.carrier()
        await talking(it, carrier, bob, "12025550112")
        carrier.refer("<sip:13105550177@127.0.0.1>")
        await asyncio.sleep(1)
        assert any(text.startswith("SIP/2.0 404") for text in it.messages(carrier.host))
        carrier.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await carrier.ended()
        await asyncio.sleep(2)
        assert hear_each_other(bob, cid)


async def test_a_party_on_hold_is_transferred_and_hears_no_more_music(tmp_path: Path) -> None:
    """As most phones do it: hold, then REFER."""
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.hold()
        await asyncio.sleep(1)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.picks_up()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
        assert not ann.hears(MUSIC_HZ)


async def test_an_attended_transfer_while_it_rings_yet_becomes_a_blind_one(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        second = bob.dial("1003")
        await cid.rings()
        cid.ring()
        await bob.ringing()
        bob.bring_together(first, second, "1003")
        await cid.rings(2)
        await asyncio.sleep(1)
        cid.answer()
        await asyncio.sleep(2)
        assert first.has_ended
        assert second.has_ended
        assert hear_each_other(ann, cid)
        assert len(it.app.switch.calls) == 1


async def test_the_third_answers_just_as_the_transferred_hangs_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob, cid = await two_talking_and_a_third(it)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.ring()
        await asyncio.sleep(1)
        ann.hang_up()
        cid.answer()
        await bob.ended()
        await cid.ended()


async def test_a_transfer_to_a_user_who_is_busy_goes_where_he_forwards(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {}, {"forward_busy": "13105550177"}]) as it:
        ann, bob, cid, carrier = *[await it.phone(name) for name in ("1001", "1002", "1003")], await it.carrier()
        await talking(it, ann, bob)
        bob.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        cid.refuse(486)
        await carrier.picks_up()
        await bob.ended()
        await asyncio.sleep(2)
        assert hear_each_other(ann, carrier)


async def test_both_sides_hang_up_at_once(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        ann.hang_up()
        bob.hang_up()
        await asyncio.sleep(2)
        assert len(records) == 1


async def test_a_bye_that_crosses_a_re_invite_ends_the_call_for_both(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        ann.hold()
        bob.hang_up()
        assert (await ann.ended()).by == "remote"


async def test_a_leg_that_was_transferred_is_priced_once_on_the_account_of_the_transferor(tmp_path: Path) -> None:
    rates = [{"name": "sold", "rates": {"1": 0.6}}, {"name": "bought", "rates": {"1": 0.2}}]
    rules = [{"name": "all", "rate_deck": "sold", "allowed_prefixes": ["1"]}]
    trunk = {"name": "carrier", "address": CARRIER, "port": 5060, "rate_deck": "bought"}
    groups = [{"name": "pstn", "trunks": [trunk]}]
    async with town(tmp_path, groups=groups, tables={"rate_decks": rates, "calling_rules": rules}) as it:
        it.app.switch._clock = asyncio.get_running_loop().time
        records = keep_records(it)
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        _, first = await talking(it, ann, bob)
        second = bob.dial("13105550177")
        await carrier.picks_up()
        await bob.answered()
        await asyncio.sleep(50)
        bob.bring_together(first, second, "13105550177")
        await asyncio.sleep(30)
        ann.hang_up()
        await carrier.ended()
        await asyncio.sleep(1)
        priced = [record for record in records if record.rate is not None]
        assert [(record.number_billing, record.price, record.price_lcr_dst) for record in priced] == [
            ("12025550112", None, None),  # two parts of less than a minute each: one leg of 82 s, two minutes
            ("12025550112", 1.2, 0.4),
        ]
        assert len(records) == 3


@pytest.mark.parametrize("stays", [True, False], ids=["the transferor stays", "he has hung up"])
async def test_a_leg_that_nobody_wants_to_talk_with_is_priced_once(tmp_path: Path, stays: bool) -> None:
    decks = [{"name": "sold", "rates": {"1": 0.6}}]
    rules = [{"name": "all", "rate_deck": "sold", "allowed_prefixes": ["1"]}]
    async with town(tmp_path, tables={"rate_decks": decks, "calling_rules": rules}) as it:
        it.app.switch._clock = asyncio.get_running_loop().time
        records = keep_records(it)
        ann, cid, carrier = await it.phone("1001"), await it.phone("1003"), await it.carrier()
        ann.dial("13105550177")
        await carrier.picks_up()
        await asyncio.sleep(70)
        ann.refer("<sip:1003@127.0.0.1>")
        await cid.rings()
        if not stays:
            ann.hang_up()
            await asyncio.sleep(1)
        cid.refuse(486)
        await asyncio.sleep(5)
        ann.hang_up()
        await carrier.ended()
        await asyncio.sleep(1)
        assert [record.price for record in records if record.price is not None] == [1.2]
        assert len(records) == 2


async def test_a_replaces_in_a_bare_uri_is_understood(tmp_path: Path) -> None:
    """As baresip writes it."""
    async with town(tmp_path) as it:
        ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
        _, first = await talking(it, ann, bob)
        second, _ = await talking(it, bob, cid)
        bob.sessions.append(first)
        bob.refer(f"sip:1003@127.0.0.1?Replaces={bob.dialog_of(second)}")
        await asyncio.sleep(2)
        assert hear_each_other(ann, cid)
