"""Wrong credentials make their source slow: whoever tries again has to wait, longer each time.

The tries of one source stand in one line, so trying many at once gains nothing; who would have to wait longer than
`PATIENCE_S` is sent away. Right credentials that are known by heart never come here. Pure: time comes in as `now`
(monotonic seconds). Memory is bounded: the source that failed longest ago is forgotten first.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

FREE_FAILURES = 3
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 8.0
PATIENCE_S = 10.0
FORGOTTEN_AFTER_S = 300.0
SOURCES = 4096


class TooManyTriesError(Exception):
    """The source has so many tries in line that this one is not even waited for."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Source:
    failures: int
    turn_at: float
    failed_at: float


class Pacing:
    """Who has failed lately, and how long it waits now."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def wait_s(self, host: str, now: float) -> float:
        """Seconds until the next try of `host` may be looked at; takes that turn. Raises `TooManyTriesError`."""
        source = self._known(_source_of(host), now)
        if source is None or source.failures < FREE_FAILURES:
            return 0.0
        wait_s = max(0.0, source.turn_at - now)
        if wait_s > PATIENCE_S:
            raise TooManyTriesError(wait_s)
        step_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (min(source.failures, 16) - FREE_FAILURES))
        source.turn_at = now + wait_s + step_s
        return wait_s

    def failed(self, host: str, now: float) -> None:
        name = _source_of(host)
        source = self._known(name, now) or _Source(0, now, now)
        source.failures += 1
        source.failed_at = now
        if source.failures == FREE_FAILURES:
            source.turn_at = now + FIRST_WAIT_S
        self._sources[name] = source
        self._sources.move_to_end(name)
        if len(self._sources) > SOURCES:
            self._sources.popitem(last=False)

    def _known(self, name: str, now: float) -> _Source | None:
        source = self._sources.get(name)
        if source is not None and now - source.failed_at > FORGOTTEN_AFTER_S:
            del self._sources[name]
            return None
        return source


def _source_of(host: str) -> str:
    """An IPv4 address, or the /64 that one owner of IPv6 addresses has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
