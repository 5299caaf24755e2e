"""The text that Prometheus scrapes: read back by its own parser, with figures of what really happened."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from softswitch.call import CallAnswered, CallStarted
from softswitch.metrics import Arrivals, Histogram, Metrics, Sources

MEDIA = {
    "ticks": 100,
    "late_ticks": 2,
    "tick_ns": 250_000_000,
    "tick_below_1_ms": 60,
    "tick_below_2_ms": 30,
    "tick_below_5_ms": 9,
    "tick_below_10_ms": 1,
    "tick_below_20_ms": 0,
    "tick_above_20_ms": 0,
    "received_packets": 5000,
    "concealed_frames": 7,
    "drop_foreign_source": 3,
    "streams": 4,
    "rooms": 2,
}


def metrics(now: float = 100.0) -> Metrics:
    sources = Sources(
        outcomes=lambda: {"200": 8, "404": 1},
        media=lambda: MEDIA,
        drops={"sip": lambda: {"malformed": 5}},
    )
    sources.gauges["calls"] = ("Calls that are up.", lambda: 3)
    sources.counters["bugs"] = ("Bugs.", lambda: 1)
    return Metrics(sources, clock=lambda: now)


def scraped(it: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families: Any = text_string_to_metric_families(it.render().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_part_is_in_the_text_that_prometheus_reads() -> None:
    found = scraped(metrics())
    assert found["softswitch_calls", ()] == 3
    assert found["softswitch_bugs_total", ()] == 1
    assert found["softswitch_calls_ended_total", (("status", "404"),)] == 1
    assert found["softswitch_dropped_total", (("name", "malformed"), ("part", "sip"))] == 5
    assert found["softswitch_dropped_total", (("name", "foreign_source"), ("part", "media"))] == 3
    assert found["softswitch_media_rooms", ()] == 2
    assert found["softswitch_media_late_ticks_total", ()] == 2
    assert found["softswitch_media_concealed_frames_total", ()] == 7


def test_tick_times_are_a_histogram() -> None:
    found = scraped(metrics())
    name = "softswitch_media_tick_duration_seconds"
    bounds = ("0.001", "0.002", "0.005", "0.01", "0.02", "+Inf")
    assert [found[f"{name}_bucket", (("le", bound),)] for bound in bounds] == [60, 90, 99, 100, 100, 100]
    assert (found[f"{name}_count", ()], found[f"{name}_sum", ()]) == (100, 0.25)


def test_answer_time_is_from_the_invite_to_our_200() -> None:
    it = metrics()
    for number, took_s in enumerate((0.004, 0.2, 70.0)):
        it.on_event(CallStarted(f"{number}", 10.0, "x@y", "1", "2"))
        it.on_event(CallAnswered(f"{number}", 10.0 + took_s, took_s))
    found = scraped(it)
    name = "softswitch_answer_seconds"
    assert [found[f"{name}_bucket", (("le", bound),)] for bound in ("0.005", "0.1", "0.25", "60", "+Inf")] == [
        1,
        1,
        2,
        2,
        3,
    ]
    assert found["softswitch_calls_started_total", ()] == 3


def test_the_rate_is_over_the_last_whole_seconds_and_goes_down_when_nobody_calls() -> None:
    arrivals = Arrivals()
    for tenths in range(100):
        arrivals.count(1000 + tenths / 10)
    assert arrivals.per_second(1010.0) == 10
    assert arrivals.per_second(1015.0) == 5
    assert arrivals.per_second(1100.0) == 0
    assert arrivals.total == 100


def test_a_value_on_a_bound_belongs_to_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (1.0, 1.5, 2.0, 2.1):
        histogram.observe(value)
    assert histogram.buckets() == [("1", 1), ("2", 3), ("+Inf", 4)]
