"""Rows that are written behind: what lives in memory and is kept here only for the next start.

Who owns them writes those that have changed or gone in batches (`write`) and reads them once (`read`). They are no
objects of the API, so no registry knows them.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Insert, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.store.query import Row, Rows

SIDS_AT_ONCE = 500


async def write(connection: AsyncConnection, table: Table, rows: Sequence[Row], gone: Collection[str]) -> None:
    """The rows as they are now, new or not, with all their columns; and without those whose primary key is `gone`."""
    if rows:
        await connection.execute(_upsert(table, connection.dialect.name), rows)
    (key,) = table.primary_key.columns
    sids = list(gone)
    for first in range(0, len(sids), SIDS_AT_ONCE):
        await connection.execute(delete(table).where(key.in_(sids[first : first + SIDS_AT_ONCE])))


async def read(connection: AsyncConnection, table: Table) -> Rows:
    """All of them."""
    names = table.columns.keys()
    return [dict(zip(names, row, strict=True)) for row in await connection.execute(select(table))]


def _upsert(table: Table, dialect: str) -> Insert:
    of_dialect: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = of_dialect(table)
    (key,) = table.primary_key.columns
    changed = {column.name: statement.excluded[column.name] for column in table.columns if column is not key}
    made: Insert = statement.on_conflict_do_update(index_elements=[key], set_=changed)
    return made
