"""Calls over a binding: who reaches whom, who sees what, and how the reply finds its way."""

import asyncio
from pathlib import Path

import pytest

from softswitch.endpoints.mediator.record import MediationMoved, MediationStarted
from tests.endpoints.mediator.street import HIDE, OUTSIDE, REDIRECT, SECOND, street
from tests.stories.town import MUSIC_HZ, hear_each_other


async def test_a_caller_outside_reaches_a_user_who_does_not_see_him(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(OUTSIDE, bob)
        it.hide("1002@", caller)
        it.hide("12025550112", caller)
        it.bind("12025550112", attributes=HIDE)
        caller.dial(REDIRECT)
        session = await bob.picks_up()
        assert session.remote_address.uri.username == REDIRECT
        await caller.answered()
        await asyncio.sleep(2)
        assert hear_each_other(caller, bob)
        caller.hang_up()
        assert (await bob.ended()).by == "remote"


async def test_a_number_that_is_not_hidden_is_seen(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("12025550112")
        caller.dial(REDIRECT)
        session = await bob.picks_up()
        assert session.remote_address.uri.username == OUTSIDE


async def test_without_masking_the_leak_test_finds_the_number(tmp_path: Path) -> None:
    async def unmasked() -> None:
        async with street(tmp_path) as it:
            bob, caller = await it.town.phone("1002"), await it.town.carrier()
            it.hide(OUTSIDE, bob)
            it.bind("12025550112")
            await it.put_through(caller, bob)

    with pytest.raises(AssertionError, match=f"{OUTSIDE} is in what was sent to"):
        await unmasked()


async def test_the_callee_calls_the_redirect_number_and_reaches_the_caller_again(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(OUTSIDE, bob)
        it.hide("12025550112", caller)
        it.bind("12025550112", attributes=HIDE)
        await it.put_through(caller, bob)
        caller.hang_up()
        await bob.ended()
        bob.dial(REDIRECT)
        session = await caller.picks_up()
        assert (session.request.uri.username, session.remote_address.uri.username) == (OUTSIDE, REDIRECT)
        await bob.answered()
        await asyncio.sleep(2)
        assert hear_each_other(caller, bob)


async def test_the_reply_shows_the_redirect_number_also_where_the_caller_was_shown(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide("12025550112", caller)
        it.bind("12025550112")
        await it.put_through(caller, bob)
        caller.hang_up()
        await bob.ended()
        bob.dial(REDIRECT)
        assert (await caller.rings()).remote_address.uri.username == REDIRECT


async def test_a_callee_whom_nobody_has_called_reaches_nobody(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob = await it.town.phone("1002")
        it.bind("12025550112")
        bob.dial(REDIRECT)
        assert (await bob.ended()).status == 480


async def test_a_number_without_a_binding_leads_nowhere(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller = await it.town.carrier()
        it.bind("12025550112", origination_did="13105550100")
        caller.dial(REDIRECT)
        assert (await caller.ended()).status == 404


async def test_one_redirect_number_serves_each_caller_his_own_destination(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        ann, bob, cid = await it.town.phone("1001"), await it.town.phone("1002"), await it.town.phone("1003")
        caller = await it.town.carrier()
        it.bind("1002", origination_did=OUTSIDE)
        it.bind("1003", origination_did="1001")
        caller.dial(REDIRECT)
        await bob.rings()
        ann.dial(REDIRECT)
        await cid.rings()
        assert (len(bob.sessions), len(cid.sessions)) == (1, 1)


async def test_a_user_is_known_by_his_number_outside_too(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        ann, cid = await it.town.phone("1001"), await it.town.phone("1003")
        it.hide("12025550111", cid)
        it.hide("<sip:1001@", cid)
        it.bind("1003", origination_did="12025550111", attributes=HIDE)
        ann.dial(REDIRECT)
        assert (await cid.picks_up()).remote_address.uri.username == REDIRECT
        await ann.answered()
        ann.hang_up()
        await cid.ended()
        cid.dial(REDIRECT)
        assert (await ann.rings()).remote_address.uri.username == REDIRECT


async def test_a_caller_who_wants_privacy_is_hidden_whatever_the_binding_says(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide("13105550100", bob)
        it.hide(OUTSIDE, bob)
        it.bind("1002")
        identity = [("P-Asserted-Identity", "<sip:13105550100@carrier.test>"), ("Privacy", "id")]
        caller.dial(REDIRECT, headers=identity)
        assert (await bob.rings()).remote_address.uri.username == REDIRECT


async def test_an_anonymous_caller_is_nobodys_first_and_nobody_to_reply_to(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier(name="anonymous")
        waiting, anybodys = it.bind("1002", wait_origination_did_ttl=300), it.bind("1002", SECOND)
        for number in (REDIRECT, SECOND):
            caller.dial(number)
            await bob.rings(len(bob.sessions) + 1)
            caller.hang_up()
            await asyncio.sleep(1)
        assert (waiting.origination_did, anybodys.last_caller) == (None, None)


async def test_the_first_caller_is_the_only_one_from_then_on(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        ann, bob, caller = await it.town.phone("1001"), await it.town.phone("1002"), await it.town.carrier()
        binding = it.bind("1002", wait_origination_did_ttl=300)
        await it.put_through(caller, bob)
        assert binding.origination_did == OUTSIDE
        ann.dial(REDIRECT)
        assert (await ann.ended()).status == 404


async def test_a_binding_that_nobody_calls_in_its_window_is_gone(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        it.bind("1002", wait_origination_did_ttl=300)
        await asyncio.sleep(301)
        caller = await it.town.carrier()
        caller.dial(REDIRECT)
        assert (await caller.ended()).status == 404
        assert len(it.mediator.ledger.bindings) == 0


async def test_a_binding_lives_as_long_as_it_was_given(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", maximum_ttl=60)
        it.bind("1002", SECOND, maximum_ttl=-1)
        await asyncio.sleep(59)
        caller.dial(REDIRECT)
        await bob.rings()
        caller.hang_up()
        await asyncio.sleep(2)
        caller.dial(REDIRECT)
        assert (await caller.ended()).status == 404
        await asyncio.sleep(3000)
        caller.dial(SECOND)
        await bob.rings(2)


async def test_keys_are_dialled_after_the_answer_with_half_a_second_for_a_comma(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", dtmf=",,12,3#")
        caller.dial(REDIRECT)
        await bob.rings()
        bob.answer()
        await asyncio.sleep(0.9)
        assert bob.pressed == ""
        await caller.answered()
        assert bob.pressed == "123#"


async def test_the_called_side_hears_an_announcement_before_it_is_joined(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", attributes={"announce": "music/hold"})
        caller.dial(REDIRECT)
        await bob.rings()
        bob.answer()
        await asyncio.sleep(1.5)
        assert bob.hears(MUSIC_HZ)
        assert not bob.hears(caller.tone_hz)
        await caller.answered()
        await asyncio.sleep(1)
        assert hear_each_other(caller, bob)


async def test_a_callee_who_hangs_up_during_the_announcement_is_a_refusal(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", attributes={"announce": "music/hold"})
        caller.dial(REDIRECT)
        await bob.rings()
        bob.answer()
        await asyncio.sleep(1)
        bob.hang_up()
        assert (await caller.ended()).status == 480


async def test_a_caller_hears_music_in_place_of_ringing(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", attributes={"ringback": "moh"})
        caller.dial(REDIRECT)
        await bob.rings()
        bob.ring()
        await caller.ringing(183)
        await asyncio.sleep(1.5)
        assert caller.hears(MUSIC_HZ)
        bob.answer()
        await caller.answered()
        await asyncio.sleep(1)
        assert hear_each_other(caller, bob)
        assert not caller.hears(MUSIC_HZ)


async def test_a_caller_hears_an_audio_of_the_clients_own_in_place_of_ringing(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", attributes={"ringback": "music/hold"})
        caller.dial(REDIRECT)
        await bob.rings()
        await caller.ringing(183)
        await asyncio.sleep(5)
        assert caller.hears(MUSIC_HZ)


async def test_without_ringback_a_caller_is_told_nothing_of_the_ringing(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.bind("1002", attributes={"ringback": "false"})
        caller.dial(REDIRECT)
        await bob.rings()
        bob.ring()
        await asyncio.sleep(2)
        assert [event for event in caller.events if getattr(event, "status", 0) > 100] == []


async def test_the_name_of_the_binding_is_shown_in_place_of_the_callers(tmp_path: Path) -> None:
    async with street(tmp_path, users=[{"name": "Ann of accounts"}, {}, {}]) as it:
        ann, bob = await it.town.phone("1001"), await it.town.phone("1002")
        it.hide("Ann of accounts", bob)
        it.bind("1002", attributes={**HIDE, "cnam": "The shop", "X-Order": "4711"})
        ann.dial(REDIRECT)
        session = await bob.rings()
        assert session.remote_address.display_name == "The shop"
        assert session.request.headers.get("X-Order") == "4711"


async def test_a_masked_call_to_the_pstn_shows_the_redirect_number_alone(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        ann, far = await it.town.phone("1001"), await it.town.carrier()
        it.hide("12025550111", far)
        it.hide("1001@", far)
        it.hide("13105550177", ann)
        it.bind("13105550177", origination_did="1001", attributes=HIDE)
        ann.dial(REDIRECT)
        session = await far.picks_up()
        assert session.remote_address.uri.username == REDIRECT
        await ann.answered()
        await asyncio.sleep(1)
        assert hear_each_other(ann, far)


async def test_a_call_is_told_as_it_begins_and_when_both_talk(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        binding = it.bind("1002", dtmf="1", attributes=HIDE)
        await it.put_through(caller, bob)
        begun, talking = it.records()
        assert isinstance(begun, MediationStarted)
        assert isinstance(talking, MediationMoved)
        record = begun.record
        assert (record.number_src, record.number_dst, record.number_redirect) == (OUTSIDE, "1002", REDIRECT)
        assert (record.event_type, record.reference_sid, record.dtmf) == ("binding", binding.sid, "1")
        assert record.attributes == HIDE
        assert talking.stage == "talk"


async def test_a_binding_of_the_number_plan_is_there_from_the_start(tmp_path: Path) -> None:
    fixed = [{"redirect_did": REDIRECT, "destination_did": "1002", "attributes": HIDE}]
    async with street(tmp_path, bindings=fixed) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(OUTSIDE, bob)
        caller.dial(REDIRECT)
        assert (await bob.picks_up()).remote_address.uri.username == REDIRECT
        await caller.answered()


async def test_a_conference_may_be_the_destination(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller = await it.town.carrier()
        it.bind("12025550101", attributes=HIDE)
        caller.dial(REDIRECT)
        await caller.answered()
        (call,) = it.town.app.switch.calls.values()
        assert (call.from_number, call.did and call.did.endpoint) == (REDIRECT, "conference")
