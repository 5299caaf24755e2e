"""How a call was, and how many were together. Values and arithmetic; `show` prints them."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from media import StreamStatistics

PACKET_MS = 20
HEARS_NOTHING = "hears nothing"
NOT_HEARD = "is not heard"
LEAST_TALK_S = 1.0
"""Shorter calls say nothing about one-way audio."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, after its end. `status` 0: it never came to an answer of any kind (`reason` says why)."""

    from_: str
    to: str
    status: int
    reason: str
    answer_s: float | None = None
    talk_s: float = 0.0
    ended_by: str = ""
    digits: str = ""
    codec: str = ""
    mos: float | None = None
    loss_share: float = 0.0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    one_way: str = ""

    @property
    def answered(self) -> bool:
        return self.answer_s is not None


@dataclass(frozen=True, slots=True)
class Spread:
    """The usual, the rare and the worst of something."""

    p50: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All calls of a campaign together; what nobody could measure is None."""

    calls: int
    answered: int
    failed: int
    codes: dict[str, int]
    answer_s: Spread | None
    mos: Spread | None
    loss_share: Spread | None
    jitter_ms: Spread | None
    round_trip_ms: Spread | None
    one_way: dict[str, int]
    digits: int
    cut_short: int

    @classmethod
    def of(cls, reports: Sequence[CallReport]) -> "Summary":
        answered = [report for report in reports if report.answered]
        return cls(
            calls=len(reports),
            answered=len(answered),
            failed=len(reports) - len(answered),
            codes=dict(Counter(f"{report.status} {report.reason}".strip() for report in reports).most_common()),
            answer_s=_spread(report.answer_s for report in answered),
            mos=_spread((report.mos for report in answered), worst=min),
            loss_share=_spread(report.loss_share for report in answered if report.mos is not None),
            jitter_ms=_spread(report.jitter_ms for report in answered if report.mos is not None),
            round_trip_ms=_spread(report.round_trip_ms for report in answered),
            one_way=dict(Counter(report.one_way for report in answered if report.one_way)),
            digits=sum(len(report.digits) for report in reports),
            cut_short=sum(report.ended_by == "remote" for report in answered),
        )


def one_way(heard: StreamStatistics, talk_s: float) -> str:
    """Which direction carried nothing, or "": no packets came, or the far end reported that none arrived."""
    if talk_s < LEAST_TALK_S:
        return ""
    if heard.packets_received < 0.1 * talk_s * 1000 / PACKET_MS:
        return HEARS_NOTHING
    return NOT_HEARD if heard.remote_loss_share > 0.9 else ""


def _spread(values: Iterable[float | None], worst: Callable[[list[float]], float] = max) -> Spread | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    p95 = known[round(0.95 * (len(known) - 1))] if worst is max else known[round(0.05 * (len(known) - 1))]
    return Spread(statistics.median(known), p95, worst(known))
