"""RFC 4733 as it is sent in the world: lost, late, repeated, broken, and still one key a press."""

import itertools

import pytest

from media.dtmf.events import EventPacket, EventReceiver, Key, plan, plan_ticks


class Line:
    """A stream of event packets into one receiver, 20 ms apart."""

    def __init__(self) -> None:
        self.receiver = EventReceiver()
        self.sequence = itertools.count(65530)
        self.now = 100.0
        self.keys: list[Key] = []

    def send(self, digit, duration, timestamp, *, end=False, marker=False, sequence=None):
        payload = bytes(("0123456789*#ABCD".index(digit), 10 | end << 7)) + duration.to_bytes(2, "big")
        number = next(self.sequence) & 0xFFFF if sequence is None else sequence
        self.keys += self.receiver.receive(payload, timestamp, number, marker, self.now)
        self.wait(0.02)

    def wait(self, seconds):
        self.now += seconds
        self.keys += self.receiver.expire(self.now)

    def press(self, digit, timestamp, updates=5, *, marker=True, ends=3, drift=0, first=0):
        durations = [160 * (index + 1) for index in range(updates)]
        for index, duration in enumerate(durations[first:]):
            self.send(digit, duration, timestamp + drift * index, marker=marker and index == 0)
        for index in range(ends):
            self.send(digit, durations[-1], timestamp + drift * (updates + index), end=True)

    @property
    def digits(self):
        return "".join(key.digit for key in self.keys)


@pytest.fixture
def line():
    return Line()


def test_three_end_packets_are_one_key(line):
    line.press("5", 1000)
    line.wait(1)
    assert line.keys == [Key("5", 800)]
    assert line.keys[0].duration_ms == 100


def test_every_key_of_the_telephone(line):
    for index, digit in enumerate("0123456789*#ABCD"):
        line.press(digit, 10_000 * index)
    assert line.digits == "0123456789*#ABCD"


def test_a_missing_marker_bit_does_not_matter(line):
    line.press("1", 1000, marker=False)
    line.press("1", 3000, marker=False)
    assert line.digits == "11"


def test_only_the_end_packets_make_a_key(line):
    line.press("7", 1000, updates=5, first=5)
    line.wait(0.06)
    line.press("7", 3000, updates=5, first=5)
    assert line.keys == [Key("7", 800)] * 2


def test_a_single_end_packet_makes_a_key(line):
    line.press("7", 1000, first=5, ends=1)
    assert line.digits == "7"


def test_a_lost_start_costs_nothing(line):
    line.press("3", 1000, updates=8, first=4)
    assert line.keys == [Key("3", 1280)]


def test_a_lost_end_is_told_when_it_is_overdue(line):
    line.press("4", 1000, ends=0)
    assert line.keys == []
    line.wait(0.25)
    assert line.keys == [Key("4", 800)]
    line.press("4", 9000)
    assert line.digits == "44"


def test_a_lost_end_is_told_when_the_next_key_begins(line):
    line.press("4", 1000, ends=0)
    line.press("5", 2200)
    assert line.digits == "45"


def test_a_lost_end_and_a_next_key_of_one_packet_are_two_keys_at_once(line):
    line.press("4", 1000, ends=0)
    line.press("4", 2200, first=5, ends=1)
    assert line.digits == "44"


def test_late_copies_of_an_end_that_was_given_up_are_not_another_key(line):
    line.press("4", 1000, ends=0)
    line.wait(0.2)
    assert line.digits == "4"
    line.send("4", 800, 1000, end=True)
    line.send("4", 800, 1000, end=True)
    assert line.digits == "4"


def test_a_timestamp_that_advances_with_every_packet_is_still_one_key(line):
    line.press("6", 1000, drift=160)
    line.wait(0.06)
    line.press("6", 1000 + 8 * 160 + 480, drift=160)
    line.wait(1)
    assert line.digits == "66"


@pytest.mark.parametrize("marker", [True, False])
def test_a_timestamp_that_repeats_for_the_next_key_is_still_another_key(line, marker):
    for _ in range(3):
        line.press("9", 1000, marker=marker)
        line.wait(0.06)
    assert line.digits == "999"


def test_a_repeated_timestamp_with_only_ends_is_told_apart_by_time(line):
    for _ in range(2):
        line.press("9", 1000, first=5)
        line.wait(0.4)
    assert line.digits == "99"


def test_another_digit_is_another_key_whatever_the_timestamp(line):
    line.press("1", 1000)
    line.press("2", 1000)
    assert line.digits == "12"


def test_a_very_long_key_in_segments_is_one_key(line):
    for duration in range(160, 65_440, 1600):
        line.send("1", duration, 1000)
    line.send("1", 65_535, 1000)
    for duration in range(160, 4000, 1600):
        line.send("1", duration, 1000 + 65_535)
    line.send("1", 4000, 1000 + 65_535, end=True)
    assert line.keys == [Key("1", 69_535)]


def test_reordered_packets_change_nothing(line):
    for duration, sequence, end in [(160, 10, 0), (480, 12, 0), (320, 11, 0), (480, 14, 1), (480, 13, 1), (320, 9, 0)]:
        line.send("8", duration, 1000, end=bool(end), sequence=sequence)
    assert line.keys == [Key("8", 480)]


def test_an_end_that_arrives_after_the_next_key_began_changes_nothing(line):
    line.press("1", 1000, ends=0)
    line.send("2", 160, 3000, marker=True, sequence=200)
    line.send("1", 800, 1000, end=True, sequence=199)
    line.send("2", 320, 3000, end=True, sequence=201)
    assert line.digits == "12"


def test_duplicated_packets_are_one(line):
    for _ in range(2):
        line.send("1", 800, 1000, end=True, sequence=5)
    assert line.digits == "1"


def test_the_wrap_of_numbers_and_timestamps_goes_unnoticed(line):
    line.press("1", 2**32 - 320)
    line.press("2", (2**32 + 2000) % 2**32)
    assert line.digits == "12"


def test_a_new_source_may_begin_anywhere(line):
    line.press("1", 1000)
    line.receiver.reset()
    line.sequence = itertools.count(3)
    line.press("1", 1000)
    assert line.digits == "11"


@pytest.mark.parametrize("payload", [b"", b"\x01\x80\x03", b"\x10\x80\x03\x20", b"\xff\x80\x03\x20"])
def test_what_is_no_key_is_ignored(payload):
    assert EventReceiver().receive(payload, 1, 1, True, 0.0) == []


def test_a_plan_presses_keys_by_the_book():
    packets = plan("1#", duration_ms=60, gap_ms=100)
    assert [packet.tick for packet in packets] == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13]
    assert [packet.marker for packet in packets] == [True, *[False] * 5] * 2
    assert {packet.timestamp_samples for packet in packets} == {0, 8 * 160}
    assert packets[0] == EventPacket(0, 0, True, bytes((1, 10, 0, 160)))
    assert [packet.payload for packet in packets[-3:]] == [bytes((11, 0x80 | 10, 1, 0xE0))] * 3
    assert plan_ticks("1#", duration_ms=60, gap_ms=100) == 16


def test_a_plan_is_understood_by_the_receiver():
    receiver, keys = EventReceiver(), []
    for number, packet in enumerate(plan("159*0#AAD", duration_ms=80)):
        keys += receiver.receive(packet.payload, packet.timestamp_samples, number, packet.marker, packet.tick * 0.02)
    assert keys == [Key(digit, 640) for digit in "159*0#AAD"]


def test_a_digit_that_no_telephone_has_is_our_mistake():
    with pytest.raises(ValueError):
        plan("12X")
