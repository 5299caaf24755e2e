"""A whole number plan into the database, in one transaction: what differs is written, and in time linear to that.

Rows are written by the hundred in one statement: new ones, and those in which the same columns change, each with only
what changed. Access codes of rooms that change or go are taken away first, so that a code may move from one room to
another.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.plan import ConferenceEndpoint
from softswitch.plan.differences import KINDS, NESTED, Difference, objects
from softswitch.plan.objects import NumberPlan, Object
from softswitch.store.call_flows import CALL_FLOW_SIDS
from softswitch.store.columns import date_text, new_sid
from softswitch.store.errors import StillReferenced
from softswitch.store.plan_rows import REFERENCES, STORED, columns_of
from softswitch.store.query import Row, Rows
from softswitch.store.resources import RESOURCES, Resource
from softswitch.store.tables import conference, endpoints
from softswitch.store.writing import refusal

SIDS_AT_ONCE = 500
ROWS_AT_ONCE = 100
"""Made or written without letting anything else run: a few milliseconds."""

SID = "the_sid"
"""In a statement that changes rows: whose they are. No column is called so."""

INSIDE = frozenset({"access_codes", "addresses"})
"""Fields that are rows of tables of their own."""

T = TypeVar("T")


class Applying:
    """One application of a plan; the connection is in its transaction."""

    def __init__(self, connection: AsyncConnection, partner_sid: str, current: NumberPlan) -> None:
        self._connection = connection
        self._partner_sid = partner_sid
        self._sids = {key: of.sid for key, of in objects(current).items()}
        self._accounts: dict[str, str] = {}
        """Sid of an endpoint -> sid of its account."""
        self._moment = datetime.now(UTC)

    async def apply(self, differences: Sequence[Difference]) -> None:
        """Raises `StoreError`, and then has to be rolled back."""
        await self._find_accounts()
        await self._free_codes(differences)
        by_kind: dict[str, list[Difference]] = {kind: [] for kind in KINDS}
        for one in differences:
            by_kind[one.kind].append(one)
        for of_kind in by_kind.values():
            await self._create([one for one in of_kind if one.before is None])
            await self._update([one for one in of_kind if one.before is not None and one.after is not None])
        for kind in reversed(KINDS):
            await self._delete(kind, [one for one in by_kind[kind] if one.after is None])

    # ---- what is new

    async def _create(self, differences: Sequence[Difference]) -> None:
        if not differences:
            return
        kind = differences[0].kind
        rows: Rows = []
        accounts: Rows = []
        codes: Rows = []
        addresses: Rows = []
        for one in differences:
            row = self._new_row(one)
            rows.append(row)
            if len(rows) % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if isinstance(one.after, ConferenceEndpoint):
                accounts.append(self._new_account(one, row))
            codes += self._codes(one, row)
            addresses += _addresses(one, row.get("endpoint_sid", ""))
        for table, new in (
            (RESOURCES[kind].table, rows),
            (conference.conference_accounts, accounts),
            (conference.access_codes, codes),
            (endpoints.addresses, addresses),
        ):
            if new:
                await self._insert(kind, table, new)

    def _new_row(self, one: Difference) -> Row:
        assert one.after is not None  # noqa: S101 - what is new has an after
        resource = RESOURCES[one.kind]
        sid = self._sids[one.kind, one.path] = new_sid()
        row = {resource.sid: sid, "date_created": self._next_date(), **self._belongings(one), **dict(STORED[one.kind])}
        row |= {column: None for column, _ in REFERENCES.get(one.kind, {}).values()}
        given = set(type(one.after).model_fields) - INSIDE - set(NESTED.get(one.kind, ()))
        if one.kind == "endpoints":
            given -= {"call_flow", "properties"}
        return row | columns_of(one.kind, one.after, tuple(given), self._resolver(one))

    def _belongings(self, one: Difference) -> Row:
        """Whose it is."""
        match one.kind:
            case "trunks":
                return {"trunk_group_sid": self._sids["trunk_groups", one.path[:1]]}
            case "did_groups" | "meeting_rooms":
                return {"account_sid": self._accounts[self._sids["endpoints", one.path[:1]]]}
        return {"partner_sid": self._partner_sid}

    def _new_account(self, one: Difference, endpoint: Row) -> Row:
        account = {"account_sid": new_sid(), "date_created": endpoint["date_created"], "partner_sid": self._partner_sid}
        self._accounts[endpoint["endpoint_sid"]] = account["account_sid"]
        return account | {
            "endpoint_sid": endpoint["endpoint_sid"],
            **_account_of(one.after, ("call_flow", "properties")),
        }

    def _codes(self, one: Difference, row: Row) -> Iterator[Row]:
        sid, account = row.get("meeting_room_sid"), row.get("account_sid")
        for position, code in enumerate(getattr(one.after, "access_codes", ())):
            key = {"access_code_sid": new_sid(), "meeting_room_sid": sid, "account_sid": account, "position": position}
            yield key | {"access_code": code.access_code, "role": code.role}

    # ---- what has changed

    async def _update(self, differences: Sequence[Difference]) -> None:
        rows: Rows = []
        codes: Rows = []
        for one in differences:
            assert one.after is not None  # noqa: S101 - what has changed has an after
            sid = self._sids[one.kind, one.path]
            fields = [field for field in one.fields if field not in INSIDE]
            if "addresses" in one.fields:
                await self._replace_addresses(one, sid)
            if isinstance(one.after, ConferenceEndpoint):
                await self._update_account(sid, _account_of(one.after, fields))
                fields = [field for field in fields if field not in ("call_flow", "properties")]
            if fields:
                rows.append({SID: sid, **columns_of(one.kind, one.after, fields, self._resolver(one))})
                if len(rows) % ROWS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            if "access_codes" in one.fields:
                codes += self._codes(one, {"meeting_room_sid": sid, **self._belongings(one)})
        if rows:
            await self._update_rows(RESOURCES[differences[0].kind], rows)
        if codes:
            await self._insert("meeting_rooms", conference.access_codes, codes)

    async def _update_rows(self, resource: Resource, rows: Rows) -> None:
        """Rows in which the same columns have changed are one statement."""
        alike: dict[tuple[str, ...], Rows] = {}
        for row in rows:
            alike.setdefault(tuple(row), []).append(row)
        for (_, *columns), changed in alike.items():
            statement = update(resource.table).where(resource.columns[resource.sid] == bindparam(SID))
            statement = statement.values({column: bindparam(column) for column in columns})
            for some in _some(changed, ROWS_AT_ONCE):
                await self._connection.execute(statement, some)

    async def _replace_addresses(self, one: Difference, sid: str) -> None:
        table = endpoints.addresses
        await self._connection.execute(delete(table).where(table.c.endpoint_sid == sid))
        if rows := list(_addresses(one, sid)):
            await self._insert("endpoints", table, rows)

    async def _update_account(self, endpoint_sid: str, row: Row) -> None:
        if row:
            table = conference.conference_accounts
            await self._connection.execute(update(table).where(table.c.endpoint_sid == endpoint_sid).values(row))

    # ---- what goes

    async def _delete(self, kind: str, differences: Sequence[Difference]) -> None:
        resource = RESOURCES[kind]
        for sids in _some([self._sids[kind, one.path] for one in differences]):
            try:
                await self._connection.execute(delete(resource.table).where(resource.columns[resource.sid].in_(sids)))
            except IntegrityError:
                raise StillReferenced(kind, "some of those that should go are still pointed to by others") from None

    async def _free_codes(self, differences: Sequence[Difference]) -> None:
        table = conference.access_codes
        rooms = [
            self._sids[one.kind, one.path]
            for one in differences
            if one.kind == "meeting_rooms"
            and one.before is not None
            and (one.after is None or "access_codes" in one.fields)
        ]
        for sids in _some(rooms):
            await self._connection.execute(delete(table).where(table.c.meeting_room_sid.in_(sids)))

    # ---- in common

    async def _find_accounts(self) -> None:
        table = conference.conference_accounts
        for endpoint_sid, sid in await self._connection.execute(select(table.c.endpoint_sid, table.c.account_sid)):
            self._accounts[endpoint_sid] = sid

    async def _insert(self, kind: str, table: Any, rows: Rows) -> None:
        """All rows have the same keys."""
        try:
            for some in _some(rows, ROWS_AT_ONCE):
                await self._connection.execute(insert(table), some)
        except IntegrityError as error:
            raise refusal(RESOURCES[kind], error, None) from None

    def _resolver(self, one: Difference) -> Any:
        """The sid of what an object names; DID groups and meeting rooms are those of its own endpoint."""
        endpoint = getattr(one.after, "endpoint", None) or one.path[0]

        def sid_of(kind: str, name: str) -> str:
            path = (endpoint, name) if kind in ("did_groups", "meeting_rooms") else (name,)
            return self._sids[kind, path]

        return sid_of

    def _next_date(self) -> str:
        """A microsecond later each time: the order of the file is the order of the rows."""
        self._moment += timedelta(microseconds=1)
        return date_text(self._moment)


def _addresses(one: Difference, endpoint_sid: str) -> Iterator[Row]:
    """The rows of a third party's addresses."""
    for position, address in enumerate(getattr(one.after, "addresses", ())):
        key = {"address_sid": new_sid(), "endpoint_sid": endpoint_sid, "position": position}
        yield key | address.model_dump(mode="json")


def _account_of(endpoint: Object | None, fields: Sequence[str]) -> Row:
    """What of an endpoint's fields stands in its account."""
    row: Row = {}
    if "call_flow" in fields:
        row["call_flow_sid"] = CALL_FLOW_SIDS[getattr(endpoint, "call_flow")]  # noqa: B009
    if "properties" in fields:
        row["properties"] = dict(getattr(endpoint, "properties"))  # noqa: B009
    return row


def _some(of: Sequence[T], size: int = SIDS_AT_ONCE) -> Iterator[Sequence[T]]:
    for first in range(0, len(of), size):
        yield of[first : first + size]
