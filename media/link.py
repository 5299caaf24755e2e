"""The signalling side's end of a media process: starts it, sends it commands and sockets, hears what it tells.

A process that was started waits, everything imported, until `Start` comes; until then it is a warm spare.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from media import commands
from media.bridge import TICK_S, Bridge
from media.errors import MediaError
from media.memory_sweep import MemorySweep
from media.parts import Parts
from media.playing import shelf_view
from media.pool import Pool
from media.recorders import Writer
from media.streams import Table

COMMANDS_A_DATAGRAM = 120
PORTS_A_DATAGRAM = 200
BUFFER_BYTES = 1 << 20
DATAGRAM_BYTES = 1 << 18
READS_A_WAKE_UP = 16
PATIENCE_S = 3.0


class Link(Protocol):
    """Where commands go."""

    def send(self, batch: Sequence[commands.Command], ports: Sequence[Any], closing: Sequence[Any] = ()) -> None:
        """`ports` are those that the batch's `Open` commands name, `closing` are let go once this has left."""

    async def stop(self) -> None: ...


class WorkerProcess:
    """One media process and its control socket. `on_end` is called once, when it is gone and was not stopped."""

    def __init__(self, on_told: Callable[[commands.Told], None], on_end: Callable[[WorkerProcess], None]) -> None:
        """Raises MediaError where the system has no process or descriptor left."""
        self._on_told, self._on_end = on_told, on_end
        self._loop = asyncio.get_running_loop()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[commands.Told])
        self._waiting: deque[tuple[bytes, list[Any], Sequence[Any]]] = deque()
        self._is_stopping = False
        self._gone = asyncio.Event()
        self.ready = asyncio.Event()
        self.is_realtime = False
        try:
            self._sock, self.process = _start()
        except OSError as error:
            raise MediaError(f"no media process can be started: {error}") from error
        self._loop.add_reader(self._sock, self._readable)

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, batch: Sequence[commands.Command], ports: Sequence[Any], closing: Sequence[Any] = ()) -> None:
        at = 0
        for some, count in _datagrams(batch):
            self._waiting.append((self._encoder.encode(some), list(ports[at : at + count]), ()))
            at += count
        if closing:
            self._waiting.append((b"", [], closing))
        self._flush()

    def send_start(self, start: commands.Start, descriptors: list[int]) -> None:
        self._waiting.append((self._encoder.encode([start]), descriptors, ()))
        self._flush()

    def _flush(self) -> None:
        waiting = self._waiting
        while waiting:
            data, ports, closing = waiting[0]
            try:
                if data and not self._gone.is_set():
                    _send(self._sock, data, ports)
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._writable)
                return
            except OSError:
                pass  # the reader hears of it
            for port in closing:
                port.close()
            waiting.popleft()

    def _writable(self) -> None:
        self._loop.remove_writer(self._sock)
        self._flush()

    def _readable(self) -> None:
        for _ in range(READS_A_WAKE_UP):
            try:
                data = self._sock.recv(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._ended()
                return
            for told in self._decoder.decode(data):
                if isinstance(told, commands.Ready):
                    self.is_realtime = told.realtime
                    self.ready.set()
                else:
                    self._on_told(told)

    def _ended(self) -> None:
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._gone.set()
        self._flush()
        self._sock.close()
        self.ready.set()
        if not self._is_stopping:
            self._on_end(self)

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def stop(self) -> None:
        """Lets it finish its files; ends it when it does not. The process is reaped."""
        self._is_stopping = True
        if not self.is_gone:
            self.send([commands.Stop()], [])
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._gone.wait()
        except TimeoutError:
            self.process.kill()
            await self._gone.wait()
        self.reap()

    def reap(self) -> None:
        """The process has closed its end, so this is at once."""
        self.process.kill()
        self.process.wait()


class InProcess:
    """The worker inside this process, ticked by the running loop: for tests in virtual time."""

    def __init__(
        self, start: commands.Start, table: Table, shelf: memoryview, on_told: Callable[[commands.Told], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_told = on_told
        pool, counts = Pool(start.rows), Counter[str]()
        sweep, writer = MemorySweep(pool, counts), Writer(threaded=False)
        parts = Parts(
            table,
            pool,
            sweep,
            shelf_view(shelf),
            counts,
            writer,
            self._tell,
            loudest_talkers=start.loudest_talkers,
        )
        self.bridge = Bridge(start, parts)
        self._next_at = self._loop.time()
        self._tick()

    def _tell(self, told: commands.Told) -> None:
        self._loop.call_soon(self._on_told, told)

    def send(self, batch: Sequence[commands.Command], ports: Sequence[Any], closing: Sequence[Any] = ()) -> None:  # noqa: ARG002  the bridge closes them itself
        self.bridge.obey(batch, ports)

    async def stop(self) -> None:
        self._timer.cancel()
        self.bridge.obey([commands.Stop()], [])
        await asyncio.sleep(0)

    def _tick(self) -> None:
        if self._next_at > self._loop.time() - TICK_S:
            self.bridge.tick()
        self._next_at += TICK_S
        self._timer = self._loop.call_at(self._next_at, self._tick)


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process and our end of its control socket. Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs:
            for sock in (ours, theirs):
                sock.setblocking(sock is theirs)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "media.worker", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for the parent, which then says `Stop`
                env=_environment(),
            )
    except OSError:
        ours.close()
        raise
    return ours, process


def _datagrams(batch: Sequence[commands.Command]) -> list[tuple[list[commands.Command], int]]:
    """Cuts a batch into what fits a datagram: commands, and how many ports go with them."""
    cut: list[tuple[list[commands.Command], int]] = []
    some: list[commands.Command] = []
    ports = 0
    for command in batch:
        needs = 2 if isinstance(command, commands.Open) else 0
        if len(some) == COMMANDS_A_DATAGRAM or ports + needs > PORTS_A_DATAGRAM:
            cut.append((some, ports))
            some, ports = [], 0
        some.append(command)
        ports += needs
    if some:
        cut.append((some, ports))
    return cut


def _send(sock: socket.socket, data: bytes, ports: list[Any]) -> None:
    if ports:
        numbers = array.array("i", [port if isinstance(port, int) else port.fileno() for port in ports])
        sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
    else:
        sock.send(data)


def _environment() -> dict[str, str]:
    """The child must find this package wherever the parent has found it; numpy must not start threads of its own."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
