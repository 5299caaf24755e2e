"""The table at the end: what is known is said once, what is not is not said."""

from dataclasses import replace

from softswitch.gateway.hearing import Heard
from softswitch.gateway.report import HEARS_NOTHING_MORE, CallReport, Summary
from softswitch.gateway.show import rows

GOOD = CallReport(
    "1", "2", 200, "OK", answer_s=0.00274, mos=4.4, talk_s=10.0, heard=Heard(sound_share=0.5, level_db=-20.4)
)


def said(*reports: CallReport, planned: int | None = None, is_stopped: bool = False) -> dict[str, str]:
    """The rows for these reports."""
    planned = len(reports) if planned is None else planned
    return dict(rows(Summary.of(reports), planned=planned, is_stopped=is_stopped))


def test_one_call_has_one_figure_and_not_three_identical_ones() -> None:
    assert said(GOOD)["answer time"] == "2.74 ms"
    assert said(GOOD, GOOD)["answer time"].startswith("2.74 / 2.74 / 2.74 ms")


def test_a_failed_call_says_nothing_of_audio_it_never_had() -> None:
    assert said(CallReport("1", "2", 486, "Busy Here")).keys() == {"calls", "responses"}


def test_jitter_that_is_nothing_but_float_dust_is_zero() -> None:
    assert said(replace(GOOD, jitter_ms=1.4e-45))["jitter"] == "0 ms"


def test_what_was_heard_is_said() -> None:
    assert said(GOOD)["heard"] == "sound at -20 dB for 50 %"


def test_a_call_that_went_dead_says_since_when() -> None:
    dead = replace(GOOD, one_way=HEARS_NOTHING_MORE, heard=Heard(silent_since_s=4.5), bye_answered=False)
    table = said(dead)
    assert "nothing since 4.5 s after the answer" in table["heard"]
    assert HEARS_NOTHING_MORE in table["one-way audio"]
    assert "1" in table["BYE unanswered"]


def test_an_unknown_round_trip_has_a_reason() -> None:
    assert "RTCP" in said(GOOD)["round trip"]


def test_a_campaign_that_was_stopped_says_so() -> None:
    assert "1 of 50" in said(GOOD, planned=50, is_stopped=True)["cut short"]
    assert "cut short" not in said(GOOD)


def test_where_the_recordings_went_is_said() -> None:
    first, last = (replace(GOOD, recording=f"heard-{number}.wav") for number in (1, 2))
    assert said(first)["recorded"] == "heard-1.wav"
    assert said(first, last)["recorded"] == "heard-1.wav ... heard-2.wav"


def test_a_recording_that_failed_is_no_recording_and_its_call_not_good() -> None:
    failed = replace(GOOD, recording="heard-1.wav", recording_problem="No space left on device")
    table = said(failed, replace(GOOD, recording="heard-2.wav"))
    assert table["recorded"] == "heard-2.wav"
    assert "1 x No space left on device" in table["not recorded"]
    assert not failed.is_good
