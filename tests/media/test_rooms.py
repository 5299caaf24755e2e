"""Who hears whom, by spectrum: rooms, roles, muting, moving, players."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media import Engine, File, MediaSettings, PlayerFinished, Silence, Tone
from tests.ears import AMPLITUDE, Ears, Member
from tests.wire import Wire

SETTINGS = MediaSettings(address="10.0.0.1", ports=(20000, 20199), source_cache_s=60)
BEEP = Tone((((1000.0,), 100, 0),))


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    wire = Wire(record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears = Ears(engine, wire)
    yield ears
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()
    ears.close()


def join_all(ears: Ears, *names: str) -> list[Member]:
    room = ears.engine.open_room("standup")
    members = [ears.member(name) for name in names]
    for member in members:
        room.join(member.stream)
    return members


async def test_everybody_hears_all_but_themselves(ears: Ears) -> None:
    join_all(ears, "a", "b", "c", "d")
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set("bcd"), "b": set("acd"), "c": set("abd"), "d": set("abc")}


async def test_a_listener_is_never_heard_and_hears_everybody(ears: Ears) -> None:
    _, _, listener = join_all(ears, "a", "b", "l")
    assert listener.stream.room is not None
    listener.stream.room.change(listener.stream, speaks=False)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}, "l": {"a", "b"}}


async def test_a_muted_member_is_not_heard_until_unmuted(ears: Ears) -> None:
    muted, *_ = join_all(ears, "a", "b", "c")
    muted.stream.mute(True)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b", "c"}, "b": {"c"}, "c": {"b"}}
    muted.stream.mute(False)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}


async def test_who_does_not_hear_gets_silence_and_is_still_heard(ears: Ears) -> None:
    deaf, *_ = join_all(ears, "a", "b", "c")
    assert deaf.stream.room is not None
    deaf.stream.room.change(deaf.stream, hears=False)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "b": {"a", "c"}, "c": {"a", "b"}}
    assert not deaf.samples(ears.listening_since).any()


async def test_two_rooms_do_not_hear_each_other(ears: Ears) -> None:
    join_all(ears, "a", "b")
    join_all(ears, "x", "y")
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}, "x": {"y"}, "y": {"x"}}


async def test_who_joins_another_room_is_gone_from_the_first(ears: Ears) -> None:
    mover, *_ = join_all(ears, "m", "a", "b")
    await ears.listen(0.5)
    other, *_ = join_all(ears, "x")
    assert other.stream.room is not None
    other.stream.room.join(mover.stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"m": {"x"}, "x": {"m"}, "a": {"b"}, "b": {"a"}}


async def test_who_leaves_hears_silence(ears: Ears) -> None:
    leaver, *_ = join_all(ears, "a", "b", "c")
    assert leaver.stream.room is not None
    leaver.stream.room.leave(leaver.stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "b": {"c"}, "c": {"b"}}


async def test_members_of_both_laws_hear_each_other(ears: Ears) -> None:
    room = ears.engine.open_room("mixed")
    for name, codec in (("u1", "PCMU"), ("u2", "PCMU"), ("a1", "PCMA"), ("a2", "PCMA")):
        room.join(ears.member(name, codec=codec).stream)
    await ears.listen(1.0)
    names = set(ears.members)
    assert ears.matrix() == {name: names - {name} for name in names}


async def test_only_the_loudest_are_mixed_when_many_speak(ears: Ears) -> None:
    members = join_all(ears, *"abcdefghijkl")
    assert len(members) > SETTINGS.loudest_talkers
    await ears.listen(1.0)
    heard = set.union(*ears.matrix().values())
    assert len(heard) == SETTINGS.loudest_talkers


async def test_a_members_gain_changes_how_loud_others_hear_it(ears: Ears) -> None:
    quiet, listener, _ = join_all(ears, "q", "l", "x")
    assert quiet.stream.room is not None
    await ears.listen(1.0)
    before = listener.amplitude(quiet.tone_hz, ears.listening_since)
    quiet.stream.room.change(quiet.stream, gain_db=-6.0)
    await ears.listen(1.0)
    after = listener.amplitude(quiet.tone_hz, ears.listening_since)
    assert after / before == pytest.approx(0.5, rel=0.05)


async def test_levels_survive_the_bridge(ears: Ears) -> None:
    speaker, listener = join_all(ears, "s", "l")
    await ears.listen(1.0)
    assert listener.amplitude(speaker.tone_hz, ears.listening_since) == pytest.approx(AMPLITUDE, rel=0.03)


async def test_a_private_player_replaces_the_room_for_one_alone(ears: Ears) -> None:
    a, b, _ = join_all(ears, "a", "b", "c")
    player = a.stream.play(BEEP, repeat=True)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "b": {"a", "c"}, "c": {"a", "b"}}
    assert a.amplitude(1000.0, ears.listening_since) > 0.5 * AMPLITUDE
    assert b.amplitude(1000.0, ears.listening_since) < 0.01 * AMPLITUDE
    player.stop()
    await ears.listen(1.0)
    assert ears.matrix()["a"] == {"b", "c"}


async def test_a_room_player_is_mixed_with_the_talk(ears: Ears) -> None:
    a, b = join_all(ears, "a", "b")
    assert a.stream.room is not None
    a.stream.room.play(BEEP, repeat=True)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}
    assert min(m.amplitude(1000.0, ears.listening_since) for m in (a, b)) > 0.5 * AMPLITUDE


async def test_many_streams_play_the_same_prompt_at_different_times(ears: Ears) -> None:
    members = [ears.member(name) for name in "abc"]
    for member in members:
        member.stream.play(Tone((((900.0,), 400, 0),)))
        await ears.listen(0.1)
    await ears.listen(1.0)
    sounding = [np.flatnonzero(member.samples()) for member in members]
    assert [round((where[-1] - where[0]) / 8) for where in sounding] == pytest.approx([400] * 3, abs=2)


async def test_a_player_tells_when_it_has_finished(ears: Ears) -> None:
    (member,) = join_all(ears, "a")
    player = member.stream.play(Silence(200), BEEP, Silence(100))
    await player.finished()
    assert PlayerFinished(player) in member.events
    assert member.stream.player is None


async def test_a_new_player_of_a_stream_stops_the_old_one(ears: Ears) -> None:
    (member,) = join_all(ears, "a")
    first = member.stream.play(BEEP, repeat=True)
    second = member.stream.play(BEEP, repeat=True)
    assert first.is_finished
    assert not second.is_finished


async def test_a_file_plays_for_as_long_as_it_is(ears: Ears, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(16000 * 2) * 2 * np.pi * 700 / 16000), 16000)
    (member,) = join_all(ears, "a")
    assert ears.engine.duration_s(File(path)) == pytest.approx(2.0, abs=0.02)
    player = member.stream.play(File(path))
    await ears.listen(1.0)
    assert not player.is_finished
    assert member.amplitude(700.0, ears.listening_since) > 1000
    await ears.listen(1.1)
    assert player.is_finished


async def test_a_room_recording_holds_everybody(ears: Ears, tmp_path: Path) -> None:
    a, b = join_all(ears, "a", "b")
    assert a.stream.room is not None
    recorder = a.stream.room.record(tmp_path / "room.wav")
    await ears.listen(2.0)
    recorder.stop()
    await recorder.finished()
    samples, rate = soundfile.read(tmp_path / "room.wav", dtype="int16")
    assert rate == 8000
    assert len(samples) == pytest.approx(16000, abs=400)
    listener = Member("recording", 0, a.stream, 0)
    listener.samples = lambda _since=0.0: samples[4000:]  # type: ignore[method-assign]
    assert min(listener.amplitude(m.tone_hz) for m in (a, b)) > 0.8 * AMPLITUDE


async def test_a_stream_recording_holds_the_far_end_alone(ears: Ears, tmp_path: Path) -> None:
    a, b = join_all(ears, "a", "b")
    recorder = a.stream.record(tmp_path / "a.wav")
    await ears.listen(2.0)
    recorder.stop()
    await recorder.finished()
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    listener = Member("recording", 0, a.stream, 0)
    listener.samples = lambda _since=0.0: samples[4000:]  # type: ignore[method-assign]
    assert listener.amplitude(a.tone_hz) > 0.8 * AMPLITUDE
    assert listener.amplitude(b.tone_hz) < 0.02 * AMPLITUDE


async def test_closing_everything_leaves_nothing_behind(ears: Ears) -> None:
    members = join_all(ears, *"abcdef")
    room = members[0].stream.room
    assert room is not None
    room.play(BEEP, repeat=True)
    await ears.listen(0.3)
    room.close()
    for member in members:
        member.stream.close()
        member.stream.close()
    await asyncio.sleep(0.1)
    counters = ears.engine.counters()
    assert (counters["streams"], counters["rooms"]) == (0, 0)
    again = [ears.engine.open_stream(lambda _event: None) for _ in range(100)]
    assert len({stream.address for stream in again}) == 100
