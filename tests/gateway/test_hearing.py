"""An ear that is fed with figures at chosen times."""

import pytest
from msgspec.structs import replace

from softswitch.gateway.hearing import LOOK_EVERY_S, Hearing
from tests.gateway.figures import GOOD

ANSWERED_AT = 100.0


class Ear:
    """A hearing, and the stream it looks at: 50 packets a second as long as there are any."""

    def __init__(self) -> None:
        self.hearing = Hearing(ANSWERED_AT)
        self.now, self.packets = ANSWERED_AT, 0.0

    def passes(
        self, seconds: float, level_db: float = -20.0, *, has_packets: bool = True, is_held: bool = False
    ) -> None:
        for _ in range(round(seconds / LOOK_EVERY_S)):
            self.now += LOOK_EVERY_S
            self.packets += 50 * LOOK_EVERY_S * has_packets
            figures = replace(GOOD, packets_received=round(self.packets), level_db=level_db)
            self.hearing.look(self.now, figures, is_held=is_held)


def test_packets_to_the_end_miss_nothing() -> None:
    ear = Ear()
    ear.passes(10.0)
    heard = ear.hearing.so_far(ear.now)
    assert (heard.packets_missing, heard.silent_since_s) == (0, None)
    assert heard.level_db == pytest.approx(-20.0)


def test_packets_that_stop_are_missed_up_to_the_hang_up() -> None:
    ear = Ear()
    ear.passes(5.0)
    ear.passes(15.0, has_packets=False)
    heard = ear.hearing.so_far(ear.now)
    assert heard.silent_since_s == pytest.approx(5.0)
    assert heard.packets_missing == pytest.approx(750, abs=1)


def test_a_held_call_is_owed_no_packets() -> None:
    ear = Ear()
    ear.passes(5.0)
    ear.passes(15.0, has_packets=False, is_held=True)
    assert ear.hearing.so_far(ear.now).silent_since_s is None


def test_half_the_call_silent_is_half_the_call_sound() -> None:
    ear = Ear()
    ear.passes(5.0)
    ear.passes(5.0, level_db=-96.0)
    assert ear.hearing.so_far(ear.now).sound_share == pytest.approx(0.5)


def test_the_gap_between_two_words_is_no_pause() -> None:
    ear = Ear()
    ear.passes(1.0)
    ear.passes(0.3, level_db=-96.0)
    assert not ear.hearing.has_paused
    ear.passes(0.3, level_db=-96.0)
    assert ear.hearing.has_paused


def test_silence_before_the_first_word_is_no_pause() -> None:
    ear = Ear()
    ear.passes(3.0, level_db=-96.0)
    assert not ear.hearing.has_paused
