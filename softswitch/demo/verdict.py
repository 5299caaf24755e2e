"""Who heard whom, found out from the recordings of the callers alone.

Each speaker's voice is looked for in each recording by correlation; a matrix shows what was heard beside what should
have been. Nothing the switch says of itself goes into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from rich.text import Text

from softswitch.demo.story import Part, Story
from softswitch.gateway import quality

RATE_HZ = 8000
HEARD_FROM = 0.6
"""Similarity of a voice that is there: 0.8 to 1.0; of one that is not: under 0.4."""


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
        text = Text("hears:".rjust(33) + "".join(f"{part.place:>3}" for part in speakers) + "\n", style="dim")
        for listener in self.story.cast:
            text.append(f"{listener.place:>3} {listener.number} {listener.role:<12}", style="bold")
            text.append("     ")
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
    ears = {part.number: quality.Ear(_read(recordings / f"{part.number}.wav"), RATE_HZ) for part in story.cast}
    return Verdict(
        story,
        {
            listener: {number: ear.find(voice).similarity for number, voice in spoken.items()}
            for listener, ear in ears.items()
        },
    )


def _read(path: Path) -> npt.NDArray[np.float64]:
    """As int16 values; a file that was never written is silence."""
    if not path.exists():
        return np.zeros(0)
    audio, _ = soundfile.read(path, dtype="int16", always_2d=True)
    return np.asarray(audio[:, 0], dtype=np.float64)
