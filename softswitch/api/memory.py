"""Lists of what is in memory and not in the store: filtered, ordered and cut as the store does it.

For call flows, meetings, live calls: some hundreds of objects that exist now. `page_of` takes them as they are shown.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from softswitch.api.filter import Operator
from softswitch.store import Condition, InvalidQuery, ListQuery, Page

Item = dict[str, Any]

PATTERNS_REMEMBERED = 256

OPERATIONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
    "like": lambda value, wanted: _is_like(str(value), wanted),
}


def page_of(items: Sequence[Item], query: ListQuery, sid: str) -> Page:
    """One page of `items`, whose sids are their attribute `sid`. Raises `InvalidQuery`."""
    found = [item for item in items if all(_holds(item, condition) for condition in query.conditions)]
    found = _ordered(found, query, sid)
    total = len(found)
    first, last = _cut(found, query, sid)
    has_more = first > 0 if query.before is not None else last < total
    return Page(found[first:last], total, has_more)


def _cut(items: Sequence[Item], query: ListQuery, sid: str) -> tuple[int, int]:
    sids = [item[sid] for item in items]
    for name, cursor in (("after", query.after), ("before", query.before)):
        if cursor is not None and cursor not in sids:
            raise InvalidQuery(name, "names no object of this list")
    if query.before is not None:
        last = sids.index(query.before)
        return max(0, last - query.limit), last
    first = query.offset if query.after is None else sids.index(query.after) + 1
    return first, min(first + query.limit, len(items))


def _ordered(items: list[Item], query: ListQuery, sid: str) -> list[Item]:
    if query.shuffle:
        return random.sample(items, len(items))
    for path, descending in reversed(query.order):
        values = {id(item): _value(item, path) for item in items}
        if any(isinstance(value, dict | list) for value in values.values()):
            raise InvalidQuery(".".join(path), "can't be put in order")
        items = sorted(items, key=lambda item: item[sid])
        items.sort(key=lambda item: _rank(values[id(item)]), reverse=descending)
    return items


def _rank(value: Any) -> tuple[int, Any]:
    """Nothing comes before numbers, numbers before text."""
    if value is None:
        return 0, 0
    return (2, value) if isinstance(value, str) else (1, value)


def _holds(item: Item, condition: Condition) -> bool:
    value = _value(item, condition.path)
    if isinstance(value, list):
        return any(_compares(entry, condition) for entry in value)
    return _compares(value, condition)


def _value(item: Any, path: Sequence[str]) -> Any:
    """What lies under the path; of a list, what its entries have there."""
    for position, name in enumerate(path):
        if isinstance(item, list):
            return [_value(entry, path[position:]) for entry in item]
        item = item.get(name) if isinstance(item, dict) else None
    return item


def _compares(value: Any, condition: Condition) -> bool:
    if condition.value is None:
        if condition.op not in ("eq", "ne"):
            raise InvalidQuery(condition.op, "does not compare with null; eq and ne do")
        return (value is None) == (condition.op == "eq")
    if value is None:
        return condition.op == "ne"
    return OPERATIONS[condition.op](value, _fitting(value, condition))


def _fitting(value: Any, condition: Condition) -> Any:
    """What is asked for, of the kind that the value is. Raises `InvalidQuery` where it can't be."""
    wanted = str(condition.value)
    shown = ".".join(condition.path)
    if condition.op == "like" or isinstance(value, str):
        return wanted
    if isinstance(value, bool):
        if wanted.lower() not in ("true", "false"):
            raise InvalidQuery(shown, "is true or false")
        return wanted.lower() == "true"
    if isinstance(value, int | float):
        try:
            return float(wanted)
        except ValueError:
            raise InvalidQuery(shown, "is a number") from None
    raise InvalidQuery(shown, "needs the name of what is inside")


def _is_like(text: str, pattern: str) -> bool:
    """`%` is any text, `_` any character. Each piece between two `%` is taken where it is first found."""
    pieces, last_characters = _pieces(pattern)
    if len(pieces) == 1:
        return pieces[0].fullmatch(text) is not None
    first, *middle, last = pieces
    found = first.match(text)
    for piece in middle:
        found = found and piece.search(text, found.end())
    last_at = len(text) - last_characters
    return found is not None and found.end() <= last_at and last.match(text, last_at) is not None


@lru_cache(maxsize=PATTERNS_REMEMBERED)
def _pieces(pattern: str) -> tuple[tuple[re.Pattern[str], ...], int]:
    """What stands before, between and behind the `%`, and how long the last of these is."""
    texts = pattern.split("%")
    signs = ("".join("." if sign == "_" else re.escape(sign) for sign in text) for text in texts)
    return tuple(re.compile(piece, re.DOTALL) for piece in signs), len(texts[-1])
