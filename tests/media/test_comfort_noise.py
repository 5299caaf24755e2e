"""Comfort noise: as loud and as coloured as it was described."""

import numpy as np
import pytest

from media import comfort_noise
from media.comfort_noise import LOOP_FRAMES, ComfortNoise, payload, reflections, shaped


def level_dbov(samples):
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32767)


def listen(noise, row, frames=LOOP_FRAMES):
    return np.concatenate([noise.generate(np.array([row]))[0] for _ in range(frames)])


@pytest.mark.parametrize("level", [-30, -45, -60, -75])
def test_the_level_is_the_one_described(level):
    noise = ComfortNoise(2)
    noise.describe(1, payload(level))
    assert level_dbov(listen(noise, 1)) == pytest.approx(level, abs=0.5)
    assert not listen(noise, 0).any()


def test_a_background_that_would_hurt_is_held_back():
    noise = ComfortNoise(1)
    noise.describe(0, b"\x00")
    assert level_dbov(listen(noise, 0)) == pytest.approx(-20, abs=0.5)


def test_white_noise_is_white():
    noise = ComfortNoise(1)
    noise.describe(0, payload(-40))
    power = np.abs(np.fft.rfft(listen(noise, 0))) ** 2
    assert power[10:1000].mean() == pytest.approx(power[1000:-10].mean(), rel=0.2)


def test_the_spectrum_is_the_one_described():
    noise = ComfortNoise(1)
    noise.describe(0, bytes((40, 127 - 100)))  # one coefficient of -0.79: the filter 1 / (1 - 0.79 z^-1), dark
    power = np.abs(np.fft.rfft(listen(noise, 0))) ** 2
    expected = 1 / np.abs(1 + reflections(b"\x1b")[0] * np.exp(-1j * np.pi * np.arange(len(power)) / len(power))) ** 2
    for low, high in ((20, 200), (500, 700), (1000, 1200), (1700, 1990)):
        ratio = (power[low:high].mean() / power.mean()) / (expected[low:high].mean() / expected.mean())
        assert ratio == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("coefficients", [bytes(12), b"\xff" * 12, bytes(range(0, 240, 20)), b"\x00\xff" * 20])
def test_any_description_gives_noise_of_its_level(coefficients):
    noise = ComfortNoise(1)
    noise.describe(0, payload(-50) + coefficients)
    assert level_dbov(listen(noise, 0)) == pytest.approx(-50, abs=1.0)


def test_an_empty_description_changes_nothing():
    noise = ComfortNoise(1)
    noise.describe(0, payload(-50))
    before = listen(noise, 0)
    noise.describe(0, b"")
    assert listen(noise, 0).tolist() == before.tolist()


def test_the_loop_has_no_seam():
    noise = ComfortNoise(1)
    noise.describe(0, bytes((40, 27)))
    twice = listen(noise, 0, 2 * LOOP_FRAMES).astype(int)
    step = np.abs(np.diff(twice))
    seam = LOOP_FRAMES * 160 - 1
    assert step[seam] <= step.max()
    assert step[seam] < 6 * step.mean()


def test_rows_do_not_sound_in_step():
    noise = ComfortNoise(8)
    for row in range(8):
        noise.describe(row, payload(-40))
    frames = noise.generate(np.arange(8)).astype(float)
    alike = np.corrcoef(frames) - np.eye(8)
    assert np.abs(alike).max() < 0.4


def test_a_new_stream_in_the_row_hears_nothing_of_the_old_one():
    noise = ComfortNoise(1)
    noise.describe(0, payload(-40))
    noise.reset(0)
    assert not listen(noise, 0).any()


def test_descriptions_that_change_with_every_packet_cost_no_shaping_each(monkeypatch):
    """Eight callers who changed theirs 400 times a second took two thirds of a core: an FFT a packet."""
    shapings = []

    def counted(coefficients):
        shapings.append(coefficients)
        return shaped(coefficients)

    monkeypatch.setattr(comfort_noise, "shaped", counted)
    noise = ComfortNoise(8)
    shapings.clear()
    for tick in range(50):
        for row in range(8):
            for change in range(8):
                noise.describe(row, payload(-40) + bytes((row, tick, change)))
        noise.generate(np.arange(8))
    assert len(shapings) == 50
    assert {coefficients[0] for coefficients in shapings} == set(range(8))


def test_a_description_that_nobody_hears_is_not_shaped(monkeypatch):
    noise = ComfortNoise(2)
    monkeypatch.setattr(comfort_noise, "shaped", lambda _: pytest.fail("shaped"))
    noise.describe(0, payload(-40) + b"\x10")
    noise.generate(np.array([1]))


def test_a_row_sounds_as_loud_as_described_before_its_spectrum_is_shaped():
    noise = ComfortNoise(2)
    noise.describe(0, payload(-40) + b"\x10")
    noise.describe(1, payload(-60) + b"\x20")
    first = noise.generate(np.arange(2))
    assert level_dbov(first[1]) == pytest.approx(-60, abs=1)


def test_a_level_alone_is_white_again():
    noise, white = ComfortNoise(1), ComfortNoise(1)
    noise.describe(0, payload(-40) + b"\x10")
    listen(noise, 0)
    for each in (noise, white):
        each.describe(0, payload(-40))
    assert listen(noise, 0).tolist() == listen(white, 0).tolist()
