"""A caller may hang up at any moment; whatever he had is given back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.endpoints.conference.house import BRIEF, House, house
from tests.endpoints.conference.phone import Phone

Moment = Callable[[House], Awaitable[Phone]]
HOST_STARTS = {"conference_start_how": "host"}


async def welcome(home: House) -> Phone:
    return await home.dial().answered()


async def entering_code(home: House) -> Phone:
    caller = await home.dial().answered()
    await caller.press("22")
    return caller


async def entering(home: House) -> Phone:
    caller = await home.dial().answered()
    await caller.press("222222#")
    return caller


async def waiting(home: House) -> Phone:
    return await home.enter("222222")


async def talking(home: House) -> Phone:
    return await home.enter("111111")


async def on_hold(home: House) -> Phone:
    caller = await home.enter("111111")
    home.meeting.hold(home.meeting.attendees[home.call(caller).id], True)
    return caller


async def leaving(home: House) -> Phone:
    caller = await home.enter("111111")
    home.meeting.kick(home.meeting.attendees[home.call(caller).id])
    await home.reached(home.call(caller), "leaving")
    return caller


@pytest.mark.parametrize("moment", [welcome, entering_code, entering, waiting, talking, on_hold, leaving])
async def test_hanging_up_gives_back_everything(tmp_path: Path, moment: Moment) -> None:
    room = {"properties": {**HOST_STARTS, "conference_stop_wait": "1"}}
    async with house(tmp_path, room=room) as home:
        caller = await moment(home)
        call = home.call(caller)
        assert call.state == moment.__name__.replace("_", " ")
        caller.hang_up()
        await asyncio.sleep(40.0)
        assert [step.after for step in call.story][-2:] == ["gone", "ended"]
        assert call.outcome is not None
        assert call.outcome.by == "SRC"
        assert home.tasks == {}
        assert home.conference.meetings() == ()
        assert not any(home.stack.counts().values())
        counters = home.engine.counters()
        assert (counters["streams"], counters["rooms"]) == (0, 0)


async def test_a_meeting_may_start_while_it_is_on_hold(tmp_path: Path) -> None:
    async with house(tmp_path, room={"properties": HOST_STARTS}, did={"properties": BRIEF}) as home:
        early = await home.enter("222222")
        home.meeting.set_on_hold("p")
        await home.enter("111111")
        assert home.call(early).state == "on hold"
        home.meeting.kick(home.meeting.attendees[home.call(early).id])
        await early.ended()
        assert home.meeting.head_count() == 1
