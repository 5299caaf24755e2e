"""The sum of each room, and what its members hear as G.711: once a room and law, and once a talker.

Sums are 32-bit and leave through one table lookup that limits softly and encodes at once. All rooms are summed in one
pass; who is mixed, and who hears which frame, is the cast's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.cast import Cast
from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U, SILENCE_A, SILENCE_U
from media.pool import FRAME_SAMPLES, PAYLOAD_AT, ROW_BYTES
from media.rows import LAWS, U

KNEE = 24000  # sums beyond are bent towards full scale
REACH = 98304  # the largest sum the tables know; more is as loud as that


def _soft_limit() -> NDArray[np.int16]:
    """From a sum (index: sum + REACH) to a sample: unchanged to the knee, then ever flatter to full scale."""
    total = np.arange(-REACH, REACH, dtype=np.float64)
    beyond = np.maximum(np.abs(total) - KNEE, 0.0)
    room = 32767 - KNEE
    bent = np.minimum(np.abs(total), KNEE) + room * np.tanh(beyond / room)
    limited: NDArray[np.int16] = np.rint(np.sign(total) * bent).astype(np.int16)
    return limited


SOFT_LIMIT = _soft_limit()
SOFT_ENCODE = tuple(table[SOFT_LIMIT.view(np.uint16)] for table in (ENCODE_U, ENCODE_A))
DECODE = np.concatenate((DECODE_U, DECODE_A))
SILENCE = (SILENCE_U, SILENCE_A)
SILENT_SUMS = np.zeros((0, FRAME_SAMPLES), np.int32)


def decode(payload: NDArray[np.uint8], laws: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Payload bytes [k, 160] of law `laws[k]` each -> samples [k, 160]."""
    if not laws.any():
        return DECODE_U.take(payload, mode="clip")
    index = payload.astype(np.uint16)
    index += laws.astype(np.uint16)[:, np.newaxis] << np.uint16(8)
    return DECODE.take(index, mode="clip")


def limit(sums: NDArray[np.int32]) -> NDArray[np.int16]:
    """Sums -> samples."""
    return SOFT_LIMIT.take(sums + REACH, mode="clip")


def encode(sums: NDArray[np.int32], law: int) -> NDArray[np.uint8]:
    """Sums -> limited payload bytes."""
    return SOFT_ENCODE[law].take(sums + REACH, mode="clip")


class Frames:
    """The distinct encoded frames of one tick, as rows of the shape of a packet; row `law` is silence by that law."""

    def __init__(self) -> None:
        self.rows = np.zeros((256, ROW_BYTES), np.uint8)
        self.used = 0
        self.clear()
        for law in range(LAWS):
            self.rows[law, PAYLOAD_AT:] = SILENCE[law]

    def clear(self) -> None:
        self.used = LAWS

    def add(self, payloads: NDArray[np.uint8]) -> int:
        """Appends [k, 160] and returns the index of the first."""
        first, last = self.used, self.used + len(payloads)
        while last > len(self.rows):
            self.rows = np.concatenate((self.rows, np.zeros_like(self.rows)))
        self.rows[first:last, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES] = payloads
        self.used = last
        return first


def mix(frames: Frames, cast: Cast, voices: NDArray[np.int16]) -> NDArray[np.int32]:
    """The sum of each spoken room, [r, 160]; what its members hear goes into `frames`, in the order of the cast.

    `voices` are the samples of the cast's talkers and then of the music, [k, 160].
    """
    if not len(voices):
        return SILENT_SUMS
    in_order = voices if cast.order is None else voices[cast.order]
    sums: NDArray[np.int32] = np.add.reduceat(in_order, cast.starts, axis=0, dtype=np.int32)
    for law, rooms in cast.mixes:
        frames.add(encode(sums[rooms], law))
    for law, talkers, rooms in cast.own:
        frames.add(encode(sums[rooms] - voices[talkers], law))
    return sums


assert U == 0  # noqa: S101  silence of law l is frame l
