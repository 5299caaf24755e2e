"""Who heard whom, found out from the recordings of the callers alone.

Each speaker's voice is looked for in each recording by correlation; a matrix shows what was heard beside what should
have been. Nothing the switch says of itself goes into it.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from rich.text import Text

from softswitch.demo.story import Part, Story
from softswitch.gateway import quality

RATE_HZ = 8000
HEARD_FROM = 0.8
"""Similarity of a voice that is there: nearly 1.0; of one that is not: under 0.65."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`similarity[listener][speaker]` by number; who is not recorded is missing."""

    story: Story
    similarity: Mapping[str, Mapping[str, float]]

    @property
    def is_right(self) -> bool:
        return not self.mistakes

    @property
    def mistakes(self) -> list[str]:
        """A sentence for each pair that heard, or did not hear, against the story."""
        return [
            f"{listener.number} {'does not hear' if should else 'hears'} {speaker.number}"
            for listener in self.story.cast
            for speaker in self.story.cast
            if (should := self.story.heard(listener, speaker)) is not None and should != self._heard(listener, speaker)
        ]

    @property
    def pairs(self) -> int:
        """How many pairs were listened to."""
        cast = self.story.cast
        return sum(self.story.heard(one, other) is not None for one in cast for other in cast)

    def matrix(self) -> Text:
        """A row for each listener, a column for each speaker."""
        speakers = [part for part in self.story.cast if part.turn_at is not None]
        text = Text("hears:".rjust(22) + "".join(f"{part.place:>3}" for part in speakers) + "\n", style="dim")
        for listener in self.story.cast:
            text.append(f"{listener.place:>3} ..{listener.number[-4:]} {listener.role:<11}", style="bold")
            for speaker in speakers:
                text.append_text(self._cell(listener, speaker))
            text.append("\n")
        return text

    def _cell(self, listener: Part, speaker: Part) -> Text:
        should, did = self.story.heard(listener, speaker), self._heard(listener, speaker)
        if should is None:
            return Text("  ·", style="dim")
        if should == did:
            return Text("  ■", style="green") if did else Text("  □", style="dim")
        return Text("  !", style="bold red") if did else Text("  ?", style="bold red")

    def _heard(self, listener: Part, speaker: Part) -> bool:
        return self.similarity.get(listener.number, {}).get(speaker.number, 0.0) >= HEARD_FROM


LEGEND = "■ heard   □ rightly not heard   · himself   [bold red]![/] heard but should not   [bold red]?[/] missing"


def judge(story: Story, voices: Path, recordings: Path) -> Verdict:
    """Listen to every recording for every voice."""
    spoken = {part.number: _read(voices / f"{part.number}.wav") for part in story.cast if part.turn_at is not None}

    def listen(listener: Part) -> dict[str, float]:
        ear = quality.Ear(_read(recordings / f"{listener.number}.wav"), RATE_HZ)
        return {number: _similarity(ear, voice) for number, voice in spoken.items()}

    with ThreadPoolExecutor(os.cpu_count()) as listeners:
        similarity = listeners.map(listen, story.cast)
        return Verdict(story, {part.number: found for part, found in zip(story.cast, similarity, strict=True)})


def _similarity(ear: quality.Ear, voice: npt.NDArray[np.float64]) -> float:
    """That of the whole, or of its better half: a jitter buffer may shorten the pause in the middle by a frame."""
    whole = ear.find(voice).similarity
    if whole >= HEARD_FROM:
        return whole
    middle = voice.size // 2
    return max(whole, ear.find(voice[:middle]).similarity, ear.find(voice[middle:]).similarity)


def _read(path: Path) -> npt.NDArray[np.float64]:
    """As int16 values; a file that was never written is silence."""
    if not path.exists():
        return np.zeros(0)
    audio, _ = soundfile.read(path, dtype="int16", always_2d=True)
    return np.asarray(audio[:, 0], dtype=np.float64)
