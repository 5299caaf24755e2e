"""How a call was, and how many were together. Values and arithmetic; `show` prints them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from media import StreamStatistics
from softswitch.gateway.hearing import NOTHING_HEARD, PACKET_MS, Heard

HEARS_NOTHING = "hears nothing"
HEARS_NOTHING_MORE = "hears nothing any more"
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
    heard: Heard = NOTHING_HEARD
    bye_answered: bool = True
    recording: str = ""
    recording_problem: str = ""
    """Why the recording is not whole, where it is not."""

    @property
    def answered(self) -> bool:
        return self.answer_s is not None

    @property
    def is_good(self) -> bool:
        """Answered, heard both ways to its end, its end understood, and recorded where it should be."""
        return self.answered and not self.one_way and self.bye_answered and not self.recording_problem


@dataclass(frozen=True, slots=True)
class Spread:
    """The usual, the rare and the worst of something; `is_single`: there was one of it."""

    p50: float
    p95: float
    worst: float
    is_single: bool = False


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
    good: int
    sound_share: Spread | None
    level_db: Spread | None
    silent_since_s: Spread | None
    byes_unanswered: int
    recordings: tuple[str, ...]
    unrecorded: dict[str, int]
    """Why recordings failed, and how many."""

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
            good=sum(report.is_good for report in reports),
            sound_share=_spread((report.heard.sound_share for report in answered), min),
            level_db=_spread((report.heard.level_db for report in answered), min),
            silent_since_s=_spread((report.heard.silent_since_s for report in answered), min),
            byes_unanswered=sum(not report.bye_answered for report in answered),
            recordings=tuple(
                report.recording for report in reports if report.recording and not report.recording_problem
            ),
            unrecorded=dict(Counter(report.recording_problem for report in reports if report.recording_problem)),
        )


def loss_share(heard: StreamStatistics, missing: int) -> float:
    """Lost packets as a part of those due; `missing` ones were due after the last that came (see `Heard`)."""
    due = heard.packets_received + heard.packets_lost + missing
    return max(0.0, (heard.packets_lost + missing) / due) if due > 0 else 0.0


def one_way(statistics: StreamStatistics, talk_s: float, heard: Heard = NOTHING_HEARD) -> str:
    """Which direction carried nothing, or "": no packets came, or the far end reported that none arrived."""
    if talk_s < LEAST_TALK_S:
        return ""
    if statistics.packets_received < 0.1 * talk_s * 1000 / PACKET_MS:
        return HEARS_NOTHING
    if heard.silent_since_s is not None:
        return HEARS_NOTHING_MORE
    return NOT_HEARD if statistics.remote_loss_share > 0.9 else ""


def _spread(values: Iterable[float | None], worst: Callable[[list[float]], float] = max) -> Spread | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    p95 = known[round(0.95 * (len(known) - 1))] if worst is max else known[round(0.05 * (len(known) - 1))]
    return Spread(median(known), p95, worst(known), len(known) == 1)
