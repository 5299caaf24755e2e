"""Keys in the audio: what must be heard (ITU-T Q.24), and what must not be taken for a key."""

import numpy as np
import pytest
import soundfile

from media import tones
from media.codecs import g711
from media.dtmf.tones import KEYPAD, LEVEL_DB, HeardKey, ToneDetector, frequencies_hz, press
from media.players import SHIPPED
from media.resample import Resampler

PHASES = range(0, 160, 16)  # where in a frame a tone begins
NOISE = np.random.default_rng(7)


def dual(digit, ms, *, row_off=0.0, column_off=0.0, row_db=LEVEL_DB, column_db=LEVEL_DB):
    row_hz, column_hz = frequencies_hz(digit)
    row = tones.tone((row_hz * (1 + row_off),), ms * 8, row_db)
    return np.clip(row + tones.tone((column_hz * (1 + column_off),), ms * 8, column_db).astype(int), -32767, 32767)


def heard(signals):
    """The digits heard in each of many signals, all in one batch."""
    frames = max(map(len, signals)) // 160 + 8
    samples = np.zeros((len(signals), frames * 160), np.int16)
    for row, signal in enumerate(signals):
        samples[row, : len(signal)] = signal
    detector, digits = ToneDetector(len(signals)), [""] * len(signals)
    for frame in np.split(samples, frames, axis=1):
        for key in detector.detect(np.arange(len(signals)), frame):
            digits[key.row] += key.digit
    return digits


def everywhere(make):
    """The tone of each key at every phase: pairs of what was pressed and what was heard."""
    pressed = [(digit, phase) for digit in KEYPAD for phase in PHASES]
    found = heard([np.concatenate((np.zeros(phase, int), make(digit))) for digit, phase in pressed])
    return [digit for digit, _ in pressed], found


def test_every_key_that_we_press_is_heard():
    digits = "0123456789*#ABCD"
    assert heard([press(digits).ravel()]) == [digits]
    assert heard([press(digits, duration_ms=50, gap_ms=50).ravel()]) == [digits]


def test_a_key_is_told_when_it_is_released_with_its_duration():
    detector = ToneDetector(3)
    released = [key for frame in press("5", duration_ms=200) for key in detector.detect(np.array([2]), frame[None])]
    (key,) = released
    assert (key.row, key.digit) == (2, "5")
    assert key.duration_ms == pytest.approx(200, abs=20)
    assert isinstance(key, HeardKey)


@pytest.mark.parametrize("row_off", [-0.015, 0.0, 0.015])
@pytest.mark.parametrize("column_off", [-0.015, 0.0, 0.015])
def test_40_ms_are_enough_for_frequencies_up_to_one_and_a_half_percent_off(row_off, column_off):
    pressed, found = everywhere(lambda digit: dual(digit, 40, row_off=row_off, column_off=column_off))
    assert found == pressed


def test_23_ms_are_too_short():
    assert set(everywhere(lambda digit: dual(digit, 23))[1]) == {""}


@pytest.mark.parametrize(("row_db", "column_db"), [(-13, -5), (-5, -13), (-9, -5), (-31, -31), (-3, -3)])
def test_levels_and_twist_within_the_recommendation_are_heard(row_db, column_db):
    pressed, found = everywhere(lambda digit: dual(digit, 60, row_db=row_db, column_db=column_db))
    assert found == pressed


def test_twist_beyond_reason_and_whispers_are_not_heard():
    for row_db, column_db in ((-25, -10), (-10, -25), (-45, -45)):
        assert set(everywhere(lambda digit: dual(digit, 60, row_db=row_db, column_db=column_db))[1]) == {""}  # noqa: B023


def test_noise_on_the_line_does_not_hide_a_key():
    noise = NOISE.normal(0, 32767 * 10 ** ((LEVEL_DB - 15) / 20), 400)
    pressed, found = everywhere(lambda digit: dual(digit, 50) + noise.astype(int))
    assert found == pressed


def test_mu_law_does_not_hide_a_key():
    def coded(digit):
        samples = dual(digit, 50).astype(np.int16)
        return g711.DECODE_U[g711.ENCODE_U[samples.view(np.uint16)]]

    pressed, found = everywhere(coded)
    assert found == pressed


def test_the_same_key_twice_is_two_keys_and_a_dropout_of_10_ms_is_none():
    pause = np.zeros(320, int)
    assert heard([np.concatenate((dual("7", 60), pause, dual("7", 60)))]) == ["77"]
    broken = np.concatenate((dual("7", 60), np.zeros(40, int), dual("7", 60)))
    assert heard([broken]) == ["7"]


def test_one_tone_alone_is_no_key():
    single = [tones.tone((frequency,), 8000, -10) for frequency in (697, 941, 1209, 1633, 1000, 440)]
    assert set(heard(single)) == {""}


def test_the_tones_of_the_network_are_no_keys():
    network = [(350, 440), (480, 620), (440, 480), (425,), (950,), (1400,), (1800,), (1100,), (2100,)]
    assert set(heard([tones.tone(frequencies, 8000, -13) for frequencies in network])) == {""}


def test_three_tones_at_once_are_no_key():
    assert heard([tones.tone((697, 1209, 1477), 1600, -13), tones.tone((697, 852, 1336), 1600, -13)]) == ["", ""]


@pytest.mark.parametrize("faster", [1.0, 0.85, 1.18])
def test_speech_and_music_never_press_a_key(faster):
    signals = []
    for path in sorted(SHIPPED.rglob("*.flac")):
        samples, rate_hz = soundfile.read(path, dtype="float32")
        resampler = Resampler(round(rate_hz * faster), rate_hz)
        signals.append(resampler.feed(samples[None, :])[0] * 32000)
    assert set(heard(signals)) == {""}


def test_noise_never_presses_a_key():
    assert set(heard(list(NOISE.normal(0, 5000, (8, 40_000)).clip(-32000, 32000)))) == {""}


def test_rows_do_not_hear_each_other():
    detector, keys = ToneDetector(4), []
    for frame_a, frame_b in zip(press("12"), press("89"), strict=True):
        keys += detector.detect(np.array([3, 1]), np.stack((frame_a, frame_b)))
    assert sorted((key.row, key.digit) for key in keys) == [(1, "8"), (1, "9"), (3, "1"), (3, "2")]


def test_a_row_that_is_reset_forgets_its_key():
    detector = ToneDetector(1)
    for frame in press("1", duration_ms=100, gap_ms=0):
        detector.detect(np.array([0]), frame[None])
    detector.reset(0)
    assert detector.detect(np.array([0]), np.zeros((1, 160), np.int16)) == []


@pytest.mark.parametrize("duration_ms", [60, 100])
@pytest.mark.parametrize("phase", [0, 40, 80, 120])
def test_a_key_of_which_one_frame_was_lost_is_heard_once(duration_ms, phase):
    signal = np.concatenate((np.zeros(1600 + phase, np.int16), press("5", duration_ms=duration_ms).ravel()))
    frames = signal[: len(signal) // 160 * 160].reshape(-1, 1, 160)
    of_the_key = [number for number, frame in enumerate(frames) if frame.any()]
    for lost in of_the_key:
        detector, row, keys = ToneDetector(1), np.zeros(1, np.intp), []
        for number, frame in enumerate(frames):
            keys += detector.miss(row) if number == lost else detector.detect(row, frame)
        assert [key.digit for key in keys] == ["5"], lost - of_the_key[0]


def test_a_key_before_a_peer_falls_silent_is_told():
    detector, row = ToneDetector(1), np.zeros(1, np.intp)
    keys = [key for frame in press("8", duration_ms=100, gap_ms=0) for key in detector.detect(row, frame[None])]
    assert keys == []
    keys = [key for _ in range(5) for key in detector.miss(row)]
    assert [key.digit for key in keys] == ["8"]


def test_the_same_key_twice_is_two_keys_when_the_middle_of_the_pause_was_lost():
    frames = press("77", duration_ms=70, gap_ms=70).reshape(-1, 1, 160)
    detector, row, keys = ToneDetector(1), np.zeros(1, np.intp), []
    for number, frame in enumerate(frames):
        keys += detector.miss(row) if number == 5 else detector.detect(row, frame)
    assert [key.digit for key in keys] == ["7", "7"]


def test_one_window_beside_a_gap_is_no_key():
    detector, row = ToneDetector(1), np.zeros(1, np.intp)
    silence, tone = np.zeros((1, 160), np.int16), press("5", duration_ms=20, gap_ms=0)[:1]
    for frames in ((silence, None, tone, silence, silence, silence), (silence, tone, None, silence, silence, silence)):
        for frame in frames:
            assert (detector.miss(row) if frame is None else detector.detect(row, frame)) == []
