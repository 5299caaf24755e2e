"""What a caller is told to do."""

from pathlib import Path

import pytest

from softswitch.gateway.order import Batch, Order, Pause, Press, counted_up, keys, seconds


def test_keys_are_pressed_and_each_comma_waits_half_a_second() -> None:
    assert keys("222222#,,*6") == (Press("222222#"), Pause(1.0), Press("*6"))
    assert keys(",1") == (Pause(0.5), Press("1"))
    assert keys("") == ()


def test_spaces_between_keys_are_for_the_eye_and_letters_may_be_small() -> None:
    assert keys("222 222 #a") == (Press("222222#A"),)


def test_a_key_no_telephone_has_is_named() -> None:
    with pytest.raises(ValueError, match="'x' is no key"):
        keys("12x")


@pytest.mark.parametrize(
    ("text", "expected"), [("30", 30), ("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1.5s", 1.5)]
)
def test_durations_are_read_in_every_usual_unit(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "s", "-3s", "3 days", "1e3"])
def test_what_is_no_duration_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="accepted"):
        seconds(text)


def test_callers_count_up_and_keep_the_length_of_their_number() -> None:
    assert counted_up("13105550199", 1) == "13105550200"
    assert counted_up("0099", 2) == "0101"
    assert counted_up("+13105550199", 1) == "+13105550200"
    assert counted_up("anonymous", 5) == "anonymous"


def test_a_batch_numbers_its_recordings_so_that_they_sort() -> None:
    orders = Batch(Order("12025550101", "13105550100", record=Path("a/heard.wav")), calls=10).orders()
    assert [order.from_ for order in orders][:2] == ["13105550100", "13105550101"]
    assert orders[0].record == Path("a/heard-01.wav")
    assert orders[9].record == Path("a/heard-10.wav")


def test_a_single_call_records_where_it_was_told() -> None:
    assert Batch(Order("1", "2", record=Path("heard.wav"))).orders()[0].record == Path("heard.wav")


def test_calls_may_all_come_from_one_number() -> None:
    assert {order.from_ for order in Batch(Order("1", "200"), calls=3, number_step=0).orders()} == {"200"}
