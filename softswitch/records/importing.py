"""From what has ended to rows of the store. A row that the store refuses for what is in it is set aside, not retried.

A store that is away refuses everything and gets everything later. One that refuses a single row for ever (a character
that its encoding has not, a number too long for its column) would hold up all that come behind: that row goes to
`refused.jsonl` beside the journal, for a person to look at, and is counted.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError

from softswitch import legibly
from softswitch.call.cdr import columns, date, row
from softswitch.logs import get_logger
from softswitch.records.lines import Closed, Ended

ROWS_AT_ONCE = 500
REFUSED = "refused.jsonl"

STORE_FAILURES = (OSError, SQLAlchemyError)
"""What a store raises that can't be reached or has no room."""

_NOT_THE_ROW = (InterfaceError, OperationalError, ProgrammingError)
"""What a database says of itself, of the way to it or of the statement."""


_encoder = msgspec.json.Encoder()


class RecordStore(Protocol):
    """Where records end. `add_records` leaves alone what has a sid that is there. Raises STORE_FAILURES."""

    async def add_records(self, resource: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None: ...


class Importer:
    """Brings rows to the store, exactly once by their sids; what it may not keep goes to a file in `folder`."""

    def __init__(self, store: RecordStore, folder: Path, wall_clock: Callable[[], float]) -> None:
        self.imported = 0
        """Calls that the store has taken."""
        self.refused = 0
        """Rows that it never will."""
        self._store, self._file, self._wall_clock = store, folder / REFUSED, wall_clock

    async def add(self, ended: Sequence[Ended]) -> None:
        """The records of what has ended. Raises STORE_FAILURES: then all of it may come again."""
        now = date(self._wall_clock())
        closed_calls = [closed for closed in ended if isinstance(closed, Closed)]
        calls = [closed.call for closed in closed_calls]
        attendances = [stay for closed in closed_calls for stay in closed.attendances]
        mediated = [closed.mediated for closed in ended if closed.mediated is not None]
        kinds = (("call_drs", calls), ("conference_calls", attendances), ("mediator_calls", mediated))
        for resource, records in kinds:
            for first in range(0, len(records), ROWS_AT_ONCE):
                some = records[first : first + ROWS_AT_ONCE]
                await self._add(resource, columns(type(some[0])), [row(record, now) for record in some])
        self.imported += len(calls)

    async def _add(self, resource: str, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """All at once; where the store dislikes what is in them, in halves, down to the row that it dislikes."""
        try:
            await self._store.add_records(resource, names, rows)
        except DBAPIError as error:
            if isinstance(error, _NOT_THE_ROW) or error.connection_invalidated:
                raise
            if len(rows) == 1:
                await self._set_aside(resource, dict(zip(names, rows[0], strict=True)), error)
            else:
                half = len(rows) // 2
                await self._add(resource, names, rows[:half])
                await self._add(resource, names, rows[half:])

    async def _set_aside(self, resource: str, refused: dict[str, Any], error: DBAPIError) -> None:
        line = legibly.encode(_encoder, {"kind": resource, "row": refused}) + b"\n"
        await asyncio.to_thread(self._append, line)
        self.refused += 1
        about = {"kind": resource, "dr_sid": refused.get("dr_sid"), "file": str(self._file)}
        get_logger().error("the store refuses a record, which is set aside", problem=str(error.orig), **about)

    def _append(self, line: bytes) -> None:
        with self._file.open("ab") as file:
            file.write(line)
