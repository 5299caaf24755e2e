"""A `ListQuery` as SQL, for both databases, so that indexes serve it.

A list is in one order, which ends with the sid; a cursor is the place of a row in that order. The databases differ in
where NULL stands in an order (first with SQLite, last with PostgreSQL): each keeps its way, and cursors know it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String

from softswitch.store.errors import InvalidQuery
from softswitch.store.query import Condition, Either, ListQuery, OneOf, Path, Restriction, Scalar
from softswitch.store.resources import Resource

Column = ColumnElement[Any]
Order = list[tuple[Column, bool, str | None]]
"""Column, descending, and the attribute it is (None where it lies inside a JSON value)."""

COMPARE: Mapping[str, Callable[[Column, Any], Column]] = {
    "eq": operator.eq,
    "ne": lambda column, value: or_(column != value, column.is_(None)),
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "like": lambda column, pattern: column.like(pattern),
}

WHOLE_MAX = 2**31 - 1
BIG_MAX = 2**53 - 1
"""Of a column of 64 bits; beyond, JSON has no whole numbers."""

TRUTHS = {"true": True, "false": False, "1": True, "0": False}


class JsonText(FunctionElement[str]):
    """What lies under a path in a JSON column, as text: "true", "12", "abc"; NULL where there is nothing."""

    type = String()
    inherit_cache = True
    name = "json_text"


class JsonNumber(FunctionElement[float]):
    """The same as a number; NULL where it is none."""

    type = Float()
    inherit_cache = True
    name = "json_number"


@compiles(JsonText, "sqlite")
def _text_sqlite(element: JsonText, compiler: Any, **kw: Any) -> str:
    place = _sqlite_place(element, compiler, kw)
    value = f"CAST(json_extract({place}) AS TEXT)"
    return f"CASE json_type({place}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE {value} END"


@compiles(JsonNumber, "sqlite")
def _number_sqlite(element: JsonNumber, compiler: Any, **kw: Any) -> str:
    value = f"json_extract({_sqlite_place(element, compiler, kw)})"
    return f"CASE WHEN {value} GLOB '[-0-9]*' THEN CAST({value} AS REAL) END"


@compiles(JsonText, "postgresql")
def _text_postgresql(element: JsonText, compiler: Any, **kw: Any) -> str:
    column, _, names = element.clauses
    return f"({compiler.process(column, **kw)} #>> string_to_array({compiler.process(names, **kw)}, chr(31)))"


@compiles(JsonNumber, "postgresql")
def _number_postgresql(element: JsonNumber, compiler: Any, **kw: Any) -> str:
    value = _text_postgresql(element, compiler, **kw)  # type: ignore[arg-type]
    return f"CASE WHEN {value} ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST({value} AS double precision) END"


def _sqlite_place(element: FunctionElement[Any], compiler: Any, kw: Any) -> str:
    column, path, _ = element.clauses
    return f"{compiler.process(column, **kw)}, {compiler.process(path, **kw)}"


# ---- conditions


def conditions(resource: Resource, query: ListQuery) -> list[Column]:
    """What the WHERE of a list says, cursors apart. Raises `InvalidQuery`."""
    return [_restriction(resource, restriction) for restriction in (*query.only, *query.conditions)]


def _restriction(resource: Resource, restriction: Restriction) -> Column:
    match restriction:
        case Either(ways):
            return or_(*(and_(*(_restriction(resource, one) for one in way)) for way in ways))
        case OneOf(column, values):
            return resource.columns[column].in_(values)
        case Condition():
            return _condition(resource, restriction)


def _condition(resource: Resource, condition: Condition) -> Column:
    name, *inside = condition.path
    child = resource.children.get(name)
    if child is None:
        return _compared(resource.columns, condition.path, condition)
    if not inside:
        raise InvalidQuery(name, f"needs one of its attributes: {name}.{next(iter(child.table.c)).name}")
    parent = child.table.c[child.parent] == resource.table.c[resource.sid]
    columns = {column.name: column for column in child.table.c}
    return exists().where(parent, _compared(columns, tuple(inside), condition))


def _compared(columns: Any, path: Path, condition: Condition) -> Column:
    shown = ".".join(condition.path)
    column = _column(columns, path, shown)
    value = condition.value
    if condition.op not in COMPARE:
        raise InvalidQuery(shown, f"{condition.op} is no operator; {', '.join(COMPARE)} are")
    if value is None and condition.op not in ("eq", "ne"):
        raise InvalidQuery(shown, "null is compared by eq or ne")
    if len(path) > 1:
        if value is not None and condition.op in ("gt", "ge", "lt", "le") and (number := _number(value)) is not None:
            return _operation(_inside(columns, path, JsonNumber), condition.op, number)
        value = None if value is None else _text(value)
    else:
        value = _fitting(column, value, condition)
    return _operation(column, condition.op, value)


def _column(columns: Any, path: Path, shown: str) -> Column:
    column = columns.get(path[0])
    if column is None:
        raise InvalidQuery(shown, "is no attribute of this object")
    if len(path) == 1:
        return column  # type: ignore[no-any-return]
    return _inside(columns, path, JsonText)


def _inside(columns: Any, path: Path, kind: type[FunctionElement[Any]]) -> Column:
    """The value under `path` in a JSON column; the path goes as SQLite and as PostgreSQL write it."""
    column = columns[path[0]]
    if column.type.__class__.__name__ != "JSON":
        raise InvalidQuery(".".join(path), f"{path[0]} has no attributes inside")
    if any(not name or not name.isprintable() or '"' in name or "\\" in name for name in path[1:]):
        raise InvalidQuery(".".join(path), "has characters that no attribute has")
    for_sqlite = "$" + "".join(f'."{name}"' for name in path[1:])
    return kind(column, literal(for_sqlite, String()), literal("\x1f".join(path[1:]), String()))


def _operation(column: Column, op: str, value: Any) -> Column:
    if value is None:
        return column.is_(None) if op == "eq" else column.is_not(None)
    return COMPARE[op](column, value)


def _fitting(column: Any, value: Scalar, condition: Condition) -> Any:
    """The value as the column has it. Raises `InvalidQuery` where it can't be one."""
    shown = ".".join(condition.path)
    if value is None:
        return None
    if isinstance(column.type, Boolean):
        truth = TRUTHS.get(_text(value).lower())
        if truth is None or condition.op not in ("eq", "ne"):
            raise InvalidQuery(shown, "is true or false, compared by eq or ne")
        return truth
    if isinstance(column.type, Integer | Float):
        number = _number(value)
        if number is None or condition.op == "like":
            raise InvalidQuery(shown, "is a number, compared by eq, ne, gt, ge, lt or le")
        return _whole(column, number, shown) if isinstance(column.type, Integer) and number.is_integer() else number
    if not isinstance(column.type, String):
        raise InvalidQuery(shown, "needs the name of what is inside, such as properties.login")
    return _text(value)


def _whole(column: Any, number: float, shown: str) -> int:
    """As an integer column has it: compared with any other kind of number, PostgreSQL would use no index."""
    largest = BIG_MAX if isinstance(column.type, BigInteger) else WHOLE_MAX
    if abs(number) > largest:
        raise InvalidQuery(shown, f"is a number up to {largest}")
    return int(number)


def _number(value: Scalar) -> float | None:
    try:
        number = float(value) if value is not None and not isinstance(value, bool) else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < 1e300 else None


def storable(text: str) -> str:
    """The text without what no database takes: then it is equal to nothing that is there."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return storable(str(value))


# ---- order and cursors


def order_of(resource: Resource, query: ListQuery) -> Order:
    """The columns of the order, the sid last, in the direction of the one before it. Raises `InvalidQuery`."""
    order: Order = []
    for path, descending in query.order or (((resource.default_order,), False),):
        column = _column(resource.columns, path, ".".join(path))
        if len(path) == 1 and path[0] in resource.documents:
            raise InvalidQuery(".".join(path), "can't be put in order")
        order.append((column, descending, path[0] if len(path) == 1 else None))
    if order[-1][2] != resource.sid:
        order.append((resource.columns[resource.sid], order[-1][1], resource.sid))
    return order


def beyond(order: Order, place: Sequence[Any], *, backward: bool, nulls_first: bool) -> Column:
    """Everything behind the row whose order columns are `place` (in front of it: `backward`).

    `a > x OR (a = x AND (b > y OR ...))`, and for the index `a >= x` in front of it all.
    """
    condition: Column = false()
    for (column, descending, _), value in zip(reversed(order), reversed(place), strict=True):
        upward = descending == backward
        behind = _behind(column, value, upward=upward, nulls_first=nulls_first)
        same = column.is_(None) if value is None else column == value
        condition = or_(behind, and_(same, condition))
    column, descending, _ = order[0]
    if place[0] is None or _is_nullable(column):
        return condition
    return and_(column >= place[0] if descending == backward else column <= place[0], condition)


def _is_nullable(column: Column) -> bool:
    return bool(getattr(column, "nullable", True))


def _behind(column: Column, value: Any, *, upward: bool, nulls_first: bool) -> Column:
    nulls_behind = nulls_first != upward
    if value is None:
        return false() if nulls_behind else column.is_not(None)
    further = column > value if upward else column < value
    return or_(further, column.is_(None)) if nulls_behind and _is_nullable(column) else further


def ordered(statement: Select[Any], order: Order, *, backward: bool = False) -> Select[Any]:
    return statement.order_by(
        *(column.desc() if descending != backward else column.asc() for column, descending, _ in order)
    )


def counting(resource: Resource, where: Sequence[Column]) -> Select[int]:
    """How many match; no further than `resource.counted` and one."""
    matching = select(literal(1)).select_from(resource.table).where(true(), *where)
    if resource.counted is not None:
        matching = matching.limit(resource.counted + 1)
    return select(func.count()).select_from(matching.subquery())
