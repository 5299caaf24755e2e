"""Prompts one can recognise: each is a pair of tones of its own, and what a phone has heard becomes a list of names.

The book is a folder of WAV files that the media engine searches before its own prompts; `read` is the way back.
"""

import itertools
from pathlib import Path

import numpy as np
import soundfile

HZ = 8000
PROMPT_MS = 200
WINDOW = 400  # samples: 50 ms, a resolution of 20 Hz
LEVEL = 0.15
FREQUENCIES = (300, 420, 540, 660, 780, 900, 1020, 1140, 1260, 1380, 1500, 1620)

CONFERENCE = [
    "welcome",
    "enter_access_code",
    "invalid_access_code",
    "too_many_attempts_goodbye",
    "you_are_host",
    "you_are_participant",
    "you_are_listener",
    "waiting_for_host",
    "conference_not_started_goodbye",
    "you_are_the_only_one",
    "there_is",
    "there_are",
    "other_attendee",
    "other_attendees",
    "in_the_conference",
    "you_are_muted",
    "you_are_unmuted",
    "you_cannot_unmute",
    "all_muted_may_unmute",
    "all_muted",
    "all_unmuted",
    "listeners_only_muted",
    "on_hold",
    "off_hold",
    "locked",
    "unlocked",
    "room_is_locked",
    "room_is_full",
    "recording_started",
    "recording_stopped",
    "recording_failed",
    "enter_role_pin",
    "role_pin_accepted",
    "role_pin_invalid",
    "hand_raised",
    "hand_lowered",
    "tones_on",
    "tones_off",
    "help_mute_self",
    "help_hand",
    "help_listener",
    "host_left",
    "conference_ended",
    "goodbye",
    "removed_by_host",
    "no_permission",
    "mute_menu",
]
DIGITS = ["1", "2", "3"]
PAIR_BY_NAME = dict(
    zip(
        [
            *(f"conference/{name}" for name in CONFERENCE),
            *(f"digits/{digit}" for digit in DIGITS),
            "tones/entry",
            "tones/exit",
            "music/hold",
        ],
        itertools.combinations(FREQUENCIES, 2),
        strict=False,
    )
)
NAME_BY_PAIR = {pair: name.removeprefix("conference/") for name, pair in PAIR_BY_NAME.items()}


def write(folder: Path, language: str = "en_US") -> None:
    """The book, in the layout of the shipped prompts."""
    time_s = np.arange(HZ * PROMPT_MS // 1000) / HZ
    for name, pair in PAIR_BY_NAME.items():
        audio = sum(LEVEL * np.sin(2 * np.pi * frequency * time_s) for frequency in pair)
        path = folder / language / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio, HZ, subtype="PCM_16")


def read(samples: np.ndarray) -> list[str]:
    """The prompts heard, in order; one that lasts or repeats without another between is one."""
    names: list[str] = []
    last = ""
    for start in range(0, len(samples) - WINDOW + 1, WINDOW // 2):
        name = _name(samples[start : start + WINDOW])
        if name and name == last and (not names or names[-1] != name):
            names.append(name)
        last = name or last
    return names


def level(samples: np.ndarray, frequency: float) -> float:
    """Amplitude of one frequency, relative to full scale."""
    if not len(samples):
        return 0.0
    phase = np.exp(-2j * np.pi * frequency * np.arange(len(samples)) / HZ)
    return float(2 * abs(np.mean(samples.astype(float) * phase)) / 32768)


def _name(window: np.ndarray) -> str:
    levels = [(level(window, frequency), frequency) for frequency in FREQUENCIES]
    (one, _), (other, _), (third, _) = strongest = sorted(levels, reverse=True)[:3]
    if min(one, other) < LEVEL / 3 or third > other / 2:
        return ""
    low, high = sorted(frequency for _, frequency in strongest[:2])
    return NAME_BY_PAIR.get((low, high), "")
