"""Keys pressed at the far end become `DigitPressed`, one a press.

As telephone-events (RFC 4733) where they were agreed; otherwise as tones, which are listened for in those rows only.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.dtmf.events import EventReceiver, Key
from media.dtmf.tones import HeardKey, ToneDetector
from media.events import DigitPressed
from media.jitter import JitterBuffer
from media.rtp.packet import Packet

TICK_S = 0.02


class Keys:
    """One receiver a row that has ever sent a telephone-event, and the source (SSRC) whose keys it reads.

    Some gateways send keys under an SSRC of their own while audio goes on under another: what counts is whose keys the
    last ones were.
    """

    def __init__(self, rows: int, jitter: JitterBuffer, tell_stream: Callable[[int, DigitPressed], None]) -> None:
        self._jitter, self._tell_stream = jitter, tell_stream
        self._receivers: dict[int, EventReceiver] = {}
        self._ssrc: dict[int, int] = {}
        self._open: set[int] = set()
        self.listens = np.zeros(rows, np.bool_)  # to the tones of a row
        self.listens_to_any = False
        self._detector = ToneDetector(rows)

    def take(self, row: int, packet: Packet) -> None:
        receiver = self._receivers.setdefault(row, EventReceiver())
        if self._ssrc.get(row) != packet.ssrc:
            self._change_source(row, receiver, packet.ssrc)
        keys = receiver.receive(packet.payload, packet.timestamp, packet.sequence, packet.marker, self._now)
        if receiver.is_open:
            self._open.add(row)
        self._tell(row, keys)

    def _change_source(self, row: int, receiver: EventReceiver, ssrc: int) -> None:
        """What the one before had down is over: its end will not come any more."""
        self._ssrc[row] = ssrc
        self._tell(row, receiver.expire(math.inf))
        receiver.reset()

    def set_listening(self, row: int, listens: bool) -> None:
        """Whether the row's keys come as tones."""
        if listens == self.listens[row]:
            return
        if listens:
            self._detector.reset(row)
        self.listens[row] = listens
        self.listens_to_any = bool(self.listens.any())

    def listen(self, rows: NDArray[np.intp], frames: NDArray[np.int16]) -> None:
        """One frame [160] of each row."""
        self._tell_tones(self._detector.detect(rows, frames))

    def miss(self, rows: NDArray[np.intp]) -> None:
        """Rows whose frame has not come."""
        self._tell_tones(self._detector.miss(rows))

    @property
    def misses(self) -> NDArray[np.int8]:
        """How many frames are missing of each row, up to now."""
        return self._detector.gap

    def expire(self) -> None:
        """Once a tick: keys whose end was lost."""
        for row in tuple(self._open):
            receiver = self._receivers[row]
            self._tell(row, receiver.expire(self._now))
            if not receiver.is_open:
                self._open.discard(row)

    def forget(self, row: int) -> None:
        self._receivers.pop(row, None)
        self._ssrc.pop(row, None)
        self._open.discard(row)
        self.set_listening(row, False)

    def _tell_tones(self, keys: list[HeardKey]) -> None:
        for key in keys:
            self._tell_stream(key.row, DigitPressed(key.digit, key.duration_ms, "inband"))

    def _tell(self, row: int, keys: list[Key]) -> None:
        for key in keys:
            self._tell_stream(row, DigitPressed(key.digit, key.duration_ms, "rfc4733"))

    @property
    def _now(self) -> float:
        return self._jitter.tick * TICK_S
