"""Digits on their way to the far end: telephone-events (RFC 4733) where agreed, tones in the audio otherwise.

Both are planned when the digits are given, then happen tick by tick. A comma is a pause of a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import ENCODE_A, ENCODE_U
from media.commands import Dial
from media.dtmf import DIGITS
from media.dtmf.events import EventPacket, plan, plan_ticks
from media.dtmf.tones import press

TICK_MS = 20
PAUSE = ","
PAUSE_TICKS = 50

Frames = NDArray[np.uint8]


@dataclass(slots=True)
class _Press:
    """What one piece of the digits does for `ticks` ticks: event packets by their tick, or frames, or nothing."""

    ticks: int
    packets: dict[int, EventPacket]
    frames: Frames | None = None


class Dialing:
    """The rows that are dialling."""

    def __init__(self) -> None:
        self._presses: dict[int, deque[_Press]] = {}
        self._tick: dict[int, int] = {}
        self._timestamp: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._presses)

    def __contains__(self, row: int) -> bool:
        return row in self._presses

    def rows(self) -> list[int]:
        return list(self._presses)

    def start(self, command: Dial, *, as_events: bool, law: int) -> None:
        """Behind what is still being dialled. Digits that no telephone has are left out."""
        presses = self._presses.setdefault(command.row, deque())
        self._tick.setdefault(command.row, 0)
        for digit in command.digits.upper():
            if digit == PAUSE:
                presses.append(_Press(PAUSE_TICKS, {}))
            elif digit in DIGITS:
                presses.append(_events(digit, command) if as_events else _tones(digit, command, law))
        if not presses:
            self.stop(command.row)

    def stop(self, row: int) -> None:
        self._presses.pop(row, None)
        self._tick.pop(row, None)
        self._timestamp.pop(row, None)

    def tones(self) -> Iterator[tuple[int, Frames]]:
        """The rows that hear a key's tone in this tick instead of anything else, and its frame."""
        for row, presses in self._presses.items():
            frames, tick = presses[0].frames, self._tick[row]
            if frames is not None and tick < len(frames):
                yield row, frames[tick]

    def packet(self, row: int, timestamp: int) -> tuple[EventPacket, int] | None:
        """The event that the row sends instead of audio, and its timestamp, given that of this tick's audio."""
        press = self._presses[row][0]
        tick = self._tick[row]
        if tick == 0:
            self._timestamp[row] = timestamp
        packet = press.packets.get(tick)
        return None if packet is None else (packet, self._timestamp[row])

    def advance(self) -> list[int]:
        """On to the next tick; returns the rows that have sent everything."""
        finished = []
        for row, presses in self._presses.items():
            self._tick[row] += 1
            if self._tick[row] >= presses[0].ticks:
                presses.popleft()
                self._tick[row] = 0
                if not presses:
                    finished.append(row)
        for row in finished:
            self.stop(row)
        return finished


def _events(digit: str, command: Dial) -> _Press:
    packets = plan(digit, duration_ms=command.duration_ms, gap_ms=command.gap_ms)
    ticks = plan_ticks(digit, duration_ms=command.duration_ms, gap_ms=command.gap_ms)
    return _Press(ticks, {packet.tick: packet for packet in packets})


def _tones(digit: str, command: Dial, law: int) -> _Press:
    samples = press(digit, duration_ms=command.duration_ms, gap_ms=command.gap_ms)
    frames = (ENCODE_U, ENCODE_A)[law].take(samples.view(np.uint16))
    return _Press(len(frames), {}, frames)
