"""How a call ended, in the words of SIP and of the telephone network."""

import pytest

from softswitch.call import Outcome, q850_of
from softswitch.errors import CallRejected


@pytest.mark.parametrize(
    ("status", "q850"),
    [(200, 16), (404, 1), (403, 21), (486, 17), (488, 65), (480, 18), (503, 41), (604, 1), (699, 31)],
)
def test_a_status_has_its_cause(status: int, q850: int) -> None:
    assert q850_of(status) == q850


def test_a_rejection_is_an_outcome_of_ours() -> None:
    assert Outcome.of_rejection(CallRejected(404, "No such number")) == Outcome(404, "No such number", 1, "DST")


def test_a_rejection_may_name_its_own_cause() -> None:
    assert Outcome.of_rejection(CallRejected(403, "No", q850=57)).q850 == 57
