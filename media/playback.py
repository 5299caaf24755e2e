"""What plays and what is recorded: the players and recorders of one engine, on the signalling side.

A player needs places on the shelf; what is not there yet is decoded in a thread, and the player begins when it is.
Everything is remembered until the worker has told that it is over, so that a new worker can be told again.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from media import commands
from media.errors import MediaError
from media.events import PlayerFinished, RecorderFailed
from media.handles import Room, Stream
from media.players import Audio, Library
from media.shelf import Place, Shelf, decode, silence
from media.sources import Silence, Source, Tone
from media.streams import PlayerColumns

if TYPE_CHECKING:
    from media.engine import Engine

log = logging.getLogger("media")


class Playback:
    """Made when the engine starts. `at_once`: everything is decoded where it is asked for, without a thread."""

    def __init__(
        self, engine: Engine, shelf: Shelf, library: Library, positions: PlayerColumns, *, at_once: bool
    ) -> None:
        """`library` is the thread's own."""
        self._engine, self._shelf, self._library, self._positions = engine, shelf, library, positions
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._loader = ThreadPoolExecutor(1, "media-loader")
        self._players: dict[int, Player] = {}
        self._free_players = list(range(positions.length))
        self._recorders: dict[int, Recorder] = {}
        self._serial = self._recordings = 0
        self._is_stopped = False

    def stop(self) -> None:
        """Nothing that is still being loaded will begin."""
        self._is_stopped = True
        self._loader.shutdown(wait=False, cancel_futures=True)

    async def prepare(self, sources: Sequence[Source]) -> None:
        """Decodes what is not on the shelf, off the loop. Raises SourceNotFound."""
        for source in self._not_on_the_shelf(sources):
            audio = await self._loop.run_in_executor(self._loader, decode, self._library, source)
            if self._shelf.find(source) is None:
                self._shelf.put(source, audio)

    def play(
        self, sources: tuple[Source, ...], *, repeat: bool, stream: Stream | None = None, room: Room | None = None
    ) -> Player:
        """A player on its way; what has to be read from disk first is read in a thread."""
        self._require_running()
        target = stream or room
        missing = self._not_on_the_shelf(sources)
        if target is None or not self._free_players:
            raise MediaError(f"all {self._positions.length} players are in use")
        self._serial += 1
        player = Player(self._engine, heapq.heappop(self._free_players), self._serial, target)
        self._positions.clear(player.number)
        self._players[player.number] = player
        if self._at_once or all(isinstance(source, Tone) for source in missing):
            self._begin(player, sources, repeat)
        else:
            loading = self._loop.run_in_executor(self._loader, _decode_all, self._library, missing)
            loading.add_done_callback(lambda loaded: self._loaded(loaded, player, sources, repeat))
        return player

    def _loaded(
        self,
        loading: asyncio.Future[list[tuple[Source, Audio]]],
        player: Player,
        sources: tuple[Source, ...],
        repeat: bool,
    ) -> None:
        if loading.cancelled() or self._is_stopped:
            return
        try:
            for source, audio in loading.result():
                if self._shelf.find(source) is None:
                    self._shelf.put(source, audio)
            if not player.is_finished:
                self._begin(player, sources, repeat)
        except MediaError as error:
            log.warning("%r cannot play: %s", player.target, error)
            self._finish(player, str(error))

    def _begin(self, player: Player, sources: tuple[Source, ...], repeat: bool) -> None:
        segments = []
        for source in sources:
            if isinstance(source, Silence):
                segments.append(silence(source.ms))
                continue
            place = self._shelf.place(source)
            place.users += 1
            player.places.append(place)
            segments.append(place.segment)
        target = player.target
        row, room = (-1, target.number) if isinstance(target, Room) else (target.row, 0)
        player.play = commands.Play(player.number, player.serial, row, room, tuple(segments), repeat)
        self._engine.command(player.play)

    def stop_player(self, player: Player) -> None:
        """At once; the worker is told."""
        if player.play is not None:
            self._engine.command(commands.StopPlaying(player.number))
        self._finish(player)

    def _finish(self, player: Player, problem: str = "") -> None:
        if player.is_finished:
            return
        del self._players[player.number]
        heapq.heappush(self._free_players, player.number)
        for place in player.places:
            place.users -= 1
        player.finish(problem)

    def _not_on_the_shelf(self, sources: Sequence[Source]) -> list[Source]:
        return [source for source in sources if not isinstance(source, Silence) and self._shelf.find(source) is None]

    def record(
        self,
        path: Path,
        *,
        stream: Stream | None = None,
        room: Room | None = None,
        on_event: Callable[[RecorderFailed], None] | None = None,
    ) -> Recorder:
        """A recording on its way; what fails is told later."""
        self._require_running()
        self._recordings += 1
        if room is not None:
            row, number = -1, room.number
            recorder = Recorder(self._engine, self._recordings, path, room, on_event)
        elif stream is not None:
            row, number = stream.row, 0
            recorder = Recorder(self._engine, self._recordings, path, stream, on_event)
        else:
            raise MediaError("nothing to record")
        recorder.record = commands.Record(recorder.number, row, number, str(path), False)
        self._recorders[recorder.number] = recorder
        self._engine.command(recorder.record)
        return recorder

    def _require_running(self) -> None:
        if self._is_stopped:
            raise MediaError("the media engine is not running")

    # --- the worker has told, or is to be told again

    def player_ended(self, told: commands.PlayerEnded) -> None:
        player = self._players.get(told.player)
        if player is not None and player.serial == told.serial:
            self._finish(player)

    def recording_ended(self, told: commands.RecordingEnded) -> None:
        recorder = self._recorders.pop(told.recorder, None)
        if recorder is not None:
            recorder.finish(told.problem)

    def commands(self) -> Iterator[commands.Command]:
        """Everything that goes on."""
        for player in self._players.values():
            if player.play is not None:
                yield player.play
        for recorder in self._recorders.values():
            yield msgspec.structs.replace(recorder.record, append=True)
            if recorder.is_stopping:
                yield commands.StopRecording(recorder.number)


class Ending:
    """What comes to an end that can be waited for: the audio was played, stopped or replaced, the file is complete."""

    __slots__ = ("_done", "is_finished")

    def __init__(self) -> None:
        self.is_finished = False
        self._done: asyncio.Event | None = None

    async def finished(self) -> None:
        """Returns when it is over, whichever way."""
        if self.is_finished:
            return
        if self._done is None:
            self._done = asyncio.Event()
        await self._done.wait()

    def _end(self) -> None:
        self.is_finished = True
        if self._done is not None:
            self._done.set()


class Player(Ending):
    """Something being played, to one stream or to a room."""

    __slots__ = ("_engine", "number", "places", "play", "problem", "serial", "target")

    def __init__(self, engine: Engine, number: int, serial: int, target: Stream | Room):
        super().__init__()
        self._engine = engine
        self.number = number
        self.serial = serial
        self.places: list[Place] = []  # of the shelf, kept there while this plays
        self.target = target
        self.play: commands.Play | None = None  # None while its audio is still being loaded
        self.problem = ""

    def stop(self) -> None:
        """Ends it at once; `PlayerFinished` is told from this call. Idempotent."""
        if not self.is_finished:
            self._engine.playback.stop_player(self)

    def finish(self, problem: str = "") -> None:
        """The engine has learned that it is over."""
        self._end()
        self.problem = problem
        target = self.target
        if isinstance(target, Room):
            target.players.discard(self)
        elif target.player is self:
            target.player = None
        if target.on_event is not None:
            target.on_event(PlayerFinished(self, problem))

    def __repr__(self) -> str:
        return f"<Player {self.number} {'finished' if self.is_finished else 'playing'} to {self.target!r}>"


class Recorder(Ending):
    """A WAV file being written."""

    __slots__ = ("_engine", "_on_event", "is_stopping", "number", "path", "record", "target")

    def __init__(
        self,
        engine: Engine,
        number: int,
        path: Path,
        target: Stream | Room,
        on_event: Callable[[RecorderFailed], None] | None,
    ):
        super().__init__()
        self._engine = engine
        self._on_event = on_event
        self.number = number
        self.path = path
        self.target = target
        self.record: commands.Record
        self.is_stopping = False

    def stop(self) -> None:
        """Ends the recording; the file is complete when `finished()` returns. Idempotent."""
        if not self.is_stopping:
            self.is_stopping = True
            self._engine.command(commands.StopRecording(self.number))

    def finish(self, problem: str) -> None:
        """The engine has learned that the file is closed."""
        self.is_stopping = True
        self._end()
        target = self.target
        if isinstance(target, Room):
            target.recorders.discard(self)
        elif target.recorder is self:
            target.recorder = None
        tell = self._on_event or target.on_event
        if problem and tell is not None:
            tell(RecorderFailed(self, problem))

    def __repr__(self) -> str:
        return f"<Recorder {self.path} of {self.target!r}>"


def _decode_all(library: Library, sources: list[Source]) -> list[tuple[Source, Audio]]:
    return [(source, decode(library, source)) for source in sources]
