"""Keys pressed at the far end: telephone-events of RFC 4733 become `DigitPressed`, one a press."""

from __future__ import annotations

from collections.abc import Callable

from media.dtmf.events import EventReceiver, Key
from media.events import DigitPressed
from media.jitter import JitterBuffer
from media.rtp.packet import Packet

TICK_S = 0.02


class Keys:
    """One receiver a row that has ever sent a telephone-event."""

    def __init__(self, jitter: JitterBuffer, tell_stream: Callable[[int, DigitPressed], None]) -> None:
        self._jitter, self._tell_stream = jitter, tell_stream
        self._receivers: dict[int, EventReceiver] = {}
        self._open: set[int] = set()

    def take(self, row: int, packet: Packet) -> None:
        receiver = self._receivers.setdefault(row, EventReceiver())
        keys = receiver.receive(packet.payload, packet.timestamp, packet.sequence, packet.marker, self._now)
        if receiver.is_open:
            self._open.add(row)
        self._tell(row, keys)

    def expire(self) -> None:
        """Once a tick: keys whose end was lost."""
        for row in tuple(self._open):
            receiver = self._receivers[row]
            self._tell(row, receiver.expire(self._now))
            if not receiver.is_open:
                self._open.discard(row)

    def forget(self, row: int) -> None:
        self._receivers.pop(row, None)
        self._open.discard(row)

    def _tell(self, row: int, keys: list[Key]) -> None:
        for key in keys:
            self._tell_stream(row, DigitPressed(key.digit, key.duration_ms, "rfc4733"))

    @property
    def _now(self) -> float:
        return self._jitter.tick * TICK_S
