"""The audio bridge: does what commands say, and runs the tick. The worker process drives it, or a test's loop."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from media import commands
from media.events import DigitsSent, RtpResumed, RtpSilent, SourceLatched, StreamFailed
from media.levels import GATE, PASSES_ALL
from media.parts import Parts
from media.pool import FRAME_SAMPLES
from media.rows import NOBODY, NOWHERE
from media.streams import COUNTERS
from media.sweep import Address
from media.tick import Tick

TICK_S = 0.02
SILENCE_REVIEW_TICKS = 5
SILENCE_TURNS = 10  # so a row's silence is looked at once a second
FOLLOWED_SILENT_TICKS = 50  # after so long without a packet a row is watched instead of read every tick
FLUSH_COUNTS_TICKS = 10
FAILURES_TOLD_EVERY_TICKS = 500
NOWHERE_ELSE = frozenset({NOWHERE})
TICK_CLASSES = (1, 2, 5, 10, 20)  # ms


class Bridge:
    """All calls of one media process."""

    def __init__(self, start: commands.Start, parts: Parts) -> None:
        self.parts = parts
        self.is_stopped = False
        self._tick = Tick(parts)
        self._silence_ticks = int(start.silence_timeout_s / TICK_S)
        self._silent: set[int] = set()
        self._ticks = self._untold_failures = self._next_failure_told = 0
        self._members: dict[int, set[int]] = {}  # of each room, the rows that speak or hear in it
        parts.receiver.on_latched = self._latched
        parts.receiver.on_comfort_noise = parts.gaps.pause
        parts.receiver.on_report = parts.reports.receive
        parts.receiver.on_key = parts.keys.take
        parts.sender.on_dialled = lambda row: parts.tell_stream(row, DigitsSent())
        self._ways: dict[type[Any], Callable[[Any], None]] = {
            commands.Agree: self._agree,
            commands.Place: self._place,
            commands.Close: self._close,
            commands.Play: parts.playing.start,
            commands.StopPlaying: lambda command: parts.playing.stop(command.player),
            commands.Dial: self._dial,
            commands.Record: parts.taping.start,
            commands.StopRecording: parts.taping.stop,
            commands.CloseRoom: lambda command: parts.talk.forget_room(command.room),
            commands.Stop: self._stop,
        }

    # --- commands

    def obey(self, batch: Sequence[commands.Command], ports: Sequence[Any]) -> None:
        """Each `Open` takes the next two ports: RTP and RTCP.

        A command that raises is a bug of ours like a tick that does. It is given up, or it would end this process, and
        as part of the replay each of its successors. Of one that ends it all the same the table still has the row.
        """
        taken, obeyed = iter(ports), self.parts.table.clock.obeyed
        for command in batch:
            obeyed[0] = getattr(command, "row", NOBODY) + 1
            try:
                if isinstance(command, commands.Open):
                    self._open(command, next(taken), next(taken))
                else:
                    self._ways[type(command)](command)
            except Exception:  # noqa: BLE001  the same place as the tick's: what happens between two of them
                self._failed()
                self._give_up(command)
        obeyed[0] = 0

    def _give_up(self, command: commands.Command) -> None:
        """Whoever waits for it waits no longer, and a leg that lacks it ends."""
        legs, tell = self.parts.rows.legs, self.parts.tell
        if isinstance(command, commands.Play):
            tell(commands.PlayerEnded(command.player, command.serial))
        elif isinstance(command, commands.Record):
            tell(commands.RecordingEnded(command.recorder, "the media process failed"))
        elif isinstance(command, commands.Open):
            tell(commands.StreamTold(command.row, command.serial, StreamFailed()))
        elif isinstance(command, commands.Agree | commands.Place | commands.Dial) and command.row in legs:
            self.parts.tell_stream(command.row, StreamFailed())

    def _open(self, command: commands.Open, rtp: Any, rtcp: Any) -> None:
        row, parts = command.row, self.parts
        parts.rows.open(row, command.serial)
        parts.levels.clear(row)
        parts.jitter.restart(row)
        parts.receiver.sources.expect_nothing(row)
        parts.sweep.open(row, rtp, rtcp)

    def _agree(self, command: commands.Agree) -> None:
        row, parts = command.row, self.parts
        if row not in parts.rows.legs:
            return
        self._count_listener(row, -1)
        parts.rows.agree(command)
        parts.receiver.sources.expect_nothing(row)
        self._count_listener(row, +1)
        parts.sweep.secure(row, command.srtp)
        target = (command.host, command.port) if command.host else None
        beside = None if command.rtcp_mux or target is None else (command.rtcp_host, command.rtcp_port)
        parts.sweep.aim(row, target, beside)
        locked = parts.sweep.locked_source(row)
        if locked is None or (command.relatch and target is not None and locked[:2] != target):
            parts.sweep.unlock(row)
            parts.receiver.expect_source(row, command.host, command.port)
        parts.rows.heard_at_tick[row] = parts.jitter.tick
        parts.sender.configure(row)
        parts.reports.start(row)
        parts.keys.set_listening(row, command.inband_digits and command.receives)

    def _place(self, command: commands.Place) -> None:
        row, parts = command.row, self.parts
        if row not in parts.rows.legs:
            return
        self._count_listener(row, -1)
        before = self._rooms_of(row)
        parts.rows.place(command)
        parts.relay.hear(row, command.relays if command.relays in parts.rows.legs else NOBODY)
        self._count_listener(row, +1)
        after = self._rooms_of(row)
        for room in before - after:
            self._members[room].discard(row)
        for room in after - before:
            self._members.setdefault(room, set()).add(row)
        for room in before | after:
            self._set_gates(room)

    def _close(self, command: commands.Close) -> None:
        row, parts = command.row, self.parts
        if row not in parts.rows.legs:
            return
        if self._rooms_of(row):
            self._place(commands.Place(row, 0, 0, 0.0))
        parts.relay.forget(row)
        parts.reports.stop(row)
        parts.levels.clear(row)
        parts.gaps.forget(row)
        parts.receiver.close(row)
        parts.sender.close(row)
        parts.keys.forget(row)
        parts.sweep.close(row)
        parts.rows.close(row)
        self._silent.discard(row)

    def _dial(self, command: commands.Dial) -> None:
        if command.row in self.parts.rows.legs:
            self.parts.sender.dial(command)

    def _stop(self, _command: commands.Stop) -> None:
        self.is_stopped = True
        self.parts.sweep.stop()
        self.parts.taping.finish()
        self.parts.taping.tell_ended(self.parts.counts)
        self.flush_counts()

    def _rooms_of(self, row: int) -> set[int]:
        rows = self.parts.rows
        return {rows.hears.item(row), rows.speaks.item(row)} - NOWHERE_ELSE

    def _count_listener(self, row: int, by: int) -> None:
        if self.parts.rows.hears.item(row):
            self.parts.casting.listeners[self.parts.rows.hears_mix[row]] += by

    def _set_gates(self, room: int) -> None:
        """Two people hear all there is of each other; in company, only who is loud enough is mixed."""
        members = self._members[room]
        if len(members) <= 3:
            for row in members:
                self.parts.levels.gate[row] = PASSES_ALL if len(members) == 2 else GATE
        elif members:
            self.parts.levels.gate[list(members)] = GATE
        else:
            del self._members[room]

    def _latched(self, row: int, source: Address) -> None:
        self.parts.tell_stream(row, SourceLatched(str(source[0]), int(source[1])))

    # --- time

    def take_over(self, at: float) -> None:
        """The first tick will be `at`; had there been a worker before, its streams' clocks went on without it."""
        ticked_at = float(self.parts.table.clock.ticked_at[0])
        if ticked_at:
            missed_ticks = max(0, round((at - ticked_at) / TICK_S) - 1)
            self.parts.streams.out_timestamp += np.uint32(FRAME_SAMPLES * missed_ticks & 0xFFFFFFFF)

    def tick(self, missed_ticks: int = 0, *, is_late: bool = False) -> None:
        """One tick. What it raises is a bug of ours: counted, told, and the next tick goes on."""
        began_at = time.process_time_ns()
        self.parts.table.clock.ticked_at[0] = time.monotonic()
        self._ticks += 1
        try:
            if self.parts.are_idle:
                self.parts.jitter.tick += 1 + missed_ticks
                self._tick.took_ns = (0, 0, 0)
                self.parts.taping.tell_ended(self.parts.counts)
            else:
                self._tick.run(missed_ticks)
                self._after()
        except Exception:  # noqa: BLE001  one of the three places: per tick
            self._failed()
        self._count(time.process_time_ns() - began_at, missed_ticks, is_late)

    def _failed(self) -> None:
        """The first failure is told in full, after that at most one every few seconds, with how many there were."""
        self.parts.counts["failed_ticks"] += 1
        self._untold_failures += 1
        if self._ticks >= self._next_failure_told:
            text = f"{self._untold_failures} failed ticks; the last one:\n{traceback.format_exc()}"
            self.parts.tell(commands.Said("error", text))
            self._untold_failures = 0
            self._next_failure_told = self._ticks + FAILURES_TOLD_EVERY_TICKS

    def _after(self) -> None:
        parts = self.parts
        parts.talk.review()
        parts.keys.expire()
        parts.tell_ended_players()
        parts.taping.tell_ended(parts.counts)
        self._review_silence()

    def _review_silence(self) -> None:
        """Now and then, every row in its turn."""
        rows, tick = self.parts.rows, self.parts.jitter.tick
        if tick % SILENCE_REVIEW_TICKS:
            return
        turn = slice(tick // SILENCE_REVIEW_TICKS % SILENCE_TURNS, rows.n, SILENCE_TURNS)
        silent_ticks = tick - rows.heard_at_tick[turn]
        is_silent = rows.receives[turn] & (silent_ticks >= FOLLOWED_SILENT_TICKS)
        if is_silent.any():
            for place in np.flatnonzero(is_silent).tolist():
                self._is_silent(turn.start + SILENCE_TURNS * place, int(silent_ticks[place]))
        for row in [row for row in self._silent if row % SILENCE_TURNS == turn.start and rows.receives[row]]:
            if tick - int(rows.heard_at_tick[row]) < FOLLOWED_SILENT_TICKS:
                self._silent.discard(row)
                self.parts.tell_stream(row, RtpResumed())

    def _is_silent(self, row: int, silent_ticks: int) -> None:
        self.parts.sweep.watch(row)
        if silent_ticks >= self._silence_ticks and row not in self._silent:
            self._silent.add(row)
            self.parts.tell_stream(row, RtpSilent(silent_ticks * TICK_S))

    def _count(self, took_ns: int, missed_ticks: int, is_late: bool) -> None:
        counts = self.parts.counts
        counts["ticks"] += 1
        counts["skipped_ticks"] += missed_ticks
        counts["late_ticks"] += is_late
        counts["tick_ns"] += took_ns
        for name, part_ns in zip(("receive_ns", "mix_ns", "send_ns"), self._tick.took_ns, strict=True):
            counts[name] += part_ns
        counts[_tick_class(took_ns)] += 1
        if self.parts.jitter.tick % FLUSH_COUNTS_TICKS == 0:
            self.flush_counts()

    def flush_counts(self) -> None:
        """What was counted since the last time goes to shared memory."""
        counts, jitter = self.parts.counts, self.parts.jitter
        counts["frames_inserted"], counts["frames_skipped"] = jitter.inserted, jitter.skipped
        counts["late_packets"] += jitter.late
        jitter.inserted = jitter.skipped = jitter.late = 0
        for name, number in counts.items():
            if name in _KNOWN:
                self.parts.table.count(name, number)
        counts.clear()


def _tick_class(took_ns: int) -> str:
    for bound_ms in TICK_CLASSES:
        if took_ns < bound_ms * 1_000_000:
            return f"tick_below_{bound_ms}_ms"
    return f"tick_above_{TICK_CLASSES[-1]}_ms"


_KNOWN = frozenset(COUNTERS)
