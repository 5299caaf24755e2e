"""Bindings and dialouts survive a restart: what changes in memory is written to the store in batches.

No call waits for the disk. A client's change waits until it is written, together with all others that wait, so that
what was answered is there after a crash; what a call changes (who called last) follows within a second.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from softswitch.endpoints.mediator.binding import Binding
from softswitch.endpoints.mediator.dialout import Dialout, DialoutState
from softswitch.store.backlog import Backlog
from softswitch.store.columns import date_of, posix_s_of
from softswitch.store.tables.mediator import mediator_bindings, mediator_dialouts

if TYPE_CHECKING:
    from sqlalchemy import Table

    from softswitch.store import Row, Store

WRITES_EVERY_S = 1.0
MOST_AT_ONCE = 500
"""Rows in one transaction: some 20 ms of the loop's time."""
BINDINGS, DIALOUTS = mediator_bindings, mediator_dialouts


class Keeping:
    """The way from the mediators to the store. One for all of them."""

    def __init__(self, store: "Store", owners: Callable[[], Collection[str]]) -> None:
        """`owners`: the sids of the endpoints there are, without which their rows have no place."""
        self._store = store
        self._owners = owners
        self._bindings = self._backlog(BINDINGS, "bindings")
        self._dialouts = self._backlog(DIALOUTS, "dialouts")
        self._is_writing = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None

    @property
    def written(self) -> int:
        """Rows so far."""
        return self._bindings.written + self._dialouts.written

    @property
    def waiting(self) -> int:
        """Rows that the store does not know yet as they are."""
        return len(self._bindings) + len(self._dialouts)

    def note(self, endpoint_sid: str, thing: Binding | Dialout) -> None:
        """It is new, or has changed."""
        if endpoint_sid:
            row = binding_row(endpoint_sid, thing) if isinstance(thing, Binding) else dialout_row(endpoint_sid, thing)
            self._backlog_of(thing).note(thing.sid, row)

    def forget(self, thing: Binding | Dialout) -> None:
        """It is no more."""
        self._backlog_of(thing).note(thing.sid, None)

    async def flush(self) -> bool:
        """Everything noted so far is in the store; whether it took it."""
        async with self._is_writing:
            return all([await backlog.write_all() for backlog in (self._bindings, self._dialouts)])

    def start(self) -> None:
        """From now on what calls change is written too, until `close`."""
        self._writing = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Writes what is not written yet."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})
        await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(WRITES_EVERY_S)
            if self.waiting:
                await self.flush()

    async def restore(self) -> tuple[list[tuple[str, Binding]], list[tuple[str, Dialout]]]:
        """All that the store has, each with the sid of its endpoint."""
        bindings = await self._store.read_behind(BINDINGS)
        dialouts = await self._store.read_behind(DIALOUTS)
        return (
            [(row["endpoint_sid"], binding_of(row)) for row in bindings],
            [(row["endpoint_sid"], dialout_of(row)) for row in dialouts],
        )

    def _backlog(self, table: "Table", called: str) -> "Backlog[Row | None]":
        return Backlog(self._store, table, self._owned, called=called, most_at_once=MOST_AT_ONCE)

    def _backlog_of(self, thing: Binding | Dialout) -> "Backlog[Row | None]":
        return self._bindings if isinstance(thing, Binding) else self._dialouts

    def _owned(self, rows: "Sequence[Row | None]") -> "list[Row | None]":
        """The rows of an endpoint go with it: what is still to be written of them has no place any more."""
        owners = self._owners()
        return [row if row is not None and row["endpoint_sid"] in owners else None for row in rows]


def binding_row(endpoint_sid: str, binding: Binding) -> "Row":
    return {
        "binding_sid": binding.sid,
        "endpoint_sid": endpoint_sid,
        "name": binding.name,
        "redirect_did": binding.redirect_did,
        "destination_did": binding.destination_did,
        "origination_did": binding.origination_did,
        "last_caller": binding.last_caller,
        "dtmf": binding.dtmf,
        "maximum_ttl": binding.maximum_ttl,
        "wait_origination_did_ttl": binding.wait_origination_did_ttl,
        "attributes": dict(binding.attributes),
        "is_fixed": binding.is_fixed,
        "date_expires": date_of(binding.expires_at) if binding.is_mortal else None,
        "date_created": date_of(binding.created_at),
    }


def binding_of(row: "Row") -> Binding:
    return Binding(
        row["binding_sid"],
        row["redirect_did"],
        row["destination_did"],
        row["origination_did"],
        row["name"],
        row["dtmf"],
        row["maximum_ttl"],
        row["wait_origination_did_ttl"],
        row["attributes"],
        posix_s_of(row["date_created"]),
        row["last_caller"],
        row["is_fixed"],
    )


def dialout_row(endpoint_sid: str, dialout: Dialout) -> "Row":
    return {
        "dialout_sid": dialout.sid,
        "endpoint_sid": endpoint_sid,
        "stage_one_destination_did": dialout.stage_one_destination_did,
        "stage_two_destination_did": dialout.stage_two_destination_did,
        "redirect_did": dialout.redirect_did,
        "delay": dialout.delay,
        "attributes": dict(dialout.attributes),
        "has_begun": dialout.state is not DialoutState.WAITING,
        "date_created": date_of(dialout.created_at),
    }


def dialout_of(row: "Row") -> Dialout:
    names = ("stage_one_destination_did", "stage_two_destination_did", "redirect_did", "delay", "attributes")
    created_at = posix_s_of(row["date_created"])
    state = DialoutState.STAGE_ONE if row["has_begun"] else DialoutState.WAITING
    return Dialout(row["dialout_sid"], **{name: row[name] for name in names}, created_at=created_at, state=state)
