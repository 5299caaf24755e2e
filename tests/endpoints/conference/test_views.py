"""What the outside sees: meetings as values, and what happens as events."""

import asyncio
from pathlib import Path

import pytest
import soundfile

from media.players import SHIPPED
from softswitch.call import CallEnded, CallMoved
from softswitch.endpoints.conference import AttendeeChanged, MeetingChanged
from tests.endpoints.conference.house import BRIEF, House, house

DID = {"properties": BRIEF}


def changes(home: House, what: str) -> list[str]:
    return [event.value for event in home.events if isinstance(event, AttendeeChanged) and event.what == what]


async def test_a_meeting_shows_who_is_in_and_how_they_are(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111", tone_hz=440, number="13105550001")
        await home.enter("333333", number="13105550002")
        home.meeting.rename(home.meeting.attendees[home.call(host).id], "Anna")
        await asyncio.sleep(2.0)
        (view,) = home.conference.meetings()
        assert (view.room, view.state, view.hosts, view.participants, view.listeners) == ("standup", "live", 1, 0, 1)
        assert (view.locked, view.on_hold, view.participant_muted, view.recording) == (False, "", "false", "")
        first, second = view.attendees
        assert (first.name, first.number, first.role, first.state) == ("Anna", "13105550001", "host", "talking")
        assert (first.muted, second.muted) == (False, True)
        assert 2.0 <= first.duration_s < 5.0
        assert first.quality is not None
        assert first.quality.packets_received > 50


async def test_the_view_of_a_hold_names_roles_and_attendees(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        await home.enter("111111")
        await home.enter("222222")
        home.meeting.set_on_hold("lp")
        view = home.meeting.view()
        assert view.on_hold == "pl"
        assert [(attendee.on_hold, attendee.state) for attendee in view.attendees] == [
            (False, "talking"),
            (True, "on hold"),
        ]


async def test_hosts_cannot_be_put_on_hold_by_role(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        await home.enter("111111")
        with pytest.raises(ValueError, match="p and l"):
            home.meeting.set_on_hold("h")


async def test_whatever_changes_is_an_event(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("111111")
        await caller.press("*6*2*799222222#", gap_s=0.3)
        await asyncio.sleep(0.5)
        caller.hang_up()
        await asyncio.sleep(0.5)
        assert changes(home, "entered") == ["host"]
        assert changes(home, "muted") == ["true", "false"]
        assert changes(home, "hand_raised") == ["true"]
        assert changes(home, "role") == ["participant"]
        assert changes(home, "left") == ["participant"]
        assert [(event.what, event.value) for event in home.events if isinstance(event, MeetingChanged)] == [
            ("locked", "true")
        ]
        moved = [event.after for event in home.events if isinstance(event, CallMoved)]
        assert moved[-2:] == ["gone", "ended"]
        assert [event.by for event in home.events if isinstance(event, CallEnded)] == ["SRC"]


async def test_who_begins_and_ends_to_talk_is_an_event(tmp_path: Path) -> None:
    speech, _ = soundfile.read(SHIPPED / "samples" / "slt_1.flac", dtype="int16")
    async with house(tmp_path, did=DID) as home:
        caller = await home.enter("111111", tone_hz=440)
        caller.is_speaking = False
        await asyncio.sleep(3.0)
        home.events.clear()
        caller.speech = speech
        await asyncio.sleep(1.5)
        assert [attendee.talking for attendee in home.meeting.view().attendees] == [True]
        await asyncio.sleep(len(speech) / 8000 + 3.0)
        assert [attendee.talking for attendee in home.meeting.view().attendees] == [False]
        assert (changes(home, "talking")[0], changes(home, "talking")[-1]) == ("true", "false")
