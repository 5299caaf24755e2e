"""Records as tests write them, as the store takes them."""

from collections.abc import Mapping, Sequence
from typing import Any


def columns_and_rows(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What `Store.add_records` wants of records that have all the same fields."""
    return list(records[0]), [tuple(record.values()) for record in records]


def by_column(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """What a store was given."""
    return [dict(zip(columns, row, strict=True)) for row in rows]
