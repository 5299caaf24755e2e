"""The filter's grammar: what it takes, what it refuses, and that nothing else can happen."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.api.filter import CONDITIONS_LIMIT, OPERATORS, Comparison, FilterError, parse_filter
from softswitch.api.memory import page_of
from softswitch.store import Condition, ListQuery

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,10}", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
QUOTED = st.builds(Comparison, PATHS, st.sampled_from(sorted(OPERATORS)), st.text(max_size=30), st.just(True))
WORDS = st.from_regex(r"[A-Za-z0-9%_.:+-]{1,20}", fullmatch=True).filter(lambda word: word.lower() != "null")
BARE = st.builds(Comparison, PATHS, st.sampled_from(sorted(OPERATORS)), WORDS, st.just(False))


def written(comparison: Comparison) -> str:
    value = str(comparison.value)
    if comparison.is_quoted:
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{'.'.join(comparison.path)} {comparison.op} {value}"


@given(st.lists(QUOTED | BARE, min_size=1, max_size=5))
def test_whatever_is_written_by_the_grammar_is_read_as_it_was_meant(comparisons: list[Comparison]) -> None:
    assert parse_filter(" and ".join(map(written, comparisons))) == tuple(comparisons)


@given(st.text() | st.text(alphabet="ab.\"'\\ andeqlike%()=", max_size=60))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    with suppress(FilterError):
        assert 1 <= len(parse_filter(text)) <= CONDITIONS_LIMIT


def test_quotes_words_paths_and_null() -> None:
    text = """properties.login eq "acme \\"one\\"" AND name LIKE 'a%' and date_talk ne null and name eq "null" """
    assert parse_filter(text) == (
        Comparison(("properties", "login"), "eq", 'acme "one"', True),
        Comparison(("name",), "like", "a%", True),
        Comparison(("date_talk",), "ne", None, False),
        Comparison(("name",), "eq", "null", True),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends where an attribute"),
        ("name", "ends where an operator"),
        ("name eq", "ends where a value"),
        ("name eq a or name eq b", '"and" was expected, not "or"'),
        ("name eq a and", "ends where an attribute"),
        ("name is a", "is no operator; there are eq, ne"),
        ("(name eq a)", "is no attribute"),
        ('name eq "a', "a quote is out of place"),
        ('name eq "a"b', "a quote is out of place"),
        ('"name" eq a', "is no attribute"),
        ("a.b.c.d.e.f.g eq 1", "is no attribute"),
        ("a..b eq 1", "is no attribute"),
        ("a eq " + "x" * 3000, "at most 2048"),
        (" and ".join(["a eq 1"] * 21), "more than 20 conditions"),
    ],
)
def test_what_is_no_filter_is_refused_with_what_was_expected(text: str, told: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text)
    assert told in str(refused.value)


def like(text: str, pattern: str) -> bool:
    """By the definition, sign after sign."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


@given(st.text(alphabet="ab.\n", max_size=8), st.text(alphabet="ab.\n%_", max_size=8))
def test_like_in_memory_is_what_it_is_in_a_database(text: str, pattern: str) -> None:
    """Sign after sign, a list of ten thousand phones held every call up for half a second."""
    item = {"sid": "1", "text": text}
    query = ListQuery(conditions=(Condition(("text",), "like", pattern),))
    assert bool(page_of([item], query, "sid").items) == like(text, pattern)
