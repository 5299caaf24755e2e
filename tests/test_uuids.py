"""UUIDs that begin with the second."""

import itertools
import uuid

import pytest

from softswitch.uuids import PAGE_UUIDS, SECONDS, new_uuid


def test_they_are_uuids_of_version_4_as_everybody_writes_them() -> None:
    for _ in range(2 * PAGE_UUIDS):
        text = new_uuid()
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_no_two_are_the_same_and_every_free_digit_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(1_800_000_000.5, 7)
    monkeypatch.setattr("softswitch.uuids.time.time", lambda: next(seconds))
    made = [new_uuid() for _ in range(5 * PAGE_UUIDS)]
    assert len(set(made)) == len(made)
    for place, digits in enumerate(zip(*made, strict=True)):
        expected = {8: 1, 13: 1, 14: 1, 18: 1, 23: 1, 19: 4}.get(place, 16)
        assert len(set(digits)) == expected, place


def test_those_of_one_second_lie_together_and_in_the_order_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A primary key that is random from its first bit on dirtied another page of the database with every call."""
    beginnings = []
    for second in range(SECONDS - 1, 2 * SECONDS):
        monkeypatch.setattr("softswitch.uuids.time.time", lambda second=second: second + 0.9)
        beginnings.append({new_uuid()[:3] for _ in range(3)})
    assert all(len(of_a_second) == 1 for of_a_second in beginnings)
    first, *later = (min(of_a_second) for of_a_second in beginnings)
    assert (first, later) == ("fff", sorted(later))
    assert len(set(later)) == SECONDS
