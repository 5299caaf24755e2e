"""A number plan as TOML, as `numbers.toml` is written: what `softswitch export` prints, and `load` reads back equal.

Keys at their default are left out. What TOML can't say, a null inside `stored`, is left out too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from softswitch.plan.differences import NESTED
from softswitch.plan.objects import NumberPlan

TABLES = ("rate_decks", "trunk_groups", "endpoints", "dids", "users", "calling_rules")


def toml(numbers: NumberPlan) -> str:
    """The whole plan. An empty kind stands there as an empty list, so that applying it removes what there is."""
    document = numbers.model_dump(mode="json", exclude_defaults=True)
    empty = "".join(f"{kind} = []\n" for kind in TABLES if not document.get(kind))
    entries = (line for kind in TABLES for entry in document.get(kind, ()) for line in _entry(kind, kind, entry))
    return "\n".join([*([empty] if empty else []), *entries])


def _entry(kind: str, table: str, entry: Mapping[str, Any]) -> Iterator[str]:
    nested = NESTED.get(kind, ())
    keys = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in entry.items() if key not in nested)
    yield f"[[{table}]]\n{keys}"
    for inner in nested:
        for one in entry.get(inner, ()):
            yield from _entry(inner, f"{table}.{inner}", one)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = (f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(inside)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value if one is not None)}]"
    return repr(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    """JSON's strings are TOML's, but for one character that TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
