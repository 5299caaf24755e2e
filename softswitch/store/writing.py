"""One transaction's changes: rows made, changed and removed, with what the databases do not say well said here.

What a row points to is looked up before it is written, so that a wrong sid is told by its field; the foreign keys of
the database stand behind. What must be unique is left to the database, whose complaint is put into our words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, delete, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import ColumnCollectionConstraint

from softswitch.plan import Plan
from softswitch.plan.load import ambiguous_acls
from softswitch.store.columns import as_json, metadata, new_sid, now_text
from softswitch.store.errors import Conflict, InvalidReference, InvalidValue, StillReferenced, StoreError
from softswitch.store.mirror import Touched
from softswitch.store.resources import REFERRERS, RESOURCES, Child, Resource
from softswitch.store.selection import storable
from softswitch.store.tables import conference

CONFERENCE_TYPES = frozenset({"conference", "conference_v2"})
"""Endpoints that have a conference account; it comes and goes with them."""


PART_OF = {"trunks": ("trunk_groups", "trunk_group_sid"), "conference_accounts": ("endpoints", "endpoint_sid")}
"""What the plan has only inside another: it changes with it."""


CONSTRAINED = {
    str(constraint.name): [column.name for column in constraint.columns]
    for table in metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, ColumnCollectionConstraint)
}
"""By name of a constraint, as PostgreSQL tells it: its columns."""


class Writer:
    """Changes on one connection, inside its transaction. Raises `StoreError`; the caller then rolls back."""

    def __init__(self, connection: AsyncConnection, partner_sid: str) -> None:
        self.connection = connection
        self._partner_sid = partner_sid
        self.touched: Touched = set()
        """What of the number plan has changed."""

    async def create(self, kind: Resource, values: Mapping[str, Any]) -> str:
        """The sid of the new row."""
        own, children = _parted(kind, values)
        sid = own.setdefault(kind.sid, new_sid())
        if "partner_sid" in kind.columns and not own.get("partner_sid"):
            own["partner_sid"] = self._partner_sid
        await self._check_references(kind, own)
        await self._execute(kind, insert(kind.table).values(own))
        self._touch(kind, sid, own)
        for name, entries in children.items():
            await self._replace(kind, kind.children[name], name, sid, own, entries)
        if kind.name == "endpoints" and own.get("type") in CONFERENCE_TYPES:
            await self._make_account(own)
        return str(sid)

    async def update(self, kind: Resource, sid: str, values: Mapping[str, Any]) -> None:
        """Nothing happens where there is no such row."""
        own, children = _parted(kind, values)
        row = await self._row(kind, sid)
        if row is None:
            return
        await self._check_references(kind, own)
        if own:
            await self._execute(kind, update(kind.table).where(kind.columns[kind.sid] == sid).values(own))
        for name, entries in children.items():
            await self._replace(kind, kind.children[name], name, sid, row, entries)
        self._touch(kind, sid, row)
        self._touch(kind, sid, row | own)

    async def delete(self, kind: Resource, sid: str) -> bool:
        """Whether there was such a row. What hangs on it and belongs to it goes too."""
        row = await self._row(kind, sid)
        if row is None:
            return False
        for referrer, column in REFERRERS[kind.name]:
            pointing = select(literal(1)).where(referrer.table.c[column] == sid).limit(1)
            if (await self.connection.execute(pointing)).first():
                raise StillReferenced(referrer.name, f"some still have this {kind.sid} as their {column}")
        try:
            await self.connection.execute(delete(kind.table).where(kind.columns[kind.sid] == sid))
        except IntegrityError:
            raise StillReferenced(kind.name, "others still point to what belongs to it") from None
        self._touch(kind, sid, row)
        return True

    async def _row(self, kind: Resource, sid: str) -> dict[str, Any] | None:
        statement = select(kind.table).where(kind.columns[kind.sid] == sid)
        row = (await self.connection.execute(statement)).mappings().one_or_none()
        return dict(row) if row else None

    def _touch(self, kind: Resource, sid: str, row: Mapping[str, Any]) -> None:
        if kind.in_plan:
            whole, column = PART_OF.get(kind.name, (kind.name, kind.sid))
            self.touched.add((whole, row.get(column, sid)))

    async def _replace(
        self, kind: Resource, child: Child, name: str, sid: str, parent: Mapping[str, Any], entries: Any
    ) -> None:
        """The list of a parent, anew."""
        rows = []
        for position, entry in enumerate(entries or ()):
            unknown = set(entry) - set(child.attributes)
            if unknown:
                raise InvalidValue(f"{name}[{position}].{min(unknown)}", "is no attribute of this object")
            row = dict(entry) | {child.parent: sid, "position": position}
            if child.inherited:
                row[child.inherited] = parent[child.inherited]
            rows.append(row)
        await self.connection.execute(delete(child.table).where(child.table.c[child.parent] == sid))
        for row in rows:
            await self._execute(kind, insert(child.table).values(row), field=name)

    async def _make_account(self, endpoint: Mapping[str, Any]) -> None:
        values = {
            "endpoint_sid": endpoint["endpoint_sid"],
            "partner_sid": endpoint["partner_sid"],
            "name": endpoint.get("name") or "N/A",
        }
        await self.connection.execute(insert(conference.conference_accounts).values(values))

    async def _check_references(self, kind: Resource, values: Mapping[str, Any]) -> None:
        for column, name in kind.references.items():
            sid = values.get(column)
            if sid is None:
                if column in values and not kind.columns[column].nullable:
                    raise InvalidReference(column, "is missing")
                continue
            target = RESOURCES[name]
            found = await self.connection.execute(
                select(literal(1)).where(target.columns[target.sid] == storable(str(sid)))
            )
            if not found.first():
                raise InvalidReference(column, "names nothing that exists")

    async def _execute(self, kind: Resource, statement: Any, field: str | None = None) -> None:
        try:
            await self.connection.execute(statement)
        except IntegrityError as error:
            raise refusal(kind, error, field) from None
        except (StatementError, OverflowError, UnicodeEncodeError):
            raise InvalidValue(field or kind.name, "has a number or a character that can't be kept") from None


def refuse_ambiguous(plan: Plan, touched: Touched) -> None:
    """Raises `Conflict` where nobody could say any more whose call it is: one network or address in two trunks."""
    if any(kind == "trunk_groups" for kind, _ in touched):
        for place, problem, _ in ambiguous_acls(plan):
            raise Conflict(place.rpartition(".")[2], f"{place}: {problem}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Many rows of one table as its driver takes them: the statement, and each row's values in its order."""

    statement: str
    values: list[tuple[Any, ...]]


def batch_of(kind: Resource, columns: Sequence[str], rows: Sequence[Sequence[Any]], dialect: Dialect) -> Batch:
    """An INSERT that leaves out rows whose sid is there, with the columns that any of the rows fills.

    Most of a record are empty in all of them, and what SQLAlchemy does for each value of each row costs several times
    what the database does. Raises `InvalidValue` for a column that is none, and for a row that has others.
    """
    if any(len(row) != len(columns) for row in rows):
        raise InvalidValue(kind.name, "has rows of different fields")
    filled: dict[str, Sequence[Any]] = {
        name: values
        for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        if values.count(None) < len(rows)
    }
    if not filled.keys() <= kind.columns.keys():
        raise InvalidValue(min(filled.keys() - kind.columns.keys()), "is no attribute of this record")
    if "date_insert" in kind.columns:
        filled.setdefault("date_insert", [now_text()] * len(rows))
    for name in kind.documents & filled.keys():
        filled[name] = [None if value is None else as_json(value) for value in filled[name]]
    statement, order = _ignoring_duplicates(kind.table, dialect, tuple(filled))
    return Batch(statement, list(zip(*(filled[name] for name in order), strict=True)))


@lru_cache(maxsize=64)
def _ignoring_duplicates(table: Table, dialect: Dialect, columns: tuple[str, ...]) -> tuple[str, Sequence[str]]:
    """The statement in the words of the dialect, and the order in which it wants the values of these columns."""
    of_dialect = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement = of_dialect(table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    return str(compiled), compiled.positiontup or ()


def refusal(kind: Resource, error: IntegrityError, field: str | None) -> StoreError:
    """What the database complains of, in our words: the last column it names is the field."""
    told = str(error.orig)
    columns = _columns_named(told)
    shown = field or (columns[-1] if columns else kind.name)
    if "NOT NULL" in told or "not-null" in told:
        return InvalidValue(shown, "is missing")
    if "FOREIGN KEY" in told or "foreign key" in told:
        return InvalidReference(shown, "names nothing that exists")
    return Conflict(shown, "is taken by another")


def _columns_named(told: str) -> list[str]:
    """From `UNIQUE constraint failed: t.a, t.b` (SQLite), `unique constraint "uq_t_a_b"`, `column "a"` (PostgreSQL)."""
    constraint = re.search(r'constraint "([^"]+)"', told)
    if constraint is not None:
        return CONSTRAINED.get(constraint[1], [])
    column = re.search(r'null value in column "([^"]+)"', told)
    return [column[1]] if column else re.findall(r"\b[a-z_]+\.([a-z0-9_]+)", told.partition("failed:")[2])


def _parted(kind: Resource, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row's own columns, and its children. Raises `InvalidValue` for anything else."""
    own: dict[str, Any] = {}
    children: dict[str, Iterable[Mapping[str, Any]]] = {}
    for name, value in values.items():
        if name in kind.columns:
            own[name] = value
        elif name in kind.children and kind.children[name].embedded:
            children[name] = value
        else:
            raise InvalidValue(name, "is no attribute of this object")
    return own, children
