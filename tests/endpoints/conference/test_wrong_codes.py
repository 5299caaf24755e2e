"""Guessing codes across calls."""

from hypothesis import given
from hypothesis import strategies as st

from softswitch.endpoints.conference.wrong_codes import Guesser, WrongCodeLimits, WrongCodes

LIMITS = WrongCodeLimits(per_caller=3, without_number=4, per_source=5, window_s=60.0)


def wrong(codes: WrongCodes, *callers: tuple[str, str, float], limits: WrongCodeLimits = LIMITS) -> None:
    for source, number, at in callers:
        codes.add(Guesser(source, number), limits, at)


def test_a_caller_is_blocked_after_the_limit_and_nobody_else() -> None:
    codes = WrongCodes()
    wrong(codes, ("a", "1", 0.0), ("a", "1", 1.0))
    assert not codes.blocks(Guesser("a", "1"), LIMITS, 1.0)
    wrong(codes, ("a", "1", 2.0))
    assert codes.blocks(Guesser("a", "1"), LIMITS, 2.0)
    assert not codes.blocks(Guesser("a", "2"), LIMITS, 2.0)
    assert not codes.blocks(Guesser("b", "1"), LIMITS, 2.0)


def test_the_block_ends_when_the_first_try_is_past_the_window() -> None:
    codes = WrongCodes()
    wrong(codes, ("a", "1", 0.0), ("a", "1", 30.0), ("a", "1", 50.0))
    assert codes.blocks(Guesser("a", "1"), LIMITS, 59.9)
    assert not codes.blocks(Guesser("a", "1"), LIMITS, 60.0)
    wrong(codes, ("a", "1", 61.0))
    assert codes.blocks(Guesser("a", "1"), LIMITS, 61.0)


def test_a_source_that_changes_its_number_is_blocked_as_a_source() -> None:
    codes = WrongCodes()
    wrong(codes, *[("a", str(n), float(n)) for n in range(5)])
    assert codes.blocks(Guesser("a", "new"), LIMITS, 5.0)
    assert not codes.blocks(Guesser("b", "new"), LIMITS, 5.0)


def test_guessers_behind_a_carrier_lock_out_themselves_alone() -> None:
    """Three hundred wrong codes of a hundred callers locked out everybody behind that trunk."""
    codes, limits = WrongCodes(), WrongCodeLimits()
    wrong(codes, *[("pstn", f"1310666{n % 100:04}", float(n)) for n in range(900)], limits=limits)
    assert codes.blocks(Guesser("pstn", "13106660001"), limits, 590.0)
    assert not codes.blocks(Guesser("pstn", "13105559999"), limits, 590.0)


def test_callers_without_number_are_one_group_that_nobody_forgives() -> None:
    codes = WrongCodes()
    wrong(codes, *[("a", "", float(n)) for n in range(4)])
    codes.forgive(Guesser("a", ""))
    assert codes.blocks(Guesser("a", ""), LIMITS, 5.0)
    assert not codes.blocks(Guesser("a", "1"), LIMITS, 5.0)
    assert not codes.blocks(Guesser("b", ""), LIMITS, 5.0)


def test_a_right_code_is_forgiveness_for_the_caller_alone() -> None:
    codes = WrongCodes()
    wrong(codes, *[("a", "1", float(n)) for n in range(5)])
    codes.forgive(Guesser("a", "1"))
    assert codes.blocks(Guesser("a", "1"), LIMITS, 5.0)  # the source still is
    assert not codes.blocks(Guesser("a", "1"), WrongCodeLimits(3, 0, 0, 60.0), 5.0)


def test_no_limit_blocks_nobody_and_keeps_nothing() -> None:
    codes, none = WrongCodes(), WrongCodeLimits(0, 0, 0, 60.0)
    wrong(codes, *[("a", "1", float(n)) for n in range(100)], limits=none)
    assert not codes.blocks(Guesser("a", "1"), none, 100.0)
    assert len(codes) == 0


def test_memory_is_bounded_and_the_oldest_is_forgotten_first() -> None:
    codes, limits = WrongCodes(kept=100), WrongCodeLimits(1, 0, 0, 1e9)
    for n in range(1000):
        codes.add(Guesser("a", str(n)), limits, float(n))
    assert len(codes) == 100
    assert codes.blocks(Guesser("a", "999"), limits, 1000.0)
    assert not codes.blocks(Guesser("a", "0"), limits, 1000.0)


@given(st.lists(st.floats(0, 300), max_size=40), st.floats(0, 400))
def test_blocked_means_exactly_that_the_window_holds_the_limit(tries: list[float], now: float) -> None:
    codes, limits = WrongCodes(), WrongCodeLimits(4, 0, 0, 60.0)
    past = sorted(at for at in tries if at <= now)
    for at in past:
        codes.add(Guesser("a", "1"), limits, at)
    assert codes.blocks(Guesser("a", "1"), limits, now) == (sum(at > now - 60.0 for at in past) >= 4)
