"""The door: ports, errors, what a closed handle does, what is told when."""

import asyncio
import errno
import io
import itertools
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media import (
    ActiveSpeakers,
    Engine,
    File,
    MediaError,
    MediaSettings,
    MediaSettingsError,
    NegotiationError,
    NoPortFree,
    PlayerFinished,
    Prompt,
    RecorderFailed,
    Silence,
    SourceNotFound,
    StreamFailed,
    StreamState,
    Tone,
    commands,
)
from media.ports import Ports, open_udp
from tests.ears import Ears
from tests.wire import Wire

SETTINGS = MediaSettings(address="10.0.0.1", ports=(20000, 20039), source_cache_s=60)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(SETTINGS, in_process=Wire(record=False))
    await engine.start()
    yield engine
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()


def ignore(_event: object) -> None:
    """Nobody wants to know."""


async def test_streams_get_even_ports_of_the_range(engine: Engine) -> None:
    streams = [engine.open_stream(ignore) for _ in range(20)]
    assert sorted(stream.address[1] for stream in streams) == list(range(20000, 20040, 2))


async def test_a_full_range_is_told_and_a_closed_stream_makes_room(engine: Engine) -> None:
    streams = [engine.open_stream(ignore) for _ in range(20)]
    with pytest.raises(NoPortFree):
        engine.open_stream(ignore)
    streams[3].close()
    await asyncio.sleep(0.1)
    assert engine.open_stream(ignore).address == streams[3].address


def test_a_port_that_another_program_holds_is_passed_over() -> None:
    def open_port(_host: str, port: int) -> io.BytesIO:
        if port in (20003, 20006):
            raise OSError(errno.EADDRINUSE, "in use")
        return io.BytesIO()

    ports = Ports("127.0.0.1", (20000, 20009), open_port, random.Random(1))
    assert sorted(ports.take()[0] for _ in range(3)) == [20000, 20004, 20008]
    with pytest.raises(NoPortFree):
        ports.take()


def test_an_address_that_is_not_ours_is_an_error_that_names_it() -> None:
    ports = Ports("203.0.113.7", (20000, 20003), open_udp, random.Random(1))
    with pytest.raises(MediaError, match=r"203\.0\.113\.7"):
        ports.take()


def test_a_system_without_descriptors_has_no_port_free_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """It was an error that nobody expected: each call ended as a bug of ours, with a traceback."""
    opened: list[io.BytesIO] = []
    is_out = True

    def open_port(_host: str, _port: int) -> io.BytesIO:
        if is_out and len(opened) % 2:
            raise OSError(errno.EMFILE, "Too many open files")
        opened.append(io.BytesIO())
        return opened[-1]

    ports = Ports("127.0.0.1", (20000, 20009), open_port, random.Random(1))
    for _ in range(3):
        with pytest.raises(NoPortFree, match="Too many open files"):
            ports.take()
        assert opened.pop().closed
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    is_out = False
    assert ports.take()


async def test_an_offer_without_a_common_codec_is_refused_and_changes_nothing(engine: Engine) -> None:
    stream = engine.open_stream(ignore)
    with pytest.raises(NegotiationError):
        stream.answer(b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 4 RTP/AVP 97\r\n")
    assert stream.state is StreamState.OPEN


async def test_two_of_our_streams_agree_by_offer_and_answer(engine: Engine) -> None:
    caller, callee = engine.open_stream(ignore), engine.open_stream(ignore)
    caller.accept(callee.answer(caller.offer()))
    assert caller.state is callee.state is StreamState.AGREED
    await asyncio.sleep(0.5)
    assert caller.statistics().packets_received > 10


async def test_a_closed_stream_refuses_and_keeps_its_statistics(engine: Engine) -> None:
    caller, callee = engine.open_stream(ignore), engine.open_stream(ignore)
    caller.accept(callee.answer(caller.offer()))
    await asyncio.sleep(0.5)
    caller.close()
    received = caller.statistics().packets_received
    assert received > 10
    for _ in range(5):
        engine.open_stream(ignore)
    await asyncio.sleep(0.1)
    assert caller.statistics().packets_received == received
    with pytest.raises(MediaError):
        caller.play(Silence(20))
    with pytest.raises(MediaError):
        engine.open_room("x").join(caller)


async def test_closing_a_stream_ends_what_it_plays_and_records(engine: Engine, tmp_path: Path) -> None:
    events: list[object] = []
    stream = engine.open_stream(events.append)
    player, recorder = stream.play(Silence(5000)), stream.record(tmp_path / "a.wav")
    await asyncio.sleep(0.1)
    stream.close()
    assert player.is_finished
    assert events == [PlayerFinished(player)]
    await recorder.finished()


async def test_sources_that_do_not_exist_are_told_at_once(engine: Engine, tmp_path: Path) -> None:
    stream = engine.open_stream(ignore)
    for source in (Prompt("no/such prompt"), Prompt("../../etc/passwd"), File(tmp_path / "none.wav")):
        with pytest.raises(SourceNotFound):
            stream.play(source)
        with pytest.raises(SourceNotFound):
            engine.duration_s(source)
    assert stream.player is None


async def test_a_player_that_never_ends_ends_when_stopped(engine: Engine) -> None:
    stream = engine.open_stream(ignore)
    player = stream.play(Tone((((440.0,), 100, 100),)), repeat=True)
    await asyncio.sleep(10)
    assert not player.is_finished
    player.stop()
    player.stop()
    await player.finished()


async def test_players_numbers_are_used_again_without_confusion(engine: Engine) -> None:
    stream = engine.open_stream(ignore)
    for _ in range(200):
        stream.play(Silence(20))
        await asyncio.sleep(0.01)
    last = stream.play(Silence(1000))
    await asyncio.sleep(0.5)
    assert not last.is_finished
    await last.finished()


async def test_a_recording_that_cannot_be_written_is_told(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    events: list[object] = []
    room = engine.open_room("x", events.append)
    recorder = room.record(tmp_path / "file" / "a.wav")
    await recorder.finished()
    assert [type(event) for event in events] == [RecorderFailed]
    assert room.recorders == set()


async def test_active_speakers_are_told_when_they_change() -> None:
    wire = Wire(record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears, events = Ears(engine, wire), []
    room = engine.open_room("x", events.append)
    one, other = ears.member("one"), ears.member("other")
    for member in (one, other):
        room.join(member.stream)
    other.speaks = False
    await ears.listen(1.0)
    one.speaks = False
    await ears.listen(1.5)
    assert events[:1] == [ActiveSpeakers((one.stream.id,))]
    assert events[-1:] == [ActiveSpeakers(())]
    assert all(now != before for before, now in itertools.pairwise(events))
    await engine.stop()


async def test_a_command_that_raises_costs_its_own_leg_and_not_the_media_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the process, and being part of the replay each of its successors too."""
    engine = Engine(SETTINGS, in_process=Wire(record=False))
    await engine.start()
    told: list[object] = []
    one, other, third = engine.open_stream(told.append), engine.open_stream(ignore), engine.open_stream(ignore)
    parts = engine._link.bridge.parts  # type: ignore[union-attr]
    configure = parts.sender.configure

    def fails_for_one(row: int) -> None:
        if row == one.row:
            raise ValueError("our bug")
        configure(row)

    monkeypatch.setattr(parts.sender, "configure", fails_for_one)
    offer = other.offer()
    one.answer(offer)
    other.accept(third.answer(offer))
    await asyncio.sleep(0.5)
    assert told == [StreamFailed()]
    assert "our bug" in caplog.text
    assert other.statistics().packets_received > 10
    one.close()
    await asyncio.sleep(0.1)
    assert engine.counters()["failed_ticks"] == 1
    await engine.stop()


async def test_a_player_that_could_not_be_started_has_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(SETTINGS, in_process=Wire(record=False))
    await engine.start()
    ways = engine._link.bridge._ways  # type: ignore[union-attr]
    monkeypatch.setitem(ways, commands.Play, lambda _command: 1 / 0)
    await engine.open_stream(ignore).play(Silence(20)).finished()
    await engine.stop()


async def test_an_engine_that_is_not_running_refuses(engine: Engine) -> None:
    await engine.stop()
    await engine.stop()
    with pytest.raises(MediaError):
        engine.open_stream(ignore)


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"ports": (5, 4)}, "ports"),
        ({"ports": (0, 70000)}, "ports"),
        ({"dtmf": "morse"}, "dtmf"),
        ({"codecs": ("OPUS",)}, "codecs"),
        ({"loudest_talkers": 0}, "loudest_talkers"),
    ],
)
def test_a_wrong_setting_names_itself(wrong: dict[str, object], setting: str) -> None:
    with pytest.raises(MediaSettingsError) as caught:
        MediaSettings(**wrong)  # type: ignore[arg-type]
    assert caught.value.setting == setting


def test_sockets_are_let_go_when_a_pair_is_incomplete() -> None:
    opened: list[socket.socket] = []

    def open_once(host: str, port: int) -> socket.socket:
        if opened:
            raise OSError(98, "in use")
        opened.append(open_udp(host, 0))
        return opened[0]

    with pytest.raises(NoPortFree):
        Ports("127.0.0.1", (20000, 20001), open_once, random.Random(1)).take()
    assert opened[0].fileno() == -1
