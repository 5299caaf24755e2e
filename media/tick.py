"""The tick: what happens to all calls of this process, every 20 ms. One page.

    sweep     one packet of each row into the pool                                     receive, sweep
    receive   headers of all rows at once; keys, noise and oddities one by one         receive, rtp/source
    due       which frame each row plays now                                           jitter
    levels    how loud each is, from the encoded bytes                                 levels
    cast      the loudest talkers of every room, and who hears what                    cast
    decode    those alone; what is missing is concealed                                codecs, gaps
    mix       sum of each room; encoded once for all who hear the same                 mixer
    relay     of two legs that only talk with each other, frame by frame               relay
    players   prompts and music, encoded long ago                                      playing
    send      one frame a row, header, away; a few reports                             sending, sweep, reports

Everything is an operation on columns. The only loops over rows are the two `map`s over sockets, and loops over the few
rows that do something unusual in this tick.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from media.levels import measure
from media.mixer import Frames, decode, mix
from media.parts import Parts
from media.pool import NO_SLOT

Rows = NDArray[np.intp]


class Tick:
    """Runs the parts in order. `took_ns` is the CPU time of the last receive, mix and send."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._frames = Frames()
        self.took_ns = (0, 0, 0)

    def run(self, missed_ticks: int) -> None:
        parts = self._parts
        began_at = time.process_time_ns()
        if missed_ticks:
            parts.jitter.miss(missed_ticks)
        parts.receiver.receive(missed_ticks)
        received_at = time.process_time_ns()
        self._mix(parts.rows.n, missed_ticks)
        parts.jitter.advance(parts.rows.n, parts.levels.quiet(parts.rows.n))
        parts.pool.turn()
        mixed_at = time.process_time_ns()
        parts.sender.send(missed_ticks)
        parts.reports.send_due()
        sent_at = time.process_time_ns()
        self.took_ns = (received_at - began_at, mixed_at - received_at, sent_at - mixed_at)

    def _mix(self, n: int, missed_ticks: int) -> None:
        """What every row hears goes into `out`."""
        parts, frames = self._parts, self._frames
        frames.clear()
        parts.gaps.turn()
        slots = parts.jitter.due(n)
        self._weigh(n, slots)
        music_rooms, music = parts.playing.room_music()
        cast = parts.casting.cast(n, parts.levels.loudness, parts.levels.gate, music_rooms)
        sums = mix(frames, cast, self._voices(cast.talkers, slots, music))
        hears = self._private_frames(cast.hears)
        if not parts.taping.is_idle:
            parts.taping.take(slots, cast.spoken, sums, missed_ticks)
        frames.rows.take(hears, axis=0, out=parts.sweep.out[:n], mode="clip")
        if not parts.relay.is_idle:
            parts.counts["concealed_frames"] += parts.relay.carry(n, slots, hears)

    def _weigh(self, n: int, slots: NDArray[np.int32]) -> None:
        """How loud each row is, and the keys that are tones in it."""
        parts = self._parts
        present = slots != NO_SLOT
        levels = self._levels(n, slots, present)
        parts.streams.level[:n] = levels
        parts.levels.follow(n, levels, parts.gaps.pauses)
        if parts.keys.listens_to_any:
            self._listen_for_keys(n, slots, present)

    def _levels(self, n: int, slots: NDArray[np.int32], present: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Of what each row plays now; most of it lies in the row's own slot."""
        words, flip = self._parts.pool.payload_words, self._parts.rows.flip
        levels = measure(words[:n], flip[:n])
        levels *= present.view(np.uint8)
        (kept,) = (slots >= self._parts.pool.rows).nonzero()
        if len(kept):
            levels[kept] = measure(words[slots[kept]], flip[:n][kept])
        return levels

    def _listen_for_keys(self, n: int, slots: NDArray[np.int32], present: NDArray[np.bool_]) -> None:
        """Of rows that have agreed on no telephone-events: those that are loud, or were interrupted."""
        parts, keys = self._parts, self._parts.keys
        listens = keys.listens[:n]
        rows = np.flatnonzero(listens & present & (~parts.levels.quiet(n) | (keys.misses[:n] > 0)))
        if len(rows):
            keys.listen(rows, decode(parts.pool.payload[slots[rows]], parts.rows.receive_law[rows]))
        missing = np.flatnonzero(listens & ~present)
        if len(missing):
            keys.miss(missing)

    def _voices(self, talkers: Rows, slots: NDArray[np.int32], music: NDArray[np.int16]) -> NDArray[np.int16]:
        """What the talkers say, and behind it what is played to rooms."""
        if not len(talkers):
            return music
        samples = self._decode(talkers, slots[talkers])
        self._parts.talk.heard(talkers, samples)
        return np.concatenate((samples, music)) if len(music) else samples

    def _decode(self, rows: Rows, slots: NDArray[np.int32]) -> NDArray[np.int16]:
        """Samples of the rows' frames; concealed where none is due; with the members' gain."""
        parts = self._parts
        payloads = parts.pool.payload[slots]
        parts.gaps.remember(rows, payloads, slots)
        samples = decode(payloads, parts.rows.receive_law[rows])
        parts.counts["concealed_frames"] += parts.gaps.fill(rows, slots, samples)
        louder = parts.rows.has_gain[rows]
        if louder.any():
            scaled = samples[louder] * parts.rows.gain[rows[louder], np.newaxis]
            samples[louder] = np.clip(scaled, -32768, 32767)
        return samples

    def _private_frames(self, hears: Rows) -> Rows:
        """The frame that each row hears, be it a player's of its own or a key that it dials."""
        parts = self._parts
        rows, shelf_frames = parts.playing.private_frames()
        if not rows and not parts.sender.dialing:
            return hears
        hears = hears.copy()
        if rows:
            first = self._frames.add(parts.playing.shelf[shelf_frames, parts.rows.send_law[rows]])
            hears[rows] = np.arange(first, first + len(rows))
        for row, frame in parts.sender.dialing.tones() if parts.sender.dialing else ():
            hears[row] = self._frames.add(frame[np.newaxis])
        return hears
