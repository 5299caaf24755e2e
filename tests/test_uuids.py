"""Random UUIDs."""

import uuid

from softswitch.uuids import PAGE_UUIDS, new_uuid


def test_they_are_random_uuids_of_version_4_as_everybody_writes_them() -> None:
    for _ in range(2 * PAGE_UUIDS):
        text = new_uuid()
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_no_two_are_the_same_and_every_free_digit_varies() -> None:
    made = [new_uuid() for _ in range(5 * PAGE_UUIDS)]
    assert len(set(made)) == len(made)
    for place, digits in enumerate(zip(*made, strict=True)):
        expected = {8: 1, 13: 1, 14: 1, 18: 1, 23: 1, 19: 4}.get(place, 16)
        assert len(set(digits)) == expected, place
