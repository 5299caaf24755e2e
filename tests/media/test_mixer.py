"""The mix of all rooms in one pass equals the plain sum of each; levels order the talkers as their energy does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U
from media.levels import Levels, level_db, measure
from media.mixer import KNEE, SOFT_LIMIT, Frames, Mixer, decode, encode, limit
from media.pool import FRAME_SAMPLES, PAYLOAD_AT
from media.rows import FLIP, A, U

ENCODE, DECODE = (ENCODE_U, ENCODE_A), (DECODE_U, DECODE_A)


def noise(rows: int, amplitude: float = 3000, seed: int = 1) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, amplitude, (rows, FRAME_SAMPLES)).clip(-32768, 32767).astype(np.int16)


def payload(samples: NDArray[np.int16], law: int) -> NDArray[np.uint8]:
    return ENCODE[law].take(samples.view(np.uint16))


def words(payloads: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(payloads).view(np.uint64)


@pytest.mark.parametrize("rooms", [[1], [1, 1, 1], [2, 2, 5, 5, 5, 9], list(range(1, 200)), [3] * 50])
def test_every_room_is_the_sum_of_its_own_talkers(rooms: list[int]) -> None:
    mixer, frames = Mixer(300, 300, 8), Frames()
    mixer.listeners[:] = 1
    numbers, samples = np.array(rooms, np.int32), noise(len(rooms), 500)
    spoken, sums = mixer.mix(frames, numbers, samples)
    assert spoken.tolist() == sorted(set(rooms))
    for room, total in zip(spoken, sums, strict=True):
        plain = samples[numbers == room].astype(np.int32).sum(axis=0)
        assert (total == plain).all()
        for law in (U, A):
            heard = frames.rows[mixer.frame_of_mix[2 * room + law], PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES]
            assert (heard == payload(limit(plain)[np.newaxis], law)[0]).all()


def test_a_room_without_listeners_of_a_law_is_not_encoded_for_it() -> None:
    mixer, frames = Mixer(10, 10, 8), Frames()
    mixer.listeners[2 * 4 + A] = 1
    before = frames.used
    mixer.mix(frames, np.array([4, 4], np.int32), noise(2))
    assert frames.used == before + 1


def test_a_room_that_has_fallen_silent_hears_silence_again() -> None:
    mixer, frames = Mixer(10, 10, 8), Frames()
    mixer.listeners[:] = 1
    mixer.mix(frames, np.array([4], np.int32), noise(1))
    mixer.hush()
    assert mixer.frame_of_mix[2 * 4] == U
    assert mixer.frame_of_mix[2 * 4 + 1] == A


def test_of_many_the_loudest_are_chosen_in_each_room() -> None:
    mixer = Mixer(40, 5, 3)
    speaks = np.array([1] * 20 + [2] * 2 + [3] * 18, np.int32)
    loudness = np.arange(40, dtype=np.uint8) + 30
    chosen = mixer.choose(40, speaks, loudness, np.full(40, 20, np.uint8))
    assert chosen.tolist() == [17, 18, 19, 20, 21, 37, 38, 39]


def test_who_is_heard_stays_heard_against_somebody_slightly_louder() -> None:
    mixer = Mixer(3, 3, 2)
    speaks, gate = np.ones(3, np.int32), np.full(3, 10, np.uint8)
    assert mixer.choose(3, speaks, np.array([50, 51, 40], np.uint8), gate).tolist() == [0, 1]
    assert mixer.choose(3, speaks, np.array([50, 51, 60], np.uint8), gate).tolist() == [0, 1]
    assert mixer.choose(3, speaks, np.array([50, 51, 80], np.uint8), gate).tolist() == [1, 2]


def test_who_is_below_his_gate_or_in_no_room_is_not_chosen() -> None:
    mixer = Mixer(3, 3, 8)
    chosen = mixer.choose(3, np.array([1, 0, 1], np.int32), np.array([50, 90, 9], np.uint8), np.full(3, 10, np.uint8))
    assert chosen.tolist() == [0]


@pytest.mark.parametrize("law", [U, A])
def test_a_single_talker_passes_bit_exact(law: int) -> None:
    payloads = payload(noise(5), law)
    samples = decode(payloads, np.full(5, law, np.uint8))
    silent_sign = {0x7F: 0xFF} if law == U else {}
    expected = np.vectorize(lambda byte: silent_sign.get(byte, byte))(payloads)
    quiet = np.abs(samples) <= KNEE
    assert (encode(samples.astype(np.int32), law)[quiet] == expected[quiet]).all()


def test_rows_of_both_laws_are_decoded_together() -> None:
    samples = noise(6)
    laws = np.array([U, A, A, U, A, U], np.uint8)
    payloads = np.stack([payload(row[np.newaxis], law)[0] for row, law in zip(samples, laws, strict=True)])
    expected = np.stack([DECODE[law].take(row) for row, law in zip(payloads, laws, strict=True)])
    assert (decode(payloads, laws) == expected).all()


def test_loud_sums_are_bent_not_cut() -> None:
    assert (np.diff(SOFT_LIMIT.astype(int)) >= 0).all()
    middle = len(SOFT_LIMIT) // 2
    straight = np.arange(-KNEE, KNEE + 1)
    assert (SOFT_LIMIT[middle + straight] == straight).all()
    assert limit(np.array([[10**6, -(10**6)]], np.int32)).tolist() == [[32767, -32767]]


@pytest.mark.parametrize("law", [U, A])
def test_levels_from_bytes_rise_with_the_signal(law: int) -> None:
    flips = np.full((1, 1), FLIP[law], np.uint64)
    levels = [int(measure(words(payload(noise(1, a), law)), flips)[0]) for a in (0, 100, 300, 1000, 3000, 10000)]
    assert levels == sorted(set(levels))
    assert levels[0] == 0


@pytest.mark.parametrize("law", [U, A])
def test_a_level_in_decibels_is_that_of_the_signal(law: int) -> None:
    flips = np.full((1, 1), FLIP[law], np.uint64)
    square = np.full((1, FRAME_SAMPLES), 3276, np.int16)
    level = int(measure(words(payload(square, law)), flips)[0])
    assert level_db(level, law) == pytest.approx(-20, abs=0.5)


def test_loudness_follows_up_at_once_and_down_slowly() -> None:
    levels, nobody = Levels(2), np.zeros(2, np.bool_)
    levels.follow(2, np.array([80, 0], np.uint8), nobody)
    assert levels.loudness.tolist() == [80, 0]
    levels.follow(2, np.array([0, 0], np.uint8), nobody)
    assert 70 < levels.loudness[0] < 80


def test_a_row_that_pauses_is_just_loud_enough_for_a_bridged_call() -> None:
    levels = Levels(2)
    for _ in range(200):
        levels.follow(2, np.zeros(2, np.uint8), np.array([True, False]))
    assert levels.loudness.tolist() == [1, 0]
