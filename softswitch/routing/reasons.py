"""Why a decision was taken: every decision of routing carries the candidates it weighed, in that order."""

from collections.abc import Sequence
from typing import NamedTuple

from softswitch.errors import CallRejected


class Reason(NamedTuple):
    """One candidate: at which step, what it is, whether it was taken, and why or why not."""

    step: str
    candidate: str
    taken: bool
    why: str


class Refused(CallRejected):
    """`CallRejected` by routing, with the reasons that led there.

    `counted_as` names a refusal that floods consist of: it is counted under that name and not logged by itself. Empty:
    it is part of every such call (the first challenge) and neither counted nor logged.
    """

    after_s = 0.0
    """How long the answer waits: guessing passwords is slow."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        counted_as: str | None = None,
        reasons: tuple[Reason, ...] = (),
        headers: Sequence[tuple[str, str]] = (),
        q850: int | None = None,
    ) -> None:
        super().__init__(status, reason, headers=headers, q850=q850)
        self.counted_as = counted_as
        self.reasons = reasons
