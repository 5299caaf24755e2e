"""What Prometheus scrapes: the counters that all parts keep anyway, written in its text format when it asks.

No label is looked up and nothing is registered while calls run; the one thing that is counted here is how long answers
took. A part that is not there (a switch without a store has no records) has no metrics.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from softswitch.call import CallAnswered, CallStarted, Event

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
ANSWER_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
TICK_BUCKETS_MS = (1, 2, 5, 10, 20)
RATE_OVER_S = 10

Counts = Callable[[], Mapping[str, int | float]]


class Histogram:
    """How often a value fell under each bound. Prometheus wants it cumulative; that is made when asked."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        labels = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        return list(zip(labels, _running(self.counts), strict=True))


class Arrivals:
    """Calls that came in, second by second, for a rate that does not depend on who asks when."""

    def __init__(self) -> None:
        self.total = 0
        self._by_second = [0] * (RATE_OVER_S + 1)
        self._second = 0

    def count(self, now: float) -> None:
        self._move(int(now))
        self._by_second[self._second % len(self._by_second)] += 1
        self.total += 1

    def per_second(self, now: float) -> float:
        """Over the last whole seconds."""
        self._move(int(now))
        running = self._by_second[self._second % len(self._by_second)]
        return (sum(self._by_second) - running) / RATE_OVER_S

    def _move(self, second: int) -> None:
        if second == self._second:
            return
        gone = min(second - self._second, len(self._by_second))
        for step in range(1, gone + 1):
            self._by_second[(self._second + step) % len(self._by_second)] = 0
        self._second = max(second, self._second)


@dataclass(slots=True)
class Sources:
    """Where the figures are."""

    outcomes: Counts
    """Calls that ended, by final status."""
    media: Counts
    drops: Mapping[str, Counts]
    """By part."""
    gauges: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    """By name: what it is, and how to ask for it."""
    counters: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)


class Metrics:
    """Subscribes to the events; `render` answers a scrape."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self.sources = sources
        self.answer_s = Histogram(ANSWER_BUCKETS_S)
        self.arrivals = Arrivals()
        self._clock = clock

    def on_event(self, event: Event) -> None:
        kind = type(event)
        if kind is CallStarted:
            self.arrivals.count(event.at)  # type: ignore[attr-defined]
        elif kind is CallAnswered:
            self.answer_s.observe(event.after_s)  # type: ignore[attr-defined]

    def render(self) -> bytes:
        """The text of a scrape; `CONTENT_TYPE` goes with it."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks a registry for."""
        yield from self._calls()
        yield from self._media()
        yield self._drops()
        for name, (about, ask) in self.sources.gauges.items():
            yield GaugeMetricFamily(f"softswitch_{name}", about, value=ask())
        for name, (about, ask) in self.sources.counters.items():
            yield CounterMetricFamily(f"softswitch_{name}", about, value=ask())

    def _calls(self) -> Iterator[Metric]:
        yield CounterMetricFamily("softswitch_calls_started", "Calls that came in.", value=self.arrivals.total)
        per_second = self.arrivals.per_second(self._clock())
        about = f"New calls per second, over the last {RATE_OVER_S} s."
        yield GaugeMetricFamily("softswitch_calls_per_second", about, value=per_second)
        ended = CounterMetricFamily("softswitch_calls_ended", "Calls that ended, by final status.", labels=["status"])
        for status, count in sorted(self.sources.outcomes().items()):
            ended.add_metric([str(status)], count)
        yield ended
        answer = HistogramMetricFamily("softswitch_answer_seconds", "From the INVITE to our 200 OK.")
        answer.add_metric([], self.answer_s.buckets(), self.answer_s.sum)
        yield answer

    def _media(self) -> Iterator[Metric]:
        counts = dict(self.sources.media())
        yield _tick_time(counts)
        for name, about in (("streams", "Legs that have a media stream."), ("rooms", "Rooms of the mixer.")):
            yield GaugeMetricFamily(f"softswitch_media_{name}", about, value=counts.pop(name, 0))
        for name, about in _SECONDS.items():
            yield CounterMetricFamily(
                f"softswitch_media_{name}_seconds", about, value=counts.pop(f"{name}_ns", 0) / 1e9
            )
        for name, count in counts.items():
            if not name.startswith(("tick_", "drop_")):
                words = name.replace("_", " ").capitalize()
                yield CounterMetricFamily(f"softswitch_media_{name}", f"{words}, all media processes.", value=count)

    def _drops(self) -> Metric:
        dropped = CounterMetricFamily("softswitch_dropped", "What was dropped or refused.", labels=["part", "name"])
        for part, counts in self.sources.drops.items():
            for name, count in sorted(counts().items()):
                dropped.add_metric([part, name], count)
        for name, count in self.sources.media().items():
            if name.startswith("drop_"):
                dropped.add_metric(["media", name.removeprefix("drop_")], count)
        return dropped


_SECONDS = {
    "tick": "CPU time of all ticks.",
    "receive": "CPU time of ticks: receiving.",
    "mix": "CPU time of ticks: mixing.",
    "send": "CPU time of ticks: sending.",
}


def _tick_time(counts: Mapping[str, int | float]) -> Metric:
    names = [*(f"tick_below_{bound}_ms" for bound in TICK_BUCKETS_MS), "tick_above_20_ms"]
    labels = [*(f"{bound / 1000:g}" for bound in TICK_BUCKETS_MS), "+Inf"]
    totals = _running(counts.get(name, 0) for name in names)
    ticks = HistogramMetricFamily("softswitch_media_tick_duration_seconds", "How long the ticks took.")
    ticks.add_metric([], list(zip(labels, totals, strict=True)), counts.get("tick_ns", 0) / 1e9)
    return ticks


def _running(counts: Iterable[float]) -> list[float]:
    total, totals = 0.0, []
    for count in counts:
        total += count
        totals.append(total)
    return totals
