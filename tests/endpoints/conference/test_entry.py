"""From the answer to the room: welcome, codes, refusals."""

import asyncio
from pathlib import Path

import pytest

from softswitch.endpoints.conference.roles import Role
from tests.endpoints.conference.house import BRIEF, QUIET, house


async def test_a_caller_is_welcomed_asked_for_a_code_and_told_his_role_and_that_he_is_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        caller = await home.dial().answered()
        await asyncio.sleep(1.0)
        await caller.press("222222#")
        await asyncio.sleep(2.0)
        assert caller.prompts() == [
            "welcome",
            "enter_access_code",
            "you_are_participant",
            "you_are_the_only_one",
            "tones/entry",
        ]
        (attendee,) = home.meeting.attendees.values()
        assert attendee.role is Role.PARTICIPANT


@pytest.mark.parametrize(("code", "role"), [("111111", "host"), ("222222", "participant"), ("333333", "listener")])
async def test_the_code_gives_the_role(tmp_path: Path, code: str, role: str) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter(code)
        (view,) = home.conference.meetings()
        assert [attendee.role for attendee in view.attendees] == [role]


async def test_the_second_caller_is_told_that_one_other_is_there_and_the_third_that_two_are(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.enter("222222")
        second = await home.enter("222222")
        assert second.prompts()[-4:] == ["there_is", "digits/1", "other_attendee", "in_the_conference"]
        third = await home.enter("222222")
        assert third.prompts()[-4:] == ["there_are", "digits/2", "other_attendees", "in_the_conference"]


async def test_a_wrong_code_is_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.dial().answered()
        await asyncio.sleep(0.5)
        await caller.press("999999#")
        await asyncio.sleep(1.0)
        await caller.press("222222#")
        await asyncio.sleep(0.5)
        assert caller.prompts() == ["enter_access_code", "invalid_access_code", "enter_access_code"]
        assert home.meeting.head_count() == 1


async def test_after_three_wrong_codes_the_caller_is_told_goodbye_and_released(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.dial().answered()
        for _ in range(3):
            await caller.press("999999#")
            await asyncio.sleep(0.6)
        end = await caller.ended()
        assert caller.prompts()[-1] == "too_many_attempts_goodbye"
        assert (end.by, end.q850) == ("remote", 16)
        assert home.calls[0].outcome is not None
        assert (home.calls[0].outcome.by, home.calls[0].outcome.reason) == ("DST", "no valid code")


async def test_who_presses_nothing_is_asked_three_times_and_released(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_code_first_digit_wait": "5"}
    async with house(tmp_path, did={"properties": properties}) as home:
        started_at = asyncio.get_running_loop().time()
        caller = await home.dial().answered()
        await caller.ended()
        waited_s = asyncio.get_running_loop().time() - started_at
        assert caller.prompts() == ["enter_access_code", "goodbye"]  # of no code it can't be said that it is not valid
        assert 15.0 < waited_s < 17.0


async def test_a_pause_ends_a_code_too(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.dial().answered()
        await caller.press("222222")
        await asyncio.sleep(3.5)
        assert home.conference.meetings() == ()
        await asyncio.sleep(1.0)
        assert home.meeting.head_count() == 1


async def test_the_star_ends_a_code_as_hosts_are_used_to(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.dial().answered()
        await caller.press("111111*")
        await asyncio.sleep(0.1)
        assert home.meeting.head_count() == 1


async def test_keys_pressed_ahead_skip_the_prompts(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": {"conference_announceparticipantcount_policy": ""}}) as home:
        caller = await home.dial().answered()
        await caller.press("222222#", gap_s=0.01)
        await asyncio.sleep(1.0)
        assert "enter_access_code" not in caller.prompts()
        assert home.meeting.head_count() == 1


async def test_a_code_sent_as_telephone_events_and_as_info_is_entered_once(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.dial().answered()
        await asyncio.gather(caller.press_in_rtp("222222#"), caller.press("222222#", gap_s=0.3))
        await asyncio.sleep(0.5)
        assert home.meeting.head_count() == 1
        assert "invalid_access_code" not in caller.prompts()


async def test_in_the_open_flow_an_unknown_code_is_a_room_on_the_fly_in_which_two_meet(tmp_path: Path) -> None:
    async with house(tmp_path, account={"call_flow": "open"}, did={"properties": BRIEF}) as home:
        for _ in range(2):
            await home.enter("4711")
        (view,) = home.conference.meetings()
        assert view.participants == 2


async def test_a_room_on_the_fly_is_never_called_by_its_code(tmp_path: Path) -> None:
    async with house(tmp_path, account={"call_flow": "open"}, did={"properties": BRIEF}) as home:
        await home.enter("482915734")
        (view,) = home.conference.meetings()
        told = [repr(thing) for thing in (*home.events, view, *(call.story for call in home.calls))]
        assert len(told) > 5
        assert not [text for text in told if "482915734" in text]


async def test_in_the_open_flow_a_room_on_the_fly_is_not_the_room_of_that_name(tmp_path: Path) -> None:
    async with house(tmp_path, {"call_flow": "open"}, {"name": "4711"}, {"properties": BRIEF}) as home:
        await home.enter("4711")
        await home.enter("222222")
        assert [view.participants for view in home.conference.meetings()] == [1, 1]


@pytest.mark.parametrize(("flow", "role"), [("direct_host", "host"), ("direct_participant", "participant")])
async def test_a_direct_flow_leads_straight_in(tmp_path: Path, flow: str, role: str) -> None:
    async with house(tmp_path, did={"call_flow": flow}) as home:
        caller = await home.dial().answered()
        await asyncio.sleep(2.0)
        (view,) = home.conference.meetings()
        assert [attendee.role for attendee in view.attendees] == [role]
        assert caller.prompts() == ["welcome", f"you_are_{role}", "you_are_the_only_one", "tones/entry"]


async def test_a_locked_room_turns_participants_away_and_lets_hosts_in(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        home.meeting.set_locked(True)
        late = await home.dial().answered()
        await late.press("222222#")
        await late.ended()
        assert late.prompts()[-1] == "room_is_locked"
        await home.enter("111111")
        assert home.meeting.view().hosts == 2


async def test_who_comes_into_a_meeting_that_is_recorded_is_told_so(tmp_path: Path) -> None:
    """Only those who were there when the recording began had been told."""
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        host = await home.enter("111111")
        await host.press("*9")
        await asyncio.sleep(0.5)
        guest = await home.enter("222222")
        assert guest.prompts()[-1] == "recording_started"
        await host.press("*9")
        await asyncio.sleep(0.5)
        late = await home.enter("222222")
        assert "recording_started" not in late.prompts()


async def test_no_key_skips_the_notice_that_the_meeting_is_recorded(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        home.meeting.start_recording()
        guest = await home.dial().answered()
        await guest.press("222222###", gap_s=0.01)
        await home.reached(home.calls[-1], "talking")
        assert guest.prompts()[-1] == "recording_started"


async def test_who_comes_into_a_meeting_on_hold_is_told_why_he_hears_music(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        home.meeting.set_on_hold("p")
        guest = await home.enter("222222")
        await asyncio.sleep(1.0)
        assert guest.prompts()[-2:] == ["on_hold", "music/hold"]


async def test_a_host_who_comes_into_a_locked_room_is_told_that_it_is_locked(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        home.meeting.set_locked(True)
        host = await home.enter("111111")
        assert host.prompts()[-1] == "locked"


async def test_a_full_room_says_so_and_has_room_again_when_somebody_leaves(tmp_path: Path) -> None:
    async with house(
        tmp_path, did={"properties": BRIEF}, room={"properties": {"conference_maximum_attendees": "1"}}
    ) as home:
        first = await home.enter("222222")
        second = await home.dial().answered()
        await second.press("111111#")
        await second.ended()
        assert second.prompts()[-1] == "room_is_full"
        first.hang_up()
        await asyncio.sleep(0.1)
        await home.enter("222222")
        assert home.meeting.head_count() == 1


async def test_guessing_across_calls_is_answered_403_until_the_window_is_over(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_code_tries": "1"}
    properties |= {"conference_wrongcodes_limit": "2", "conference_wrongcodes_window": "60"}
    async with house(tmp_path, did={"properties": properties}) as home:
        for _ in range(2):
            guesser = await home.dial().answered()
            await guesser.press("999999#")
            await guesser.ended()
        assert (await home.dial().ended()).status == 403
        await home.enter("222222", number="13105550002")
        await asyncio.sleep(60)
        await home.enter("222222")


async def test_one_trunk_s_guessers_do_not_lock_out_its_other_callers(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_code_tries": "10", "conference_code_first_digit_wait": "1"}
    async with house(tmp_path, did={"properties": properties}) as home:
        for number in range(31):
            guesser = await home.dial(f"1310666{number:04}").answered()
            for _ in range(10):
                await guesser.press("999999#", gap_s=0.02)
                await asyncio.sleep(0.1)
            await guesser.ended()
        assert (await home.dial("13106660000").ended()).status == 403
        await home.enter("222222", number="13105559999")


async def test_callers_without_number_are_limited_together(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_code_tries": "1", "conference_wrongcodes_anonymous_limit": "2"}
    async with house(tmp_path, did={"properties": properties}) as home:
        for _ in range(2):
            guesser = await home.dial("anonymous").answered()
            await guesser.press("999999#")
            await guesser.ended()
        assert (await home.dial("Anonymous").ended()).status == 403
        await home.enter("222222")


async def test_codes_of_rooms_cannot_be_guessed_for_ever_in_the_open_flow(tmp_path: Path) -> None:
    """Each unknown code opened a room on the fly, and none of them was a wrong one."""
    properties = {**BRIEF, "conference_wrongcodes_limit": "3"}
    async with house(tmp_path, did={"call_flow": "open", "properties": properties}) as home:
        for code in ("100001", "100002", "100003"):
            (await home.enter(code)).hang_up()
        assert (await home.dial().ended()).status == 403


async def test_the_code_of_a_room_that_others_have_opened_is_no_wrong_one(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_wrongcodes_limit": "1"}
    async with house(tmp_path, did={"call_flow": "open", "properties": properties}) as home:
        await home.enter("100001", number="13105550009")
        for _ in range(3):
            (await home.enter("100001")).hang_up()
        assert home.meeting.head_count() >= 1


async def test_a_conference_without_call_flow_answers_500_and_says_what_is_missing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.conference._rooms.account = home.conference._rooms.account.model_copy(update={"call_flow": None})
        end = await home.dial().ended()
        assert end.status == 500
        assert "misconfigured" in end.reason


async def test_quiet_says_nothing_at_all(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": QUIET}) as home:
        caller = await home.enter("222222")
        other = await home.enter("111111")
        await other.press("*7*3*3*5*4*#")
        await asyncio.sleep(2.0)
        assert caller.prompts() == other.prompts() == []


async def test_a_caller_who_hangs_up_while_he_is_asked_for_a_code_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        caller = await home.dial().answered()
        await asyncio.sleep(0.1)
        caller.hang_up()
        await asyncio.sleep(0.1)
        (call,) = home.calls
        assert call.outcome is not None
        assert call.outcome.by == "SRC"
        assert not home.tasks
        assert home.conference.meetings() == ()
