"""The media process: real sockets, its clock, its end. Real time."""

import asyncio
import dataclasses
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from media import Engine, MediaSettings, commands
from media.pool import FRAME_SAMPLES
from media.streams import Table, shared_memory
from media.worker import MOST_WAITING_EVENTS, Control
from tests.ears import Ears

pytestmark = pytest.mark.real_time

SETTINGS = MediaSettings(ports=(10000, 32766), source_cache_s=60, realtime=False)


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    engine = Engine(SETTINGS)
    await engine.start()
    ears = Ears(engine)
    yield ears
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()
    ears.close()


async def test_rooms_work_over_real_sockets(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    for name in "abc":
        room.join(ears.member(name, codec="PCMA" if name == "b" else "PCMU").stream)
    await ears.listen(1.2)
    assert ears.matrix() == {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}


def test_events_that_the_parent_does_not_take_are_counted() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        control = Control(theirs)
        for _ in range(MOST_WAITING_EVENTS + 5):
            control.tell(commands.Said("warning", "again"))
        assert control.counts["events_dropped"] == 5


async def test_rooms_work_over_ipv6() -> None:
    engine = Engine(dataclasses.replace(SETTINGS, address="::1"))
    await engine.start()
    ears = Ears(engine)
    room = engine.open_room("standup")
    for name in "ab":
        room.join(ears.member(name).stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}
    assert engine.counters()["sources_latched"] == 2
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()
    ears.close()


async def test_a_stalled_process_skips_what_it_missed_and_sends_no_burst(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    members = [ears.member(name) for name in "ab"]
    for member in members:
        room.join(member.stream)
    await ears.listen(0.6)
    pid = ears.engine.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await ears.listen(0.4)
    os.kill(pid, signal.SIGCONT)
    resumed_at = asyncio.get_running_loop().time()
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}}
    at_once = [at for at, _ in members[0].heard if resumed_at <= at < resumed_at + 0.1]
    assert len(at_once) <= 10
    assert ears.engine.counters()["skipped_ticks"] >= 15
    timestamps = [struct.unpack("!I", packet[4:8])[0] for _, packet in members[0].heard]
    sequences = [struct.unpack("!H", packet[2:4])[0] for _, packet in members[0].heard]
    assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(sequences)} == {1}
    assert max((b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(timestamps)) >= 15 * FRAME_SAMPLES


async def test_a_thousand_streams_come_and_go_without_a_trace(ears: Ears) -> None:
    pid = ears.engine.worker_pid

    def sockets() -> int:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())

    await asyncio.sleep(0.2)
    before = sockets()
    for _ in range(4):
        streams = [ears.engine.open_stream(lambda _event: None) for _ in range(250)]
        room = ears.engine.open_room("big")
        for stream in streams:
            room.join(stream)
        await asyncio.sleep(0.2)
        room.close()
        for stream in streams:
            stream.close()
        await asyncio.sleep(0.2)
    assert sockets() == before
    assert ears.engine.counters()["streams"] == 0


def test_the_process_leaves_when_its_parent_is_gone_and_ignores_interrupts() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "media.worker", str(theirs.fileno())], pass_fds=(theirs.fileno(),)
    )
    theirs.close()
    ours.settimeout(10)
    table = Table(8, 8)
    start = commands.Start(8, 8, 1, 8, 10.0, realtime=False)
    shelf = shared_memory("shelf", 320)
    socket.send_fds(ours, [msgspec.msgpack.encode([start])], [table.descriptor, shelf])
    assert ours.recv(1000)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    assert process.poll() is None
    ours.close()
    assert process.wait(10) == 0
    table.close()
    os.close(shelf)
