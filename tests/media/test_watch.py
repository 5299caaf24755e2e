"""A process that hangs is told from one that nobody has looked at, and from one that has much to do at first."""

from media.watch import EVERY_S, FIRST_TICK_LOOKS, PATIENCE_LOOKS, Watch


def looks(watch: Watch, ticks: list[float], *, every_s: float = EVERY_S, since: float = 0.0) -> list[bool]:
    return [watch.look(tick, since + every_s * (number + 1)) for number, tick in enumerate(ticks)]


def test_a_clock_that_goes_on_is_well() -> None:
    assert not any(looks(Watch(0.0, 0.0), [0.1 * n for n in range(1, 100)]))


def test_a_clock_that_stood_for_a_second_hangs_and_is_told_once() -> None:
    watch = Watch(0.0, 0.0)
    told = looks(watch, [1.0] * 20)
    assert told.index(True) == PATIENCE_LOOKS
    assert sum(told) == 1
    assert watch.hangs


def test_a_process_that_has_not_ticked_yet_has_more_time() -> None:
    told = looks(Watch(7.0, 0.0), [7.0] * 100)
    assert told.index(True) == FIRST_TICK_LOOKS - 1


def test_a_parent_that_was_stopped_itself_judges_nobody() -> None:
    watch = Watch(0.0, 0.0)
    assert not any(looks(watch, [1.0, 1.1]))
    assert not watch.look(1.2, 3600.0)
    assert not any(looks(watch, [1.2] * 4 + [1.3], since=3600.0))


def test_looks_that_all_come_late_say_nothing() -> None:
    assert not any(looks(Watch(0.0, 0.0), [1.0] * 100, every_s=3 * EVERY_S))
