"""The sample rate changes, the sound does not."""

import numpy as np
import pytest

from media.resample import Resampler


def sine(frequency_hz, rate_hz, seconds=1.0):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz).astype(np.float32)


def convert(samples, from_hz, to_hz):
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.feed(samples[None, :])[0], resampler.finish()[0]))


def db(signal):
    return 20 * np.log10(np.sqrt(np.mean(signal.astype(float) ** 2)) + 1e-9)


@pytest.mark.parametrize("from_hz", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("frequency_hz", [50, 440, 1000, 3000])
def test_a_sine_comes_out_as_the_same_sine_at_the_same_time(from_hz, frequency_hz):
    heard = convert(sine(frequency_hz, from_hz), from_hz, 8000)
    assert len(heard) == 8000
    error = heard[200:-200] - sine(frequency_hz, 8000)[200:-200]
    assert db(error) < -60


@pytest.mark.parametrize("to_hz", [16000, 48000])
def test_upwards_too(to_hz):
    heard = convert(sine(1000, 8000), 8000, to_hz)
    assert db(heard[500:-500] - sine(1000, to_hz)[500:-500]) < -60


@pytest.mark.parametrize("from_hz", [16000, 44100, 48000])
def test_what_the_lower_rate_cannot_carry_does_not_come_back_as_another_tone(from_hz):
    for frequency_hz in (4600, 5000, 7000, 7900):
        assert db(convert(sine(frequency_hz, from_hz), from_hz, 8000)[200:-200]) < -60


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(8000, 16000), (16000, 8000), (48000, 8000), (8000, 48000), (44100, 8000)]
)
def test_blocks_of_any_length_join_to_the_same_signal(from_hz, to_hz):
    samples = np.random.default_rng(5).normal(size=from_hz // 4).astype(np.float32)
    resampler, parts, start = Resampler(from_hz, to_hz), [], 0
    for length in [1, 2, 3, 700, 0, 5, 160, 10**6]:
        parts.append(resampler.feed(samples[None, start : start + length])[0])
        start += length
    parts.append(resampler.finish()[0])
    assert np.allclose(np.concatenate(parts), convert(samples, from_hz, to_hz), atol=1e-6)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000), (48000, 16000), (8000, 48000)])
def test_frames_of_many_rows_give_frames(from_hz, to_hz):
    frames = np.random.default_rng(6).normal(size=(5, 4, from_hz // 50)).astype(np.float32)
    resampler = Resampler(from_hz, to_hz, rows=4)
    heard = [resampler.feed(frame) for frame in frames]
    assert {part.shape for part in heard[1:]} == {(4, to_hz // 50)}
    alone = Resampler(from_hz, to_hz)
    row = np.concatenate([alone.feed(frame[2:3])[0] for frame in frames])
    assert np.allclose(np.concatenate([part[2] for part in heard]), row, atol=1e-6)


def test_nothing_gives_nothing():
    assert len(convert(np.zeros(0, np.float32), 44100, 8000)) == 0
