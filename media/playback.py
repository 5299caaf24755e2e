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
from media.events import RecorderFailed
from media.handles import Player, Recorder, Room, Stream
from media.players import Audio, Library
from media.shelf import Shelf, decode, silence
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


def _decode_all(library: Library, sources: list[Source]) -> list[tuple[Source, Audio]]:
    return [(source, decode(library, source)) for source in sources]
