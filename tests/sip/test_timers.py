"""All timers in lanes of one duration."""

import random

from softswitch.sip.timers import Timers


def test_timers_are_due_in_order_whatever_their_durations() -> None:
    timers, chance = Timers(), random.Random(4)
    now, expected = 0.0, []
    for number in range(500):
        now += chance.random()
        after_s = chance.choice((0.5, 1.0, 4.0, 32.0))
        timers.start(now, after_s, "owner", number)
        expected.append((now + after_s, number))
    assert [timer.name for timer in timers.due(1e9)] == [number for _, number in sorted(expected)]
    assert len(timers) == 0


def test_a_cancelled_timer_never_fires_and_keeps_no_owner() -> None:
    timers = Timers()
    first = timers.start(0, 1, "owner", "first")
    timers.start(0, 2, "owner", "second")
    first.cancel()
    assert first.owner is None
    assert timers.next_at() == 2
    assert [timer.name for timer in timers.due(5)] == ["second"]


def test_nothing_is_due_early() -> None:
    timers = Timers()
    timers.start(10, 5, "owner", "x")
    assert list(timers.due(14.9)) == []
    assert timers.next_at() == 15


def test_a_timer_started_while_others_fire_is_served_when_it_is_due_too() -> None:
    timers = Timers()
    timers.start(0, 1, "owner", "first")
    names = []
    for timer in timers.due(10):
        names.append(timer.name)
        if timer.name == "first":
            timers.start(1, 2, "owner", "child")
    assert names == ["first", "child"]
