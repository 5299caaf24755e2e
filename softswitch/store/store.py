"""The store: every object by its sid, in lists, and changed one transaction at a time.

    store = await Store.open("", Path("data"))
    room = await store.create("meeting_rooms", {"account_sid": ..., "name": "standup"})

Rows are dicts with CarrierX's attribute names; children that live inside their parent (addresses, access codes) are
lists in it. A refusal is a `StoreError` that names the field, and leaves nothing behind.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Select, Table, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.logs import get_logger
from softswitch.plan import NumberPlan, Plan
from softswitch.plan.differences import Difference, differences
from softswitch.store import behind, selection
from softswitch.store.applying import Applying
from softswitch.store.columns import new_sid
from softswitch.store.database import WRITES, answering, last_written, open_database, opening, write_alone
from softswitch.store.errors import InvalidQuery, told
from softswitch.store.mirror import Mirror
from softswitch.store.plan_rows import refuse_unknown
from softswitch.store.query import ListQuery, Page, Row, Rows
from softswitch.store.resources import RESOURCES, Resource
from softswitch.store.revision import count_revision, revision
from softswitch.store.tables import endpoints, partners, registrations  # noqa: F401 - so that every table is known
from softswitch.store.writing import Writer, batch_of, refuse_ambiguous

RECORDS_AT_ONCE = 500
LET_GO_AT_ONCE = 500
ROWS_AT_ONCE = 100
SYSTEM_GATEWAY = "system_gateway"
ALL = ListQuery()

T = TypeVar("T")


class Store:
    """An open database. One writer at a time; readers never wait for it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing_engine = engine.execution_options(**{WRITES: True})
        self._writing = asyncio.Lock()  # so that the plan changes in the order of the database's transactions
        self._mirror = Mirror()
        self._revision = ""
        self._seen_written: object = None
        """What `last_written` said when the revision was last asked for."""
        self.plan = Plan()
        """The number plan that is in force."""
        self.on_plan: Callable[[Plan], None] = _nobody_listens
        """Told of every new plan, once it is in the database and before whoever changed it hears so."""
        self.partner_sid = ""
        """The partner that everything belongs to where nobody says another."""
        self.system_gateway_sid = ""
        """Its endpoint of type system_gateway: the PSTN in a record."""

    @classmethod
    async def open(cls, url: str, directory: Path) -> "Store":
        """The store at `url`, else the SQLite file in `directory`. Raises `ConfigError` where it can't be used."""
        store = cls(await open_database(url, directory))
        async with opening(store._engine), store._writing_engine.begin() as connection:
            await write_alone(connection)
            await store._make_partner(connection)
            store._revision = await revision(connection)
            store.plan = await store._mirror.load(connection)
        return store

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, directory: Path) -> AsyncIterator["Store"]:
        """The same for a command: closed at its end, and what the database refuses meanwhile is a `ConfigError`."""
        store = await cls.open(url, directory)
        try:
            with store.answering():
                yield store
        finally:
            await store.close()

    def answering(self) -> AbstractContextManager[None]:
        """Makes a `ConfigError` of a database that does not do what it is asked within: a full disk, a lost server."""
        return answering(self._engine)

    async def close(self) -> None:
        await self._engine.dispose()

    async def watch(self, every_s: float = 1.0) -> None:
        """Follows what others change in this database (`softswitch apply`), until it is cancelled.

        A database that does not answer is asked again; meanwhile what was read last holds.
        """
        is_silent = False
        while True:
            await asyncio.sleep(every_s)
            try:
                await self._follow()
            except (OSError, SQLAlchemyError) as error:
                if not is_silent:
                    get_logger().warning("the database does not answer: its plan stays as it is", problem=told(error))
                is_silent = True
            else:
                is_silent = False

    async def _follow(self) -> None:
        """Asks the database only where somebody may have written to its files since it was last asked."""
        written = last_written(self._engine)
        if written is not None and written == self._seen_written:
            return
        async with self._writing:
            async with self._engine.connect() as connection:
                now = await revision(connection)
                is_news = now != self._revision
                if is_news:
                    await self._mirror.load(connection)
            if is_news:
                self._revision = now
                await self._adopt()
        self._seen_written = written

    # ---- reading

    async def list(self, resource: str, query: ListQuery = ALL) -> Page:
        """One page. Raises `InvalidQuery` for a path, a value or a cursor that the resource does not know."""
        kind = RESOURCES[resource]
        where = selection.conditions(kind, query)
        order = selection.order_of(kind, query)
        async with self._engine.connect() as connection:
            total = (await connection.execute(selection.counting(kind, where))).scalar_one()
            page = await self._page(connection, kind, query, where, order)
            items = await self._with_children(connection, kind, page[: query.limit])
        if query.before is not None:
            items.reverse()
        counted = kind.counted is None or total <= kind.counted
        return Page(items, total if counted else None, len(page) > query.limit)

    async def get(self, resource: str, sid: str) -> Row | None:
        """The row and what lives inside it; None where there is no such row."""
        async with self._engine.connect() as connection:
            return next(iter(await self._rows(connection, RESOURCES[resource], [selection.storable(sid)])), None)

    def account_of(self, endpoint_sid: str) -> str | None:
        """The sid of an endpoint's account; None for one that is no conference."""
        return self._mirror.account_of(endpoint_sid)

    def trunk_groups_leading_to(self, endpoint_sid: str) -> tuple[str, ...]:
        """The sids of the trunk groups whose calls come to an endpoint, where their DIDs name none."""
        return self._mirror.leading_to(endpoint_sid)

    # ---- writing

    async def create(self, resource: str, values: Mapping[str, Any]) -> Row:
        """A new row, defaults filled in. Raises `Conflict`, `InvalidReference`, `InvalidValue`."""
        kind = RESOURCES[resource]

        async def work(writer: Writer) -> Row:
            sid = await writer.create(kind, values)
            return (await self._rows(writer.connection, kind, [sid]))[0]

        return await self._change(work)

    async def update(self, resource: str, sid: str, values: Mapping[str, Any]) -> Row | None:
        """The row with `values` in place of what it had; None where there is no such row. Raises like `create`."""
        kind, sid = RESOURCES[resource], selection.storable(sid)

        async def work(writer: Writer) -> Row | None:
            await writer.update(kind, sid, values)
            return next(iter(await self._rows(writer.connection, kind, [sid])), None)

        return await self._change(work)

    async def delete(self, resource: str, sid: str) -> bool:
        """Whether there was such a row. Raises `StillReferenced` where others point to it."""
        return await self._change(lambda writer: writer.delete(RESOURCES[resource], selection.storable(sid)))

    async def apply(self, wanted: NumberPlan, *, dry_run: bool = False) -> Sequence[Difference]:
        """Makes the database say what `wanted` says, all at once, and tells what that changes (`plan.differences`).

        Nothing happens where nothing differs, nor with `dry_run`. Raises `StoreError`. That the objects of `wanted`
        agree with one another, and with those it does not mention, is for the caller to see to (`plan.load`).
        """
        async with self._writing:
            async with self._writing_engine.begin() as connection:
                await write_alone(connection)
                current = (await self._mirror.load(connection)).numbers
                changes = await asyncio.to_thread(_changes, current, wanted)
                if changes and not dry_run:
                    await Applying(connection, self.partner_sid, self._mirror.plan.numbers).apply(changes)
                    self._mirror.is_ahead = True
                    await self._mirror.load(connection)
                    self._mirror.is_ahead = True
                    self._revision = await count_revision(connection)
            await self._adopt()
        return changes

    @property
    def has_objects(self) -> bool:
        """Whether anything has been configured here yet."""
        numbers = self.plan.numbers
        return bool(numbers.trunk_groups or numbers.endpoints or numbers.dids or numbers.users)

    async def add_records(self, resource: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Many rows at once; those whose sid is there already are left out, so a batch may come again."""
        kind = RESOURCES[resource]
        async with self._writing, self._writing_engine.begin() as connection:
            for first in range(0, len(rows), RECORDS_AT_ONCE):
                batch = batch_of(kind, columns, rows[first : first + RECORDS_AT_ONCE], self._engine.dialect)
                await connection.exec_driver_sql(batch.statement, batch.values)

    # ---- what is written behind

    async def write_behind(self, table: Table, rows: Sequence[Row], gone: Collection[str]) -> None:
        """Rows as they are now, new or not, and the primary keys of those that are gone: all of it, or nothing."""
        async with self._writing, self._writing_engine.begin() as connection:
            await behind.write(connection, table, rows, gone)

    async def read_behind(self, table: Table) -> Rows:
        """All rows of a table that is written behind."""
        async with self._engine.connect() as connection:
            return await behind.read(connection, table)

    async def forget(self, resource: str, column: str, before: str, at_most: int) -> int:
        """Removes the oldest rows whose date in `column` is earlier than `before`; how many those were."""
        kind = RESOURCES[resource]
        sid, date = kind.columns[kind.sid], kind.columns[column]
        oldest = select(sid).where(date < before).order_by(date, sid).limit(at_most)
        async with self._writing, self._writing_engine.begin() as connection:
            return (await connection.execute(delete(kind.table).where(sid.in_(oldest)))).rowcount

    # ---- in a transaction

    async def _change(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        """One transaction, and the plan that follows from it in force before this returns."""
        async with self._writing:
            async with self._writing_engine.begin() as connection:
                await write_alone(connection)
                if self._mirror.is_ahead:
                    await self._mirror.load(connection)
                writer = Writer(connection, self.partner_sid)
                result = await work(writer)
                if writer.touched:
                    await self._catch_up(connection)
                    refuse_ambiguous(await self._mirror.follow(connection, writer.touched), writer.touched)
                    self._revision = await count_revision(connection)
            if writer.touched:
                await self._adopt()
        return result

    async def _catch_up(self, connection: AsyncConnection) -> None:
        """What another program has changed since: counting on from there, `_follow` would never see it."""
        if await revision(connection) != self._revision:
            await self._mirror.load(connection)
            self._mirror.is_ahead = True

    async def _adopt(self) -> None:
        self._mirror.is_ahead = False
        before, self.plan = self.plan, self._mirror.plan
        self.on_plan(self.plan)
        if self._mirror.settle():
            former = [*before.numbers.dids]
            del before
            while former:  # giving back ten thousand objects takes a while, too
                del former[-LET_GO_AT_ONCE:]
                await asyncio.sleep(0)

    async def _rows(self, connection: AsyncConnection, kind: Resource, sids: Collection[str]) -> Rows:
        statement = select(kind.table).where(kind.columns[kind.sid].in_(sids))
        rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
        return await self._with_children(connection, kind, rows)

    async def _page(
        self,
        connection: AsyncConnection,
        kind: Resource,
        query: ListQuery,
        where: Sequence[Any],
        order: selection.Order,
    ) -> Rows:
        """The rows of the page and, where there is one, the first of the next; backwards for `before`."""
        backward = query.before is not None
        statement = select(kind.table).where(*where).limit(query.limit + 1)
        cursor = query.before if backward else query.after
        if query.shuffle:
            statement = statement.order_by(func.random())
        else:
            statement = selection.ordered(statement, order, backward=backward)
        if cursor is not None:
            place = await self._place(connection, kind, order, cursor, "before" if backward else "after")
            nulls_first = self._engine.dialect.name == "sqlite"
            statement = statement.where(selection.beyond(order, place, backward=backward, nulls_first=nulls_first))
        elif query.offset:
            statement = statement.offset(query.offset)
        rows: Rows = []
        for part in (await connection.execute(statement)).mappings().partitions(ROWS_AT_ONCE):
            rows += map(dict, part)
            await asyncio.sleep(0)  # calls have their turn
        return rows

    async def _place(
        self, connection: AsyncConnection, kind: Resource, order: selection.Order, cursor: str, field: str
    ) -> Sequence[Any]:
        statement = select(*(column for column, _, _ in order)).where(
            kind.columns[kind.sid] == selection.storable(cursor)
        )
        place = (await connection.execute(statement)).one_or_none()
        if place is None:
            raise InvalidQuery(field, "names no object of this list")
        return place

    async def _with_children(self, connection: AsyncConnection, kind: Resource, rows: Rows) -> Rows:
        for name, child in kind.children.items():
            if child.embedded and rows:
                inside: dict[str, Rows] = {row[kind.sid]: row.setdefault(name, []) for row in rows}
                statement = (
                    select(child.table).where(child.table.c[child.parent].in_(inside)).order_by(child.table.c.position)
                )
                for found in (await connection.execute(statement)).mappings():
                    inside[found[child.parent]].append(child.shown(found))
        return rows

    async def _make_partner(self, connection: AsyncConnection) -> None:
        """The default partner and its system gateway, which stands for the PSTN: there from the first start on."""
        partner, endpoint = partners.partners, endpoints.endpoints
        self.partner_sid = await _scalar(connection, select(partner.c.partner_sid).where(partner.c.is_default))
        if not self.partner_sid:
            self.partner_sid = new_sid()
            values = {"partner_sid": self.partner_sid, "name": "default", "is_default": True}
            await connection.execute(insert(partner).values(values))
        mine = (endpoint.c.partner_sid == self.partner_sid) & endpoint.c.is_system
        self.system_gateway_sid = await _scalar(connection, select(endpoint.c.endpoint_sid).where(mine))
        if not self.system_gateway_sid:
            self.system_gateway_sid = new_sid()
            values = {"endpoint_sid": self.system_gateway_sid, "partner_sid": self.partner_sid, "is_system": True}
            await connection.execute(insert(endpoint).values(**values, type=SYSTEM_GATEWAY, name=SYSTEM_GATEWAY))


def _changes(current: NumberPlan, wanted: NumberPlan) -> Sequence[Difference]:
    """What `wanted` changes. Raises `InvalidValue`. Comparing thousands of objects takes a while: in a thread."""
    changes = differences(current, wanted)
    for one in changes:
        if one.after is not None:
            refuse_unknown(one.kind, one.after, one.place)
    return changes


async def _scalar(connection: AsyncConnection, statement: Select[str]) -> str:
    return (await connection.execute(statement)).scalar_one_or_none() or ""


def _nobody_listens(_plan: Plan) -> None:
    return
