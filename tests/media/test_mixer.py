"""The mix of all rooms in one pass equals the plain sum of each; levels order the talkers as their energy does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from media.cast import Cast, Casting
from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U
from media.commands import Place
from media.levels import Levels, level_db, measure
from media.mixer import KNEE, SOFT_LIMIT, Frames, decode, encode, limit, mix
from media.pool import FRAME_SAMPLES, PAYLOAD_AT
from media.rows import FLIP, A, Rows, U

ENCODE, DECODE = (ENCODE_U, ENCODE_A), (DECODE_U, DECODE_A)


def noise(rows: int, amplitude: float = 3000, seed: int = 1) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, amplitude, (rows, FRAME_SAMPLES)).clip(-32768, 32767).astype(np.int16)


def payload(samples: NDArray[np.int16], law: int) -> NDArray[np.uint8]:
    return ENCODE[law].take(samples.view(np.uint16))


def words(payloads: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(payloads).view(np.uint64)


def placed(*speaks: int, rooms: int = 300, loudest: int = 50) -> tuple[Rows, Casting]:
    """Rows that speak in these rooms and hear nothing."""
    rows = Rows(len(speaks))
    rows.n = len(speaks)
    rows.speaks[:] = speaks
    return rows, Casting(rows, rooms, loudest)


def all_loud(casting: Casting, rows: Rows, music: list[int] | None = None) -> Cast:
    return casting.cast(
        rows.n, np.full(rows.n, 50, np.uint8), np.full(rows.n, 10, np.uint8), np.array(music or [], np.int32)
    )


def heard(frames: Frames, cast: Cast, row: int) -> bytes:
    return frames.rows[cast.hears[row], PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES].tobytes()


@pytest.mark.parametrize("rooms", [[1], [1, 1, 1], [2, 2, 5, 5, 5, 9], list(range(1, 200)), [3] * 50])
def test_every_room_is_the_sum_of_its_own_talkers(rooms: list[int]) -> None:
    listeners = sorted(set(rooms)) * 2
    rows, casting = placed(*rooms, *[0] * len(listeners))
    first, laws = len(rooms), np.repeat([U, A], len(listeners) // 2)
    rows.hears_mix[first:] = 2 * np.array(listeners) + laws
    casting.listeners[rows.hears_mix[first:]] = 1
    frames, samples = Frames(), noise(len(rooms), 500)
    cast = all_loud(casting, rows)
    sums = mix(frames, cast, samples)
    assert cast.spoken.tolist() == sorted(set(rooms))
    for row, (room, law) in enumerate(zip(listeners, laws, strict=True), first):
        plain = samples[np.array(rooms) == room].astype(np.int32).sum(axis=0)
        assert (sums[cast.spoken.tolist().index(room)] == plain).all()
        assert heard(frames, cast, row) == payload(limit(plain)[np.newaxis], law).tobytes()


def test_a_talker_hears_his_room_without_himself_and_with_its_music() -> None:
    rows, casting = placed(2, 1, 2, 2)
    rows.hears[:] = [2, 1, 2, 0]
    rows.send_law[2] = A
    rows.hears_mix[:] = 2 * rows.hears + rows.send_law
    frames, cast = Frames(), all_loud(casting, rows, music=[2])
    assert cast.talkers.tolist() == [1, 0, 2, 3]
    voices = noise(5, 500)
    mix(frames, cast, voices)
    plain = voices.astype(np.int32)
    assert heard(frames, cast, 0) == encode(plain[2:].sum(axis=0), U).tobytes()
    assert heard(frames, cast, 2) == encode(plain[[1, 3, 4]].sum(axis=0), A).tobytes()
    assert heard(frames, cast, 1) == encode(np.zeros(FRAME_SAMPLES, np.int32), U).tobytes()


def test_a_room_without_listeners_of_a_law_is_not_encoded_for_it() -> None:
    rows, casting = placed(4, 4)
    casting.listeners[2 * 4 + A] = 1
    frames = Frames()
    before = frames.used
    mix(frames, all_loud(casting, rows), noise(2))
    assert frames.used == before + 1


def test_a_room_that_has_fallen_silent_hears_silence_again() -> None:
    rows, casting = placed(4, 0, 0)
    rows.hears_mix[:] = [0, 2 * 4 + U, 2 * 4 + A]
    casting.listeners[rows.hears_mix[1:]] = 1
    gate = np.full(3, 10, np.uint8)
    assert casting.cast(3, np.full(3, 50, np.uint8), gate).hears[1:].min() > A
    cast = casting.cast(3, np.zeros(3, np.uint8), gate)
    assert cast.hears.tolist() == [U, U, A]
    assert len(mix(Frames(), cast, noise(0))) == 0


def test_a_cast_is_kept_as_long_as_the_same_people_talk_where_they_are() -> None:
    rows, casting = placed(1, 1, 0)
    cast = all_loud(casting, rows)
    assert all_loud(casting, rows) is cast
    assert casting.cast(3, np.array([99, 20, 90], np.uint8), np.full(3, 10, np.uint8)) is cast
    assert all_loud(casting, rows, music=[1]) is not cast
    rows.open(2, 1)
    rows.place(Place(2, 1, 1, 0.0))
    assert all_loud(casting, rows).talkers.tolist() == [0, 1, 2]


def test_of_many_the_loudest_are_chosen_in_each_room() -> None:
    _, casting = placed(*[1] * 20, *[2] * 2, *[3] * 18, loudest=3)
    loudness = np.arange(40, dtype=np.uint8) + 30
    chosen = casting.cast(40, loudness, np.full(40, 20, np.uint8)).talkers
    assert chosen.tolist() == [17, 18, 19, 20, 21, 37, 38, 39]


def test_who_is_heard_stays_heard_against_somebody_slightly_louder() -> None:
    _, casting = placed(1, 1, 1, loudest=2)
    gate = np.full(3, 10, np.uint8)
    for loudness, chosen in (([50, 51, 40], [0, 1]), ([50, 51, 60], [0, 1]), ([50, 51, 80], [1, 2])):
        assert casting.cast(3, np.array(loudness, np.uint8), gate).talkers.tolist() == chosen


def test_who_is_below_his_gate_or_in_no_room_is_not_chosen() -> None:
    _, casting = placed(1, 0, 1)
    cast = casting.cast(3, np.array([50, 90, 9], np.uint8), np.full(3, 10, np.uint8))
    assert cast.talkers.tolist() == [0]


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
