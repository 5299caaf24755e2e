"""When to try again, and when not. Pure.

Waits double from a second to five minutes, each somewhere in its second half, so that a thousand callbacks that failed
together do not come back together. The waits belong to the destination, not to the callback: one that is down is asked
once a wait, whatever is queued for it, and that is its circuit breaker.
"""

from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt brought: a status, or 0 and the error; and how long the receiver asks us to wait."""

    status: int
    error: str = ""
    retry_after_s: float = 0.0

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Refused for good: asking again would bring the same. A redirect is one, for we follow none."""
        return 300 <= self.status < 500 and self.status not in WORTH_ANOTHER_TRY


def wait_s(failures: int, answer: Answer, chance: Callable[[], float]) -> float:
    """How long to leave a destination alone after its nth failure in a row; `chance` gives 0 ... 1."""
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * (1 << min(failures - 1, 16)))
    return max(longest * (0.5 + 0.5 * chance()), min(answer.retry_after_s, LONGEST_WAIT_S))
