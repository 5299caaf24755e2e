"""The tick: what happens to all calls of this process, every 20 ms. One page.

    sweep     one packet of each row into the pool                                     receive, sweep
    receive   headers of all rows at once; keys, noise and oddities one by one         receive, rtp/source
    due       which frame each row plays now                                           jitter
    levels    how loud each is, from the encoded bytes                                 levels
    choose    the loudest talkers of every room                                        mixer
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
from media.mixer import Frames, decode, encode
from media.parts import Parts
from media.pool import FRAME_SAMPLES, NO_SLOT
from media.rows import LAWS

Rows = NDArray[np.intp]
NOBODY = np.zeros(0, np.int32), np.zeros((0, FRAME_SAMPLES), np.int32)


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

    def _levels(self, n: int, slots: NDArray[np.int32], present: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Of what each row plays now; most of it lies in the row's own slot."""
        words, flip = self._parts.pool.payload_words, self._parts.rows.flip
        levels = measure(words[:n], flip[:n])
        levels *= present.view(np.uint8)
        (kept,) = (slots >= self._parts.pool.rows).nonzero()
        if len(kept):
            levels[kept] = measure(words[slots[kept]], flip[:n][kept])
        return levels

    def _mix(self, n: int, missed_ticks: int) -> None:
        """What every row hears goes into `out`."""
        parts, frames = self._parts, self._frames
        frames.clear()
        parts.gaps.turn()
        slots = parts.jitter.due(n)
        present = slots != NO_SLOT
        levels = self._levels(n, slots, present)
        parts.streams.level[:n] = levels
        parts.levels.follow(n, levels, parts.gaps.pauses)
        self._listen_for_keys(n, slots, present)
        talkers = parts.mixer.choose(n, parts.rows.speaks, parts.levels.loudness, parts.levels.gate)
        music_rooms, music = parts.playing.room_music()
        heard = parts.mixer.frame_of_mix
        own: list[tuple[Rows, Rows]] = []
        spoken, sums = NOBODY
        if len(talkers) or len(music_rooms):
            spoken, sums, own = self._rooms(talkers, slots, music_rooms, music)
        else:
            parts.mixer.hush()
        hears = heard.take(parts.rows.hears_mix[:n], mode="clip")
        for rows, indices in own:
            hears[rows] = indices
        self._private_players(hears)
        if not parts.taping.is_idle:
            parts.taping.take(slots, spoken, sums, missed_ticks)
        frames.rows.take(hears, axis=0, out=parts.sweep.out[:n], mode="clip")
        if not parts.relay.is_idle:
            parts.counts["concealed_frames"] += parts.relay.carry(n, slots, hears)

    def _listen_for_keys(self, n: int, slots: NDArray[np.int32], present: NDArray[np.bool_]) -> None:
        """Tones of keys, in rows that have agreed on no telephone-events: those that are loud, or were interrupted."""
        parts, keys = self._parts, self._parts.keys
        if keys.listens_to_any:
            listens = keys.listens[:n]
            rows = np.flatnonzero(listens & present & (~parts.levels.quiet(n) | (keys.misses[:n] > 0)))
            if len(rows):
                keys.listen(rows, decode(parts.pool.payload[slots[rows]], parts.rows.receive_law[rows]))
            missing = np.flatnonzero(listens & ~present)
            if len(missing):
                keys.miss(missing)

    def _rooms(
        self, talkers: Rows, slots: NDArray[np.int32], music_rooms: NDArray[np.int32], music: NDArray[np.int16]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], list[tuple[Rows, Rows]]]:
        """Decodes, sums, encodes. Returns the spoken rooms, their sums, and rows that hear a frame of their own."""
        parts, frames = self._parts, self._frames
        samples = self._decode(talkers, slots[talkers])
        parts.talk.heard(talkers, samples)
        rooms = parts.rows.speaks[talkers]
        all_rooms, all_samples = rooms, samples
        if len(music_rooms):
            all_rooms = np.concatenate((rooms, music_rooms))
            order = np.argsort(all_rooms, kind="stable")
            all_rooms, all_samples = all_rooms[order], np.concatenate((samples, music))[order]
        spoken, sums = parts.mixer.mix(frames, all_rooms, all_samples)
        return spoken, sums, self._minus_self(talkers, rooms, samples, spoken, sums)

    def _minus_self(
        self,
        talkers: Rows,
        rooms: NDArray[np.int32],
        samples: NDArray[np.int16],
        spoken: NDArray[np.int32],
        sums: NDArray[np.int32],
    ) -> list[tuple[Rows, Rows]]:
        """A talker who hears the room that he speaks in gets its sum without himself."""
        parts = self._parts
        found = []
        hears_it = parts.rows.hears[talkers] == rooms
        laws = parts.rows.send_law[talkers]
        for law in range(LAWS):
            (his,) = (hears_it & (laws == law)).nonzero()
            if len(his):
                others = sums[np.searchsorted(spoken, rooms[his])] - samples[his]
                first = self._frames.add(encode(others, law))
                found.append((talkers[his], np.arange(first, first + len(others))))
        return found

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

    def _private_players(self, hears: Rows) -> None:
        parts = self._parts
        rows, shelf_frames = parts.playing.private_frames()
        if rows:
            first = self._frames.add(parts.playing.shelf[shelf_frames, parts.rows.send_law[rows]])
            hears[rows] = np.arange(first, first + len(rows))
        if parts.sender.dialing:
            for row, frame in parts.sender.dialing.tones():
                hears[row] = self._frames.add(frame[np.newaxis])
