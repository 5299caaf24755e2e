"""What a list may be asked for, as values: conditions, order, a page. The API parses them out of the query string.

Paths are dotted names taken apart: `("name",)` is a column, `("properties", "login")` reaches into a JSON column,
`("trunks", "allow_transfer")` asks whether any trunk of the group is so.
"""

from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str, ...]
Operator = Literal["eq", "ne", "gt", "ge", "lt", "le", "like"]
Scalar = str | int | float | bool | None
Row = dict[str, Any]
Rows = list[Row]

OPERATORS: tuple[Operator, ...] = ("eq", "ne", "gt", "ge", "lt", "le", "like")

LIMIT_DEFAULT = 10
LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """`path op value`. A number or a truth may also come as text: the column says what is meant."""

    path: Path
    op: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column has one of these values."""

    column: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the ways holds, each with all that it says."""

    ways: tuple[tuple[Condition | OneOf, ...], ...]


Restriction = Condition | OneOf | Either
"""What may hold for a list besides the client's own conditions."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One page of a list: all of `conditions` and `only` hold; `order` is (path, descending) with the sid as the last
    word.

    `after` and `before` are sids: the page begins behind, or ends in front of, that row in this order. They exclude
    `offset`.
    """

    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[Path, bool], ...] = ()
    limit: int = LIMIT_DEFAULT
    offset: int = 0
    after: str | None = None
    before: str | None = None
    shuffle: bool = False
    only: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is None where counting would cost more than the page: some thousand records match."""

    items: Rows
    total: int | None
    has_more: bool
