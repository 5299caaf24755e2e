"""The log and the ladder say who ended a call: the caller, the callee, or the switch."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from softswitch.call import CallEnded, Event
from softswitch.ladder.titles import of_event
from tests.stories.town import Phone, Town, town


async def ended(it: Town, end: Callable[[Phone, Phone], None], *, talks: bool = True) -> tuple[str, str]:
    """Ann calls Bob, and somebody ends it: the party by the log, and the last line of the ladder."""
    events: list[Event] = []
    it.app.events.subscribe(events.append)
    ann, bob = await it.phone("1001"), await it.phone("1002")
    with structlog.testing.capture_logs() as lines:
        ann.dial("1002")
        await bob.rings()
        if talks:
            bob.answer()
            await ann.answered()
        await asyncio.sleep(1)
        end(ann, bob)
        await asyncio.sleep(1)
    (told,) = [line["by"] for line in lines if line["event"] == "call ended"]
    *_, last = [of_event(event)[1] for event in events if isinstance(event, CallEnded)]
    return told, last


@pytest.mark.parametrize("party", ["caller", "callee"])
async def test_a_call_that_the_callee_hangs_up_is_not_said_to_be_ended_by_us(tmp_path: Path, party: str) -> None:
    async with town(tmp_path) as it:
        told, last = await ended(it, lambda ann, bob: (ann if party == "caller" else bob).hang_up())
        assert told == party
        assert last.endswith(f"by {party}")


async def test_a_call_that_the_callee_refuses_is_ended_by_him(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        told, last = await ended(it, lambda _, bob: bob.refuse(486), talks=False)
        assert told == "callee"
        assert last == "486 Busy Here, Q.850 17, by callee"


async def test_a_call_that_an_operator_ends_is_ended_by_the_switch(tmp_path: Path) -> None:
    def end(_ann: Phone, _bob: Phone) -> None:
        (call,) = it.app.switch.calls.values()
        it.app.switch.end(call, "Ended by an operator")

    async with town(tmp_path) as it:
        assert (await ended(it, end))[0] == "switch"


def test_an_end_without_a_reason_leaves_no_hole_in_the_ladder() -> None:
    assert of_event(CallEnded("7f3a", 0.0, 200, "", 16, "DST", "callee"))[1] == "200, Q.850 16, by callee"
