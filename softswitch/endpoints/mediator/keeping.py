"""Bindings and dialouts survive a restart: what changes in memory is written to the store in batches.

No call waits for the disk. A client's change waits until it is written, together with all others that wait, so that
what was answered is there after a crash; what a call changes (who called last) follows within a second.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from softswitch.endpoints.mediator.binding import Binding
from softswitch.endpoints.mediator.dialout import Dialout, DialoutState
from softswitch.logs import get_logger
from softswitch.store.columns import date_text
from softswitch.store.tables.mediator import mediator_bindings, mediator_dialouts

if TYPE_CHECKING:
    from sqlalchemy import Table

    from softswitch.store import Row, Store

WRITES_EVERY_S = 1.0
MOST_AT_ONCE = 500
"""Rows in one transaction: some 20 ms of the loop's time."""
BINDINGS, DIALOUTS = mediator_bindings, mediator_dialouts
TABLES = (BINDINGS, DIALOUTS)


class Keeping:
    """The way from the mediators to the store. One for all of them."""

    def __init__(self, store: "Store", owners: Callable[[], Collection[str]]) -> None:
        """`owners`: the sids of the endpoints there are, without which their rows have no place."""
        self.written = 0
        """Rows so far."""
        self._store = store
        self._owners = owners
        self._waiting: dict[Table, dict[str, Row | None]] = {table: {} for table in TABLES}
        """By sid, the row as it is now; None for one that is gone."""
        self._is_writing = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._is_failing = False

    @property
    def waiting(self) -> int:
        """Rows that the store does not know yet as they are."""
        return sum(map(len, self._waiting.values()))

    def note(self, endpoint_sid: str, thing: Binding | Dialout) -> None:
        """It is new, or has changed."""
        if endpoint_sid:
            row = binding_row(endpoint_sid, thing) if isinstance(thing, Binding) else dialout_row(endpoint_sid, thing)
            self._waiting[_table(thing)][thing.sid] = row

    def forget(self, thing: Binding | Dialout) -> None:
        """It is no more."""
        self._waiting[_table(thing)][thing.sid] = None

    async def flush(self) -> bool:
        """Everything noted so far is in the store; whether it took it."""
        async with self._is_writing:
            return all([await self._write(table) for table in TABLES])

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

    async def _write(self, table: "Table") -> bool:
        while waiting := self._waiting[table]:
            sids = list(waiting)[:MOST_AT_ONCE]
            batch = {sid: waiting.pop(sid) for sid in sids}
            owners = self._owners()
            rows = [row for row in batch.values() if row is not None and row["endpoint_sid"] in owners]
            try:
                await self._store.write_behind(table, rows, [sid for sid, row in batch.items() if row is None])
            except (OSError, SQLAlchemyError, asyncio.CancelledError) as error:
                self._waiting[table] = batch | self._waiting[table]
                if isinstance(error, asyncio.CancelledError):
                    raise
                self._fail(str(error))
                return False
            self._is_failing = False
            self.written += len(batch)
        return True

    def _fail(self, why: str) -> None:
        if not self._is_failing:
            get_logger().warning("the store does not take bindings", why=why.splitlines()[0], waiting=self.waiting)
        self._is_failing = True


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
        "date_expires": _date(binding.expires_at) if binding.is_mortal else None,
        "date_created": _date(binding.created_at),
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
        _moment(row["date_created"]),
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
        "date_created": _date(dialout.created_at),
    }


def dialout_of(row: "Row") -> Dialout:
    names = ("stage_one_destination_did", "stage_two_destination_did", "redirect_did", "delay", "attributes")
    created_at = _moment(row["date_created"])
    state = DialoutState.STAGE_ONE if row["has_begun"] else DialoutState.WAITING
    return Dialout(row["dialout_sid"], **{name: row[name] for name in names}, created_at=created_at, state=state)


def _table(thing: Binding | Dialout) -> "Table":
    return BINDINGS if isinstance(thing, Binding) else DIALOUTS


def _date(posix_s: float) -> str:
    return date_text(datetime.fromtimestamp(posix_s, UTC))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
