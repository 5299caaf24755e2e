"""Packet loss concealment in the manner of ITU-T G.711 Appendix I, for the few rows that miss a frame in this tick.

A lost frame is replaced by the last pitch period of what was heard, repeated without a seam; two periods after 10 ms
and three after 20 ms, so that it does not buzz; fading by a fifth every 10 ms to silence at 60 ms. When sound returns
it is blended in, the longer the longer the gap was. The Appendix delays all sound by 3.75 ms in order to blend into the
gap as well; here nothing is delayed: the step at the seam, which is small after a whole period, is faded out instead.

A row costs nothing while its packets come: its history is asked for (`recall`) when a loss begins.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Frames = NDArray[np.int16]

FRAME_SAMPLES = 160
BLOCK_SAMPLES = 80  # the Appendix works in blocks of 10 ms
SILENT_BLOCKS = 6  # from 60 ms on there is nothing left

SHORTEST_PITCH = 40  # 200 Hz
LONGEST_PITCH = 120  # 66 Hz
COMPARED_SAMPLES = 160
OVERLAP_MAX = LONGEST_PITCH // 4
BUFFER_SAMPLES = 3 * LONGEST_PITCH + OVERLAP_MAX
HISTORY_SAMPLES = 3 * FRAME_SAMPLES

FADE_PER_BLOCK = 0.2
BLEND_PER_BLOCK_SAMPLES = 32  # how much longer each lost block makes the blend back
POWER_FLOOR = 250.0  # below it there is no pitch to be found, only noise

_AHEAD = np.arange(BLOCK_SAMPLES)
_COARSE_LAGS = np.arange(SHORTEST_PITCH, LONGEST_PITCH + 1, 2, dtype=np.int32)
_BESIDE = np.array([-1, 0, 1], np.int32)


class Concealment:
    """The state of all rows. `recall(rows)` gives their last three good frames, int16 [n, 480], oldest first."""

    def __init__(self, rows: int, recall: Callable[[Rows], Frames]) -> None:
        self._recall = recall
        self.lost_blocks = np.zeros(rows, np.int32)  #: of 10 ms in the present gap; 0 where all is well
        self._buffer = np.zeros((rows, BUFFER_SAMPLES), np.float32)  # the end of the history, made to wrap smoothly
        self._tail = np.zeros((rows, OVERLAP_MAX), np.float32)  # its last samples as they were
        self._pitch = np.full(rows, SHORTEST_PITCH, np.int32)
        self._periods = np.ones(rows, np.int32)  # how many of them are repeated
        self._phase = np.zeros(rows, np.int32)  # where in them the next sample lies

    def conceal(self, rows: Rows) -> Frames:
        """A frame for each of these rows, int16 [n, 160], in place of the one that did not come."""
        begins = rows[self.lost_blocks[rows] == 0]
        if len(begins):
            self._begin(begins)
        frames = np.concatenate((self._next_block(rows), self._next_block(rows)), axis=1)
        return _clipped(frames)

    def good(self, rows: Rows, frames: Frames) -> None:
        """Sound has returned: blend it in (in place, where a row had lost something) and forget the gap."""
        index = np.flatnonzero(self.lost_blocks[rows])
        if len(index):
            gaps = rows[index]
            blended = frames[index].astype(np.float32)
            blended[:, :BLOCK_SAMPLES] = self._blend(gaps, blended[:, :BLOCK_SAMPLES])
            frames[index] = _clipped(blended)
            self.lost_blocks[gaps] = 0

    def reset(self, row: int) -> None:
        """Another stream lives in this row."""
        self.lost_blocks[row] = 0

    def _begin(self, rows: Rows) -> None:
        history = self._recall(rows).astype(np.float32)
        self._pitch[rows] = _pitch(history)
        self._buffer[rows] = history[:, -BUFFER_SAMPLES:]
        self._tail[rows] = history[:, -OVERLAP_MAX:]
        self._periods[rows] = 1
        self._phase[rows] = 0
        self._close_loop(rows)

    def _next_block(self, rows: Rows) -> NDArray[np.float32]:
        """10 ms more of every row: a period is added in the second and third block, and from the second on it fades."""
        lost = self.lost_blocks[rows]
        block = np.zeros((len(rows), BLOCK_SAMPLES), np.float32)
        grows = np.isin(lost, (1, 2))
        block[grows] = self._lengthened(rows[grows])
        goes_on = ~grows & (lost < SILENT_BLOCKS)
        block[goes_on] = self._repeated(rows[goes_on])
        begins = lost == 0
        block[begins] += self._step(rows[begins])
        block *= _fade(lost, BLOCK_SAMPLES)
        self.lost_blocks[rows] = lost + 1
        return block

    def _lengthened(self, rows: Rows) -> NDArray[np.float32]:
        """The next block with one more period in the loop, blended with the shorter loop that went before."""
        before = self._repeated(rows, advance=False)
        self._periods[rows] += 1
        self._phase[rows] %= self._pitch[rows]
        self._close_loop(rows)
        after = self._repeated(rows)
        share = np.minimum(1.0, (_AHEAD + 1) / self._overlap(rows)[:, None])
        mixed: NDArray[np.float32] = (before * (1 - share) + after * share).astype(np.float32)
        return mixed

    def _repeated(self, rows: Rows, *, advance: bool = True) -> NDArray[np.float32]:
        """The next 10 ms of the loop, which is the last `periods` pitch periods of the buffer."""
        length = self._periods[rows] * self._pitch[rows]
        inside = (self._phase[rows, None] + _AHEAD) % length[:, None]
        block: NDArray[np.float32] = self._buffer[rows[:, None], BUFFER_SAMPLES - length[:, None] + inside]
        if advance:
            self._phase[rows] = (self._phase[rows] + BLOCK_SAMPLES) % length
        return block

    def _close_loop(self, rows: Rows) -> None:
        """Blend the end of the buffer into what lies before the loop's start, so that going round has no seam."""
        overlap = self._overlap(rows)[:, None]
        place = np.arange(OVERLAP_MAX)
        share = np.clip((place + 1 - OVERLAP_MAX + overlap) / overlap, 0, 1)
        length = (self._periods[rows] * self._pitch[rows])[:, None]
        before = self._buffer[rows[:, None], BUFFER_SAMPLES - OVERLAP_MAX - length + place]
        self._buffer[rows, -OVERLAP_MAX:] = self._tail[rows] * (1 - share) + before * share

    def _step(self, rows: Rows) -> NDArray[np.float32]:
        """What takes the first lost block from the last sample that was really heard to the loop: it fades out."""
        step = self._tail[rows, -1] - self._buffer[rows, -1]
        fade = np.maximum(0.0, 1 - (_AHEAD + 1) / self._overlap(rows)[:, None])
        faded: NDArray[np.float32] = (step[:, None] * fade).astype(np.float32)
        return faded

    def _blend(self, rows: Rows, returned: NDArray[np.float32]) -> NDArray[np.float32]:
        lost = self.lost_blocks[rows]
        length = np.minimum(BLOCK_SAMPLES, self._overlap(rows) + (lost - 1) * BLEND_PER_BLOCK_SAMPLES)
        share = np.minimum(1.0, (_AHEAD + 1) / length[:, None])
        held = self._repeated(rows) * _fade(lost, BLOCK_SAMPLES)
        blended: NDArray[np.float32] = (held * (1 - share) + returned * share).astype(np.float32)
        return blended

    def _overlap(self, rows: Rows) -> NDArray[np.int32]:
        """A quarter of the pitch period."""
        overlap: NDArray[np.int32] = self._pitch[rows] // 4
        return overlap


def _fade(lost_blocks: NDArray[np.int32], samples: int) -> NDArray[np.float32]:
    """The gain within the next block: 1 in the first, then linearly down to nothing."""
    start = 1 - FADE_PER_BLOCK * (lost_blocks[:, None] - 1)
    slope = np.arange(samples) * (FADE_PER_BLOCK / samples)
    gain = np.where(lost_blocks[:, None] == 0, 1.0, start - slope)
    return np.clip(gain, 0.0, 1.0).astype(np.float32)


def _pitch(history: NDArray[np.float32]) -> NDArray[np.int32]:
    """The lag at which the last 20 ms most resemble what came before: first among every other lag, then beside it."""
    coarse = np.broadcast_to(_COARSE_LAGS, (len(history), len(_COARSE_LAGS)))
    near = _best(history, coarse, 2)[:, None] + _BESIDE
    return _best(history, np.clip(near, SHORTEST_PITCH, LONGEST_PITCH), 1)


def _best(history: NDArray[np.float32], lags: NDArray[np.int32], step: int) -> NDArray[np.int32]:
    """Of the `lags` [n, some] of each row, the one with the highest normalised cross-correlation, [n]."""
    recent = history[:, -COMPARED_SAMPLES::step]
    start = history.shape[1] - COMPARED_SAMPLES - lags
    row = np.arange(len(history))[:, None, None]
    earlier = history[row, start[:, :, None] + np.arange(0, COMPARED_SAMPLES, step)]
    likeness = np.einsum("nls,ns->nl", earlier, recent)
    likeness /= np.sqrt(np.maximum(np.einsum("nls,nls->nl", earlier, earlier), POWER_FLOOR))
    best: NDArray[np.int32] = lags[np.arange(len(lags)), np.argmax(likeness, axis=1)]
    return best


def _clipped(frames: NDArray[np.float32]) -> Frames:
    return np.clip(np.rint(frames), -32768, 32767).astype(np.int16)
