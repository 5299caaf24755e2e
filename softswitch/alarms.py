"""What somebody should look at: toll fraud that was stopped, money that is nearly spent, trunks out of service, a
media process that had to be replaced.

Each alarm is an event, a line of the log and a count by kind; the last ones are kept for `/switch/v1/alarms`. The same
alarm again within a minute only counts: a flood of refused calls is one alarm that says how often.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from softswitch.call import Event, Events
from softswitch.logs import get_logger
from softswitch.plan import Trunk, TrunkGroup
from softswitch.routing import Alarm, TrunkService
from softswitch.sip.grammar import format_host_port

KEPT = 200
QUIET_S = 60.0
"""The same alarm is told again after so long."""


class AlarmRaised(Event, frozen=True):
    """Somebody should look at `subject`. `number` is the one called, where there is one."""

    alarm: str
    subject: str
    number: str
    why: str
    at: float


class TrunkMoved(Event, frozen=True):
    """A trunk went from one state to another at `at` (monotonic seconds): up and down by OPTIONS, in service, resting,
    probed and silent as a carrier of calls."""

    trunk_group: str
    trunk: str
    at: float
    before: str
    after: str
    why: str


@dataclass(slots=True)
class Kept:
    """One alarm as it is kept: the last time, and how often within the quiet time."""

    alarm: Alarm
    count: int
    told_at: float


class Alarms:
    """The alarms of a switch, latest last."""

    def __init__(self, events: Events, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        """By kind, since the start."""
        self._events, self._clock = events, clock
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._log = get_logger()

    def latest(self) -> list[Kept]:
        """Latest first."""
        return list(reversed(self._kept.values()))

    def on_alarm(self, alarm: Alarm) -> None:
        """Told by whoever saw it."""
        self.counts[alarm.kind] += 1
        key = alarm.kind, alarm.subject
        kept = self._kept.pop(key, None)
        if kept is not None and alarm.at - kept.told_at < QUIET_S:
            kept.alarm, kept.count = alarm, kept.count + 1
            self._kept[key] = kept
            return
        self._kept[key] = Kept(alarm, 1, alarm.at)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._tell(alarm)

    def on_media(self, why: str) -> None:
        """Another media process has taken over; whatever ended the one before can end it too."""
        self.on_alarm(Alarm("media", "media process", "", why, self._clock()))

    def on_trunk(
        self, group: TrunkGroup, trunk: Trunk, before: TrunkService, after: TrunkService, why: str, at: float
    ) -> None:
        """A trunk goes out of service, or comes back: told by who counts its failures."""
        if self._events:
            self._events.publish(TrunkMoved(group.name, trunk.name, at, before, after, why))
        name = f"trunk {group.name}/{trunk.name}"
        if after in (TrunkService.RESTING, TrunkService.SILENT) and before is TrunkService.IN_SERVICE:
            place = f" ({format_host_port(trunk.address, trunk.port)})" if trunk.address else ""
            self.on_alarm(Alarm("trunk", name, "", why + place, at))
        elif after is TrunkService.IN_SERVICE:
            self._log.info("trunk in service", trunk=name, why=why)

    def _tell(self, alarm: Alarm) -> None:
        number = {"number": alarm.number} if alarm.number else {}
        self._log.warning("alarm", alarm=alarm.kind, subject=alarm.subject, **number, why=alarm.why)
        if self._events:
            self._events.publish(AlarmRaised(alarm.kind, alarm.subject, alarm.number, alarm.why, alarm.at))
