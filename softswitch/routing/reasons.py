"""Why a decision was taken: every decision of routing carries the candidates it weighed, in that order."""

from typing import Any, NamedTuple

from softswitch.errors import CallRejected


class Reason(NamedTuple):
    """One candidate: at which step, what it is, whether it was taken, and why or why not."""

    step: str
    candidate: str
    taken: bool
    why: str


class Refused(CallRejected):
    """`CallRejected` by routing, with the reasons that led there and the name it is counted under."""

    def __init__(
        self, status: int, reason: str, *, counted_as: str, reasons: tuple[Reason, ...] = (), **more: Any
    ) -> None:
        super().__init__(status, reason, **more)
        self.counted_as = counted_as
        self.reasons = reasons
