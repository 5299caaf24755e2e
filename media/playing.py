"""Players at work: which frame of the shelf each plays in this tick.

The shelf is memory shared with the signalling process, which decodes sources into it: frames of 20 ms in both laws. A
player is a list of segments (first frame, frames) of it and a position, and the position lies in shared memory, so a
new worker goes on where the old one was. Players of one stream are heard in place of its room; a room's are mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import DECODE_U
from media.commands import Play
from media.pool import FRAME_SAMPLES
from media.rows import LAWS, U
from media.streams import PlayerColumns

SILENCE_FRAME = 0  # of the shelf
SILENT = -1  # as the first frame of a segment

NOTHING = np.zeros((0, FRAME_SAMPLES), np.int16)

Shelf = NDArray[np.uint8]  # [frames, LAWS, 160]


def shelf_view(memory: memoryview) -> Shelf:
    """The shelf as an array, over its shared memory."""
    return np.frombuffer(memory, np.uint8).reshape(-1, LAWS, FRAME_SAMPLES)


@dataclass(slots=True)
class _Playing:
    play: Play
    segment: int
    frame: int  # of the shelf
    step: int  # 0 stays on the silent frame
    left: int  # frames of this segment


class Playing:
    """All players. They are walked one by one; what they play is copied for all at once."""

    def __init__(self, shelf: Shelf, positions: PlayerColumns) -> None:
        self.shelf = shelf
        self._positions = positions
        self.private: dict[int, _Playing] = {}
        self.shared: dict[int, _Playing] = {}
        self._ended: list[Play] = []

    def start(self, play: Play) -> None:
        """Begins, or goes on where its shared position says."""
        number = play.player
        segment = int(self._positions.segment[number]) % max(len(play.segments), 1)
        playing = _Playing(play, segment, 0, 0, 0)
        self._enter(playing, segment)
        played = min(int(self._positions.played_frames[number]), playing.left)
        playing.frame += played * playing.step
        playing.left -= played
        (self.shared if play.room else self.private)[number] = playing

    def stop(self, number: int) -> None:
        self.private.pop(number, None)
        self.shared.pop(number, None)

    def private_frames(self) -> tuple[list[int], list[int]]:
        """The rows that hear a player of their own, and the frames of the shelf that each hears now."""
        if not self.private:
            return [], []
        now = self._advance(self.private)
        return [play.row for play, _ in now], [frame for _, frame in now]

    def room_music(self) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
        """The rooms [k] in which something is played, and its samples [k, 160]."""
        now = self._advance(self.shared) if self.shared else []
        rooms = np.array([play.room for play, _ in now], np.int32)
        return rooms, DECODE_U.take(self.shelf[[frame for _, frame in now], U]) if now else NOTHING

    def take_ended(self) -> list[Play]:
        """What has come to its end since the last call, and is gone."""
        ended, self._ended = self._ended, []
        for play in ended:
            self.stop(play.player)
        return ended

    def _advance(self, players: dict[int, _Playing]) -> list[tuple[Play, int]]:
        """What each plays now; then each is on its next frame."""
        now = []
        played_frames = self._positions.played_frames
        for number, playing in players.items():
            while playing.left <= 0 and self._next_segment(playing):
                pass
            if playing.left <= 0:
                self._ended.append(playing.play)
                continue
            now.append((playing.play, playing.frame))
            playing.frame += playing.step
            playing.left -= 1
            played_frames[number] += 1
        return now

    def _next_segment(self, playing: _Playing) -> bool:
        """False at the end."""
        segments = playing.play.segments
        following = playing.segment + 1
        if following >= len(segments):
            if not playing.play.repeat or not any(frames for _, frames in segments):
                return False
            following = 0
        self._positions.segment[playing.play.player] = following
        self._positions.played_frames[playing.play.player] = 0
        self._enter(playing, following)
        return True

    def _enter(self, playing: _Playing, segment: int) -> None:
        playing.segment = segment
        if not playing.play.segments:
            return
        first, playing.left = playing.play.segments[segment]
        playing.step = 0 if first == SILENT else 1
        playing.frame = SILENCE_FRAME if first == SILENT else first
