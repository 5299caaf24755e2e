"""A media process that is killed is replaced by one with the same sockets, rooms and streams. In real time."""

import asyncio
import base64
import errno
import itertools
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import soundfile

from media import Engine, MediaError, MediaSettings, StreamFailed, StreamState, Tone, workers
from media.sdes import Suite, usable
from media.sdp import SessionDescription
from tests.ears import AMPLITUDE, FIRST_HZ, Ears, Member
from tests.media.test_srtp import HEAD, session

pytestmark = pytest.mark.real_time

SETTINGS = MediaSettings(ports=(10000, 32766), source_cache_s=60, realtime=False)
LONGEST_GAP_S = 1.0
BUSY = 10  # on a busy machine, as many times as long as it let us wait at most
MUSIC = Tone((((2000.0,), 600, 0), ((2500.0,), 20000, 0)))


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    engine = Engine(SETTINGS)
    await engine.start()
    ears = Ears(engine)
    yield ears
    await engine.stop()
    ears.close()


async def test_a_start_that_is_broken_off_leaves_no_process_and_nothing_to_stop() -> None:
    engine, before = Engine(SETTINGS), set(psutil.Process().children())
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(0)
    assert set(psutil.Process().children()) - before
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not set(psutil.Process().children()) - before
    await engine.stop()


async def test_a_media_process_that_can_not_be_started_is_an_error_and_nothing_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    engine = Engine(SETTINGS)
    with pytest.raises(MediaError, match=r"no media process can be started: .*No such file"):
        await engine.start()
    await engine.stop()


async def kill_and_wait(engine: Engine, how: signal.Signals = signal.SIGKILL) -> None:
    """Returns when the successor ticks."""
    replaced = asyncio.Event()
    engine.on_worker_replaced = lambda _why: replaced.set()
    assert engine.worker_pid is not None
    os.kill(engine.worker_pid, how)
    async with asyncio.timeout(20):
        await replaced.wait()
        ticks = engine.counters()["ticks"]
        while engine.counters()["ticks"] == ticks:  # noqa: ASYNC110  another process counts them
            await asyncio.sleep(0.01)


def header(packet: bytes) -> tuple[int, int, int]:
    sequence, timestamp, ssrc = struct.unpack("!HII", packet[2:12])
    return sequence, timestamp, ssrc


def longest_gap_s(member: Member) -> float:
    times = [at for at, _ in member.heard]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


async def test_callers_stay_in_their_room_when_the_media_process_is_killed(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    members = [ears.member(name) for name in "abc"]
    for member in members:
        room.join(member.stream)
    members[2].stream.mute(True)
    await ears.listen(0.6)
    killing = asyncio.create_task(kill_and_wait(ears.engine))
    await ears.listen(1.5)
    await killing
    assert max(longest_gap_s(member) for member in members) < LONGEST_GAP_S + BUSY * ears.longest_wait_s
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}, "c": {"a", "b"}}
    assert ears.engine.counters()["workers_replaced"] == 1
    assert ears.engine.counters()["failed_ticks"] == 0


async def test_the_new_process_goes_on_with_the_same_rtp_stream_and_counts(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    a, b = ears.member("a"), ears.member("b")
    room.join(a.stream)
    room.join(b.stream)
    await ears.listen(0.6)
    before = a.stream.statistics()
    await asyncio.gather(kill_and_wait(ears.engine), ears.listen(1.0))
    after = a.stream.statistics()
    headers = [header(packet) for _, packet in a.heard]
    assert len({ssrc for _, _, ssrc in headers}) == 1
    pairs = list(itertools.pairwise(headers))
    assert {(later[0] - earlier[0]) & 0xFFFF for earlier, later in pairs} <= {0, 1, 2}  # the last may be uncounted
    longest_jump = max((later[1] - earlier[1]) & 0xFFFFFFFF for earlier, later in pairs)
    assert abs(longest_jump / 8000 - longest_gap_s(a)) < 0.1 + BUSY * ears.longest_wait_s  # the clock went on meanwhile
    assert after.packets_received > before.packets_received >= 25
    assert after.packets_sent > before.packets_sent


async def test_players_and_recordings_go_on_where_they_were(ears: Ears, tmp_path: Path) -> None:
    room = ears.engine.open_room("standup")
    member = ears.member("a")
    room.join(member.stream)
    recorder = room.record(tmp_path / "room.wav")
    await ears.listen(0.2)
    player = member.stream.play(MUSIC)
    await ears.listen(1.0)
    await asyncio.gather(kill_and_wait(ears.engine), ears.listen(1.0))
    assert not player.is_finished
    assert member.amplitude(2500.0, ears.listening_since) > 0.5 * AMPLITUDE
    assert member.amplitude(2000.0, ears.listening_since) < 0.05 * AMPLITUDE
    recorder.stop()
    async with asyncio.timeout(5):
        await recorder.finished()
    samples, _ = soundfile.read(tmp_path / "room.wav")
    assert len(samples) > 1.5 * 8000


async def test_a_second_death_is_survived_too(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    for name in "ab":
        room.join(ears.member(name).stream)
    await ears.listen(0.4)
    for _ in range(2):
        await asyncio.gather(kill_and_wait(ears.engine), ears.listen(1.0))
    await ears.listen(0.6)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}


async def test_a_process_that_hangs_is_replaced_as_if_it_had_died(ears: Ears) -> None:
    """Only its death was noticed: a stopped one was silence for ever."""
    room = ears.engine.open_room("standup")
    for name in "ab":
        room.join(ears.member(name).stream)
    await ears.listen(0.4)
    hung = ears.engine.worker_pid
    stopping = asyncio.create_task(kill_and_wait(ears.engine, signal.SIGSTOP))
    while not stopping.done():
        await ears.listen(0.2)
    await ears.listen(0.6)
    assert ears.engine.worker_pid != hung
    assert ears.engine.counters()["workers_replaced"] == 1
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}


async def test_a_process_that_cannot_be_started_is_tried_again(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system had no descriptors left at that moment: nobody tried again, and there was no media any more."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(workers, "PAUSES_S", (0.0, 0.2))
    room = ears.engine.open_room("standup")
    for name in "ab":
        room.join(ears.member(name).stream)
    await ears.listen(0.2)
    link = ears.engine._link
    assert isinstance(link, workers.Workers)
    assert link._spare is not None
    with monkeypatch.context() as broken:
        broken.setattr(subprocess, "Popen", refuse)
        spare = link._spare.pid
        os.kill(spare, signal.SIGKILL)
        while link._spare is not None:  # noqa: ASYNC110  another process ends
            await asyncio.sleep(0.01)
        assert ears.engine.worker_pid is not None
        os.kill(ears.engine.worker_pid, signal.SIGKILL)
        await ears.listen(0.5)
        assert ears.engine.counters()["workers_replaced"] == 0
    async with asyncio.timeout(60):
        ticks = ears.engine.counters()["ticks"]
        while ears.engine.counters()["ticks"] == ticks:
            await ears.listen(0.2)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}


async def test_a_stream_that_has_ended_two_processes_is_left_behind(ears: Ears) -> None:
    """Its command was part of every replay, and ended one process after the other."""
    room = ears.engine.open_room("standup")
    for name in "abc":
        room.join(ears.member(name).stream)
    await ears.listen(0.4)
    poison = ears.members["c"]
    obeyed = ears.engine._table.clock.obeyed
    for _ in range(2):
        assert poison.stream.state is StreamState.AGREED
        obeyed[0] = poison.stream.row + 1  # as a process leaves it that ends in the middle of a command
        await asyncio.gather(kill_and_wait(ears.engine), ears.listen(1.0))
        assert obeyed[0] == 0
    assert poison.stream.state is StreamState.CLOSED
    assert poison.events[-1] == StreamFailed()
    await ears.listen(0.6)
    assert ears.matrix()["a"] == {"b"}


def test_processes_that_die_one_after_the_other_get_longer_and_longer_pauses() -> None:
    assert [workers._pause_s(deaths) for deaths in range(9)] == [0, 0, 0, 0.5, 1, 2, 4, 8, 8]


async def test_the_process_ends_with_its_engine(ears: Ears) -> None:
    pid = ears.engine.worker_pid
    assert pid is not None
    await ears.engine.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


KEY = b"k" * 30
SUITE = Suite.AES_CM_128_HMAC_SHA1_80


def encrypted_member(ears: Ears, name: str) -> Member:
    """A phone that seals what it says and opens what it hears; what it can't open raises."""
    stream = ears.engine.open_stream(lambda event: None, encryption="required")
    member = Member(name, FIRST_HZ, stream, 0)
    host, port = ears._open(member, "")
    line = f"a=crypto:1 {SUITE} inline:{base64.b64encode(KEY).decode()}\r\n"
    answer = stream.answer((HEAD.format(host, port) + line).encode())
    [theirs] = usable(SessionDescription.parse(answer).media[0].all("crypto"))
    outward, inward = session(SUITE, KEY, inbound=False), session(SUITE, theirs.key, inbound=True)
    send, hear = member.send, member.hear
    member.send = lambda packet: send(outward.protect(packet))
    member.hear = lambda packet: hear(inward.unprotect(packet))  # type: ignore[method-assign]
    ears.members[name] = member
    return member


async def test_an_encrypted_call_goes_on_around_a_wrap_when_the_media_process_is_killed(ears: Ears) -> None:
    a = encrypted_member(ears, "a")
    b = ears.member("b")
    a.sequence = 65_510
    ears.engine._table.streams.out_sequence[a.stream.row] = 65_510
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.6)
    killing = asyncio.create_task(kill_and_wait(ears.engine))
    await ears.listen(1.5)
    await killing
    await ears.listen(0.6)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}
    sequences = [header(packet)[0] for _, packet in a.heard]
    assert max(sequences) > 65_500 > 1000 > sequences[-1]
    assert len(set(sequences)) == len(sequences)
    counters = ears.engine.counters()
    assert (counters["workers_replaced"], counters["drop_srtp_not_authentic"], counters["failed_ticks"]) == (1, 0, 0)
