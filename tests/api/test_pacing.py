"""How wrong tries make their source slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.api.pacing import FORGOTTEN_AFTER_S, FREE_FAILURES, PATIENCE_S, SOURCES, Pacing, TooManyTriesError
from softswitch.api.scopes import AREAS, RIGHTS, covers

HERE = "192.0.2.1"


def failed(times: int, host: str = HERE, now: float = 0.0) -> Pacing:
    pacing = Pacing()
    for _ in range(times):
        pacing.failed(host, now)
    return pacing


def test_a_few_mistakes_cost_nothing() -> None:
    assert failed(FREE_FAILURES - 1).wait_s(HERE, 0.0) == 0.0


def test_every_further_try_waits_longer() -> None:
    pacing, now, waits = failed(FREE_FAILURES), 0.0, []
    for _ in range(5):
        waits.append(pacing.wait_s(HERE, now))
        now += waits[-1]
        pacing.failed(HERE, now)
    assert waits == sorted(waits)
    assert waits[0] > 0
    assert waits[-1] >= 8 * waits[0]


def test_tries_at_the_same_time_stand_in_one_line_and_the_end_of_it_is_sent_away() -> None:
    pacing = failed(FREE_FAILURES + 3)
    waits = [pacing.wait_s(HERE, 0.0) for _ in range(5)]
    assert waits == sorted(set(waits))
    assert waits[-1] <= PATIENCE_S
    with pytest.raises(TooManyTriesError) as refused:
        pacing.wait_s(HERE, 0.0)
    assert refused.value.retry_after_s > PATIENCE_S


def test_others_do_not_wait_but_a_neighbour_in_the_same_ipv6_network_does() -> None:
    assert failed(9).wait_s("192.0.2.2", 0.0) == 0.0
    assert failed(9, "2001:db8::1").wait_s("2001:db8::2", 0.0) > 0.0


def test_after_a_while_it_is_forgotten() -> None:
    assert failed(9).wait_s(HERE, FORGOTTEN_AFTER_S + 1) == 0.0


def test_memory_is_bounded_however_many_sources_there_are() -> None:
    pacing = Pacing()
    for number in range(SOURCES * 2):
        pacing.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(pacing._sources) == SOURCES


@given(st.sampled_from(AREAS), st.sampled_from(RIGHTS))
def test_a_scope_covers_itself_manage_covers_its_area_and_a_star_what_is_below(area: str, right: str) -> None:
    needed = f"{area}.{right}"
    assert covers([needed], needed)
    assert covers([f"{area}.manage"], needed)
    assert covers([f"{area}.*"], needed)
    assert covers([f"{area.partition('.')[0]}.*"], needed)
    assert covers(["*"], needed)
    assert not covers([], needed)
    assert not covers(["app.read_descendant", f"{area}x.manage"], needed)


def test_a_right_on_trunks_is_none_on_their_group_and_read_is_not_manage() -> None:
    assert not covers(["trunk_groups.trunks.manage"], "trunk_groups.read")
    assert not covers(["trunk_groups.manage"], "trunk_groups.trunks.read")
    assert not covers(["trunk_groups.read", "trunk_groups.create"], "trunk_groups.manage")
