"""The parts of a media worker, built once and wired; no logic. The tick runs them, commands change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from media.cast import Casting
from media.commands import PlayerEnded, StreamTold, Told
from media.events import StreamEvent
from media.gaps import Gaps
from media.jitter import JitterBuffer
from media.keys import Keys
from media.levels import Levels
from media.playing import Playing, Shelf
from media.pool import Pool
from media.receive import Receiver
from media.recorders import Writer
from media.relay import Relay
from media.reports import Reports
from media.rows import Rows
from media.sending import Sender
from media.srtp import SecureSweep
from media.streams import Table
from media.sweep import Sweep
from media.talk import Talk
from media.taping import Taping

ROOMS = 1 << 15


class Parts:
    """Everything a tick touches. `tell` takes events to the signalling side."""

    def __init__(
        self,
        table: Table,
        pool: Pool,
        sweep: Sweep,
        shelf: Shelf,
        counts: Counter[str],
        writer: Writer,
        tell: Callable[[Told], None],
        *,
        loudest_talkers: int,
    ) -> None:
        length = table.streams.length
        self.tell = tell
        self.table = table
        self.streams = table.streams
        self.counts = counts
        self.pool = pool
        self.sweep = sweep = SecureSweep(sweep, pool, self.streams, counts)
        self.rows = Rows(length)
        self.jitter = JitterBuffer(length, self.streams, pool.keep)
        self.receiver = Receiver(self.pool, sweep, self.rows, self.streams, self.jitter, self.counts)
        self.levels = Levels(length)
        self.casting = Casting(self.rows, ROOMS, loudest_talkers)
        self.playing = Playing(shelf, table.players)
        self.sender = Sender(self.rows, self.streams, sweep, counts)
        self.taping = Taping(self.rows, pool, writer, tell)
        self.gaps = Gaps(self.rows, self.streams, pool)
        self.relay = Relay(self.rows, pool, self.gaps, sweep.out)
        self.reports = Reports(self.rows, self.streams, self.receiver.sources, sweep, self.jitter, counts)
        self.keys = Keys(length, self.jitter, self.tell_stream)
        self.talk = Talk(self.rows, self.levels, self.jitter, tell, self.tell_stream)

    @property
    def are_idle(self) -> bool:
        """Nobody is there, nothing plays or is recorded."""
        return not (self.rows.legs or self.playing.shared or self.playing.private) and self.taping.is_idle

    def tell_stream(self, row: int, event: StreamEvent) -> None:
        self.tell(StreamTold(row, self.rows.legs[row].serial, event))  # type: ignore[arg-type]

    def tell_ended_players(self) -> None:
        for play in self.playing.take_ended():
            self.tell(PlayerEnded(play.player, play.serial))
