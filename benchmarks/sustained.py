"""The highest rate that SIPp and the switch sustain together: what `call_rate` and `register` look for alike.

The rate doubles in bursts until one does not hold, which gives its order; steps longer than a transaction lives find
what is sustained. To hold means that everything succeeds, no message is sent again and what is under way does not pile
up; a 503 of our own overload guard is a failure.
"""

import time
from collections.abc import Callable

from benchmarks.processes import SippResult

BURST_S = 4.0
STEP_S = 40.0
"""Longer than 64 T1: from then on as many transactions end as begin."""
STEPS = 4
STEP_DOWN = 0.85
BEHIND_S = 0.25
"""What SIPp does here is over at once, so more than so many seconds' worth of it at a time is a backlog."""
SETTLED_S = 2.0
SHARE_OF_HIGHEST = 0.8
SETTLED_AFTER_S = 36.0
"""RFC 3261: 64 T1 after the last message no transaction is left."""
API_BUILT_S = 3.0
"""Behind the start, when SIP is served already, the REST API is built beside it."""


def highest(run: Callable[[float, float], SippResult], first_rate: float) -> float:
    """What a step has sustained; `run` is SIPp at a rate for so many seconds. Bursts find where to look for it."""
    good, bad = 0.0, float(first_rate)
    while _holds(run, bad, BURST_S):
        bad *= 2
    rate, steps = bad / 2, 0
    while steps < STEPS or not good:
        good, bad = (rate, bad) if _holds(run, rate, STEP_S) else (good, rate)
        rate = (good + bad) / 2 if good else STEP_DOWN * bad
        steps += 1
    return good


def _holds(run: Callable[[float, float], SippResult], rate: float, seconds: float) -> bool:
    result = run(rate, seconds)
    time.sleep(SETTLED_S)
    return result.successful == result.created and not result.retransmissions and result.most_up <= BEHIND_S * rate
