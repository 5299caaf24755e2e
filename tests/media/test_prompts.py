"""The shipped prompts: all there, all equally loud, the music without a seam; numbers in words."""

import tomllib

import numpy as np
import pytest
import soundfile

from media.players import SHIPPED, Library, speech_level_db
from media.prompts import digit_prompts, number_prompts
from media.sources import Prompt
from tools.make_prompts import COMPUTED

TABLE = tomllib.loads((SHIPPED / "prompts.toml").read_text(encoding="utf-8"))
SPOKEN = [f"{folder}/{name}" for folder, texts in TABLE.items() if folder != "voice" for name in texts]


def heard(name):
    samples, rate_hz = soundfile.read(SHIPPED / f"{name}.flac", dtype="float32")
    assert (rate_hz, samples.ndim) == (8000, 1)
    return samples


def test_every_text_has_its_file_and_every_file_its_text():
    files = {str(path.relative_to(SHIPPED).with_suffix("")) for path in SHIPPED.rglob("*.flac")}
    assert files == {*SPOKEN, *COMPUTED}


@pytest.mark.parametrize("name", SPOKEN)
def test_every_prompt_is_as_loud_as_the_others_and_begins_at_once(name):
    samples = heard(name)
    assert speech_level_db(samples) == pytest.approx(-20.0, abs=1.1)
    assert np.abs(samples).max() < 0.9
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    assert loud[0] < 0.05 * 8000
    assert len(samples) - loud[-1] < 0.2 * 8000


def test_what_is_shipped_is_small():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.flac")) < 6_000_000


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed_is_what_the_script_computes(name):
    computed = COMPUTED[name]()
    assert np.abs(heard(name) - computed).max() <= 2 / 32768


def test_hold_music_is_a_loop_of_whole_frames_without_a_seam():
    samples = heard("music/hold")
    assert len(samples) % 160 == 0
    assert 30 <= len(samples) / 8000 <= 60
    assert 20 * np.log10(np.sqrt(np.mean(samples**2))) == pytest.approx(-26, abs=0.2)
    steps = np.abs(np.diff(samples))
    assert abs(samples[0] - samples[-1]) <= steps.max() / 2


def test_hold_music_never_pauses():
    frames = heard("music/hold").reshape(-1, 1600)
    assert np.sqrt((frames**2).mean(axis=1)).min() > 10 ** (-40 / 20)


def test_speech_samples_last_a_few_seconds_and_come_in_two_voices():
    samples = {name: len(heard(f"samples/{name}")) / 8000 for name in TABLE["samples"]}
    assert {name.partition("_")[0] for name in samples} == {"slt", "rms"}
    assert len(samples) == 8
    assert all(3 <= seconds <= 6 for seconds in samples.values())


def words(number):
    return " ".join(name.removeprefix("digits/") for name in number_prompts(number))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (7, "7"),
        (10, "10"),
        (20, "20"),
        (21, "20 1"),
        (99, "90 9"),
        (100, "1 hundred"),
        (137, "1 hundred 30 7"),
        (1000, "1 thousand"),
        (1012, "1 thousand 12"),
        (4321, "4 thousand 3 hundred 20 1"),
        (999_999, "9 hundred 90 9 thousand 9 hundred 90 9"),
    ],
)
def test_numbers_are_said_in_words(number, said):
    assert words(number) == said


def test_every_number_can_be_said_with_what_is_shipped():
    names = {name for number in range(2001) for name in number_prompts(number)} | set(digit_prompts("0123456789*#"))
    library = Library()
    assert all(library.load(Prompt(name)).duration_s > 0.2 for name in names)


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_numbers_out_of_range_are_our_mistake(number):
    with pytest.raises(ValueError):
        number_prompts(number)


def test_keys_are_said_one_by_one():
    assert digit_prompts("4*#") == ("digits/4", "digits/star", "digits/pound")
