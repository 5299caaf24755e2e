"""Lists of what is live, a thousand calls at a time: each attribute is a function, and only what is needed is asked.

Filter and order look at the attributes that they name, of every object; all attributes are worked out for the objects
of the page alone. Without filter and order nothing else is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from softswitch.api.memory import page_of
from softswitch.store import ListQuery, Page

T = TypeVar("T")
Columns = Mapping[str, Callable[[T], Any]]
"""The attributes of an object, by name."""


def look(columns: Columns[T], thing: T) -> dict[str, Any]:
    """One object, whole."""
    return {name: value(thing) for name, value in columns.items()}


def live_page(things: Sequence[T], columns: Columns[T], query: ListQuery, sid: str) -> Page:
    """One page of what is there at this moment. Raises `InvalidQuery`."""
    if not (query.conditions or query.order or query.after or query.before or query.shuffle):
        last = query.offset + query.limit  # asked for every second, of ten thousand: the page alone is looked at
        return Page([look(columns, it) for it in things[query.offset : last]], len(things), last < len(things))
    paths = [condition.path for condition in query.conditions] + [path for path, _ in query.order]
    needed = {path[0] for path in paths} | {sid}
    asked = {name: columns[name] for name in needed}
    by_sid = {columns[sid](thing): thing for thing in things}
    page = page_of([look(asked, thing) for thing in by_sid.values()], query, sid)
    return Page([look(columns, by_sid[item[sid]]) for item in page.items], page.total, page.has_more)
