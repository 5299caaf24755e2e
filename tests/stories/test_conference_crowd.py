"""A thousand callers who enter quickly and hang up at once leave nothing behind."""

import asyncio
import gc
from pathlib import Path

from tests.endpoints.conference.house import QUIET, house

CROWD = 1000


async def test_a_thousand_callers_hung_up_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    room = {
        "name": "all-hands",
        "access_codes": [],
        "properties": {**QUIET, "conference_maximum_attendees": "0", "conference_stop_wait": "60"},
    }
    async with house(tmp_path, room=room, did={"call_flow": "direct_participant", "properties": QUIET}) as home:
        callers = []
        for _ in range(CROWD):
            callers.append(home.dial())
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.0)
        (view,) = home.conference.meetings()
        assert view.participants == CROWD
        for caller in callers:
            caller.hang_up()
        await asyncio.sleep(40.0)
        assert home.tasks == {}
        assert home.meeting.attendees == {}
        assert not any(home.stack.counts().values()), home.stack.counts()
        counters = home.engine.counters()
        assert (counters["streams"], counters["rooms"]) == (0, 0)
        await asyncio.sleep(30.0)
        assert home.conference.meetings() == ()
        assert {call.outcome.status for call in home.calls if call.outcome} == {200}
        home.calls.clear()
        home.events.clear()
        callers.clear()
        gc.collect()
        assert not [task for task in asyncio.all_tasks() if "_live" in repr(task)]
