"""What the keys do, as the callers hear it."""

import asyncio
from pathlib import Path

import pytest

from softswitch.endpoints.conference.roles import MuteMode
from tests.endpoints.conference.house import BRIEF, House, house
from tests.endpoints.conference.phone import Phone

DID = {"properties": BRIEF}


async def press(caller: Phone, keys: str, seconds: float = 1.0) -> list[str]:
    """Presses, waits, and says what was heard since."""
    caller.forget()
    await caller.press(keys)
    await asyncio.sleep(seconds)
    return caller.prompts()


def muted(home: House, caller: Phone) -> bool:
    return home.meeting.attendees[home.call(caller).id].mute.muted


async def test_star_6_mutes_and_unmutes_oneself(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller, other = await home.enter("222222", tone_hz=2000), await home.enter("222222")
        assert await press(caller, "*6") == ["you_are_muted"]
        assert not other.hears(2000)
        assert await press(caller, "*6") == ["you_are_unmuted"]
        assert other.hears(2000)


async def test_who_is_muted_by_a_host_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller, other = await home.enter("222222", tone_hz=2000), await home.enter("111111")
        caller.forget()
        attendee = home.meeting.attendees[home.call(caller).id]
        home.meeting.mute(attendee, True)
        home.meeting.mute(attendee, True)
        await asyncio.sleep(1.0)
        assert caller.prompts() == ["you_are_muted"]
        assert not other.hears(2000)


async def test_a_listener_cannot_unmute(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller, other = await home.enter("333333", tone_hz=2000), await home.enter("222222")
        assert await press(caller, "*6") == ["you_cannot_unmute"]
        assert not other.hears(2000)


async def test_star_5_goes_round_the_mute_modes(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host, guest = await home.enter("111111", tone_hz=1740), await home.enter("222222", tone_hz=2000)
        assert await press(host, "*5") == ["all_muted_may_unmute"]
        assert muted(home, guest)
        assert not host.hears(2000)
        assert guest.hears(1740)
        assert await press(guest, "*6") == ["you_are_unmuted"]
        assert host.hears(2000)
        assert await press(host, "*5") == ["all_muted"]
        assert await press(guest, "*6") == ["you_cannot_unmute"]
        assert not host.hears(2000)
        assert await press(host, "*5") == ["all_unmuted"]
        assert host.hears(2000)


async def test_who_enters_a_muted_meeting_is_muted_and_told_so(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        await home.enter("111111")
        home.meeting.set_mute_mode(MuteMode.TRUE)
        guest = await home.enter("222222")
        assert guest.prompts()[-1] == "you_are_muted"
        assert muted(home, guest)


async def test_unmuting_all_says_so_if_listeners_are_there(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host, _ = await home.enter("111111"), await home.enter("333333")
        assert await press(host, "*5*5*5", 2.0) != []
        assert host.prompts()[-1] == "listeners_only_muted"


async def test_unmuting_all_unmutes_those_too_whom_the_room_mutes_on_entry(tmp_path: Path) -> None:
    """ "Everybody is unmuted" was said, and they still were not heard."""
    properties = {**BRIEF, "conference_mute_policy": "pl"}
    async with house(tmp_path, did={"properties": properties}) as home:
        host, guest = await home.enter("111111"), await home.enter("222222", tone_hz=2000)
        assert guest.prompts()[-1] == "you_are_muted"
        assert (await press(host, "*5*5*5", 2.0))[-1] == "all_unmuted"
        assert host.hears(2000)


async def test_a_key_ends_the_menu_that_it_answers(tmp_path: Path) -> None:
    """The host heard the menu to its end, some ten seconds, and not what his key had done."""
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        await host.press("95")
        await asyncio.sleep(0.05)
        assert home.meeting.attendees[home.call(host).id].leg.stream.player is not None
        await host.press("3")
        assert home.meeting.mute_mode == "true"
        assert home.meeting.attendees[home.call(host).id].leg.stream.player is None


async def test_a_key_ends_the_help(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        attendee = home.meeting.attendees[home.call(host).id]
        await host.press("*4")
        assert attendee.leg.stream.player is not None
        await host.press("*")
        assert attendee.leg.stream.player is None


@pytest.mark.parametrize(("key", "mode"), [("1", "false"), ("2", "relaxed"), ("3", "true")])
async def test_95_asks_for_the_mute_mode(tmp_path: Path, key: str, mode: str) -> None:
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        home.meeting.set_mute_mode(MuteMode.RELAXED)
        await asyncio.sleep(1.0)
        assert await press(host, "95") == ["mute_menu"]
        await press(host, key)
        assert home.meeting.mute_mode == mode


async def test_star_3_puts_all_but_hosts_on_hold_with_music(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host, guest = await home.enter("111111", tone_hz=1740), await home.enter("222222", tone_hz=2000)
        assert await press(host, "*3") == ["on_hold"]
        guest.forget()
        await asyncio.sleep(1.0)
        assert guest.prompts() == ["music/hold"]
        assert not host.hears(2000)
        assert not guest.hears(1740)
        late = await home.enter("222222")
        assert home.call(late).state == "on hold"
        assert await press(host, "*3") == ["off_hold"]
        assert host.hears(2000)
        assert guest.hears(1740)
        assert home.call(late).state == "talking"


async def test_one_attendee_can_be_held_alone(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host, guest = await home.enter("111111", tone_hz=1740), await home.enter("222222", tone_hz=2000)
        attendee = home.meeting.attendees[home.call(host).id]
        host.forget()
        home.meeting.hold(attendee, True)
        await asyncio.sleep(1.0)
        assert not guest.hears(1740)
        assert host.prompts() == ["on_hold", "music/hold"]
        home.meeting.hold(attendee, False)
        await asyncio.sleep(1.0)
        assert guest.hears(1740)


async def test_star_7_locks_and_unlocks(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        assert await press(host, "*7") == ["locked"]
        assert home.meeting.locked
        assert await press(host, "*7") == ["unlocked"]
        assert not home.meeting.locked


@pytest.mark.parametrize("keys", ["*5", "95", "*3", "*7", "*9", "*8"])
@pytest.mark.parametrize("code", ["222222", "333333"])
async def test_keys_for_hosts_are_refused_to_others(tmp_path: Path, keys: str, code: str) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter(code)
        before = home.meeting.view()
        assert await press(caller, keys) == ["no_permission"]
        after = home.meeting.view()
        assert (after.locked, after.on_hold, after.participant_muted, after.recording) == (
            before.locked,
            before.on_hold,
            before.participant_muted,
            before.recording,
        )


async def test_99_and_a_code_of_the_room_give_another_role(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("222222")
        assert (await press(caller, "99111111#"))[-1] == "role_pin_accepted"
        assert home.meeting.view().hosts == 1
        assert await press(caller, "*7") == ["locked"]


async def test_99_asks_for_the_code_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("222222")
        assert await press(caller, "99") == ["enter_role_pin"]
        assert await press(caller, "123456#") == ["role_pin_invalid"]
        assert home.meeting.view().hosts == 0


async def test_guessing_the_role_pin_is_limited_like_guessing_at_the_door(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": {**BRIEF, "conference_wrongcodes_limit": "2"}}) as home:
        caller = await home.enter("222222")
        for guess in ("000001", "000002", "111111"):
            assert (await press(caller, f"99{guess}#"))[-1] == "role_pin_invalid"
        assert home.meeting.view().hosts == 0


async def test_a_code_of_one_s_own_does_not_forgive_guesses_at_the_host_s(tmp_path: Path) -> None:
    """A participant entered his own code between two guesses, and could go on for ever."""
    async with house(tmp_path, did={"properties": {**BRIEF, "conference_wrongcodes_limit": "2"}}) as home:
        caller = await home.enter("222222")
        for guess in ("000001", "222222", "000002", "222222"):
            await press(caller, f"99{guess}#")
        assert (await press(caller, "99111111#"))[-1] == "role_pin_invalid"
        assert home.meeting.view().hosts == 0


async def test_a_new_role_speaks_or_not_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller, other = await home.enter("333333", tone_hz=2000), await home.enter("222222")
        assert not other.hears(2000)
        await press(caller, "99222222#")
        assert other.hears(2000)
        await press(caller, "99333333#")
        assert not other.hears(2000)


async def test_who_becomes_a_participant_of_a_muted_meeting_is_told_that_he_is_muted(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("111111")
        home.meeting.set_mute_mode(MuteMode.TRUE)
        await asyncio.sleep(0.5)
        assert (await press(caller, "99222222#"))[-2:] == ["you_are_participant", "you_are_muted"]


async def test_the_last_host_who_takes_another_role_counts_as_gone(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": {"conference_stop_how": "host"}}, did=DID) as home:
        caller = await home.enter("111111")
        await press(caller, "99222222#")
        assert home.meeting.state == "stopping"
        await press(caller, "99111111#")
        assert home.meeting.state == "live"


async def test_a_role_pin_can_start_the_meeting(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": {"conference_start_how": "host"}}, did=DID) as home:
        caller = await home.enter("222222")
        assert home.call(caller).state == "waiting"
        await press(caller, "99111111#")
        assert home.call(caller).state == "talking"


async def test_star_2_raises_and_lowers_the_hand(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("333333")
        assert await press(caller, "*2") == ["hand_raised"]
        assert [attendee.hand_raised for attendee in home.meeting.view().attendees] == [True]
        assert await press(caller, "*2") == ["hand_lowered"]


@pytest.mark.parametrize(
    ("code", "said"), [("111111", "help_mute_self"), ("222222", "help_mute_self"), ("333333", "help_listener")]
)
async def test_star_4_helps_by_role(tmp_path: Path, code: str, said: str) -> None:
    async with house(tmp_path, did=DID) as home:
        assert (await press(await home.enter(code), "*4"))[:1] == [said]


async def test_star_8_switches_the_tones_of_the_meeting(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": {**BRIEF, "conference_entrytones_enabled": "on"}}) as home:
        host = await home.enter("111111")
        await asyncio.sleep(2.0)
        assert await press(host, "*8") == ["tones_off"]
        host.forget()
        await home.enter("222222")
        await asyncio.sleep(1.0)
        assert host.prompts() == []
        assert await press(host, "*8") == ["tones_on"]


async def test_star_pound_tells_how_many_others_are_there(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("222222")
        assert await press(caller, "*#") == ["you_are_the_only_one"]
        other = await home.enter("222222")
        other.forget()
        assert await press(caller, "*#", 1.5) == ["there_is", "digits/1", "other_attendee", "in_the_conference"]
        assert other.prompts() == []


async def test_keys_can_be_moved_per_room(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": {"call_mute_dtmf_binding": "00"}}, did=DID) as home:
        caller = await home.enter("222222")
        assert await press(caller, "*6") == []
        assert await press(caller, "00") == ["you_are_muted"]
