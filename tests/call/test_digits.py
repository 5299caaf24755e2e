"""Keys from audio and INFO become one stream of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.call.digits import TWIN_S, DigitMerger, digit_of_info


def pressed(*presses: tuple[str, str, float]) -> str:
    merger = DigitMerger()
    return "".join(digit for digit, way, at in presses if merger.is_new(digit, way, at))


def test_a_key_sent_in_audio_and_in_info_is_one_key() -> None:
    assert pressed(("5", "rfc4733", 0.0), ("5", "info", 0.2)) == "5"
    assert pressed(("5", "info", 0.0), ("5", "rfc4733", 0.2)) == "5"


def test_a_key_that_comes_in_three_ways_is_one_key() -> None:
    assert pressed(("5", "rfc4733", 0.0), ("5", "inband", 0.1), ("5", "info", 0.3)) == "5"


def test_a_double_press_sent_both_ways_stays_a_double_press() -> None:
    ways = ("1", "rfc4733", 0.0), ("1", "rfc4733", 0.3), ("1", "info", 0.35), ("1", "info", 0.6)
    assert pressed(*ways) == "11"


def test_a_double_press_in_one_way_stays_a_double_press() -> None:
    assert pressed(("1", "info", 0.0), ("1", "info", 0.05)) == "11"


def test_the_order_of_keys_survives_twins_that_lag_behind() -> None:
    audio = [(digit, "rfc4733", 0.2 * n) for n, digit in enumerate("2121")]
    info = [(digit, "info", 0.2 * n + 0.5) for n, digit in enumerate("2121")]
    assert pressed(*sorted(audio + info, key=lambda press: press[2])) == "2121"


def test_the_same_key_much_later_by_another_way_is_new() -> None:
    assert pressed(("5", "rfc4733", 0.0), ("5", "info", TWIN_S + 0.1)) == "55"


@given(st.lists(st.tuples(st.sampled_from("123*"), st.floats(0.05, 2.0), st.floats(0.0, 0.9 * TWIN_S)), max_size=30))
def test_whatever_is_pressed_comes_out_once_if_every_key_comes_twice(presses: list[tuple[str, float, float]]) -> None:
    at, lagging_at = 0.0, 0.0
    arrivals: list[tuple[str, str, float]] = []
    for digit, gap_s, lag_s in presses:
        at += gap_s
        lagging_at = max(lagging_at, at + lag_s)  # SIP keeps the order too
        lagging_at = min(lagging_at, at + 0.9 * TWIN_S)
        arrivals += [(digit, "rfc4733", at), (digit, "info", lagging_at)]
    assert pressed(*sorted(arrivals, key=lambda arrival: arrival[2])) == "".join(digit for digit, _, _ in presses)


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"signal= *\nDuration= 100", "*"),
        ("Application/DTMF-Relay;charset=utf-8", b"Signal=11\r\n", "#"),
        ("application/dtmf-relay", b"Duration=160\r\n", None),
        ("application/dtmf-relay", b"Signal=!\r\n", None),
        ("application/dtmf-relay", b"\xff\xfe", None),
        ("application/dtmf-relay", b"Signal =\t#\r\nDuration=160", "#"),
        ("application/dtmf-relay", b"8", "8"),
        ("application/vnd.nortelnetworks.digits", b"p=Digit-Collection\r\ny=Digits\r\nd=4\r\n", "4"),
        ("application/vnd.nortelnetworks.digits", b"p=Digit-Collection\r\n", None),
        ("application/dtmf", b"7", "7"),
        ("application/dtmf", b" d\r\n", "D"),
        ("application/dtmf", b"Signal=9\r\n", "9"),
        ("application/dtmf", b"", None),
        ("application/dtmf", b"12345", None),
        ("text/plain", b"7", None),
    ],
)
def test_info_bodies_are_read_as_peers_write_them(content_type: str, body: bytes, digit: str | None) -> None:
    assert digit_of_info(content_type, body) == digit
