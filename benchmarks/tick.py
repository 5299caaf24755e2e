"""What a tick costs, and how much of that is ours: ms of CPU per 20 ms, beside the bare loop measured in the same run.

    python -m benchmarks.tick --legs 50,250,1000,2000

One room, five talkers, everything on: jitter buffer, reports, keys, levels, talker events. Both loops have the same
number of connected sockets and packets, and take turns, so that the machine is the same for both.
"""

import argparse
import time
from collections import Counter
from dataclasses import astuple, dataclass

import numpy as np

from benchmarks.lockstep import BareLoop, Callers, raise_descriptor_limit, udp
from benchmarks.report import Report
from media import commands
from media.bridge import Bridge
from media.codecs.g711 import ENCODE_U
from media.parts import Parts
from media.playing import shelf_view
from media.pool import Pool
from media.recorders import Writer
from media.socket_sweep import SocketSweep
from media.streams import Table

TALKERS = 5
WARM_UP_TICKS = 40
SILENCE = b"\xff" * 160
COLUMNS = ("legs", "receive", "mix", "send", "tick", "bare receive", "bare send", "bare", "ratio")


def voice(number: int) -> bytes:
    """20 ms of something loud, different for each talker."""
    samples = 6000 * np.sin(2 * np.pi * 50 * (7 + number) * np.arange(160) / 8000)
    return ENCODE_U[samples.astype(np.int16).view(np.uint16)].tobytes()


class OurLoop:
    """A bridge with one room of n legs over real sockets."""

    def __init__(self, legs: int, room_size: int | None = None) -> None:
        table, counts = Table(legs, 16), Counter[str]()
        pool = Pool(legs)
        self.told: list[commands.Told] = []
        start = commands.Start(legs, 16, 1, 8, 10.0, realtime=False)
        shelf = shelf_view(memoryview(bytes(320)))
        sweep = SocketSweep(pool, counts)
        parts = Parts(table, pool, sweep, shelf, counts, Writer(), self.told.append, loudest_talkers=8)
        self.bridge = Bridge(start, parts)
        sockets = [udp() for _ in range(legs)]
        self._reports = udp()  # takes everybody's
        size = room_size or legs
        loud = {row for first in range(0, legs, size) for row in range(first, first + (TALKERS if size > 9 else 1))}
        payloads = [voice(row) if row in loud else SILENCE for row in range(legs)]
        self.callers = Callers([sock.getsockname() for sock in sockets], payloads)
        for row, sock in enumerate(sockets):
            self._join(row, sock.detach(), 1 + row // size)

    def _join(self, row: int, descriptor: int, room: int) -> None:
        streams = self.bridge.parts.streams
        streams.out_ssrc[row], streams.out_sequence[row] = row + 77, row % 60000
        host, port = self.callers.sockets[row].getsockname()
        report_port = self._reports.getsockname()[1]
        agree = commands.Agree(
            row, 0, 0, ((0, 0),), 101, (101,), 13, 20, host, port, host, report_port, False, True, True, False, False
        )
        batch = [commands.Open(row, row + 1), agree, commands.Place(row, room, room, 0.0)]
        self.bridge.obey(batch, [descriptor, udp().detach()])

    def tick(self) -> tuple[int, int, int, int]:
        """CPU nanoseconds: receive, mix, send, and the whole of it."""
        counts = self.bridge.parts.counts
        before = [counts[name] for name in ("receive_ns", "mix_ns", "send_ns")]
        ticks = counts["ticks"]
        began_at = time.process_time_ns()
        self.bridge.tick()
        whole = time.process_time_ns() - began_at
        if counts["ticks"] < ticks:
            before = [0, 0, 0]
        receive, mix, send = (counts[n] - b for n, b in zip(("receive_ns", "mix_ns", "send_ns"), before, strict=True))
        return receive, mix, send, whole

    def close(self) -> None:
        for row in list(self.bridge.parts.rows.legs):
            self.bridge.obey([commands.Close(row)], [])
        self.callers.close()


@dataclass
class Result:
    """Medians over all ticks, in ms of CPU per tick."""

    legs: int
    receive_ms: float
    mix_ms: float
    send_ms: float
    whole_ms: float
    bare_receive_ms: float
    bare_send_ms: float
    bare_ms: float
    ratio: float


def measure(legs: int, ticks: int, room_size: int | None) -> Result:
    bare, ours = BareLoop(legs), OurLoop(legs, room_size)
    bare_took, ours_took = [], []
    for number in range(WARM_UP_TICKS + ticks):
        bare.callers.send()
        bare_tick = bare.tick()
        bare.callers.hear()
        ours.callers.send()
        our_tick = ours.tick()
        came = ours.callers.hear()
        if number < WARM_UP_TICKS:
            continue
        if came != legs:
            raise SystemExit(f"{came} of {legs} legs heard something")
        bare_took.append(bare_tick)
        ours_took.append(our_tick)
    bare.close()
    ours.close()
    receive, mix, send, whole = np.median(np.array(ours_took), axis=0) / 1e6
    bare_receive, bare_send = np.median(np.array(bare_took), axis=0) / 1e6
    bare_whole = float(np.median(np.array(bare_took).sum(axis=1))) / 1e6
    figures = map(float, (receive, mix, send, whole, bare_receive, bare_send, bare_whole, whole / bare_whole))
    return Result(legs, *figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", default="50,250,1000,2000", help="sizes, with commas")
    parser.add_argument("--ticks", type=int, default=300)
    parser.add_argument("--room-size", type=int, help="legs a room; all in one room if not given")
    arguments = parser.parse_args()
    raise_descriptor_limit()
    report = Report("What does a tick cost, in ms of CPU per 20 ms?", COLUMNS)
    for legs in map(int, arguments.legs.split(",")):
        report.row(*astuple(measure(legs, arguments.ticks, arguments.room_size)))
    report.note(
        "bare: as many connected sockets and packets, map(recv_into) and map(send), nothing else, in turn with ours"
    )
    report.note("warm: every packet is there when the tick begins; conference_scale measures in real time")
    report.show()
    print(report.write("tick"))


if __name__ == "__main__":
    main()
