"""The demo's story holds together, and its verdict believes nothing but the recordings."""

import itertools
from pathlib import Path

import numpy as np
import soundfile

from softswitch.demo.story import MUTED, SENT_AWAY, SPEECH_S, Story, story
from softswitch.demo.verdict import judge
from softswitch.demo.voices import write_voices
from softswitch.gateway.order import At

RATE_HZ = 8000
STORY = story()


def test_twenty_callers_one_host_fifteen_participants_four_listeners() -> None:
    roles = [part.role for part in STORY.cast]
    assert (len(roles), roles.count("host"), roles.count("participant"), roles.count("listener")) == (20, 1, 15, 4)
    assert len({part.number for part in STORY.cast}) == 20


def test_half_a_minute_is_enough() -> None:
    assert STORY.ends_at < 30


def test_turns_do_not_overlap() -> None:
    turns = sorted(part.turn_at for part in STORY.cast if part.turn_at is not None)
    assert min(b - a for a, b in itertools.pairwise(turns)) > SPEECH_S + 0.1


def test_the_muted_one_and_the_listener_try_in_vain() -> None:
    in_vain = {part.place for part in STORY.cast if part.tries_in_vain}
    assert in_vain == {MUTED, 17}
    assert all(STORY.heard(listener, STORY.cast[MUTED - 1]) is not True for listener in STORY.cast)


def test_the_one_sent_away_hears_those_before_him_only() -> None:
    away = STORY.cast[SENT_AWAY - 1]
    heard = [part.place for part in STORY.cast if STORY.heard(away, part)]
    assert heard == [place for place in range(1, SENT_AWAY) if place != MUTED]
    assert STORY.heard(STORY.cast[0], away) is True


def test_nobody_is_asked_whether_he_hears_himself() -> None:
    assert all(STORY.heard(part, part) is None for part in STORY.cast)


def test_every_caller_stays_to_the_end() -> None:
    for order in STORY.orders(Path("voices"), Path("heard")):
        last = [step.seconds for step in order.steps if isinstance(step, At)][-1]
        assert last == STORY.ends_at


def test_recordings_that_follow_the_story_are_right(tmp_path: Path) -> None:
    perform(STORY, tmp_path)
    verdict = judge(STORY, tmp_path / "voices", tmp_path / "heard")
    assert verdict.mistakes == []
    assert verdict.is_right


def test_a_muted_caller_who_is_heard_is_a_mistake(tmp_path: Path) -> None:
    perform(STORY, tmp_path, also_heard=(1, MUTED))
    verdict = judge(STORY, tmp_path / "voices", tmp_path / "heard")
    assert verdict.mistakes == [f"{STORY.cast[0].number} hears {STORY.cast[MUTED - 1].number}"]
    assert "!" in verdict.matrix().plain


def test_a_caller_who_recorded_nothing_did_not_hear(tmp_path: Path) -> None:
    perform(STORY, tmp_path)
    (tmp_path / "heard" / f"{STORY.cast[19].number}.wav").unlink()
    verdict = judge(STORY, tmp_path / "voices", tmp_path / "heard")
    assert len(verdict.mistakes) == 15
    assert "?" in verdict.matrix().plain


def perform(story: Story, folder: Path, also_heard: tuple[int, int] | None = None) -> None:
    """Write voices and the recordings that a perfect bridge would have made."""
    for part in ("voices", "heard"):
        (folder / part).mkdir()
    soundfile.write(folder / "talk.wav", babble(25), RATE_HZ)
    write_voices(story, [folder / "talk.wav"], folder / "voices", SPEECH_S)
    for listener in story.cast:
        room = np.random.default_rng(listener.place).normal(0, 10, int(story.ends_at * RATE_HZ) + RATE_HZ)
        for speaker in story.cast:
            pair = (listener.place, speaker.place)
            if speaker.turn_at is not None and (story.heard(listener, speaker) or pair == also_heard):
                voice, _ = soundfile.read(folder / "voices" / f"{speaker.number}.wav", dtype="int16")
                start = int(speaker.turn_at * RATE_HZ)
                room[start : start + voice.size] += voice
        soundfile.write(folder / "heard" / f"{listener.number}.wav", room.astype(np.int16), RATE_HZ)


def babble(seconds: int) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.1, seconds * RATE_HZ)
