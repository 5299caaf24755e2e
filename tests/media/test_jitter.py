"""The jitter buffer by itself: even streams wait for nothing, late ones are rescued, delay is given back in silence."""

import mmap

import numpy as np
import pytest

from media.jitter import FARTHEST, FIRST_WINDOW_TICKS, LATEST_RESCUED, WINDOW_TICKS, JitterBuffer, Placed
from media.pool import FRAME_SAMPLES, NO_SLOT
from media.streams import StreamColumns

ROWS = 4
QUIET, LOUD = np.ones(ROWS, np.bool_), np.zeros(ROWS, np.bool_)


def buffer() -> JitterBuffer:
    memory = mmap.mmap(-1, StreamColumns.size_bytes(ROWS))
    return JitterBuffer(ROWS, StreamColumns(ROWS, memory, 0), lambda rows: rows + 100)


def play(jitter: JitterBuffer, quiet: np.ndarray = LOUD) -> int:
    """What row 0 plays in this tick; then the next."""
    slot = int(jitter.due(ROWS)[0])
    jitter.advance(ROWS, quiet)
    return slot


def frame(number: int) -> int:
    return number * FRAME_SAMPLES & 0xFFFFFFFF


def test_an_even_stream_plays_each_packet_when_it_comes() -> None:
    jitter = buffer()
    for number in range(50):
        assert jitter.place_one(0, frame(number), number) is Placed.IN_TIME
        assert play(jitter) == number


def test_the_usual_way_places_all_rows_at_once() -> None:
    jitter = buffer()
    for row in range(ROWS):
        jitter.place_one(row, frame(0), row)
    play(jitter)
    came = np.array([True, True, False, True])
    timestamps = np.array([frame(1), frame(2), frame(1), frame(1)], np.uint32)
    assert jitter.place(ROWS, came, timestamps) == []
    assert jitter.due(ROWS).tolist() == [0, NO_SLOT, NO_SLOT, 3]
    jitter.advance(ROWS, LOUD)
    assert jitter.due(ROWS).tolist() == [NO_SLOT, 101, NO_SLOT, NO_SLOT]


def test_rows_that_are_not_in_time_are_left_to_be_placed_one_by_one() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(5), 0)
    jitter.place_one(1, frame(5), 1)
    play(jitter)
    timestamps = np.array([frame(6), frame(3), 0, 0], np.uint32)
    assert jitter.place(ROWS, np.array([True, True, False, False]), timestamps) == [1]


def test_reordered_packets_play_in_order() -> None:
    jitter = buffer()
    for number in (0, 2, 1, 3):
        jitter.place_one(0, frame(number), number)
    assert [play(jitter) for _ in range(4)] == [0, 1, 2, 3]


def test_a_duplicate_is_told_and_changes_nothing() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(0), 7)
    assert jitter.place_one(0, frame(0), 8) is Placed.DUPLICATE
    assert play(jitter) == 7


def test_a_late_packet_delays_what_follows_and_is_played() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(0), 0)
    play(jitter)
    assert play(jitter) == NO_SLOT
    assert jitter.place_one(0, frame(1), 1) is Placed.DELAYED_THE_ROW
    jitter.place_one(0, frame(2), 2)
    assert [play(jitter), play(jitter)] == [1, 2]


def test_a_packet_later_than_can_be_rescued_starts_the_row_anew() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(100), 0)
    play(jitter)
    assert jitter.place_one(0, frame(100 - LATEST_RESCUED - 1), 1) is Placed.STARTED_ANEW
    assert play(jitter) == 1


@pytest.mark.parametrize("jump", [FARTHEST + 1, 1000, 5_000_000, -1000])
def test_timestamps_that_jump_are_followed(jump: int) -> None:
    jitter = buffer()
    jitter.place_one(0, frame(0), 0)
    play(jitter)
    assert jitter.place_one(0, frame(1 + jump), 1) is Placed.STARTED_ANEW
    assert play(jitter) == 1


def test_timestamps_wrap_without_a_gap() -> None:
    jitter = buffer()
    start = 0xFFFFFFFF - 2 * FRAME_SAMPLES
    for number in range(6):
        assert jitter.place_one(0, (start + frame(number)) & 0xFFFFFFFF, number) is Placed.IN_TIME
        assert play(jitter) == number


def test_delay_that_is_not_needed_is_given_back_in_silence() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(0), 0)
    for number in range(3 * WINDOW_TICKS):  # each packet is there two frames before its turn
        jitter.place_one(0, frame(number + 2), number + 2)
        play(jitter, QUIET)
    assert jitter.skipped >= 1
    assert jitter.place_one(0, frame(3 * WINDOW_TICKS + 2), 0) is Placed.IN_TIME


def test_delay_is_kept_while_somebody_talks() -> None:
    jitter = buffer()
    for number in range(FIRST_WINDOW_TICKS + 1):
        jitter.place_one(0, frame(number), number)
        play(jitter, LOUD)
    for number in range(FIRST_WINDOW_TICKS + 1, WINDOW_TICKS + 20):
        jitter.place_one(0, frame(number + 2), number + 2)
        play(jitter, LOUD)
    assert jitter.skipped == 0


def test_packets_that_waited_for_us_at_the_start_delay_nobody_for_long() -> None:
    """Three packets are there when the row is first read, and from then on one a tick."""
    jitter = buffer()
    for number in range(3):
        jitter.place_one(0, frame(number), number)
    for number in range(3, FIRST_WINDOW_TICKS + 3):
        play(jitter, LOUD)
        jitter.place_one(0, frame(number), number)
    play(jitter, LOUD)
    assert jitter.skipped == 2
    for number in range(FIRST_WINDOW_TICKS + 3, FIRST_WINDOW_TICKS + 20):
        jitter.place_one(0, frame(number), number)
        assert play(jitter, LOUD) == number


def test_what_was_learned_of_a_source_outlasts_a_restart() -> None:
    jitter = buffer()
    jitter._extra_frames[0] = 2
    for number in range(2 * FIRST_WINDOW_TICKS):
        jitter.place_one(0, frame(number), number)
        play(jitter, LOUD)
    assert jitter.skipped == 0


def test_what_was_due_while_we_were_stalled_is_gone_and_nobody_is_delayed_for_it() -> None:
    jitter = buffer()
    jitter.place_one(0, frame(0), 0)
    play(jitter)
    jitter.miss(5)
    assert jitter.place_one(0, frame(1), 1) is Placed.TOO_LATE
    assert jitter.place_one(0, frame(6), 6) is Placed.IN_TIME
    assert play(jitter) == 6
    assert jitter.inserted == 0


def test_a_slow_clock_of_the_peer_is_followed_for_ever() -> None:
    """A packet every 20.2 ms: once in a hundred ticks none comes, and nothing but those frames is missing."""
    jitter = buffer()
    played = sent = 0
    for tick in range(5000):
        if sent * 1.01 <= tick:
            jitter.place_one(0, frame(sent), sent)
            sent += 1
        played += play(jitter) != NO_SLOT
    assert played >= sent - 2


def test_a_fast_clock_of_the_peer_is_followed_for_ever() -> None:
    """A packet every 19.9 ms; frames are left out in silence, and none is ever out of reach."""
    jitter = buffer()
    sent = 0
    for tick in range(5000):
        while sent * 0.995 <= tick:
            assert jitter.place_one(0, frame(sent), sent) in (Placed.IN_TIME, Placed.DELAYED_THE_ROW)
            sent += 1
        play(jitter, QUIET)
    assert jitter.skipped == pytest.approx(25, abs=4)
