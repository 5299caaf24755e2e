"""The bindings of one mediator over time: made and changed by clients, taken over from plan and store, ended.

`bindings` is the table that calls ask. Whatever changes here is noted for the store; one timer ends what is due.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from softswitch.endpoints.mediator.binding import FOR_EVER, Binding
from softswitch.endpoints.mediator.bindings import Bindings
from softswitch.endpoints.mediator.means import Means
from softswitch.plan import Did, MediatorEndpoint

FIXED = uuid.UUID("5f0b3a52-9a0e-4a39-9d0d-6d2f5b8c7e10")
"""Names of the plan's own bindings are made below this."""
EXPIRY_SLACK_S = 0.01
MICROSECOND_S = 1e-6
"""Dates are kept no finer."""


class Ledger:
    """Whoever wants a binding made, changed or gone asks here."""

    def __init__(self, account: MediatorEndpoint, means: Means) -> None:
        self.bindings = Bindings()
        self.bindings.on_ended = self._forget
        self._account = account
        self._means = means
        self._timer: asyncio.TimerHandle | None = None
        self._last_chosen = ""
        self._last_date = 0.0
        self._dids_of: tuple[Sequence[Did], list[str]] = (), []
        """The DIDs of a plan, and those among them that are ours."""
        self._take_over_fixed()

    def adopt(self, account: MediatorEndpoint) -> None:
        """The bindings of the plan are these from now on."""
        self._account = account
        self._dids_of = (), []
        self._take_over_fixed()

    def close(self) -> None:
        """Nothing ends any more: what is there is kept for the next start."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def now(self) -> float:
        """POSIX seconds: bindings outlive the program."""
        return self._means.wall_clock()

    def bind(self, wanted: Binding, dids: Sequence[str]) -> Binding | None:
        """A new binding; without a redirect number over the first of `dids` that is free. None: none is.

        Raises `Taken` where the redirect number already leads this caller somewhere.
        """
        wanted.created_at = self._next_date(wanted.created_at)
        if not wanted.redirect_did:
            free = self.bindings.free(self._in_turn(dids), wanted, self.now)
            if free is None:
                return None
            wanted.redirect_did = self._last_chosen = free
        self.bindings.add(wanted, self.now)
        self.note(wanted)
        self._set_timer()
        return wanted

    def rebind(self, binding: Binding, values: Mapping[str, Any]) -> None:
        """Raises `Taken`."""
        self.bindings.change(binding, values, self.now)
        self.note(binding)
        self._set_timer()

    def unbind(self, binding: Binding) -> None:
        self.bindings.remove(binding)
        self._forget(binding)

    def restore(self, bindings: Sequence[Binding]) -> None:
        """What the store has kept; what has ended since, or is the plan's and no more there, goes."""
        fixed = {binding.sid for binding in self.bindings}
        for binding in bindings:
            if binding.is_fixed and binding.sid in fixed:
                held = self.bindings.get(binding.sid, self.now)
                if held is not None:
                    held.last_caller, held.created_at = binding.last_caller, binding.created_at
            elif binding.is_fixed or binding.expires_at <= self.now or not self.bindings.restore(binding):
                self._forget(binding)
        for binding in self.bindings:
            if binding.is_fixed:
                self.note(binding)
        self._set_timer()

    async def settle(self) -> bool:
        """What has ended is gone, and everything else is in the store as it is here; or False: it does not take it."""
        self.bindings.expire(self.now)
        return await self._means.keeper().flush()

    def dids(self) -> list[str]:
        """The redirect numbers of this mediator, in the order of the plan."""
        dids = self._means.plan().numbers.dids
        if dids is not self._dids_of[0]:
            self._dids_of = dids, [did.phonenumber for did in dids if did.endpoint == self._account.name]
        return self._dids_of[1]

    def note(self, binding: Binding) -> None:
        """It is new, or has changed."""
        self._means.keeper().note(self._account.sid, binding)

    def _forget(self, binding: Binding) -> None:
        self._means.keeper().forget(binding)

    def _next_date(self, moment: float) -> float:
        """A microsecond later each time: lists have the order in which bindings were made, by any clock."""
        self._last_date = round(max(moment, self._last_date + MICROSECOND_S), 6)
        return self._last_date

    def _in_turn(self, dids: Sequence[str]) -> Sequence[str]:
        """Behind the one that was chosen last: a number that was given back rests for as long as there are others."""
        if self._last_chosen not in dids:
            return dids
        next_one = dids.index(self._last_chosen) + 1
        return [*dids[next_one:], *dids[:next_one]]

    def _take_over_fixed(self) -> None:
        """The bindings of the plan as they are there now."""
        wanted = {binding.sid: binding for binding in self._fixed()}
        for binding in [one for one in self.bindings if one.is_fixed]:
            kept = wanted.get(binding.sid)
            if kept is None or not kept.is_like(binding):
                self.unbind(binding)
        for sid, binding in wanted.items():
            if self.bindings.get(sid, self.now) is None:
                self.bindings.displace(binding)
                self.note(binding)

    def _fixed(self) -> list[Binding]:
        made = []
        for fixed in self._account.bindings:
            words = f"{self._account.sid or self._account.name} {fixed.redirect_did} {fixed.origination_did or ''}"
            values = fixed.model_dump()
            sid = str(uuid.uuid5(FIXED, words))
            made.append(Binding(sid, **values, maximum_ttl=FOR_EVER, created_at=self.now, is_fixed=True))
        return made

    def _set_timer(self) -> None:
        """One timer for all bindings: the next to end."""
        due_at = self.bindings.next_due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_at is not None:
            wait_s = max(0.0, due_at - self.now) + EXPIRY_SLACK_S
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._expire)

    def _expire(self) -> None:
        self.bindings.expire(self.now)
        self._set_timer()
