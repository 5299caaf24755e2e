"""Dialouts: two numbers are called one after the other and put together; what each sees, and how they fail."""

import asyncio
import uuid
from pathlib import Path

import pytest

from softswitch.endpoints.mediator import InUse
from softswitch.endpoints.mediator.dialout import DIALOUT_TABLE, Dialout, DialoutState, DialoutTrigger
from softswitch.endpoints.mediator.keeping import dialout_of, dialout_row
from softswitch.endpoints.mediator.record import DialoutFailed, MediationMoved, MediationStarted
from tests.endpoints.mediator.street import HIDE, REDIRECT, SECOND, street
from tests.stories.town import MUSIC_HZ, RINGBACK_HZ, Phone

ONE, TWO = "13105550177", "12025550112"


def hear_each_other(one: Phone, other: Phone) -> bool:
    return one.hears(other.tone_hz) and other.hears(one.tone_hz)


async def test_both_stages_are_called_and_put_together_and_neither_sees_the_other(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.hide(ONE, bob)
        it.hide(TWO, far)
        it.dial_out(ONE, TWO, **HIDE)
        first = await far.picks_up()
        assert (first.request.uri.username, first.remote_address.uri.username) == (ONE, REDIRECT)
        second = await bob.picks_up()
        assert second.remote_address.uri.username == REDIRECT
        await asyncio.sleep(2)
        assert hear_each_other(far, bob)
        assert it.mediator.dialouts.all() == ()
        far.hang_up()
        assert (await bob.ended()).by == "remote"


@pytest.mark.parametrize("answers", [0, 1])
async def test_all_phones_of_a_user_ring_at_stage_one_and_who_answers_talks(tmp_path: Path, answers: int) -> None:
    async with street(tmp_path) as it:
        phones = [await it.town.phone("1003"), await it.town.phone("1003-desk")]
        far = await it.town.carrier()
        it.hide(ONE, *phones)
        it.hide("1003@", far)
        it.dial_out("1003", ONE, **HIDE)
        for phone in phones:
            assert (await phone.rings()).remote_address.uri.username == REDIRECT
            phone.ring()
        await asyncio.sleep(1)
        phones[answers].answer()
        assert (await phones[1 - answers].ended()).reason == "Answered elsewhere"
        await far.picks_up()
        await asyncio.sleep(2)
        assert hear_each_other(phones[answers], far)
        (call,) = it.town.app.switch.calls.values()
        assert call.caller.session.peer.host == phones[answers].host
        phones[answers].hang_up()
        assert (await far.ended()).by == "remote"


async def test_one_phone_that_is_busy_does_not_speak_for_the_other_at_stage_one(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        desk, hand, far = await it.town.phone("1003"), await it.town.phone("1003-hand"), await it.town.carrier()
        dialout = it.dial_out("1003", ONE)
        await asyncio.gather(desk.rings(), hand.rings())
        desk.refuse(486)
        await asyncio.sleep(1)
        assert dialout.state is DialoutState.STAGE_ONE
        hand.answer()
        await far.picks_up()
        far.hang_up()
        assert (await hand.ended()).by == "remote"


async def test_where_all_phones_of_stage_one_are_busy_stage_two_is_never_called(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        desk, hand, far = await it.town.phone("1003"), await it.town.phone("1003-hand"), await it.town.carrier()
        it.dial_out("1003", ONE)
        await asyncio.gather(desk.rings(), hand.rings())
        desk.refuse(486)
        hand.refuse(603)
        await asyncio.sleep(1)
        assert (it.mediator.dialouts.all(), it.town.app.switch.calls, far.sessions) == ((), {}, [])


async def test_a_dialout_that_is_deleted_while_two_phones_ring_stops_both(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        desk, hand = await it.town.phone("1003"), await it.town.phone("1003-hand")
        dialout = it.dial_out("1003", ONE)
        for phone in (desk, hand):
            await phone.rings()
            phone.ring()
        await asyncio.sleep(1)
        it.mediator.dialouts.cancel(dialout)
        assert [(await phone.ended()).status for phone in (desk, hand)] == [487, 487]


async def test_stage_two_sees_stage_one_where_nothing_is_hidden(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.hide(TWO, far)
        it.dial_out(ONE, TWO)
        await far.picks_up()
        assert (await bob.rings()).remote_address.uri.username == ONE


async def test_a_dialout_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        dialout = it.dial_out(ONE, TWO, delay=300)
        await asyncio.sleep(299)
        assert (dialout.state, far.sessions) == (DialoutState.WAITING, [])
        await asyncio.sleep(2)
        await far.rings()
        assert dialout.state is DialoutState.STAGE_ONE


async def test_stage_one_hears_the_announcement_before_stage_two_is_called(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.dial_out(ONE, TWO, announce="music/hold")
        await far.picks_up()
        await asyncio.sleep(1.5)
        assert far.hears(MUSIC_HZ)
        assert not bob.sessions
        await bob.picks_up()
        await asyncio.sleep(2)
        assert hear_each_other(far, bob)


@pytest.mark.parametrize(("ringback", "tone_hz"), [("true", RINGBACK_HZ), ("moh", MUSIC_HZ), ("false", 0)])
async def test_stage_one_hears_ringing_music_or_nothing_while_stage_two_rings(
    tmp_path: Path, ringback: str, tone_hz: int
) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.dial_out(ONE, TWO, ringback=ringback)
        await far.picks_up()
        await bob.rings()
        bob.ring()
        await asyncio.sleep(1.5)
        assert [hz for hz in (RINGBACK_HZ, MUSIC_HZ) if far.hears(hz)] == ([tone_hz] if tone_hz else [])


async def test_where_stage_one_refuses_stage_two_is_never_called(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.dial_out(ONE, TWO)
        await far.rings()
        far.refuse(486)
        await asyncio.sleep(5)
        assert it.mediator.dialouts.all() == ()
        assert (bob.sessions, it.town.app.switch.calls) == ([], {})
        assert [type(event) for event in it.records()] == [MediationStarted]


@pytest.mark.parametrize("status", [404, 486, 503, 603])
async def test_where_stage_two_refuses_stage_one_is_hung_up_and_told_no_number(tmp_path: Path, status: int) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.hide(TWO, far)
        it.hide("1002@", far)
        it.dial_out(ONE, TWO, **HIDE)
        await far.picks_up()
        await bob.rings()
        bob.refuse(status, f"{TWO} is away")
        assert (await far.ended()).by == "remote"
        assert it.mediator.dialouts.all() == ()
        assert [event.stage for event in it.records() if isinstance(event, MediationMoved)] == ["stage two"]


async def test_where_stage_one_hangs_up_meanwhile_stage_two_stops_ringing(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.hide(ONE, bob)
        it.dial_out(ONE, TWO, **HIDE)
        await far.picks_up()
        await bob.rings()
        bob.ring()
        await asyncio.sleep(1)
        far.session.hang_up(reason=f"{ONE} is impatient")
        assert (await bob.ended()).status == 487
        assert it.mediator.dialouts.all() == ()


async def test_a_dialout_that_is_deleted_while_it_waits_calls_nobody(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        dialout = it.dial_out(ONE, TWO, delay=10)
        it.mediator.dialouts.cancel(dialout)
        await asyncio.sleep(20)
        assert not far.sessions
        (failed,) = it.records()
        assert isinstance(failed, DialoutFailed)
        assert (failed.record.sipcause, failed.record.disconnect_reason) == (487, "Cancelled")


@pytest.mark.parametrize("stage", ["stage one", "stage two"])
async def test_a_dialout_that_is_deleted_while_it_rings_hangs_up_on_everybody(tmp_path: Path, stage: str) -> None:
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        dialout = it.dial_out(ONE, TWO)
        await far.rings()
        far.ring()
        if stage == "stage two":
            far.answer()
            await bob.rings()
            bob.ring()
            await asyncio.sleep(1)
        it.mediator.dialouts.cancel(dialout)
        assert (await far.ended()).by == "remote"
        if stage == "stage two":
            assert (await bob.ended()).by == "remote"
        assert it.mediator.dialouts.all() == ()


async def test_a_number_can_be_in_one_dialout_only(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        await it.town.carrier()
        first = it.dial_out(ONE, TWO, delay=100)
        for one, two, redirect in (
            (ONE, "13105550100", SECOND),
            ("13105550100", ONE, SECOND),
            ("1001", "1003", REDIRECT),
        ):
            with pytest.raises(InUse):
                it.dial_out(one, two, redirect)
        it.mediator.dialouts.cancel(first)
        it.dial_out(ONE, TWO, delay=100)


@pytest.mark.parametrize(("wanted", "talk_s"), [({}, 40), ({"maximum_duration": "20"}, 20)])
async def test_a_forgotten_dialout_ends_by_itself(
    tmp_path: Path, wanted: dict[str, str], talk_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.endpoints.mediator.dialouts.LONGEST_DIALOUT_S", 40)
    async with street(tmp_path) as it:
        bob, far = await it.town.phone("1002"), await it.town.carrier()
        it.dial_out(ONE, TWO, **wanted)
        await far.picks_up()
        (call,) = it.town.app.switch.calls.values()
        assert call.over == "pstn/carrier"
        await bob.picks_up()
        await asyncio.sleep(talk_s - 5)
        assert it.town.app.switch.calls
        await asyncio.sleep(10)
        assert not it.town.app.switch.calls
        assert [(await phone.ended()).by for phone in (bob, far)] == ["remote", "remote"]


async def test_a_change_that_is_refused_leaves_the_dialout_as_it_was(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        it.dial_out("1001", "1003", SECOND, delay=300)
        dialout = it.dial_out(ONE, TWO, delay=60)
        changed = Dialout(dialout.sid, ONE, "1003", REDIRECT, 10, {}, dialout.created_at)
        with pytest.raises(InUse):
            it.mediator.dialouts.change(dialout, changed)
        assert it.mediator.dialouts.get(dialout.sid) is dialout
        await asyncio.sleep(59)
        assert not far.sessions
        await asyncio.sleep(2)
        await far.rings()
        assert dialout.state is DialoutState.STAGE_ONE


async def test_a_change_of_the_delay_alone_begins_it_then_and_once(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        dialout = it.dial_out(ONE, TWO, delay=60)
        it.mediator.dialouts.change(dialout, Dialout(dialout.sid, ONE, TWO, REDIRECT, 10, {}, dialout.created_at))
        await asyncio.sleep(11)
        await far.rings()
        far.refuse(486)
        await asyncio.sleep(100)
        assert len(far.sessions) == 1


async def test_a_dialout_that_had_begun_before_a_crash_calls_nobody_again(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        dialout = Dialout(str(uuid.uuid4()), ONE, TWO, REDIRECT, created_at=it.mediator.now)
        dialout.move(DialoutTrigger.DUE)
        it.mediator.dialouts.restore([dialout_of(dialout_row("some endpoint", dialout))])
        await asyncio.sleep(20)
        assert (far.sessions, it.records(), it.mediator.dialouts.all()) == ([], [], ())


async def test_a_number_that_leads_nowhere_fails_at_stage_one(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        it.dial_out("1003", TWO)
        await asyncio.sleep(1)
        (failed,) = it.records()
        assert isinstance(failed, DialoutFailed)
        assert (failed.record.stage, failed.record.sipcause) == ("stage one", 480)


async def test_an_unregistered_user_at_stage_two_ends_stage_one(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        it.dial_out(ONE, "1003")
        await far.picks_up()
        assert (await far.ended()).by == "remote"


async def test_nothing_begins_while_the_switch_drains(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        far = await it.town.carrier()
        it.town.app.switch.is_draining = True
        it.dial_out(ONE, TWO)
        await far.rings()
        assert (await far.ended()).by == "remote"
        assert it.mediator.dialouts.all() == ()


def test_every_state_but_the_last_leads_on_and_may_end() -> None:
    for state in DialoutState:
        assert DIALOUT_TABLE.allows(state, DialoutTrigger.END) is (state is not DialoutState.GONE)
