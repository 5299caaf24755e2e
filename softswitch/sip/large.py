"""Requests too large for a datagram go by TCP where that is there, and by UDP where it is not (RFC 3261 §18.1.1).

`Client` asks `way_now`; where nobody has tried TCP yet, the request waits for `seek`, a second at most, and the attempt
goes on without it. Who was not there is asked again after ten minutes, then after twice as long each time; no request
waits for that, so a far end that drops TCP in silence costs one large request one second.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.transport.transports import Transports

VIA_BYTES = 100  # what a Via adds to a request that was measured without one
PATIENCE_S = 1.0
FIRST_PAUSE_S = 600.0
LONGEST_PAUSE_S = 24 * 3600.0
REMEMBERED = 1000


class _Absence(NamedTuple):
    """Somebody was not there over TCP."""

    asked_again_at: float
    pause_s: float


class Large:
    """Which way a request goes to a target of UDP; `largest_bytes` 0 sends every request as a datagram."""

    def __init__(
        self,
        largest_bytes: int,
        transports: Transports,
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
        now: Callable[[], float],
    ) -> None:
        self._largest_bytes = largest_bytes
        self._transports = transports
        self._spawn, self._now = spawn, now
        self._absences: dict[Peer, _Absence] = {}

    def way_now(self, request: Request, target: Peer) -> Peer | None:
        """The target, over the transport that the request needs; None where that is still to be sought."""
        if target.transport is not Transport.UDP or not self._is_too_large(request):
            return target
        if not self._transports.is_open(Transport.TCP):
            return target
        tcp = _over_tcp(target)
        absence = self._absences.get(tcp)
        if absence is None:
            return tcp if self._transports.is_connected(tcp) else None
        if absence.asked_again_at <= self._now():
            self.note_absence(target)
            self._spawn(self._ask(tcp))
        return target

    async def seek(self, target: Peer) -> Peer:
        """Over TCP where a connection comes to stand while we wait, else as it is."""
        tcp = _over_tcp(target)
        await asyncio.wait([self._spawn(self._ask(tcp))], timeout=PATIENCE_S)
        if self._transports.is_connected(tcp):
            return tcp
        self.note_absence(target)
        return target

    def note_absence(self, target: Peer) -> None:
        """Large requests to this target go by UDP for a while."""
        tcp, now = _over_tcp(target), self._now()
        before = self._absences.get(tcp)
        if before is None or before.asked_again_at <= now:
            pause_s = FIRST_PAUSE_S if before is None else min(2 * before.pause_s, LONGEST_PAUSE_S)
            self._absences[tcp] = _Absence(now + pause_s, pause_s)
        if len(self._absences) > REMEMBERED:
            del self._absences[next(iter(self._absences))]

    async def _ask(self, tcp: Peer) -> None:
        if await self._transports.reach(tcp):
            self._absences.pop(tcp, None)

    def _is_too_large(self, request: Request) -> bool:
        return bool(self._largest_bytes) and len(request.encode()) + VIA_BYTES > self._largest_bytes


def _over_tcp(target: Peer) -> Peer:
    return target._replace(transport=Transport.TCP, local_port=0)
