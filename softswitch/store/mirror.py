"""The number plan in memory, kept equal to the database: what every call asks instead of it.

After a change only the rows that changed, and those that name them, are read again; all other objects of the plan stay
the very same. Long readings go in slices, so that the loop serves calls between them. A `Plan` that was handed out
never changes: the next one shares with it what is the same.

Names in the plan are unique; in the database they need not be. The first that has a name keeps it, a later one is
known in the plan by its name and the beginning of its sid.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch import garbage
from softswitch.plan import (
    AnyEndpoint,
    CallingRules,
    ConferenceEndpoint,
    Did,
    DidGroup,
    MeetingRoom,
    Plan,
    RateDeck,
    Trunk,
    TrunkGroup,
    User,
)
from softswitch.store import plan_rows
from softswitch.store.query import Row, Rows
from softswitch.store.tables import conference, dids, endpoints, partners, rates, trunks

SLICE = 50
"""Rows that are read and made into objects at once: about a millisecond."""

NAME_KEPT = 55
"""Characters of a name that stay when the beginning of a sid is put behind it."""

ORDER = ("rate_decks", "endpoints", "trunk_groups", "did_groups", "meeting_rooms", "users", "dids", "calling_rules")
"""Whoever is named comes before those who name it."""

NAMED_BY: dict[str, tuple[tuple[str, Any], ...]] = {
    "rate_decks": (
        ("trunk_groups", trunks.trunks.c.rate_deck_sid),
        ("calling_rules", rates.calling_rules.c.rate_deck_sid),
    ),
    "endpoints": (("trunk_groups", trunks.trunks.c.endpoint_sid), ("dids", dids.dids.c.endpoint_sid)),
    "trunk_groups": (("users", partners.users.c.trunk_group_sid), ("dids", dids.dids.c.trunk_group_sid)),
    "did_groups": (
        ("meeting_rooms", conference.meeting_rooms.c.did_group_sid),
        ("dids", dids.dids.c.did_group_sid),
    ),
    "meeting_rooms": (("dids", dids.dids.c.meeting_room_sid),),
    "users": (("dids", dids.dids.c.user_sid),),
}
"""Who is to be read again when something gets another name, and by which column."""

Touched = set[tuple[str, str]]
"""What a transaction has changed: resource and sid. A trunk counts as its group, an account as its endpoint."""


class Mirror:
    """The configuration's rows as objects of the plan, by sid."""

    def __init__(self) -> None:
        self.plan = Plan()
        self._endpoints: dict[str, AnyEndpoint] = {}
        """Without what is inside, and without the trunk group, which is read later."""
        self._ways_out: dict[str, str | None] = {}
        """Sid of a third party or mediator -> sid of the trunk group its calls go out over."""
        self._accounts: dict[str, str] = {}
        """Sid of an account -> sid of its endpoint."""
        self._inside: dict[str, dict[str, dict[str, Any]]] = {"did_groups": {}, "meeting_rooms": {}}
        """By kind, by sid of the endpoint, by sid."""
        self._trunk_groups: dict[str, TrunkGroup] = {}
        self._dids: dict[str, Did] = {}
        self._users: dict[str, User] = {}
        self._rate_decks: dict[str, RateDeck] = {}
        self._calling_rules: dict[str, CallingRules] = {}
        self._names = Names()
        self._made = 0
        """Objects, since `settle`."""
        self.is_ahead = False
        """What was read is not committed yet; if it never is, `load` has to set things right."""

    async def load(self, connection: AsyncConnection) -> Plan:
        """Everything, anew."""
        fresh = Mirror()
        with garbage.paused():
            for kind in ORDER:
                await fresh._read(connection, kind, None, set())
            self.__dict__.update(fresh.__dict__)
            self.plan = self._assembled(set(ORDER))
            garbage.put_aside(self._made)
        self.is_ahead = False
        return self.plan

    def settle(self) -> bool:
        """What has been read is in force. Whether it was much."""
        made, self._made = self._made, 0
        return made >= garbage.MANY

    async def follow(self, connection: AsyncConnection, touched: Touched) -> Plan:
        """What a transaction changed. Raises `InvalidValue` where that makes no object; then nothing has changed here,
        for what was touched is read before what names it."""
        pending: dict[str, list[ColumnElement[bool]]] = defaultdict(list)
        sids: dict[str, set[str]] = defaultdict(set)
        for kind, sid in touched:
            sids[kind].add(sid)
        with garbage.paused():
            for kind in ORDER:
                if sids[kind]:
                    pending[kind].append(_sid_column(kind).in_(sids[kind]))
                for where in pending[kind]:
                    renamed = await self._read(connection, kind, where, sids[kind])
                    for other, column in NAMED_BY.get(kind, ()) if renamed else ():
                        pending[other].append(_pointing(other, column, renamed))
            self.plan = self._assembled({kind for kind in ORDER if pending[kind]})
            garbage.put_aside(self._made)
        return self.plan

    # ---- reading

    async def _read(
        self, connection: AsyncConnection, kind: str, where: ColumnElement[bool] | None, sids: set[str]
    ) -> set[str]:
        """The sids of those that lead elsewhere now, or are called otherwise."""
        renamed: set[str] = set()
        missing = set(sids)
        async for rows in _slices(connection, TABLES[kind], where):
            inside = await self._rows_inside(connection, kind, rows)
            for row in rows:
                sid = row[_sid_column(kind).name]
                missing.discard(sid)
                before = self._shown(kind, sid)
                self._put(kind, sid, row, inside)
                self._made += 1
                self.is_ahead = True
                if self._shown(kind, sid) != before:
                    renamed.add(sid)
        for sid in missing:
            self._drop(kind, sid)
            self.is_ahead = True
        return renamed

    async def _rows_inside(self, connection: AsyncConnection, kind: str, rows: Rows) -> dict[str, Rows]:
        """By sid, what belongs to each row: trunks of groups, accounts and addresses of endpoints, codes of rooms."""
        inside: dict[str, Rows] = defaultdict(list)
        for table, parent, order in INSIDE.get(kind, ()):
            sids = [row[_sid_column(kind).name] for row in rows]
            statement = select(table).where(table.c[parent].in_(sids)).order_by(table.c[order])
            for row in (await connection.execute(statement)).mappings():
                inside[row[parent]].append(dict(row))
        return inside

    def _shown(self, kind: str, sid: str) -> Any:
        """What others know of it: its name, and where a trunk group leads."""
        if kind == "trunk_groups":
            return self._names.of(sid), self._destination(sid)
        return self._names.of(sid)

    # ---- objects

    def _put(self, kind: str, sid: str, row: Row, inside: dict[str, Rows]) -> None:
        match kind:
            case "endpoints":
                self._put_endpoint(sid, row, inside[sid])
            case "trunk_groups":
                self._put_trunk_group(sid, row, inside[sid])
            case "did_groups":
                owner = self._accounts[row["account_sid"]]
                self._put_inside(kind, owner, sid, plan_rows.did_group(row, self._names.free(owner + kind, row, sid)))
            case "meeting_rooms":
                owner = self._accounts[row["account_sid"]]
                row["access_codes"] = [{name: code[name] for name in ("access_code", "role")} for code in inside[sid]]
                name = self._names.free(owner + kind, row, sid)
                did_group = self._names.of(row["did_group_sid"])
                self._put_inside(kind, owner, sid, plan_rows.meeting_room(row, name, did_group))
            case "dids":
                self._put_did(sid, row)
            case "rate_decks":
                name = self._names.free("rate_decks", row, sid)
                self._rate_decks[sid] = plan_rows.rate_deck(row, name)
                self._names.give("rate_decks", name, sid)
            case "calling_rules":
                name, deck = self._names.free("calling_rules", row, sid), self._names.of(row["rate_deck_sid"])
                self._calling_rules[sid] = plan_rows.calling_rules(row, name, deck)
                self._names.give("calling_rules", name, sid)
            case "users":
                self._users[sid] = plan_rows.user(row, self._names.of(row["trunk_group_sid"]))
                self._names.give("users", row["username"], sid)

    def _put_endpoint(self, sid: str, row: Row, inside: Rows) -> None:
        """A conference has an account, a third party addresses. The system gateway is none of the plan."""
        name = self._names.free("endpoints", row, sid)
        account = next((found for found in inside if "account_sid" in found), None)
        if account is not None:
            self._endpoints[sid] = plan_rows.endpoint(row, account, name)
            self._accounts[account["account_sid"]] = sid
        elif row["type"] in plan_rows.OF_TYPE:
            self._endpoints[sid] = plan_rows.party(row, inside, name)
            self._ways_out[sid] = row["trunk_group_sid"]
        else:
            self._drop("endpoints", sid)
            return
        self._names.give("endpoints", name, sid)

    def _put_trunk_group(self, sid: str, row: Row, trunk_rows: Rows) -> None:
        names = Names()
        made: list[Trunk] = []
        for trunk_row in trunk_rows:
            name = names.free("trunks", trunk_row, trunk_row["trunk_sid"])
            endpoint, deck = self._names.of(trunk_row["endpoint_sid"]), self._names.of(trunk_row["rate_deck_sid"])
            made.append(plan_rows.trunk(trunk_row, name, endpoint, deck))
            names.give("trunks", name, trunk_row["trunk_sid"])
        name = self._names.free("trunk_groups", row, sid)
        self._trunk_groups[sid] = plan_rows.trunk_group(row, made, name)
        self._names.give("trunk_groups", name, sid)

    def _put_inside(self, kind: str, owner: str, sid: str, made: DidGroup | MeetingRoom) -> None:
        self._inside[kind].setdefault(owner, {})[sid] = made
        self._names.give(owner + kind, made.name, sid)

    def _put_did(self, sid: str, row: Row) -> None:
        """A DID that leads nowhere is in no plan: a call to it gets 404."""
        user = self._names.of(row["user_sid"])
        endpoint = None
        if user is None:
            endpoint = self._names.of(row["endpoint_sid"]) or self._destination(row["trunk_group_sid"])
        if endpoint is None and user is None:
            self._drop("dids", sid)
            return
        self._dids[sid] = plan_rows.did(
            row,
            endpoint=endpoint,
            user=user,
            trunk_group=self._names.of(row["trunk_group_sid"]),
            did_group=self._names.of(row["did_group_sid"]),
            meeting_room=self._names.of(row["meeting_room_sid"]),
        )

    def _destination(self, trunk_group_sid: str | None) -> str | None:
        """The endpoint that the first trunk of a group leads to."""
        group = self._trunk_groups.get(trunk_group_sid or "")
        inward = [trunk for trunk in group.trunks if trunk.endpoint] if group else []
        return min(inward, key=lambda trunk: trunk.priority).endpoint if inward else None

    def account_of(self, endpoint_sid: str) -> str | None:
        """The sid of an endpoint's account; None for one that is no conference."""
        return next((account for account, endpoint in self._accounts.items() if endpoint == endpoint_sid), None)

    def leading_to(self, endpoint_sid: str) -> tuple[str, ...]:
        """The sids of the trunk groups whose calls come to an endpoint, where their DIDs name none."""
        name = self._names.of(endpoint_sid)
        return tuple(sid for sid in self._trunk_groups if name is not None and self._destination(sid) == name)

    def _drop(self, kind: str, sid: str) -> None:
        self._names.take(sid)
        match kind:
            case "endpoints":
                self._endpoints.pop(sid, None)
                self._ways_out.pop(sid, None)
                for owned in self._inside.values():
                    for inner in owned.pop(sid, ()):
                        self._names.take(inner)
            case "trunk_groups":
                self._trunk_groups.pop(sid, None)
            case "dids":
                self._dids.pop(sid, None)
            case "users":
                self._users.pop(sid, None)
            case "rate_decks":
                self._rate_decks.pop(sid, None)
            case "calling_rules":
                self._calling_rules.pop(sid, None)
            case _:
                for owned in self._inside[kind].values():
                    owned.pop(sid, None)

    # ---- the plan

    def _assembled(self, kinds: set[str]) -> Plan:
        """The plan with what is new in `kinds`."""
        return self.plan.with_parts(
            trunk_groups=self._trunk_groups.values() if "trunk_groups" in kinds else None,
            endpoints=self._whole_endpoints() if self._changes_endpoints(kinds) else None,
            dids=self._dids.values() if "dids" in kinds else None,
            users=self._users.values() if "users" in kinds else None,
            rate_decks=self._rate_decks.values() if "rate_decks" in kinds else None,
            calling_rules=self._calling_rules.values() if "calling_rules" in kinds else None,
        )

    def _changes_endpoints(self, kinds: set[str]) -> bool:
        """Whether an endpoint has other things inside, or names a trunk group that may be called otherwise."""
        names_groups = "trunk_groups" in kinds and any(self._ways_out.values())
        return names_groups or bool(kinds & {"endpoints", "did_groups", "meeting_rooms"})

    def _whole_endpoints(self) -> Iterable[AnyEndpoint]:
        for sid, endpoint in self._endpoints.items():
            if isinstance(endpoint, ConferenceEndpoint):
                inside = {kind: tuple(owned.get(sid, {}).values()) for kind, owned in self._inside.items()}
                yield endpoint.model_copy(update=inside)
            else:
                yield endpoint.model_copy(update={"trunk_group": self._names.of(self._ways_out[sid])})


class Names:
    """Who is called what, by scope, each name once."""

    __slots__ = ("_by_sid", "_holders")

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], str] = {}
        self._by_sid: dict[str, tuple[str, str]] = {}

    def of(self, sid: str | None) -> str | None:
        return self._by_sid[sid][1] if sid in self._by_sid else None

    def free(self, scope: str, row: Row, sid: str) -> str:
        """The name a row can have: its own, unless another was first."""
        wanted = str(row["name"])
        holder = self._holders.get((scope, wanted), sid)
        return wanted if holder == sid else f"{wanted[:NAME_KEPT]} {sid[:8]}"

    def give(self, scope: str, name: str, sid: str) -> None:
        if self._by_sid.get(sid) != (scope, name):
            self.take(sid)
            self._by_sid[sid] = (scope, name)
            self._holders[scope, name] = sid

    def take(self, sid: str) -> None:
        held = self._by_sid.pop(sid, None)
        if held is not None:
            self._holders.pop(held, None)


TABLES: dict[str, Table] = {
    "endpoints": endpoints.endpoints,
    "trunk_groups": trunks.trunk_groups,
    "did_groups": conference.did_groups,
    "meeting_rooms": conference.meeting_rooms,
    "dids": dids.dids,
    "users": partners.users,
    "rate_decks": rates.rate_decks,
    "calling_rules": rates.calling_rules,
}

INSIDE: dict[str, tuple[tuple[Table, str, str], ...]] = {
    "endpoints": (
        (conference.conference_accounts, "endpoint_sid", "date_created"),
        (endpoints.addresses, "endpoint_sid", "position"),
    ),
    "trunk_groups": ((trunks.trunks, "trunk_group_sid", "date_created"),),
    "meeting_rooms": ((conference.access_codes, "meeting_room_sid", "position"),),
}


def _sid_column(kind: str) -> Any:
    return next(iter(TABLES[kind].primary_key.columns))


def _pointing(kind: str, column: Any, sids: set[str]) -> ColumnElement[bool]:
    """Rows of `kind` that name one of `sids`, in `column` or, for a group, in that of one of its trunks."""
    if column.table is TABLES[kind]:
        return column.in_(sids)  # type: ignore[no-any-return]
    naming = select(trunks.trunks.c.trunk_group_sid).where(column.in_(sids))
    return trunks.trunk_groups.c.trunk_group_sid.in_(naming)


async def _slices(connection: AsyncConnection, table: Table, where: ColumnElement[bool] | None) -> AsyncIterator[Rows]:
    """The rows of a table in the order they were made, some at a time."""
    statement = select(table).order_by(table.c.date_created, next(iter(table.primary_key.columns)))
    if where is not None:
        statement = statement.where(where)
    async with connection.stream(statement) as result:
        async for rows in result.mappings().partitions(SLICE):
            yield [dict(row) for row in rows]
