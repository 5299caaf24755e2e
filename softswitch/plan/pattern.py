"""Which regular expressions a number plan may use: those that can't be made slow.

Python's `re` backtracks, so `(a+)+b` takes for ever on a number someone chose with care. A pattern is refused when it
could take more than cubic time: repetition or alternatives inside a repetition, more than three repetitions in all,
references back to a group. With subjects of at most `SUBJECT_LIMIT` characters a match then takes well under a
millisecond.
"""

import re
from re import _constants, _parser  # type: ignore[attr-defined]  # the parse tree: the only way to see what a pattern does
from typing import Any

SUBJECT_LIMIT = 128
"""Longer numbers and header values do not match any pattern."""

PATTERN_LIMIT = 256
REPEATS_LIMIT = 3
OPTIONALS_LIMIT = 12

ACCEPTED = "a regular expression of Python without repetition inside repetition, at most three repetitions"

_REPEATS = frozenset({_constants.MAX_REPEAT, _constants.MIN_REPEAT})
_LEAVES = frozenset(
    {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN, _constants.AT, _constants.CATEGORY}
)
_REFERENCES = frozenset({_constants.GROUPREF, _constants.GROUPREF_EXISTS})


def compile_safely(pattern: str) -> re.Pattern[str]:
    """The compiled pattern. Raises ValueError when it is no regular expression, or one that could be slow."""
    if len(pattern) > PATTERN_LIMIT:
        raise ValueError(f"is longer than {PATTERN_LIMIT} characters")
    try:
        compiled = re.compile(pattern, re.ASCII)
        _Examination().look(_parser.parse(pattern, re.ASCII), inside_repeat=False)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return compiled


class _Examination:
    """One walk through a parse tree; raises ValueError at the first thing that could be slow."""

    def __init__(self) -> None:
        self._repeats = 0
        self._optionals = 0

    def look(self, tree: Any, *, inside_repeat: bool) -> None:
        for operation, argument in tree:
            if operation in _REFERENCES:
                raise ValueError("refers back to a group")
            if operation is _constants.BRANCH:
                self._branch(argument[1], inside_repeat)
            elif operation in _REPEATS:
                self._repeat(argument[0], argument[1], argument[2], inside_repeat)
            elif operation is _constants.SUBPATTERN:
                self.look(argument[-1], inside_repeat=inside_repeat)
            elif operation in (_constants.ASSERT, _constants.ASSERT_NOT):
                self.look(argument[1], inside_repeat=inside_repeat)
            elif operation not in _LEAVES:
                raise ValueError("uses a construct that is not accepted here")

    def _branch(self, branches: list[Any], inside_repeat: bool) -> None:
        if inside_repeat:
            raise ValueError("has alternatives inside a repetition")
        for branch in branches:
            self.look(branch, inside_repeat=False)

    def _repeat(self, least: int, most: int, body: Any, inside_repeat: bool) -> None:
        if least != most:
            if inside_repeat:
                raise ValueError("has a repetition inside a repetition")
            self._repeats += most > 1
            self._optionals += most == 1
        if self._repeats > REPEATS_LIMIT or self._optionals > OPTIONALS_LIMIT:
            raise ValueError(f"has more than {REPEATS_LIMIT} repetitions or {OPTIONALS_LIMIT} optional parts")
        self.look(body, inside_repeat=inside_repeat or most > 1)
