"""What the door hands out: `Stream` and `Room`, and with them the players and recorders of `media.playback`.

They live on the signalling side and hold what was last commanded, so that a new worker can be told everything again.
Nothing here waits: each method computes, remembers, and puts a command on its way. The engine makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from media import commands
from media.codecs import Codec
from media.errors import MediaError
from media.events import RecorderFailed, RoomEvent, StreamEvent
from media.rows import NOBODY
from media.sources import Source

if TYPE_CHECKING:
    from media.agreement import Agreement
    from media.engine import Engine
    from media.negotiation import LocalMedia
    from media.pair import Pair
    from media.playback import Player, Recorder

NOWHERE = 0  # the room that nobody speaks in
DIGIT_MS = 100
DIGIT_GAP_MS = 100


class StreamState(Enum):
    """OPEN has a port; AGREED knows codec and peer; CLOSED has neither."""

    OPEN = "open"
    AGREED = "agreed"
    CLOSED = "closed"


class StreamStatistics(Struct, frozen=True):
    """Both directions of one stream since it was opened. `remote_*` is what the peer's RTCP reports said."""

    codec: str
    packets_received: int
    packets_sent: int
    packets_lost: int  #: expected minus received (RFC 3550 A.3); duplicates may make it negative
    packets_late: int  #: came after their turn
    packets_duplicate: int
    frames_concealed: int
    jitter_ms: float  #: interarrival jitter (RFC 3550 A.8)
    delay_ms: float  #: what the jitter buffer holds back on purpose
    round_trip_ms: float | None  #: from LSR and DLSR; None until the peer has reported
    remote_lost: int
    remote_loss_share: float
    remote_jitter_ms: float
    level_db: float  #: of the far end's audio, relative to full scale

    @property
    def loss_share(self) -> float:
        """Lost packets as a part of those expected, 0 ... 1."""
        expected = self.packets_received + self.packets_lost
        return max(0.0, self.packets_lost / expected) if expected > 0 else 0.0


class Stream:
    """A leg's audio: one RTP port pair, at most one room or one other stream, at most one player of its own."""

    __slots__ = (
        "_engine",
        "_last_statistics",
        "_muted",
        "_placed",
        "address",
        "agreement",
        "id",
        "local",
        "on_event",
        "pair",
        "player",
        "recorder",
        "room",
        "row",
        "serial",
        "state",
    )

    def __init__(
        self, engine: Engine, serial: int, row: int, local: LocalMedia, on_event: Callable[[StreamEvent], None]
    ):
        self._engine = engine
        self.id = self.serial = serial
        self.row = row
        self.local = local
        self.address = (local.address, local.port)
        self.on_event = on_event
        self.state = StreamState.OPEN
        self.agreement: Agreement | None = None
        self.room: Room | None = None
        self.pair: Pair | None = None
        self.player: Player | None = None
        self.recorder: Recorder | None = None
        self._last_statistics: StreamStatistics | None = None
        self._muted = False
        self._placed = commands.Place(row, NOWHERE, NOWHERE, 0.0)

    def offer(self) -> bytes:
        """Our session description, for an INVITE or a 200 to one without."""
        return self.local.offer()

    def answer(self, offer: bytes) -> bytes:
        """The answer to any offer of the peer's, the first or a later one. Raises NegotiationError (488)."""
        answer, agreement = self.local.answer(offer)
        self._agreed(agreement)
        return answer

    def check(self, offer: bytes) -> None:
        """Raises NegotiationError where `answer` would. For those who want to know before they do something else."""
        self.local.check(offer)

    def prefer(self, codec: str) -> None:
        """Offer, take and send this codec before others, where both know it, from the next negotiation on."""
        self.local.preferred = Codec(codec)

    def accept(self, answer: bytes) -> None:
        """The peer's answer to our last `offer()`. Raises NegotiationError."""
        self._agreed(self.local.accept(answer))

    def play(self, *sources: Source, repeat: bool = False) -> Player:
        """Plays to this stream alone, in place of all else; a player before it is stopped. Raises SourceNotFound."""
        self._require_open()
        if self.player is not None:
            self.player.stop()
        self.player = self._engine.playback.play(sources, repeat=repeat, stream=self)
        return self.player

    def mute(self, muted: bool) -> None:
        """A muted stream is heard by nobody; it keeps hearing, and its keys keep working."""
        self._muted = muted
        self._place()
        if self.pair is not None:
            self.pair.other(self).replace()

    def send_digits(self, digits: str, *, duration_ms: int = DIGIT_MS, gap_ms: int = DIGIT_GAP_MS) -> None:
        """Dials 0-9 * # A-D one after another (a comma waits a second); `DigitsSent` follows."""
        self._require_open()
        self._engine.command(commands.Dial(self.row, digits, duration_ms, gap_ms))

    def record(self, path: Path) -> Recorder:
        """Writes what the far end says into a WAV file, until `Recorder.stop` or `close`."""
        self._require_open()
        if self.recorder is not None:
            self.recorder.stop()
        self.recorder = self._engine.playback.record(path, stream=self)
        return self.recorder

    def statistics(self) -> StreamStatistics:
        """What the worker counted, read from shared memory; the last values when closed."""
        return self._last_statistics or self._engine.statistics(self)

    def close(self) -> None:
        """Leaves the room, ends player and recorder, sends RTCP BYE, frees the port. Idempotent."""
        if self.state is StreamState.CLOSED:
            return
        for part in (self.player, self.recorder):
            if part is not None:
                part.stop()
        if self.room is not None:
            self.room.leave(self)
        if self.pair is not None:
            self.pair.close()
        self._last_statistics = self._engine.statistics(self)
        self.state = StreamState.CLOSED
        self._engine.closed(self)

    @property
    def encryption(self) -> str:
        """The crypto suite of SRTP; nothing while the audio is plain, or not agreed."""
        keys = None if self.agreement is None else self.agreement.keys
        return "" if keys is None else str(keys.suite)

    @property
    def muted(self) -> bool:
        return self._muted

    def commands(self) -> Iterator[commands.Command]:
        """Everything a worker must know about this stream beside its sockets."""
        if self.agreement is not None:
            yield self._engine.agree(self, self.agreement, relatch=False)
        yield self._placed

    def _agreed(self, agreement: Agreement) -> None:
        self._require_open()
        before, self.agreement = self.agreement, agreement
        moved = before is None or (before.remote_host, before.remote_port) != (
            agreement.remote_host,
            agreement.remote_port,
        )
        self.state = StreamState.AGREED
        self._engine.command(self._engine.agree(self, agreement, relatch=moved))

    def _place(self) -> None:
        room = self.room
        membership = None if room is None else room.members[self]
        if self.pair is not None:
            other = self.pair.other(self)
            place = commands.Place(self.row, NOWHERE, NOWHERE, 0.0, relays=NOBODY if other.muted else other.row)
        elif room is None or membership is None:
            place = commands.Place(self.row, NOWHERE, NOWHERE, 0.0)
        else:
            speaks = membership.speaks and not self._muted
            place = commands.Place(
                self.row,
                room.number if membership.hears else NOWHERE,
                room.number if speaks else NOWHERE,
                membership.gain_db,
            )
        if place != self._placed:
            self._placed = place
            self._engine.command(place)

    def replace(self) -> None:
        """The room has changed this stream's membership, or the pair."""
        self._place()

    def _require_open(self) -> None:
        if self.state is StreamState.CLOSED:
            raise MediaError(f"{self!r} is closed")

    def __repr__(self) -> str:
        codec = self.agreement.codec if self.agreement else "-"
        room = f" in {self.room.name!r}" if self.room else ""
        return f"<Stream {self.id} {self.state.value} {codec} {self.address[0]}:{self.address[1]}{room}>"


class Membership(Struct, frozen=True):
    """How a stream takes part in its room."""

    speaks: bool = True
    hears: bool = True
    gain_db: float = 0.0


class Room:
    """Streams that hear each other; also a place to wait (hears, does not speak)."""

    __slots__ = ("_engine", "is_closed", "members", "name", "number", "on_event", "players", "recorders")

    def __init__(self, engine: Engine, number: int, name: str, on_event: Callable[[RoomEvent], None] | None):
        self._engine = engine
        self.number = number
        self.name = name
        self.on_event = on_event
        self.members: dict[Stream, Membership] = {}
        self.players: set[Player] = set()
        self.recorders: set[Recorder] = set()
        self.is_closed = False

    def join(self, stream: Stream, *, speaks: bool = True, hears: bool = True, gain_db: float = 0.0) -> None:
        """Takes the stream in, out of the room it was in. `gain_db` changes how loud its speech is mixed."""
        if self.is_closed or stream.state is StreamState.CLOSED:
            raise MediaError(f"{stream!r} cannot join {self!r}")
        if stream.room is not None and stream.room is not self:
            del stream.room.members[stream]
        if stream.pair is not None:
            stream.pair.close()
        stream.room = self
        self.members[stream] = Membership(speaks, hears, gain_db)
        stream.replace()

    def change(
        self, stream: Stream, *, speaks: bool | None = None, hears: bool | None = None, gain_db: float | None = None
    ) -> None:
        """Changes what is given, leaves the rest. Raises KeyError for a stream that is not a member."""
        now = self.members[stream]
        self.members[stream] = Membership(
            now.speaks if speaks is None else speaks,
            now.hears if hears is None else hears,
            now.gain_db if gain_db is None else gain_db,
        )
        stream.replace()

    def leave(self, stream: Stream) -> None:
        """The stream hears comfort and is heard by nobody. No error when it is no member."""
        if self.members.pop(stream, None) is not None:
            stream.room = None
            stream.replace()

    def play(self, *sources: Source, repeat: bool = False) -> Player:
        """Plays to every member that hears, mixed with the talk. Raises SourceNotFound."""
        player = self._engine.playback.play(sources, repeat=repeat, room=self)
        self.players.add(player)
        return player

    def record(self, path: Path, on_event: Callable[[RecorderFailed], None] | None = None) -> Recorder:
        """Writes the full mix into a WAV file; `on_event` hears of a failure (without it, the room's callback)."""
        recorder = self._engine.playback.record(path, room=self, on_event=on_event)
        self.recorders.add(recorder)
        return recorder

    def close(self) -> None:
        """Everybody leaves, players and recorders end. Idempotent."""
        if self.is_closed:
            return
        for player in tuple(self.players):
            player.stop()
        for recorder in tuple(self.recorders):
            recorder.stop()
        for stream in tuple(self.members):
            self.leave(stream)
        self.is_closed = True
        self._engine.room_closed(self)

    def __repr__(self) -> str:
        return f"<Room {self.name!r} {len(self.members)} members>"
