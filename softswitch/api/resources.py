"""How one configuration resource becomes six routes.

    GET    /core/v2/endpoints             a page of a list           200
    POST   /core/v2/endpoints             a new object               200, as CarrierX
    GET    /core/v2/endpoints/{sid}       the object                 200
    PATCH  /core/v2/endpoints/{sid}       some of its attributes     200
    PUT    /core/v2/endpoints/{sid}       all of its attributes      200
    DELETE /core/v2/endpoints/{sid}       gone                       204

A resource file declares an `Object` and a subclass of `ConfigurationResource`: path, kind of the store, scope, and
the rules that its attributes alone can't say (`prepare`). `routes` does the rest.

PATCH goes into objects: in `properties` it changes the names it has, and null takes one away. PUT sets what it leaves
out to its default, but for what is write-only. Read-only attributes may stand in both as GET showed them, so a client
can send back what it got; with another value they are refused by 422, as is any attribute that does not exist.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from softswitch.api.auth import needs
from softswitch.api.context import ApiContext
from softswitch.api.errors import FAULTS_LIMIT, ApiError, Fault, faults_of
from softswitch.api.lists import (
    LIMIT_MAX,
    Asked,
    Fields,
    envelope,
    json_response,
    query_of,
)
from softswitch.api.schemas import SID, Object, body_of, change_of, read_only, replacement_of, write_only
from softswitch.configfile import did_you_mean
from softswitch.store import RESOURCES, Condition, Either, ListQuery, OneOf, Restriction, Row, StillReferenced
from softswitch.store.resources import REFERRERS

Values = dict[str, Any]

REFERRERS_TOLD = 3
SHOWN_AT_ONCE = 50
"""So many objects of a list are made ready, before calls have their turn."""

NAME_LIMIT = 64
"""Of what a client sends, so much is looked at to say what was meant: finding near words takes time."""


@dataclass(frozen=True, slots=True)
class Related:
    """An object that `with_related` embeds: its kind, the attribute with its sid, and how it is shown."""

    kind: str
    by: str
    shown: type[Object]


@dataclass(frozen=True, slots=True)
class Part:
    """Objects of another resource that point here by `by`, shown inside when `parameter` is true."""

    kind: str
    by: str
    shown: type[Object]
    parameter: str


class ConfigurationResource:
    """One resource. Subclasses declare; methods up to `verbs` may be overridden to say more."""

    kind: ClassVar[str]
    """Its name in the store's registry."""
    path: ClassVar[str]
    area: ClassVar[str]
    """Of the scopes that its routes need."""
    tag: ClassVar[str]
    shown: ClassVar[type[Object]]
    example: ClassVar[Values]
    """One object, as GET shows it."""
    related: ClassVar[Mapping[str, Related]] = {}
    parts: ClassVar[Mapping[str, Part]] = {}
    """What the object may show inside, by attribute."""
    counted: ClassVar[frozenset[str]] = frozenset()
    """Read-only attributes that change by themselves: what a body says of them is not looked at."""
    verbs: ClassVar[frozenset[str]] = frozenset({"list", "create", "get", "change", "replace", "remove"})

    also: ClassVar[Mapping[str, Sequence[int]]] = {}
    """By verb: statuses it may answer beyond those of every route."""

    def __init__(self, context: ApiContext) -> None:
        self.context = context
        self.store = context.store
        self.sid = RESOURCES[self.kind].sid
        self.body = body_of(self.shown)
        self.changes = change_of(self.shown)
        self.replacements = replacement_of(self.shown)
        self._write_only = write_only(self.shown)
        self._visible = tuple(n for n in self.shown.model_fields if n not in self._write_only and n not in self.parts)
        self._read_only = read_only(self.shown)

    # ---- rules

    def guard(self, right: str) -> Any:
        """The dependency that lets a caller in."""
        return needs(f"{self.area}.{right}")

    async def owner(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - for those who have one
        """What all objects of this caller and address have in common. Raises `ApiError` 404 where nothing is there."""
        return {}

    async def scope(self, request: Request) -> Sequence[Restriction]:
        """What holds for every object that this caller and address may see. Raises `ApiError` 404 as `owner` does."""
        return [Condition((name,), "eq", value) for name, value in (await self.owner(request)).items()]

    async def prepare(self, values: Values, before: Row | None) -> Values:  # noqa: ARG002 - for those with rules
        """The values as they are kept, after whatever rules there are. Raises `ApiError`.

        `values` are all writable attributes of the object to be, and those of `owner`; `before` is the row as it is.
        """
        return values

    def check_removal(self, row: Row) -> None:
        """Raises `ApiError` for an object that has to stay."""

    def show(self, row: Row) -> Values:
        """The row as the client sees it."""
        return {name: row.get(name) for name in self._visible}

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:  # noqa: ARG002 - for those who ask
        """The same for many, where more has to be asked for than the rows have."""
        return [self.show(row) for row in rows]

    async def embed_related(self, item: Values, row: Row, known: dict[str, Values | None]) -> None:
        """Puts the objects it points to into `item`; `known` spares asking twice."""
        for name, related in self.related.items():
            sid = row.get(related.by)
            if sid is not None and sid not in known:
                found = await self.store.get(related.kind, sid)
                known[sid] = found and _shown_as(related.shown, found)
            item[name] = known.get(sid) if sid is not None else None

    async def embed_parts(self, item: Values, row: Row, names: Iterable[str]) -> None:
        """Puts the objects that point to it into `item`."""
        for name in names:
            part = self.parts[name]
            query = ListQuery(conditions=(Condition((part.by,), "eq", row[self.sid]),), limit=LIMIT_MAX)
            page = await self.store.list(part.kind, query)
            item[name] = [_shown_as(part.shown, found) for found in page.items]

    def changed(self) -> None:
        """Called after every change."""

    # ---- verbs

    async def page(self, request: Request, asked: Asked) -> Response:
        query = query_of(asked, self.shown, await self.scope(request))
        page = await self.store.list(self.kind, query)
        items: list[msgspec.Raw] = []
        known: dict[str, Values | None] = {}
        for first in range(0, len(page.items), SHOWN_AT_ONCE):
            rows = page.items[first : first + SHOWN_AT_ONCE]
            shown = await self._complete(request, rows, known, with_related=asked.with_related)
            items += [msgspec.Raw(msgspec.json.encode(asked.fields.of(item))) for item in shown]
            await asyncio.sleep(0)
        return envelope(request, query, page, items, self.sid)

    async def get(self, request: Request, fields: Fields, *, with_related: bool) -> Response:
        fields.check(self.shown)
        row = await self.find(request)
        (item,) = await self._complete(request, [row], {}, with_related=with_related)
        return json_response(fields.of(item))

    async def create(self, request: Request, body: BaseModel) -> Response:
        self.refuse_unknown(body, None)
        async with self.context.changing:
            owner = await self.owner(request)
            values = await self.prepare({**_values(body), **owner}, None)
            row = await self.store.create(self.kind, values)
        self.changed()
        return json_response({**await self._seen(request, row), **self.shown_once(_values(body))})

    def shown_once(self, sent: Values) -> Values:  # noqa: ARG002 - for those who have secrets
        """What POST answers besides the object, of the values it was given."""
        return {}

    async def change(self, request: Request, body: BaseModel) -> Response:
        async with self.context.changing:
            before = await self.find(request)
            self.refuse_unknown(body, await self._seen(request, before))
            whole = self._whole(_merged(self._writable(before), _values(body, exclude_unset=True)))
            row = await self._write(request, before, whole)
        return json_response(await self._seen(request, row))

    async def replace(self, request: Request, body: BaseModel) -> Response:
        async with self.context.changing:
            before = await self.find(request)
            self.refuse_unknown(body, await self._seen(request, before))
            kept = {name: before.get(name) for name in self._write_only - body.model_fields_set if name in before}
            row = await self._write(request, before, {**_values(body), **kept})
        return json_response(await self._seen(request, row))

    async def remove(self, request: Request) -> Response:
        async with self.context.changing:
            row = await self.find(request)
            self.check_removal(row)
            try:
                await self.store.delete(self.kind, row[self.sid])
            except StillReferenced as refused:
                raise await self._still_named(refused, row[self.sid]) from None
        self.changed()
        return Response(status_code=204)

    async def _still_named(self, refused: StillReferenced, sid: str) -> ApiError:
        """The refusal, with the first of those who stand in the way."""
        message = refused.message
        for referrer, column in REFERRERS[self.kind]:
            if referrer.name == refused.field:
                query = ListQuery(conditions=(Condition((column,), "eq", sid),), limit=REFERRERS_TOLD)
                rows = (await self.store.list(referrer.name, query)).items
                message += "".join(f"; {_called(row)}{referrer.sid} {row[referrer.sid]}" for row in rows)
        return ApiError(409, field=refused.field, message=message)

    # ---- what the verbs have in common

    async def _complete(
        self, request: Request, rows: Sequence[Row], known: dict[str, Values | None], *, with_related: bool
    ) -> list[Values]:
        """The rows as they are shown, with what the client wants to see inside. What was embedded becomes `known`."""
        parts = [name for name, part in self.parts.items() if _is_true(request.query_params.get(part.parameter))]
        items = await self.show_all(request, rows)
        for item, row in zip(items, rows, strict=True):
            await self.embed_parts(item, row, parts)
            if with_related:
                await self.embed_related(item, row, known)
        return items

    async def _seen(self, request: Request, row: Row) -> Values:
        (item,) = await self.show_all(request, [row])
        return item

    async def find(self, request: Request) -> Row:
        """The object of the address. Raises `ApiError` 404, also for an object of somebody else."""
        sid = request.path_params[self.sid]
        scope = await self.scope(request)
        row = await self.store.get(self.kind, sid) if SID.fullmatch(sid) else None
        if row is None or not all(_holds(row, condition) for condition in scope):
            raise ApiError(404, field=self.sid)
        return row

    async def _write(self, request: Request, before: Row, values: Values) -> Row:
        """Only what differs is written. Raises `ApiError` 404 where the object went meanwhile."""
        values = await self.prepare({**values, **await self.owner(request)}, before)
        different = {name: value for name, value in values.items() if before.get(name) != value}
        if not different:
            return before
        row = await self.store.update(self.kind, before[self.sid], different)
        if row is None:
            raise ApiError(404, field=self.sid)
        self.changed()
        return row

    def _writable(self, row: Row) -> Values:
        return {name: row[name] for name in self.body.model_fields if name in row}

    def _whole(self, values: Values) -> Values:
        try:
            return _values(self.body.model_validate(values))
        except ValidationError as error:
            raise ApiError(422, *faults_of(error.errors(include_url=False))) from None

    def refuse_unknown(self, body: BaseModel, seen: Values | None) -> None:
        """Raises `ApiError` 422 for attributes that do not exist, and for read-only ones that are not as `seen`."""
        faults = []
        for name, value in (body.model_extra or {}).items():
            if name in self._read_only and name not in self.parts:
                if name not in self.counted and (seen is None or seen.get(name) != value):
                    faults.append(Fault(name, "is read-only"))
            elif name in self.parts and seen is None and value:
                faults.append(Fault(name, f"is not made here, but below {self.path}/{{{self.sid}}}/{name}"))
            elif name not in self.related and name not in self.parts:
                near = did_you_mean(name[:NAME_LIMIT], self.body.model_fields)
                faults.append(Fault(name[:NAME_LIMIT], f"is no attribute here{near}"))
            if len(faults) == FAULTS_LIMIT:
                break
        if faults:
            raise ApiError(422, *faults)


def _called(row: Row) -> str:
    """What people call it, where they call it anything."""
    name = row.get("phonenumber") or row.get("username") or row.get("name")
    return f"{name}, " if name else ""


def refuse_itself(values: Values, before: Row, field: str, sid: str) -> None:
    """Raises `ApiError` 422 for an object that would be its own parent: nobody could ever remove it."""
    if values[field] == before[sid]:
        raise ApiError(422, field=field, message="is the object itself")


def _holds(row: Row, restriction: Restriction) -> bool:
    """Whether a row is what `scope` says."""
    match restriction:
        case Either(ways):
            return any(all(_holds(row, one) for one in way) for way in ways)
        case OneOf(column, values):
            return row[column] in values
        case Condition():
            return bool(row[restriction.path[0]] == restriction.value)  # scopes compare columns with `eq`


def _values(body: BaseModel, *, exclude_unset: bool = False) -> Values:
    """The declared attributes as JSON values."""
    values = body.model_dump(mode="json", exclude_unset=exclude_unset)
    return {name: value for name, value in values.items() if name in type(body).model_fields}


def _shown_as(shown: type[Object], row: Row) -> Values:
    hidden = write_only(shown)
    return {name: row.get(name) for name in shown.model_fields if name not in hidden}


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1", "yes", "on")


def _merged(before: Values, sent: Values) -> Values:
    """`sent` over `before`; objects are merged by name, and null takes a name away."""
    merged = {**before, **sent}
    for name, value in sent.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            inside = {**before[name], **value}
            merged[name] = {key: entry for key, entry in inside.items() if entry is not None}
    return merged
