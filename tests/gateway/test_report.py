"""Many calls in a few lines, and what makes audio one-way."""

from dataclasses import replace

import pytest
from msgspec import structs

from softswitch.gateway.hearing import Heard
from softswitch.gateway.report import (
    HEARS_NOTHING,
    HEARS_NOTHING_MORE,
    NOT_HEARD,
    CallReport,
    Summary,
    loss_share,
    one_way,
)
from softswitch.quality import opinion
from tests.gateway.figures import GOOD


def call(status: int = 200, answer_s: float | None = 0.1, **more: object) -> CallReport:
    return replace(CallReport("1", "2", status, "", answer_s=answer_s, mos=4.4), **more)


def test_a_good_call_scores_high_and_losses_pull_it_down() -> None:
    assert opinion(GOOD) > 4.3
    assert opinion(structs.replace(GOOD, packets_lost=25)) < 4.0


def test_packets_that_come_too_late_count_like_lost_ones() -> None:
    assert opinion(structs.replace(GOOD, packets_late=25)) == pytest.approx(
        opinion(structs.replace(GOOD, packets_lost=26)), abs=0.05
    )


def test_a_call_that_got_no_packets_hears_nothing() -> None:
    assert one_way(structs.replace(GOOD, packets_received=3), talk_s=10) == HEARS_NOTHING


def test_a_call_whose_far_end_lost_everything_is_not_heard() -> None:
    assert one_way(structs.replace(GOOD, remote_loss_share=1.0), talk_s=10) == NOT_HEARD


def test_a_call_of_a_moment_is_not_judged() -> None:
    assert one_way(structs.replace(GOOD, packets_received=0), talk_s=0.5) == ""


def test_a_stream_that_stopped_before_the_end_is_not_perfect_whatever_its_sequence_numbers_say() -> None:
    stopped = Heard(packets_missing=1500, silent_since_s=10.0)
    assert loss_share(GOOD, stopped.packets_missing) == 0.75
    assert opinion(GOOD, stopped.packets_missing) < 2.0
    assert one_way(GOOD, talk_s=40, heard=stopped) == HEARS_NOTHING_MORE


def test_a_call_without_an_answer_to_its_bye_is_not_good() -> None:
    summary = Summary.of([call(), call(bye_answered=False), call(one_way=NOT_HEARD), call(486, None)])
    assert (summary.good, summary.byes_unanswered) == (1, 1)


def test_the_summary_tells_the_median_the_rare_and_the_worst() -> None:
    summary = Summary.of([call(answer_s=seconds / 100) for seconds in range(1, 101)])
    assert summary.answer_s is not None
    assert summary.answer_s.p50 == pytest.approx(0.505)
    assert summary.answer_s.p95 == pytest.approx(0.95, abs=0.011)
    assert summary.answer_s.worst == 1.0


def test_the_worst_opinion_is_the_lowest() -> None:
    summary = Summary.of([call(mos=4.4), call(mos=2.0), call(mos=None)])
    assert summary.mos is not None
    assert summary.mos.worst == 2.0


def test_failures_are_counted_by_what_was_answered() -> None:
    summary = Summary.of([call(), call(486, None), call(486, None), call(0, None, reason="no answer of any kind")])
    assert (summary.answered, summary.failed) == (1, 3)
    assert summary.codes == {"486": 2, "200": 1, "0 no answer of any kind": 1}


def test_nothing_measured_is_unknown_and_not_zero() -> None:
    summary = Summary.of([])
    assert summary.answer_s is None
    assert summary.mos is None
