"""What one end of a call heard, followed while it lasts: packets that came, packets that were due, sound and its level.

The caller feeds `look` every LOOK_EVERY_S; `so_far` says it all. Pure: time and figures are parameters. An end that
agreed to hear is owed a packet every 20 ms, from the answer to the hang-up.
"""

import math
from dataclasses import dataclass

from media import StreamStatistics

LOOK_EVERY_S = 0.1
PACKET_MS = 20
SILENT_FROM_S = 1.0
"""A stream without packets for so long has stopped; shorter is jitter, or the end of the call on its way."""
SOUND_FROM_DB = -50.0
"""Quieter is background."""
PAUSE_LOOKS = 5
"""So many quiet looks on end are a pause: longer than those between words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """`sound_share`: of the looks, how many found sound, `level_db` its level (None: no sound).

    `packets_missing`: due after the last one that came. `silent_since_s`: seconds after the answer from which on none
    came (None: they came to the end).
    """

    sound_share: float = 0.0
    level_db: float | None = None
    packets_missing: int = 0
    silent_since_s: float | None = None


NOTHING_HEARD = Heard()


class Hearing:
    """One call's ear, from the answer on."""

    def __init__(self, answered_at: float) -> None:
        self._answered_at = self._last_packet_at = answered_at
        self._packets_received = 0
        self._looks = self._looks_at_sound = self._quiet_looks = 0
        self._power = 0.0

    def look(self, now: float, statistics: StreamStatistics, *, is_held: bool = False) -> None:
        """The stream's figures at `now`; while it `is_held` no packet is due."""
        has_packets = statistics.packets_received > self._packets_received
        if has_packets or is_held:
            self._packets_received, self._last_packet_at = statistics.packets_received, now
        self._looks += 1
        self._quiet_looks += 1
        if has_packets and statistics.level_db > SOUND_FROM_DB:
            self._power += 10 ** (statistics.level_db / 10)
            self._looks_at_sound += 1
            self._quiet_looks = 0

    @property
    def has_begun(self) -> bool:
        """Whether there was any sound yet."""
        return self._looks_at_sound > 0

    @property
    def has_paused(self) -> bool:
        """Whether there was sound, and is none now."""
        return self.has_begun and self._quiet_looks >= PAUSE_LOOKS

    def so_far(self, now: float) -> Heard:
        """What was heard from the answer to `now`."""
        silent_s = now - self._last_packet_at
        has_stopped = silent_s >= SILENT_FROM_S
        return Heard(
            sound_share=self._looks_at_sound / self._looks if self._looks else 0.0,
            level_db=10 * math.log10(self._power / self._looks_at_sound) if self._looks_at_sound else None,
            packets_missing=round(1000 * silent_s / PACKET_MS) if has_stopped else 0,
            silent_since_s=self._last_packet_at - self._answered_at if has_stopped else None,
        )
