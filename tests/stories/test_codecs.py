"""Codecs of two legs: nothing is transcoded that need not be."""

import asyncio
from pathlib import Path

import pytest

from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import town

U, A = 0, 8


@pytest.mark.parametrize(
    ("caller", "callee", "spoken", "transcoded"),
    [
        ([U, A], [U, A], (U, U), False),
        ([A, U], [U, A], (A, A), False),
        ([A, U], [U], (U, U), False),
        ([U, A], [A], (A, A), False),
        ([A], [U, A], (A, A), False),
        ([U], [A], (U, A), True),
        ([A], [U], (A, U), True),
    ],
    ids=str,
)
async def test_both_speak_one_codec_where_there_is_one(
    tmp_path: Path, caller: list[int], callee: list[int], spoken: tuple[int, int], transcoded: bool
) -> None:
    async with town(tmp_path) as it:
        records = keep_records(it)
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.laws, bob.laws = caller, callee
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        await asyncio.sleep(2)
        assert (ann.law, bob.law) == spoken
        assert ann.hears(bob.tone_hz)
        assert bob.hears(ann.tone_hz)
        ann.hang_up()
        await ann.ended()
        await asyncio.sleep(1)
        (record,) = records
        assert record.transcoded is transcoded


async def test_early_media_is_in_the_codec_of_the_callee_where_the_caller_knows_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.laws, bob.laws = [U, A], [A]
        ann.dial("1002")
        await bob.rings()
        bob.ring(183, early_media=True)
        await asyncio.sleep(2)
        assert (ann.law, bob.law) == (A, A)
        assert ann.hears(bob.tone_hz)
