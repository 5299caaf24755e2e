"""The `filter` of a list: `direction eq inbound and duration ge 60 and properties.login eq "acme one"`.

    filter     = condition *( "and" condition )
    condition  = path op value
    path       = name *( "." name )
    op         = "eq" / "ne" / "lt" / "le" / "gt" / "ge" / "like"
    value      = quoted / word          ; quoted by " or ', with \\ before a quote or a backslash inside

`and` is all that joins conditions: no `or`, no `not`, no parentheses. `like` takes `%` for any text. An unquoted
`null` is no value. Pure and linear: any text gives conditions or `FilterError`, never anything else. What a path means
and which type its value has is for `lists` to say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "like"]
OPERATORS: Mapping[str, Operator] = {op: op for op in get_args(Operator)}

TEXT_LIMIT = 2048
CONDITIONS_LIMIT = 20
PATH_LIMIT = 6

_TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))(?=\s|\Z)""", re.DOTALL)
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*\Z", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class FilterError(ValueError):
    """The text is no filter; says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition as it was written. `value` is None for `null`; `is_quoted` text is never a number or a word."""

    path: tuple[str, ...]
    op: Operator
    value: str | None
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_quoted: bool
    at: int


def parse_filter(text: str) -> tuple[Comparison, ...]:
    """The conditions of a filter, all of which must hold. Raises `FilterError`."""
    if len(text) > TEXT_LIMIT:
        raise FilterError(f"has {len(text)} characters; at most {TEXT_LIMIT} are taken")
    tokens = _tokens(text)
    comparisons = [_comparison(tokens)]
    for joint in tokens:
        if joint.is_quoted or joint.text.lower() != "and":
            raise FilterError(f'"and" was expected, not "{_shown(joint.text)}" (at character {joint.at + 1})')
        comparisons.append(_comparison(tokens))
        if len(comparisons) > CONDITIONS_LIMIT:
            raise FilterError(f"has more than {CONDITIONS_LIMIT} conditions")
    return tuple(comparisons)


def _tokens(text: str) -> Iterator[_Token]:
    text = text.rstrip()
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FilterError(f"a quote is out of place or not closed (after character {at})")
        quoted = found[1] if found[1] is not None else found[2]
        if quoted is not None:
            yield _Token(_ESCAPED.sub(r"\1", quoted), True, at)
        else:
            yield _Token(found[3], False, found.start(3))
        at = found.end()


def _comparison(tokens: Iterator[_Token]) -> Comparison:
    path, op, value = (_next(tokens, what) for what in ("an attribute", "an operator", "a value"))
    names = path.text.split(".")
    if path.is_quoted or not _PATH.match(path.text) or len(names) > PATH_LIMIT:
        raise FilterError(f'"{_shown(path.text)}" is no attribute (at character {path.at + 1})')
    if op.is_quoted or op.text.lower() not in OPERATORS:
        raise FilterError(f'"{_shown(op.text)}" is no operator; there are {", ".join(OPERATORS)}')
    is_null = not value.is_quoted and value.text.lower() == "null"
    return Comparison(tuple(names), OPERATORS[op.text.lower()], None if is_null else value.text, value.is_quoted)


def _next(tokens: Iterator[_Token], what: str) -> _Token:
    token = next(tokens, None)
    if token is None:
        raise FilterError(f"ends where {what} was expected")
    return token


def _shown(text: str) -> str:
    return text[:40]
