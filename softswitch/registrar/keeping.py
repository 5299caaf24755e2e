"""Bindings survive a restart: what changes in memory is written to the store a moment later, in batches.

No REGISTER waits for the disk and none asks it anything. What the store does not take stays in line and is written
with the next batch; a crash loses the last second, after which phones that came in it register again by themselves.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from softswitch.registrar.binding import Binding, place_of
from softswitch.registrar.edge import EdgeProxies
from softswitch.registrar.location import ENDS, Change, Location
from softswitch.sip import Peer, Transport
from softswitch.sip.grammar import legible
from softswitch.store import Row, Store
from softswitch.store.backlog import Backlog
from softswitch.store.columns import date_of, posix_s_of
from softswitch.store.tables.registrations import registrations

WRITES_EVERY_S, WRITES_ON_AFTER_S = 1.0, 0.1
"""The second where more waits than a batch takes."""
MOST_AT_ONCE = 500
"""What one batch takes is made in one step, while calls wait: a few milliseconds."""


class Keeping:
    """The way from `location` to the store, and back at the start."""

    def __init__(
        self,
        store: Store,
        location: Location,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
        edge: EdgeProxies | None = None,
    ) -> None:
        """`edge`: whose Path holds, which may be others than when it was kept; nobody's without it."""
        self._store, self._location, self._edge = store, location, edge or EdgeProxies()
        self._clock, self._wall_clock = clock, wall_clock
        self._changed = Backlog(store, registrations, self._rows_of, called="registrations", most_at_once=MOST_AT_ONCE)

    @property
    def written(self) -> int:
        """Rows so far."""
        return self._changed.written

    @property
    def waiting(self) -> int:
        """Bindings that the store does not know yet as they are."""
        return len(self._changed)

    def note(self, binding: Binding, change: Change) -> None:
        """Something has become of a binding."""
        if change is Change.REFRESHED or change is Change.ADDED or change in ENDS:
            self._changed.note(binding.sid, binding)

    async def restore(self) -> int:
        """Takes over what still holds; how many that were. Whose connection was a flow has to register again."""
        now, wall_now = self._clock(), self._wall_clock()
        for row in await self._store.read_behind(registrations):
            binding = _binding(row, now - wall_now, self._edge)
            if binding.expires_at > now and not (binding.is_outbound and binding.peer.is_reliable):
                self._location.restore(binding)
            if self._location.find(binding.sid) is None:
                binding.is_gone = True
                self._changed.note(binding.sid, binding)
        return len(self._location)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            has_more = len(self._changed) >= MOST_AT_ONCE and not self._changed.is_failing
            await asyncio.sleep(WRITES_ON_AFTER_S if has_more else WRITES_EVERY_S)
            await self.write()

    async def close(self) -> None:
        """Everything that waits."""
        await self._changed.write_all()

    async def write(self) -> bool:
        """One batch; whether the store took it."""
        return await self._changed.write()

    def _rows_of(self, bindings: Sequence[Binding]) -> list[Row | None]:
        shift_s = self._wall_clock() - self._clock()
        return [None if binding.is_gone else _row(binding, shift_s) for binding in bindings]


def _row(binding: Binding, shift_s: float) -> Row:
    """`shift_s`: what is to be added to a moment of ours to have the wall clock's."""
    peer = binding.peer
    return {
        "registration_sid": binding.sid,
        "username": binding.username,
        "contact": binding.uri,
        "shown": binding.shown,
        "q": binding.q,
        "instance": binding.instance,
        "reg_id": binding.reg_id,
        "transport": str(peer.transport),
        "host": peer.host,
        "port": peer.port,
        "local_port": peer.local_port,
        "uses_source": binding.uses_source,
        "path": list(binding.path),
        "call_id": legible(binding.call_id),
        "cseq": binding.cseq,
        "user_agent": binding.user_agent,
        "has_answered": binding.has_answered,
        "date_refreshed": date_of(binding.refreshed_at + shift_s),
        "date_expires": date_of(binding.expires_at + shift_s),
    }


def _binding(row: Row, shift_s: float, edge: EdgeProxies) -> Binding:
    """A connection does not outlive the program: such a phone is called by its URI, after others, or by nobody."""
    binding = Binding(row["registration_sid"], row["username"])
    binding.uri, binding.shown, binding.q = row["contact"], row["shown"], row["q"]
    binding.place = place_of(binding.target_uri)
    binding.instance, binding.reg_id = row["instance"], row["reg_id"]
    binding.peer = Peer(Transport(row["transport"]), row["host"], row["port"], row["local_port"])
    binding.uses_source = row["uses_source"] and not binding.peer.is_reliable
    binding.path = tuple(row["path"]) if edge.holds(row["host"]) else ()
    binding.is_down = binding.peer.is_reliable and not binding.path
    binding.call_id, binding.cseq = row["call_id"], row["cseq"]
    binding.user_agent, binding.has_answered = row["user_agent"], row["has_answered"]
    binding.refreshed_at = posix_s_of(row["date_refreshed"]) + shift_s
    binding.expires_at = posix_s_of(row["date_expires"]) + shift_s
    return binding
