"""A changed number plan in a running switch: the next call goes by it, and whatever is up goes on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from media import Engine
from softswitch.app import App, media_settings
from softswitch.configfile import validated
from softswitch.plan import NumberPlan, Plan
from softswitch.plan.objects import with_sid
from softswitch.settings import Settings
from softswitch.sip import Address, Answered, Ended, SessionEvent, Stack, Transport, Uri
from tests.wire import Wire

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
)
ROOM = {"name": "room", "properties": {"conference_quiet_enabled": "on"}}


def plan(*, endpoint: str = "talk", capacity: int = 0, groups: tuple[str, ...] = ("127.0.0.9",), dids: int = 1) -> Plan:
    """A conference with one room that the DIDs open without a code; its sid stays whatever its name is."""
    table: dict[str, Any] = {
        "trunk_groups": [{"name": acl, "acls": [acl], "in_capacity": capacity} for acl in groups],
        "endpoints": [{"name": endpoint, "type": "conference", "call_flow": "direct_host", "meeting_rooms": [ROOM]}],
        "dids": [{"phonenumber": f"1202555010{n}", "endpoint": endpoint} for n in range(dids)],
    }
    made = Plan(validated(NumberPlan, table, "numbers.toml"))
    for account in made.numbers.endpoints:
        with_sid(account, "endpoint-sid")
        with_sid(account.meeting_rooms[0], "room-sid")
    for group in made.numbers.trunk_groups:
        with_sid(group, f"sid of {group.name}")
    return made


class Phone:
    """Calls from one address."""

    def __init__(self, stack: Stack, host: str) -> None:
        self.stack = stack
        self.host = host

    def dial(self, number: str = "12025550100") -> list[SessionEvent]:
        events: list[SessionEvent] = []
        self.stack.invite(
            Uri.parse(f"sip:{number}@127.0.0.1"),
            from_=Address(Uri.parse(f"sip:13105550199@{self.host}")),
            offer=SDP,
            on_event=events.append,
        )
        return events


@pytest.fixture
async def switch(tmp_path: Path) -> AsyncIterator[tuple[App, Phone]]:
    wire = Wire(record=False)
    settings = Settings.model_validate({"data": {"directory": str(tmp_path)}, "sip": {"transports": ["udp"]}})
    engine = Engine(media_settings(settings), in_process=wire)
    phones = Stack(network=wire)
    await phones.listen(Transport.UDP, "127.0.0.9", 5060)
    async with App(settings, plan(), engine=engine, stack=Stack(network=wire)) as app:
        yield app, Phone(phones, "127.0.0.9")
    await phones.close()


def status(events: list[SessionEvent]) -> int:
    """What became of a call: 200 while it is up, else what it was refused with."""
    (last,) = events[-1:]
    return last.status if isinstance(last, Ended) else 200 * isinstance(last, Answered)


async def test_a_number_is_taken_from_the_next_call_on(switch: tuple[App, Phone]) -> None:
    app, phone = switch
    before = phone.dial("12025550101")
    await asyncio.sleep(2)
    app.adopt(plan(dids=2))
    after = phone.dial("12025550101")
    await asyncio.sleep(2)
    assert (status(before), status(after)) == (404, 200)


async def test_a_call_goes_on_while_everything_it_came_by_is_taken_away(switch: tuple[App, Phone]) -> None:
    app, phone = switch
    up = phone.dial()
    await asyncio.sleep(2)
    app.adopt(Plan())
    refused = phone.dial()
    await asyncio.sleep(30)
    assert (status(up), status(refused)) == (200, 403)
    assert len(app.switch.calls) == 1


async def test_whoever_is_inside_counts_against_the_new_capacity(switch: tuple[App, Phone]) -> None:
    app, phone = switch
    first, second = phone.dial(), phone.dial()
    await asyncio.sleep(2)
    app.adopt(plan(capacity=2))
    third = phone.dial()
    await asyncio.sleep(2)
    assert (status(first), status(second), status(third)) == (200, 200, 503)
    app.adopt(plan(capacity=3))
    fourth = phone.dial()
    await asyncio.sleep(2)
    assert status(fourth) == 200


async def test_a_meeting_goes_on_under_the_new_name_of_its_endpoint(switch: tuple[App, Phone]) -> None:
    app, phone = switch
    first = phone.dial()
    await asyncio.sleep(2)
    app.adopt(plan(endpoint="renamed"))
    second = phone.dial()
    await asyncio.sleep(2)
    assert (status(first), status(second)) == (200, 200)
    (meeting,) = app.endpoints["renamed"].meetings()  # type: ignore[attr-defined]
    assert len(meeting.attendees) == 2


async def test_a_meeting_of_an_endpoint_that_is_gone_ends_with_the_program(switch: tuple[App, Phone]) -> None:
    app, phone = switch
    up = phone.dial()
    await asyncio.sleep(2)
    app.adopt(plan().with_parts(endpoints=(), dids=()))
    assert not app.endpoints
    await app.stop()
    await asyncio.sleep(2)
    assert isinstance(up[-1], Ended)
