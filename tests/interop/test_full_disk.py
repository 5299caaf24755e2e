"""A disk that takes nothing more, under a whole switch: here no file may grow beyond a size, and then again any may."""

import asyncio
import contextlib
import resource
import sqlite3
import sys
from pathlib import Path

import pytest

from benchmarks.processes import ALL_HANDS, CONFERENCE, SwitchProcess
from softswitch.gateway import quality
from softswitch.gateway.gateway import Gateway
from softswitch.gateway.order import At, Order, Press, Say
from tests.interop.peers import read_wav, until, write_wav
from tests.interop.voices import RATE_HZ, voice

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no process but the own one"),
]

FULL_BYTES = 64 * 1024
"""More than log and journal need in this test, less than the database has, and four seconds of a recording."""


async def test_a_full_disk_ends_a_recording_and_costs_no_call_and_no_record(
    own_switch: SwitchProcess, gateway: Gateway, tmp_path: Path
) -> None:
    spoken = voice(9, 8)
    write_wav(tmp_path / "spoken.wav", spoken)
    steps = (At(1.0), Press("111111#"), At(7.0), Press("*9"), At(9.7), Say(tmp_path / "spoken.wav"))
    host = Order(CONFERENCE, "13105550140", steps=steps)
    switch = (own_switch.host, own_switch.port)
    recorded = asyncio.create_task(gateway.campaign([host], switch=switch).run())
    recording = await asyncio.to_thread(until, lambda: next(iter(own_switch.recordings), None), "a recording")
    _let_files_grow(own_switch, to=FULL_BYTES)
    others = await gateway.campaign(
        [Order(ALL_HANDS, f"1310555015{n}", hold_s=1) for n in range(5)], switch=switch
    ).run()
    summary = await recorded
    _let_files_grow(own_switch, to=resource.RLIM_INFINITY)
    assert (summary.answered, summary.cut_short, others.answered) == (1, 0, 5)
    assert '"recording failed"' in own_switch.log
    heard = read_wav(recording)
    assert quality.similarity_by_parts(spoken[:RATE_HZ], heard, RATE_HZ) > 0.9
    assert heard.size < len(spoken)
    database = own_switch.folder / "data" / "softswitch.db"
    await asyncio.to_thread(until, lambda: _records(database) == 6, "a record of every call")
    assert '"exception"' not in own_switch.log


def _let_files_grow(switch: SwitchProcess, *, to: int) -> None:
    for pid in (switch.pid, switch.media_process().pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (to, resource.RLIM_INFINITY))


def _records(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(database)) as store:
        return int(store.execute("SELECT count(*) FROM call_drs").fetchone()[0])
