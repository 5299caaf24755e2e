"""The media process: one loop. Between ticks it waits for commands, at the deadline it ticks.

Deadlines are absolute: lateness does not add up, and what a stalled machine has missed is skipped, never made up for by
a burst. The garbage collector is off (what exists at the start is frozen, what comes later is freed by reference
count). The process ends with its parent: the control socket closes.
"""

from __future__ import annotations

import array
import gc
import mmap
import os
import select
import signal
import socket
import sys
import time
from collections import Counter, deque

import msgspec

from media import commands
from media.bridge import Bridge
from media.parts import Parts
from media.playing import shelf_view
from media.pool import Pool
from media.recorders import Writer
from media.socket_sweep import SocketSweep
from media.streams import Table

TICK_S = 0.02
LATE_S = 0.01
DATAGRAM_BYTES = 1 << 16
DESCRIPTORS_A_DATAGRAM = 250
MOST_WAITING_EVENTS = 20_000
REALTIME_PRIORITY = 10


class Control:
    """The worker's end of the control socket: commands with their descriptors in, events out."""

    def __init__(self, sock: socket.socket) -> None:
        self.counts: Counter[str] = Counter()
        self._sock = sock
        self._decoder = msgspec.msgpack.Decoder(list[commands.Command])
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: deque[commands.Told] = deque(maxlen=MOST_WAITING_EVENTS)

    def wait(self, until: float) -> bool:
        """Whether a command is there before `until` (monotonic seconds)."""
        timeout_s = until - time.monotonic()
        return bool(select.select([self._sock], (), (), max(timeout_s, 0.0))[0])

    def receive(self) -> tuple[list[commands.Command], list[int]]:
        """One datagram: its commands and the descriptors that came with it. Raises EOFError when the parent is gone."""
        descriptors = array.array("i")
        data, ancillary, _, _ = self._sock.recvmsg(
            DATAGRAM_BYTES, socket.CMSG_SPACE(DESCRIPTORS_A_DATAGRAM * descriptors.itemsize)
        )
        if not data:
            raise EOFError
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
        return self._decoder.decode(data), descriptors.tolist()

    def tell(self, event: commands.Told) -> None:
        if len(self._waiting) == MOST_WAITING_EVENTS:
            self.counts["events_dropped"] += 1
        self._waiting.append(event)

    def flush(self) -> None:
        """Sends what was told since; what the parent has no room for waits."""
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(len(self._waiting), 200))]
            try:
                self._sock.send(self._encoder.encode(batch), socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            for _ in batch:
                self._waiting.popleft()


def run(control: Control) -> None:
    """Builds everything when `Start` comes, ticks from `Go` until `Stop` or until the parent is gone."""
    (start, *_), descriptors = _next(control)
    if not isinstance(start, commands.Start):
        return
    bridge = _bridge(start, descriptors, control)
    refused = _ask_for_realtime() if start.realtime else ""
    control.tell(commands.Ready(start.realtime and not refused))
    control.flush()
    gc.collect()
    gc.freeze()
    gc.disable()
    (go, *rest), descriptors = _next(control)
    if not isinstance(go, commands.Go):
        return  # `Stop`: a spare that nobody needed
    if refused:
        control.tell(commands.Said("warning", f"no real-time priority for the media process: {refused}"))
    bridge.obey(rest, descriptors)
    _loop(bridge, control)


def _next(control: Control) -> tuple[list[commands.Command], list[int]]:
    while not control.wait(time.monotonic() + 3600):
        pass
    return control.receive()


def _loop(bridge: Bridge, control: Control) -> None:
    deadline = time.monotonic() + TICK_S
    bridge.take_over(deadline)
    while not bridge.is_stopped:
        if control.wait(deadline):
            bridge.obey(*control.receive())
            if time.monotonic() < deadline:
                continue
        late_s = time.monotonic() - deadline
        missed = int(late_s / TICK_S)
        deadline += TICK_S * missed
        bridge.tick(missed, is_late=late_s > LATE_S)
        deadline += TICK_S
        control.flush()
    control.flush()


def _bridge(start: commands.Start, descriptors: list[int], control: Control) -> Bridge:
    table_descriptor, shelf_descriptor = descriptors
    table = Table(start.rows, start.players, table_descriptor)
    shelf = shelf_view(memoryview(mmap.mmap(shelf_descriptor, 0)))
    pool = Pool(start.rows)
    counts = control.counts
    sweep = SocketSweep(pool, counts)
    parts = Parts(table, pool, sweep, shelf, counts, Writer(), control.tell, loudest_talkers=start.loudest_talkers)
    return Bridge(start, parts)


def _ask_for_realtime() -> str:
    """SCHED_FIFO keeps ticks on time under load; needs CAP_SYS_NICE or an rtprio limit. Returns why it is refused."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""


def main() -> None:
    """`python -m media.worker DESCRIPTOR`: the control socket is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inherited = int(sys.argv[1])
    with socket.socket(fileno=os.dup(inherited)) as sock:  # a low number: select(2) takes those below 1024 only
        os.close(inherited)
        try:
            run(Control(sock))
        except (EOFError, ConnectionError):
            pass


if __name__ == "__main__":
    main()
