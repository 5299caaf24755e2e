"""`/conference/v2/meetings` while people are in them."""

import asyncio
import io
from pathlib import Path

import numpy as np
import soundfile

from tests.api.live.house import House
from tests.endpoints.conference import prompt_book

MEETINGS = "/conference/v2/meetings"


async def test_a_meeting_is_there_while_somebody_is_in_it_and_then_is_gone(home: House) -> None:
    assert (await home.owner.get(MEETINGS)).json()["items"] == []
    host = await home.enter("host")
    await home.enter("listener", caller="13105550002")
    meeting = await home.meeting()
    assert meeting["attendees"] == {"hosts": 1, "participants": 0, "listeners": 1}
    assert (meeting["locked"], meeting["recording"], meeting["on_hold"]) == (False, False, "")
    assert meeting["participant_muted"] == "false"
    rooms = (await home.owner.get("/conference/v2/meeting_rooms")).json()["items"]
    assert meeting["meeting_room_sid"] in {room["meeting_room_sid"] for room in rooms if room["name"] == "standup"}
    assert (await home.owner.get(f"{MEETINGS}/{meeting['meeting_sid']}")).json()["name"] == "standup"
    assert (await home.owner.delete(f"{MEETINGS}/{meeting['meeting_sid']}")).status_code == 204
    await host.ended()
    assert (await home.owner.get(f"{MEETINGS}/{meeting['meeting_sid']}")).status_code == 404


async def test_a_meeting_can_be_filtered_and_cut_like_any_list(home: House) -> None:
    await home.enter("host")
    none = await home.owner.get(MEETINGS, params={"filter": "locked eq true"})
    assert (none.json()["count"], none.json()["total"]) == (0, 0)
    hosts = await home.owner.get(MEETINGS, params={"filter": "attendees.hosts ge 1", "include_fields": "name"})
    assert hosts.json()["items"] == [{"name": "standup"}]


async def test_hold_by_role_gives_music_to_participants_and_not_to_hosts(home: House) -> None:
    host = await home.enter("host", tone_hz=2200)
    guest = await home.enter("participant", caller="13105550002", tone_hz=2600)
    await asyncio.sleep(1)
    assert guest.hears(2200)
    assert (await home.steer(on_hold="p")).json()["on_hold"] == "p"
    await asyncio.sleep(2)
    assert not guest.hears(2200)
    assert abs(guest.heard[-4000:]).max() > 300, "no hold music"
    assert not host.hears(2600)
    assert (await home.seen(guest))["on_hold"] is True
    assert (await home.steer(on_hold="")).json()["on_hold"] == ""
    await asyncio.sleep(1)
    assert guest.hears(2200)


async def test_mute_modes_are_carrierx_words_and_json_booleans_alike(home: House) -> None:
    await home.enter("host")
    guest = await home.enter("participant", caller="13105550002")
    for sent, shown in (("relaxed", "relaxed"), (True, "true"), ("false", "false")):
        assert (await home.steer(participant_muted=sent)).json()["participant_muted"] == shown
        assert (await home.seen(guest))["muted"] is (shown != "false")


async def test_a_locked_meeting_lets_in_hosts_alone(home: House) -> None:
    await home.enter("host")
    assert (await home.steer(locked=True)).json()["locked"] is True
    late = await home.dial(caller="13105550003").answered()
    await late.press("222222#")
    assert (await late.ended()).by == "remote"
    await home.enter("host", caller="13105550004")
    assert (await home.meeting())["attendees"]["hosts"] == 2


async def test_a_recording_started_and_stopped_over_rest_is_a_playable_file_of_what_was_said(
    home: House, tmp_path: Path
) -> None:
    await home.enter("host", tone_hz=2200)
    await asyncio.sleep(0.5)
    assert (await home.steer(recording=True)).json()["recording"] is True
    await asyncio.sleep(3)
    assert (await home.steer(recording=False)).json()["recording"] is False
    await asyncio.sleep(0.5)
    (path,) = (tmp_path / "recordings").rglob("*.wav")
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 8000
    assert len(samples) / rate_hz > 2
    assert prompt_book.level(samples[-8000:], 2200) > 0.05


async def test_a_prompt_played_into_a_meeting_is_heard_by_all(home: House) -> None:
    host = await home.enter("host")
    await asyncio.sleep(2)
    host.forget()
    sid = (await home.meeting())["meeting_sid"]
    played = await home.owner.post(f"{MEETINGS}/{sid}/play", json={"prompt": "conference/locked"})
    assert played.status_code == 200, played.text
    assert 0.1 < played.json()["duration"] < 1
    await asyncio.sleep(2)
    assert host.prompts() == ["locked"]


async def test_a_file_of_a_container_of_one_s_own_or_of_all_is_played_and_those_of_others_do_not_exist(
    home: House,
) -> None:
    await home.enter("host")
    play = f"{MEETINGS}/{(await home.meeting())['meeting_sid']}/play"
    file, container = await _upload(home)
    assert (await home.owner.post(play, json={"file_sid": file})).json()["duration"] == 0.5
    await _give(home, container, "other")
    refused = await home.owner.post(play, json={"file_sid": file})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (404, "file_sid")
    await _give(home, container, "conference")
    assert (await home.owner.post(play, json={"file_sid": file})).status_code == 200


async def _upload(home: House) -> tuple[str, str]:
    """The sids of half a second of audio, and of the container where it is."""
    made = await home.admin.post("/core/v2/storage/containers", json={"name": "jingles"})
    container = made.json()["container_sid"]
    audio = io.BytesIO()
    soundfile.write(audio, np.zeros(4000), 8000, format="WAV")
    form = {"container_sid": container, "name": "jingle.wav"}
    kept = await home.admin.post("/core/v2/storage/files", data=form, files={"file": ("jingle.wav", audio.getvalue())})
    return kept.json()["file_sid"], container


async def _give(home: House, container: str, endpoint: str) -> None:
    """Makes a container the endpoint's own."""
    listed = await home.admin.get("/core/v2/endpoints", params={"filter": f"name eq {endpoint}"})
    address = f"/core/v2/endpoints/{listed.json()['items'][0]['endpoint_sid']}"
    given = await home.admin.patch(address, json={"properties": {"container_sid": container}})
    assert given.status_code == 200, given.text


async def test_a_recording_that_can_not_be_written_is_told_as_503(home: House, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    await home.enter("host")
    refused = await home.steer(recording=True)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (503, "recording")
    assert (await home.meeting())["recording"] is False


async def test_what_a_meeting_does_not_take_is_refused_with_the_field(home: House) -> None:
    await home.enter("host")
    sid = (await home.meeting())["meeting_sid"]
    for body, field in (
        ({"on_hold": "ph"}, "on_hold"),
        ({"participant_muted": "maybe"}, "participant_muted"),
        ({"locked": "perhaps"}, "locked"),
        ({"lokced": True}, "lokced"),
        ({"meeting_sid": "0b6f2a7e-6b0e-4e0c-9a39-5a4f0c6f1c55"}, "meeting_sid"),
    ):
        refused = await home.owner.patch(f"{MEETINGS}/{sid}", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
    for body in ({}, {"prompt": "conference/locked", "file_sid": sid}, {"prompt": "no/such"}):
        assert (await home.owner.post(f"{MEETINGS}/{sid}/play", json=body)).status_code == 422
    assert (await home.owner.post(f"{MEETINGS}/{sid}/play", json={"file_sid": sid})).status_code == 404
    for name in ("nothing", "0b6f2a7e-6b0e-4e0c-9a39-5a4f0c6f1c55"):
        assert (await home.owner.get(f"{MEETINGS}/{name}")).status_code == 404
        assert (await home.owner.patch(f"{MEETINGS}/{name}", json={"locked": True})).status_code == 404
        assert (await home.owner.delete(f"{MEETINGS}/{name}")).status_code == 404


async def test_a_stranger_and_a_core_token_see_no_meetings(home: House) -> None:
    assert (await home.stranger.get(MEETINGS)).status_code == 401
    assert (await home.admin.get(MEETINGS)).status_code == 401
