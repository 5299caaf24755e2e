"""The recording of a meeting."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import structlog

from softswitch.endpoints.conference import Recording
from softswitch.endpoints.conference.recording import MeetingRecording
from tests.endpoints.conference import prompt_book
from tests.endpoints.conference.house import BRIEF, House, house

DID = {"properties": BRIEF}
FULL_DISK_EXISTS = Path("/dev/full").is_char_device


def recordings(home: House) -> list[Recording]:
    return [event for event in home.events if isinstance(event, Recording)]


async def test_star_9_records_what_is_heard_in_the_room_and_says_so_to_all(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host, guest = await home.enter("111111", tone_hz=1740), await home.enter("222222", tone_hz=2000)
        await home.enter("333333", tone_hz=2300)
        guest.forget()
        await host.press("*9")
        await asyncio.sleep(2.0)
        path = Path(home.meeting.view().recording)
        await host.press("*9")
        await asyncio.sleep(1.0)
        assert guest.prompts() == ["recording_started", "recording_stopped"]
        assert [event.state for event in recordings(home)] == ["started", "stopped"]
        assert path.parent == tmp_path / "data" / "recordings" / "conference" / "standup"
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == prompt_book.HZ
        assert prompt_book.level(samples[8000:], 1740) > 0.05
        assert prompt_book.level(samples[8000:], 2000) > 0.05
        assert prompt_book.level(samples[8000:], 2300) < 0.005


async def test_the_recording_ends_when_nobody_is_left(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        home.meeting.start_recording()
        home.meeting.start_recording()
        await asyncio.sleep(1.0)
        host.hang_up()
        await asyncio.sleep(1.0)
        assert [event.state for event in recordings(home)] == ["started", "stopped"]
        assert home.meeting.recording.path is None
        samples, _ = soundfile.read(recordings(home)[0].path)
        assert len(samples) > 0.9 * prompt_book.HZ


async def test_two_recordings_within_a_second_are_two_files(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        await home.enter("111111")
        for _ in range(2):
            home.meeting.start_recording()
            await asyncio.sleep(0.2)
            home.meeting.stop_recording()
            await asyncio.sleep(0.2)
        assert len({event.path for event in recordings(home)}) == 2


async def test_those_on_hold_are_told_too_that_the_meeting_is_recorded(tmp_path: Path) -> None:
    async with house(tmp_path, did={"properties": {**BRIEF, "conference_moh_enabled": "off"}}) as home:
        host, guest = await home.enter("111111"), await home.enter("222222")
        await host.press("*3")
        await asyncio.sleep(1.0)
        guest.forget()
        await host.press("*9")
        await asyncio.sleep(0.5)
        assert guest.prompts() == ["recording_started"]


async def test_two_meetings_never_write_one_file(tmp_path: Path) -> None:
    """Two rooms of one name, of two endpoints, recorded in one second, got one path: each cut off the other's file."""

    class Floor:
        def record(self, path: Path, _on_failed: object) -> object:
            recorder.path = path
            return recorder

    recorder = SimpleNamespace(stop=lambda: None)
    paths = set()
    for folder, meeting in (("a", "11111111"), ("a", "22222222"), ("b", "11111111")):
        recording = MeetingRecording(Floor(), tmp_path / folder, "standup", meeting, lambda *_: None)  # type: ignore[arg-type]
        for _ in range(2):
            recording.start()
            paths.add(recording.path)
            recording.stop()
    assert len(paths) == 6


async def test_a_folder_that_cannot_be_made_is_announced_and_the_meeting_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111")
        host.forget()
        await host.press("*9")
        await asyncio.sleep(1.0)
        assert host.prompts() == ["recording_failed"]
        assert [event.state for event in recordings(home)] == ["failed"]
        assert home.meeting.recording.path is None


async def test_a_meeting_that_may_not_be_recorded_is_not(tmp_path: Path) -> None:
    properties = {**BRIEF, "conference_recording_enabled": "off"}
    async with house(tmp_path, did={"properties": properties}) as home:
        host = await home.enter("111111")
        host.forget()
        await host.press("*9")
        await asyncio.sleep(1.0)
        assert host.prompts() == ["no_permission"]
        assert recordings(home) == []


async def test_a_full_disk_ends_the_recording_and_the_meeting_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MeetingRecording, "_new_path", lambda _self, _now: Path("/dev/full"))
    async with house(tmp_path, did=DID) as home:
        host = await home.enter("111111", tone_hz=440)
        host.forget()
        home.meeting.start_recording()
        await asyncio.sleep(5.0)
        assert host.prompts()[-1] == "recording_failed"
        assert recordings(home)[-1].state == "failed"
        assert recordings(home)[-1].reason
        assert FULL_DISK_EXISTS(), "a device is no file that could not be written"
        assert home.meeting.recording.path is None
        assert home.meeting.head_count() == 1


async def test_the_log_tells_of_a_recording_that_failed_and_of_wrong_codes_but_not_the_codes(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with structlog.testing.capture_logs() as lines:
        async with house(tmp_path, did=DID) as home:
            host = await home.dial().answered()
            await host.press("987654#111111#")
            await home.reached(home.calls[0], "talking")
            await host.press("*9*7")
            await asyncio.sleep(1.0)
            assert home.calls[0].notes == {"room": "standup", "role": "host"}
    told = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert told[:4] == ["wrong code", "meeting started", "recording failed", "meeting changed"]
    assert "987654" not in str(lines)


async def test_a_recording_that_is_begun_when_nobody_is_left_ends_with_the_meeting(tmp_path: Path) -> None:
    properties = BRIEF | {"conference_stop_wait": "60"}
    async with house(tmp_path, did={"properties": properties}) as home:
        host = await home.enter("111111")
        meeting = home.meeting
        host.hang_up()
        await asyncio.sleep(1.0)
        meeting.start_recording()
        await asyncio.sleep(60.0)
        assert [event.state for event in recordings(home)] == ["started", "stopped"]
        counters = home.engine.counters()
        assert (counters["rooms"], counters["streams"]) == (0, 0)
