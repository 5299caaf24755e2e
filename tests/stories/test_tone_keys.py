"""Keys of a phone that knows no telephone-events: tones in its audio, which reach the far end once."""

import asyncio
from pathlib import Path

import numpy as np

from media.codecs.g711 import DECODE_U, ENCODE_U
from media.dtmf.tones import ToneDetector, press
from tests.stories.town import FRAME, Phone, town


async def press_tones(phone: Phone, keys: str) -> None:
    """As an old phone does, in place of its voice."""
    assert phone._talk is not None
    phone._talk.cancel()
    for frame in (*press(keys), *np.zeros((10, FRAME), np.int16)):
        phone._send(0, ENCODE_U[frame.view(np.uint16)].tobytes())
        phone._timestamp += FRAME
        await asyncio.sleep(0.02)


def keys_in(heard: list[np.ndarray]) -> str:
    """The keys that are tones in what was heard."""
    detector, row = ToneDetector(1), np.zeros(1, np.intp)
    frames = (np.ascontiguousarray(frame, np.int16)[np.newaxis] for frame in heard if len(frame) == FRAME)
    return "".join(key.digit for frame in frames for key in detector.detect(row, frame))


async def test_tones_that_the_far_end_hears_are_not_sent_to_it_once_more(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.takes_events = bob.takes_events = False
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        bob.forget()
        await press_tones(ann, "159")
        await asyncio.sleep(1)
        assert keys_in(bob._heard) == "159"
        assert bob.keys == []


async def test_tones_become_telephone_events_for_a_far_end_that_has_them(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.takes_events = False
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        await press_tones(ann, "159")
        await asyncio.sleep(1)
        assert bob.pressed == "159"


def test_the_ear_of_these_tests_hears_keys() -> None:
    frames = (*press("1#"), *np.zeros((10, FRAME), np.int16))
    assert keys_in([DECODE_U[ENCODE_U[frame.view(np.uint16)]] for frame in frames]) == "1#"
