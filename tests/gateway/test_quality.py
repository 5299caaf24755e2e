"""The ears: recordings that are understood."""

import numpy as np
import pytest

from softswitch.gateway import quality

RATE_HZ = 8000
RNG = np.random.default_rng(20)


def speech(seconds: float, level: float = 3000.0, seed: int = 1) -> np.ndarray:
    """Noise with the rhythm of syllables: 250 ms loud, 100 ms quiet."""
    count = int(seconds * RATE_HZ)
    syllables = (np.arange(count) % 2800) < 2000
    return np.random.default_rng(seed).normal(0, level, count) * np.where(syllables, 1.0, 0.01)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE_HZ))


def test_a_full_scale_square_wave_is_zero_db_and_nothing_is_silence() -> None:
    assert quality.level_db(np.full(160, 32767, np.int16)) == pytest.approx(0, abs=0.01)
    assert quality.level_db(np.zeros(0, np.int16)) == quality.SILENCE_DB
    assert quality.level_db(np.zeros(160, np.int16)) == quality.SILENCE_DB


def test_a_sample_is_found_where_it_is_with_its_loudness() -> None:
    sample = speech(1.0)
    heard = np.concatenate([silence(0.732), sample * 0.5, silence(1)]) + RNG.normal(0, 20, int(2.732 * RATE_HZ))
    match = quality.find(sample, heard, RATE_HZ)
    assert match.at_s == pytest.approx(0.732, abs=1 / RATE_HZ)
    assert match.similarity > 0.99
    assert match.gain_db == pytest.approx(-6, abs=0.1)


def test_a_sample_is_found_under_another_talker() -> None:
    sample, other = speech(1.0, seed=1), speech(3.0, seed=2)
    heard = other.copy()
    heard[8000:16000] += sample
    match = quality.find(sample, heard, RATE_HZ)
    assert match.at_s == pytest.approx(1.0)
    assert 0.5 < match.similarity < 0.9


def test_a_sample_that_was_not_said_is_not_found() -> None:
    for heard in (speech(3.0, seed=3), silence(3.0), silence(0.1)):
        assert quality.find(speech(1.0), heard, RATE_HZ).similarity < 0.2


def test_a_missing_middle_is_one_gap_of_its_length() -> None:
    sample = RNG.normal(0, 3000, RATE_HZ * 2)
    heard = np.concatenate([silence(0.1), sample])
    heard[8800 : 8800 + 1600] = 0
    assert quality.gaps_ms(sample, heard, RATE_HZ, at_s=0.1) == [200]
    assert quality.gaps_ms(sample, np.concatenate([silence(0.1), sample]), RATE_HZ, at_s=0.1) == []


def test_a_recording_that_ends_early_has_a_gap_at_its_end() -> None:
    sample = RNG.normal(0, 3000, RATE_HZ)
    assert quality.gaps_ms(sample, sample[:6400], RATE_HZ, at_s=0.0) == [200]


def test_pauses_of_the_speaker_are_not_gaps() -> None:
    sample = np.concatenate([speech(0.5), silence(0.5), speech(0.5)])
    assert quality.gaps_ms(sample, sample, RATE_HZ, at_s=0.0) == []


def test_parts_are_recognised_though_the_jitter_buffer_moved_them() -> None:
    sample = speech(2.0)
    stretched = np.concatenate([sample[:8000], silence(0.06), sample[8000:]])
    assert quality.similarity_by_parts(sample, stretched, RATE_HZ) > 0.9
    assert quality.similarity_by_parts(sample, speech(2.0, seed=9), RATE_HZ) < 0.3


def test_silence_is_told_from_a_whisper() -> None:
    assert quality.is_silent(silence(1))
    assert quality.is_silent(np.zeros(0, np.int16))
    assert not quality.is_silent(np.concatenate([silence(1), speech(0.1, level=300)]))
