"""The E-model: the values ITU-T G.107 gives for its defaults, and the order of what is better."""

import pytest

from softswitch import quality
from softswitch.quality import G711_BARE


def test_nothing_lost_and_no_delay_is_the_rating_of_g107s_defaults() -> None:
    assert quality.rating(0, 0) == pytest.approx(93.2, abs=0.05)
    assert quality.score(93.2) == pytest.approx(4.41, abs=0.01)


@pytest.mark.parametrize(("rating", "score"), [(90, 4.34), (80, 4.02), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_the_scores_are_those_of_g107_table_b1(rating: float, score: float) -> None:
    assert quality.score(rating) == pytest.approx(score, abs=0.006)


def test_losses_in_bursts_are_worse_than_the_same_losses_alone() -> None:
    assert quality.mos(0.05, 20, burst_ratio=2) < quality.mos(0.05, 20)


def test_figures_that_can_not_be_are_taken_as_the_nearest_that_can() -> None:
    assert quality.mos(-0.1, -5) == quality.mos(0, 0)
    assert quality.mos(7, 20) == quality.mos(1, 20)


def test_a_clean_local_call_scores_as_g711_can() -> None:
    assert quality.mos(0.0, 20) == pytest.approx(4.40, abs=0.03)


@pytest.mark.parametrize(("loss", "score"), [(0.01, 4.31), (0.03, 4.11), (0.05, 3.90), (0.10, 3.38), (0.20, 2.60)])
def test_the_score_falls_with_loss_as_g113_says(loss: float, score: float) -> None:
    assert quality.mos(loss, 20) == pytest.approx(score, abs=0.03)


def test_concealment_is_worth_points_at_the_same_loss() -> None:
    assert quality.mos(0.02, 20) > quality.mos(0.02, 20, G711_BARE) + 0.5


def test_delay_costs_little_until_people_talk_into_each_other() -> None:
    assert quality.mos(0, 20) - quality.mos(0, 150) < 0.15
    assert quality.mos(0, 150) - quality.mos(0, 400) > 0.6


def test_total_loss_is_the_worst_score_there_is() -> None:
    assert quality.mos(1.0, 2000) == 1.0
