"""The life of a meeting: start, stop, return, end, who is sent away."""

import asyncio
from pathlib import Path

import pytest

from softswitch.endpoints.conference import MeetingMoved, Role
from tests.endpoints.conference.house import BRIEF, House, house

HOST_STARTS = {"conference_start_how": "host"}
HOST_STOPS = {"conference_stop_how": "host"}


def moves(home: House) -> list[str]:
    return [event.after for event in home.events if isinstance(event, MeetingMoved)]


async def test_who_comes_before_the_host_waits_with_music_and_is_let_in_with_him(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": HOST_STARTS}, did={"properties": BRIEF}) as home:
        early = await home.enter("222222", tone_hz=440)
        assert home.call(early).state == "waiting"
        await asyncio.sleep(1.0)
        assert early.prompts()[-2:] == ["waiting_for_host", "music/hold"]
        host = await home.enter("111111", tone_hz=2000)
        await asyncio.sleep(1.0)
        assert home.call(early).state == "talking"
        assert early.hears(2000)
        assert host.hears(440)


async def test_who_waits_in_vain_is_told_so_and_released(tmp_path: Path) -> None:
    properties = {**HOST_STARTS, "conference_start_wait": "30"}
    async with house(tmp_path, room={"properties": properties}, did={"properties": BRIEF}) as home:
        early = await home.enter("222222")
        entered_at = asyncio.get_running_loop().time()
        await early.ended()
        assert 29.0 < asyncio.get_running_loop().time() - entered_at < 32.0
        assert early.prompts()[-1] == "conference_not_started_goodbye"
        assert moves(home) == ["waiting", "ended"]
        assert home.conference.meetings() == ()


async def test_what_concerns_all_is_as_the_number_has_it_by_which_the_meeting_began(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": {**BRIEF, **HOST_STARTS}}) as home:
        early = await home.enter("222222")
        home.did = home.did.model_copy(update={"properties": BRIEF})
        late = await home.enter("222222")
        assert [home.call(caller).state for caller in (early, late)] == ["waiting", "waiting"]


async def test_those_who_wait_do_not_hear_each_other(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": HOST_STARTS}, did={"properties": BRIEF}) as home:
        one = await home.enter("222222", tone_hz=440)
        await home.enter("222222", tone_hz=2000)
        await asyncio.sleep(1.0)
        assert not one.hears(2000)


async def test_the_meeting_stays_for_the_stop_wait_and_who_returns_finds_it_as_it_was(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        host = await home.enter("111111")
        meeting = home.meeting
        meeting.set_locked(True)
        host.hang_up()
        await asyncio.sleep(170)
        assert meeting.state == "stopping"
        await home.enter("111111")
        assert home.meeting is meeting
        assert meeting.locked
        assert moves(home) == ["waiting", "live", "stopping", "live"]


async def test_the_meeting_ends_when_nobody_returns(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        host = await home.enter("111111")
        host.hang_up()
        await asyncio.sleep(181)
        assert home.conference.meetings() == ()
        assert moves(home) == ["waiting", "live", "stopping", "closing", "ended"]


async def test_without_a_stop_wait_the_meeting_ends_with_the_last(tmp_path: Path) -> None:
    room = {"properties": {"conference_stop_wait": "0"}}
    async with house(tmp_path, room=room, did={"properties": BRIEF}) as home:
        host = await home.enter("111111")
        host.hang_up()
        await asyncio.sleep(0.1)
        assert home.conference.meetings() == ()


async def test_when_the_last_host_leaves_the_others_are_released_after_the_stop_wait(tmp_path: Path) -> None:
    room = {"properties": {**HOST_STOPS, "conference_stop_wait": "60"}}
    async with house(tmp_path, room=room, did={"properties": BRIEF}) as home:
        host = await home.enter("111111")
        other = await home.enter("222222")
        host.hang_up()
        await asyncio.sleep(59)
        assert other.end is None
        await other.ended()
        assert other.prompts()[-2:] == ["conference_ended", "goodbye"]
        await asyncio.sleep(0.1)
        assert home.conference.meetings() == ()


async def test_only_a_host_undoes_the_leaving_of_the_last_host(tmp_path: Path) -> None:
    async with house(
        tmp_path, room={"properties": {**HOST_STOPS, "conference_stop_wait": "20"}}, did={"properties": BRIEF}
    ) as home:
        host = await home.enter("111111")
        await home.enter("222222")
        host.hang_up()
        await asyncio.sleep(1)
        await home.enter("222222")
        assert home.meeting.state == "stopping"
        await home.enter("111111")
        assert home.meeting.state == "live"
        await asyncio.sleep(30)
        assert home.meeting.state == "live"


async def test_a_host_who_hangs_up_during_his_greeting_ends_nothing(tmp_path: Path) -> None:
    """He had never entered, and the others were released after the stop wait as if their host had left them."""
    async with house(tmp_path, room={"properties": HOST_STOPS}) as home:
        await home.enter("222222")
        host = await home.greeted("111111")
        host.hang_up()
        await asyncio.sleep(200.0)
        assert home.meeting.state == "live"
        assert home.meeting.head_count() == 1


async def test_a_host_who_still_hears_his_greeting_does_not_replace_the_one_who_leaves(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": HOST_STOPS}) as home:
        host = await home.enter("111111")
        await home.enter("222222")
        call = home.call(await home.greeted("111111"))
        host.hang_up()
        await asyncio.sleep(0.1)
        assert home.meeting.state == "stopping"
        await home.reached(call, "talking")
        assert home.meeting.state == "live"


async def test_the_last_one_who_hangs_up_during_his_greeting_stops_the_meeting(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first = await home.enter("222222")
        second = await home.greeted("222222")
        first.hang_up()
        await asyncio.sleep(0.1)
        assert home.meeting.state == "live"
        second.hang_up()
        await asyncio.sleep(0.1)
        assert home.meeting.state == "stopping"


@pytest.mark.parametrize("how", [{"call_flow": "open"}, {"call_flow": "direct_participant"}])
async def test_a_room_on_the_fly_does_not_wait_for_a_host_who_cannot_come(tmp_path: Path, how: dict[str, str]) -> None:
    """Its callers are participants: all waited for six minutes and were sent away."""
    properties = {**BRIEF, **HOST_STARTS, **HOST_STOPS}
    rooms = {"meeting_rooms": []} if how["call_flow"] == "direct_participant" else {}
    async with house(tmp_path, account={"properties": properties, **rooms}, did=how) as home:
        caller = await home.dial().answered()
        await caller.press("4711#")
        await home.reached(home.calls[-1], "talking", "waiting")
        assert home.meeting.state == "live"


async def test_those_whose_last_host_has_left_are_told_that_it_will_end(tmp_path: Path) -> None:
    """They were cut off three minutes later, in the middle of a word."""
    async with house(tmp_path, room={"properties": HOST_STOPS}, did={"properties": BRIEF}) as home:
        host, guest = await home.enter("111111"), await home.enter("222222")
        guest.forget()
        host.hang_up()
        await asyncio.sleep(1.0)
        assert guest.prompts() == ["host_left"]


async def test_who_comes_when_all_have_left_after_their_host_begins_a_meeting_of_his_own(tmp_path: Path) -> None:
    """He sat alone in a room that waited for a host, and was thrown out a minute later: the conference had ended."""
    async with house(tmp_path, room={"properties": HOST_STOPS}, did={"properties": BRIEF}) as home:
        host, guest = await home.enter("111111"), await home.enter("222222")
        host.hang_up()
        await asyncio.sleep(1.0)
        guest.hang_up()
        await asyncio.sleep(120.0)
        await home.enter("222222")
        assert home.meeting.state == "live"


async def test_where_only_a_host_starts_nobody_else_undoes_his_leaving(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": {**HOST_STARTS, **HOST_STOPS}}, did={"properties": BRIEF}) as home:
        (await home.enter("111111")).hang_up()
        await asyncio.sleep(1.0)
        await home.enter("222222")
        assert home.meeting.state == "stopping"
        await home.enter("111111")
        assert home.meeting.state == "live"


async def test_a_role_that_is_changed_during_the_greeting_starts_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": HOST_STARTS}) as home:
        call = home.call(await home.greeted("222222"))
        meeting = home.meeting
        meeting.change_role(meeting.attendees[call.id], Role.HOST)
        assert meeting.state == "waiting"
        await home.reached(home.calls[-1], "talking")
        assert meeting.state == "live"


async def test_an_ended_meeting_tells_all_and_the_next_caller_opens_a_new_one(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        callers = [await home.enter("111111"), await home.enter("222222"), await home.enter("333333")]
        ended = home.meeting
        ended.end()
        ended.end()
        await home.enter("222222")
        assert home.meeting is not ended
        for caller in callers:
            await caller.ended()
            assert caller.prompts()[-2:] == ["conference_ended", "goodbye"]
        assert len(home.conference.meetings()) == 1


async def test_who_is_removed_by_a_host_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        guest = await home.enter("222222")
        attendee = home.meeting.attendees[home.call(guest).id]
        home.meeting.kick(attendee)
        home.meeting.kick(attendee)
        await guest.ended()
        assert guest.prompts()[-1] == "removed_by_host"
        assert home.meeting.head_count() == 1
        outcome = home.call(guest).outcome
        assert outcome is not None
        assert outcome.reason == "removed by a host"


async def test_who_is_removed_and_moved_in_the_same_moment_is_removed(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        await home.enter("111111")
        guest = await home.enter("222222")
        attendee = home.meeting.attendees[home.call(guest).id]
        key = home.conference.key_to(home.meeting.id, Role.HOST)
        assert key is not None
        home.meeting.kick(attendee)
        attendee.go_to(key)
        await guest.ended()
        assert home.meeting.head_count() == 1


async def test_who_is_removed_during_his_greeting_never_enters(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.enter("111111")
        guest = await home.dial().answered()
        await guest.press("222222#")
        call = home.call(guest)
        await home.reached(call, "entering")
        home.meeting.kick(home.meeting.attendees[call.id])
        await guest.ended()
        assert "talking" not in [step.after for step in call.story]


async def test_entry_and_exit_are_heard_by_those_who_are_in(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_entrytones_enabled": "on", "conference_exittones_enabled": "on"}
    async with house(tmp_path, did={"properties": properties}) as home:
        first = await home.enter("111111")
        await asyncio.sleep(1.5)
        first.forget()
        second = await home.enter("222222")
        await asyncio.sleep(2.0)
        second.hang_up()
        await asyncio.sleep(0.5)
        assert first.prompts() == ["tones/entry", "tones/exit"]


async def test_many_who_come_at_once_are_one_chime(tmp_path: Path) -> None:
    properties = {"conference_prompts_enabled": "off", **BRIEF, "conference_entrytones_enabled": "on"}
    async with house(tmp_path, did={"call_flow": "direct_participant", "properties": properties}) as home:
        first = await home.dial().answered()
        await asyncio.sleep(2.0)
        first.forget()
        for _ in range(20):
            home.dial()
        await asyncio.sleep(0.9)
        assert first.prompts() == ["tones/entry"]
        assert home.meeting.head_count() == 21


async def test_every_move_of_a_call_is_in_its_story(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": BRIEF}) as home:
        caller = await home.enter("222222")
        caller.hang_up()
        await asyncio.sleep(0.1)
        story = [step.after for step in home.calls[0].story]
        assert story == [
            "answering", "welcome", "entering code", "checking", "entering", "talking", "gone", "ended",
        ]  # fmt: skip
        assert not any("222222" in step.why for step in home.calls[0].story)


async def test_who_hears_his_greeting_as_the_time_of_an_empty_meeting_is_up_comes_into_it(tmp_path: Path) -> None:
    properties = BRIEF | {"conference_stop_wait": "5", "conference_welcomeprompt_enabled": "on"}
    properties |= {"conference_code_inter_digit_wait": "20"}
    async with house(tmp_path, did={"properties": properties}) as home:
        first = await home.enter("222222")
        meeting = home.meeting
        second = await home.dial(number="13105550002").answered()
        await second.press("222222")
        first.hang_up()
        await asyncio.sleep(4.8)
        await second.press("#")
        await home.reached(home.call(second), "entering")
        await home.reached(home.call(second), "talking")
        await asyncio.sleep(3.0)
        assert moves(home) == ["waiting", "live", "stopping", "live"]
        assert home.call(second).state == "talking"
        assert home.meeting is meeting
