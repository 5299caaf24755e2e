"""The signalling side of the media engine: opens the sockets, commands the worker, tells its events.

It remembers everything that it has commanded (in the handles), so a worker that dies is replaced by one that gets the
same table, the same sockets, and every command again. All of it runs on the loop that called `start`.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
import resource
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from media import commands
from media.agreement import Agreement
from media.codecs import Codec
from media.errors import MediaError, NoPortFree
from media.events import ActiveSpeakers, RoomEvent, StreamEvent, StreamFailed
from media.handles import Room, Stream, StreamState, StreamStatistics
from media.levels import level_db
from media.link import InProcess, Link
from media.memory_sweep import Wire
from media.negotiation import LocalMedia
from media.pair import Pair
from media.parts import ROOMS
from media.playback import Playback
from media.players import Library
from media.ports import Ports, open_udp
from media.rows import NOT_AGREED
from media.sdes import Encryption, Keys
from media.settings import MediaSettings
from media.shelf import Shelf
from media.sources import Silence, Source
from media.streams import Table
from media.workers import Workers

log = logging.getLogger("media")

GATHERED_S = 0.01  # commands wait so long for each other: half a tick, which is when they can be heard at the earliest
STREAMS_EXPECTED = 4000  # of one media process at most; a wider port range is no promise to fill it

LAW_OF = {Codec.PCMU: 0, Codec.PCMA: 1}
DESCRIPTORS_BESIDE_STREAMS = 256


class Engine:
    """All media of one switch. `on_worker_replaced` is told why a new media process has taken over."""

    def __init__(self, settings: MediaSettings, *, in_process: Wire | None = None) -> None:
        """`in_process`: the worker runs inside the calling loop over this wire, in whatever time the loop has."""
        self.settings = settings
        self.on_worker_replaced: Callable[[str], None] | None = None
        self.workers_replaced = 0
        self._wire = in_process
        self._chance = random.Random()
        self._streams: dict[int, Stream] = {}  # by row
        self._pairs: dict[int, tuple[Any, Any]] = {}  # the open ports of each row
        self._rooms: dict[int, Room] = {}
        self._batch: list[commands.Command] = []
        self._batch_ports: list[Any] = []
        self._batch_closing: list[Stream] = []
        self._serial = 0
        self._suspect: Stream | None = None  # whose command ended the last worker
        self._is_running = False

    # --- life

    async def start(self) -> None:
        """Starts the media process and its warm spare; returns when it ticks. Raises MediaError."""
        settings = self.settings
        rows = max(settings.port_pairs, 1)
        _raise_descriptor_limit(2 * rows + DESCRIPTORS_BESIDE_STREAMS)
        self._loop = asyncio.get_running_loop()
        self._table = Table(rows, 2 * rows)
        self._shelf = Shelf(self._library(), settings.source_cache_s)
        self.playback = Playback(
            self, self._shelf, self._library(), self._table.players, at_once=self._wire is not None
        )
        self._ports = Ports(settings.address, settings.ports, self._open_port, self._chance)
        self._free_rows = list(range(rows))
        self._free_rooms = list(range(1, ROOMS))
        self._is_running = True
        try:
            self._link: Link = await self._processes() if self._wire is None else self._in_process()
        except BaseException:  # Ctrl-C too: there is nothing then that `stop` could end
            self._is_running = False
            self.playback.stop()
            self._table.close()
            self._shelf.close()
            raise

    async def stop(self) -> None:
        """Closes every stream and room, finishes the recordings, ends the processes. Idempotent, and nothing where
        `start` did not return."""
        if not self._is_running:
            return
        for room in tuple(self._rooms.values()):
            room.close()
        for stream in tuple(self._streams.values()):
            stream.close()
        self._flush()
        self._is_running = False
        await self._link.stop()
        self.playback.stop()
        self._table.close()
        self._shelf.close()

    async def _processes(self) -> Link:
        descriptors = [self._table.descriptor, self._shelf.descriptor]
        clock = self._table.clock.ticked_at
        workers = Workers(
            self._start_command(), descriptors, self._told, self._replay, self._replaced, lambda: float(clock[0])
        )
        try:
            await workers.start()
        except BaseException:
            await workers.stop()
            raise
        return workers

    def _in_process(self) -> Link:
        return InProcess(self._start_command(), self._table, self._shelf.memory, self._told)

    def _start_command(self) -> commands.Start:
        settings = self.settings
        return commands.Start(
            rows=self._table.streams.length,
            players=self._table.players.length,
            source_frames=settings.source_cache_s * 50,
            loudest_talkers=settings.loudest_talkers,
            silence_timeout_s=settings.silence_timeout_s,
            realtime=settings.realtime,
        )

    # --- the door

    def open_stream(
        self,
        on_event: Callable[[StreamEvent], None],
        codecs: Sequence[str] = (),
        encryption: Encryption | None = None,
    ) -> Stream:
        """Takes a port pair and a row. Synchronous, well under 0.1 ms. Raises NoPortFree.

        `codecs` (the ones to agree on, best first) and `encryption` (whether SRTP is refused, taken and offered, or the
        only thing that is agreed on) come before the settings.
        """
        self._require_running()
        if not self._free_rows:
            self._flush()
        if not self._free_rows:
            raise NoPortFree(f"all {self._table.streams.length} streams are in use")
        port, rtp, rtcp = self._ports.take()
        row = heapq.heappop(self._free_rows)
        self._serial += 1
        local = LocalMedia(
            self.settings.advertised_address or self.settings.address,
            port,
            session_id=self._chance.getrandbits(62),
            codecs=codecs or self.settings.codecs,
            encryption=encryption or self.settings.encryption,
            new_key=secrets.token_bytes,
        )
        stream = Stream(self, self._serial, row, local, on_event)
        self._streams[row] = stream
        self._pairs[row] = (rtp, rtcp)
        self._initialise(row)
        self.command(commands.Open(row, stream.serial), rtp, rtcp)
        return stream

    def open_room(self, name: str, on_event: Callable[[RoomEvent], None] | None = None) -> Room:
        """An empty room. Names need not be unique; they are for people."""
        self._require_running()
        if not self._free_rooms:
            raise MediaError(f"all {ROOMS - 1} rooms are in use")
        room = Room(self, heapq.heappop(self._free_rooms), name, on_event)
        self._rooms[room.number] = room
        return room

    def bridge(self, one: Stream, other: Stream) -> Pair:
        """Two streams hear each other and nobody else, out of the room or pair that each was in."""
        for stream in (one, other):
            if stream.state is StreamState.CLOSED:
                raise MediaError(f"{stream!r} is closed")
            if stream.room is not None:
                stream.room.leave(stream)
            if stream.pair is not None:
                stream.pair.close()
        pair = one.pair = other.pair = Pair(self, one, other)
        one.replace()
        other.replace()
        return pair

    def duration_s(self, source: Source) -> float:
        """How long a source plays. Raises SourceNotFound."""
        if isinstance(source, Silence):
            return source.ms / 1000
        return self._shelf.place(source).duration_s

    async def prepare(self, *sources: Source) -> None:
        """Decodes ahead of time, off the loop, so that the first `play` starts at once. Raises SourceNotFound."""
        self._require_running()
        await self.playback.prepare(sources)

    def counters(self) -> dict[str, int | float]:
        """Ticks, packets, drops by name, workers replaced: all since `start`, over all workers."""
        counts: dict[str, int | float] = dict(self._table.counts())
        counts["workers_replaced"] = self.workers_replaced
        counts["streams"] = len(self._streams)
        counts["rooms"] = len(self._rooms)
        return counts

    @property
    def worker_pid(self) -> int | None:
        """The media process, None when the worker runs inside this one."""
        return self._link.pid if isinstance(self._link, Workers) else None

    # --- what the handles need

    def command(self, command: commands.Command, *ports: Any) -> None:
        """Sent with everything else of the next few milliseconds, and the worker wakes up once for all of it."""
        if not self._batch:
            self._loop.call_later(GATHERED_S, self._flush)
        self._batch.append(command)
        self._batch_ports += ports

    def agree(self, stream: Stream, agreement: Agreement, *, relatch: bool) -> commands.Agree:
        """The command that tells the worker what was negotiated."""
        events = agreement.telephone_events_receive
        inband = self.settings.dtmf == "inband" or (self.settings.dtmf == "auto" and not events)
        return commands.Agree(
            row=stream.row,
            send_law=LAW_OF[agreement.codec],
            send_type=agreement.payload_type_send,
            receive_types=tuple((number, LAW_OF[codec]) for number, codec in agreement.receive),
            event_send_type=_number(agreement.telephone_event_send),
            event_receive_types=events,
            comfort_noise_type=_number(agreement.comfort_noise_heard),
            ptime_ms=agreement.ptime_ms,
            host=agreement.remote_host if agreement.is_reachable else "",
            port=agreement.remote_port,
            rtcp_host=agreement.remote_rtcp[0],
            rtcp_port=agreement.remote_rtcp[1],
            rtcp_mux=agreement.rtcp_mux,
            sends=agreement.direction.sends,
            receives=agreement.direction.receives,
            inband_digits=inband,
            relatch=relatch,
            srtp=_srtp(agreement.keys),
        )

    def closed(self, stream: Stream) -> None:
        """The stream's row and ports are free as soon as the worker has been told."""
        self.command(commands.Close(stream.row))
        self._batch_closing.append(stream)
        del self._streams[stream.row]

    def room_closed(self, room: Room) -> None:
        self.command(commands.CloseRoom(room.number))
        del self._rooms[room.number]
        heapq.heappush(self._free_rooms, room.number)

    def statistics(self, stream: Stream) -> StreamStatistics:
        """From the shared table."""
        table, row = self._table.streams, stream.row
        received = table.received_packets.item(row)
        expected = table.highest_sequence.item(row) - table.base_sequence.item(row) + 1 if received else 0
        agreement = stream.agreement
        round_trip_s = table.round_trip_s.item(row)
        return StreamStatistics(
            codec=str(agreement.codec) if agreement else "",
            packets_received=received,
            packets_sent=table.sent_packets.item(row),
            packets_lost=expected - received,
            packets_late=table.late_packets.item(row),
            packets_duplicate=table.duplicate_packets.item(row),
            frames_concealed=table.concealed_frames.item(row),
            jitter_ms=table.jitter_samples.item(row) / 8,
            delay_ms=20.0 * max(0, table.extra_frames.item(row)),
            round_trip_ms=1000 * round_trip_s if round_trip_s > 0 else None,
            remote_lost=table.remote_lost.item(row),
            remote_loss_share=table.remote_loss.item(row) / 256,
            remote_jitter_ms=table.remote_jitter.item(row) / 8,
            level_db=level_db(table.level.item(row), LAW_OF[agreement.codec] if agreement else 0),
        )

    # --- commands out, events in

    def _flush(self) -> None:
        if not self._is_running or not self._batch:
            return
        batch, ports = self._batch, self._batch_ports
        self._batch, self._batch_ports = [], []
        self._link.send(batch, ports, self._let_go())

    def _let_go(self) -> list[Any]:
        """Rows and ports of closed streams are free; returns the sockets that are to be closed."""
        closing, self._batch_closing = self._batch_closing, []
        for stream in closing:
            heapq.heappush(self._free_rows, stream.row)
            self._ports.release(stream.local.port)
        return [port for stream in closing for port in self._pairs.pop(stream.row)]

    def _told(self, told: commands.Told) -> None:
        if isinstance(told, commands.StreamTold):
            stream = self._streams.get(told.row)
            if stream is not None and stream.serial == told.serial:
                stream.on_event(told.event)
        elif isinstance(told, commands.Speakers):
            room = self._rooms.get(told.room)
            if room is not None and room.on_event is not None:
                rows = (self._streams.get(row) for row in told.rows)
                room.on_event(ActiveSpeakers(tuple(stream.id for stream in rows if stream is not None)))
        elif isinstance(told, commands.PlayerEnded):
            self.playback.player_ended(told)
        elif isinstance(told, commands.RecordingEnded):
            self.playback.recording_ended(told)
        elif isinstance(told, commands.Said):
            log.log(logging.getLevelName(told.level.upper()), "media process: %s", told.text)

    # --- takeover

    def _replaced(self, why: str) -> None:
        self.workers_replaced += 1
        if self.on_worker_replaced is not None:
            self.on_worker_replaced(why)

    def _replay(self) -> tuple[list[commands.Command], list[Any]]:
        """All that a new worker must be told; what waits to be sent is part of it."""
        self._leave_behind()
        for port in self._let_go():
            port.close()
        self._batch, self._batch_ports = [], []
        return list(self._everything()), [port for row in self._streams for port in self._pairs[row]]

    def _leave_behind(self) -> None:
        """A stream whose commands have ended two workers, one after the other, would end the next one too."""
        obeyed = self._table.clock.obeyed
        stream = self._streams.get(int(obeyed[0]) - 1)
        obeyed[0] = 0
        before, self._suspect = self._suspect, stream
        if stream is not None and stream is before:
            log.error("%r has ended two media processes and is closed", stream)
            stream.on_event(StreamFailed())
            stream.close()

    def _everything(self) -> Iterator[commands.Command]:
        """In the order of the ports that go with it."""
        for row, stream in self._streams.items():
            yield commands.Open(row, stream.serial)
        for stream in self._streams.values():
            yield from stream.commands()
        yield from self.playback.commands()

    # --- small things

    def _library(self) -> Library:
        """What decodes; it need not keep anything, the shelf does."""
        return Library(self.settings.prompts, self.settings.language, kept_s=0.0)

    def _open_port(self, host: str, port: int) -> Any:
        return open_udp(host, port) if self._wire is None else self._wire.datagrams(host, port)

    def _initialise(self, row: int) -> None:
        """A new life of a row: nothing counted, random SSRC, sequence number and timestamp (RFC 3550 5.1)."""
        streams = self._table.streams
        streams.clear(row)
        streams.serial[row] = self._serial
        streams.out_ssrc[row] = self._chance.getrandbits(32)
        streams.out_sequence[row] = self._chance.getrandbits(15)
        streams.out_timestamp[row] = self._chance.getrandbits(32)

    def _require_running(self) -> None:
        if not self._is_running:
            raise MediaError("the media engine is not running")


def _srtp(keys: Keys | None) -> commands.Srtp | None:
    return None if keys is None else commands.Srtp(keys.suite, keys.send, keys.receive)


def _number(payload_type: int | None) -> int:
    return NOT_AGREED if payload_type is None else payload_type


def _raise_descriptor_limit(needed: int) -> None:
    """Two sockets a stream; the soft limit may be raised up to the hard one. Said only where it will be felt."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < min(needed, 2 * STREAMS_EXPECTED):
        log.warning("open files are limited to %d: at most %d streams (ulimit -n, LimitNOFILE)", hard, most // 2)
