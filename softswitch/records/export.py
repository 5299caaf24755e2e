"""Records for others: CSV or JSON lines, oldest first, read from the store page by page."""

import csv
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, TextIO

from softswitch.store import Condition, ListQuery, Store

Kind = Literal["call_drs", "conference_calls", "mediator_calls"]
Format = Literal["csv", "jsonl"]
PAGE = 1000
SIDS: Mapping[Kind, str] = {"call_drs": "dr_sid", "conference_calls": "call_sid", "mediator_calls": "dr_sid"}


async def export(store: Store, to: TextIO, kind: Kind, form: Format, since: str = "", until: str = "") -> int:
    """Writes the records whose `date_stop` lies in `since` <= ... < `until` (ISO 8601, UTC). How many."""
    count = 0
    writer: Any = None
    async for page in _pages(store, kind, since, until):
        if form == "jsonl":
            to.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in page)
        else:
            if writer is None:
                writer = csv.DictWriter(to, list(page[0]))
                writer.writeheader()
            writer.writerows(map(_flat, page))
        count += len(page)
    return count


async def _pages(store: Store, kind: Kind, since: str, until: str) -> AsyncIterator[Sequence[dict[str, Any]]]:
    bounds = ((since, "ge"), (until, "lt"))
    conditions = tuple(Condition(("date_stop",), op, value) for value, op in bounds if value)  # type: ignore[arg-type]
    after: str | None = None
    while True:
        page = await store.list(kind, ListQuery(conditions, ((("date_stop",), False),), PAGE, after=after))
        if page.items:
            yield page.items
            after = page.items[-1][SIDS[kind]]
        if not page.has_more:
            return


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as CSV can have it: objects as JSON, nothing for None."""
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
