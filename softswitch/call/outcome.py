"""How a call ended: the one value that an endpoint's `run` returns and that the call record keeps.

SIP says it with a final status (RFC 3261 §21), the telephone network with a cause (Q.850). Both are kept as they came;
where only the status is known, the cause follows the table of RFC 3398 §8.2.6.1.
"""

from dataclasses import dataclass
from typing import Literal

from softswitch.errors import CallRejected

By = Literal["SRC", "DST"]
"""Who ended it: the caller's side, or ours."""

Party = Literal["caller", "callee", "switch"]
"""The same, where whoever was called is told apart from us."""

NORMAL_CLEARING = 16
NORMAL_UNSPECIFIED = 31

Q850_BY_STATUS = {
    400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 408: 102, 410: 22, 413: 127, 414: 127, 415: 79,
    416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17, 487: 16,
    488: 65, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1, 606: 65,
}  # fmt: skip


def q850_of(status: int) -> int:
    """The Q.850 cause that goes with a final SIP status."""
    if status < 300:
        return NORMAL_CLEARING
    return Q850_BY_STATUS.get(status, NORMAL_UNSPECIFIED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final status of the call (200 for one that was answered), its cause, and which side ended it."""

    status: int
    reason: str
    q850: int
    by: By
    party: Party | None = None
    """Where `by` does not say it."""

    @property
    def ended_by(self) -> Party:
        return self.party or ("caller" if self.by == "SRC" else "switch")

    @classmethod
    def released(cls, reason: str = "Normal call clearing", q850: int = NORMAL_CLEARING) -> "Outcome":
        """An answered call that we end."""
        return cls(200, reason, q850, "DST")

    @classmethod
    def of_rejection(cls, rejected: CallRejected) -> "Outcome":
        q850 = q850_of(rejected.status) if rejected.q850 is None else rejected.q850
        return cls(rejected.status, rejected.reason, q850, "DST", "callee" if rejected.is_by_callee else None)
