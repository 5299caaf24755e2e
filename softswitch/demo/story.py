"""Who plays in the demo, and what happens when: twenty callers, one room, half a minute. Values only.

Times are seconds after the first call is placed. All speak one after another, so that it can be told from what each
of them heard who was heard by whom; some are not to be heard, and that is told too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from softswitch.gateway.order import AfterPrompt, At, Order, Pause, Press, Say, Step

NUMBER, ROOM = "12025550101", "standup"
CODES = {"host": "111111#", "participant": "222222#", "listener": "333333#"}
CALLS_PER_SECOND = 10.0
PARTICIPANTS, LISTENERS = 15, 4
FIRST_CALLER = 13105550101

RECORD_AT = 9.0
"""By then the last one has been told his role and is in."""
FIRST_TURN_AT = 11.0
TURN_S = 1.0
SPEECH_S = 0.85
"""A turn is longer than what is said in it: nobody is talked over, whatever the jitter buffers do."""

MUTED, SENT_AWAY = 5, 9
"""Places in the cast of the one who is muted before his turn, and the one who is sent away after it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One caller. `turn_at` None: he only listens and does not even try to speak."""

    place: int
    number: str
    role: str
    turn_at: float | None

    @property
    def tries_in_vain(self) -> bool:
        """He speaks, but must not be heard."""
        return self.turn_at is not None and (self.place == MUTED or self.role == "listener")


@dataclass(frozen=True, slots=True)
class Story:
    """The whole demo."""

    cast: tuple[Part, ...]

    @property
    def mute_at(self) -> float:
        """Before anybody speaks: he is told that he is muted, and does not hear the others meanwhile."""
        return FIRST_TURN_AT - 2 * TURN_S

    @property
    def send_away_at(self) -> float:
        return self._turn_of(SENT_AWAY) + TURN_S

    @property
    def ends_at(self) -> float:
        return max(part.turn_at for part in self.cast if part.turn_at is not None) + TURN_S

    def heard(self, listener: Part, speaker: Part) -> bool | None:
        """Whether `listener` should hear `speaker`; None where there is nothing to hear."""
        if listener is speaker or speaker.turn_at is None:
            return None
        gone = listener.place == SENT_AWAY and speaker.turn_at >= self.send_away_at
        return not speaker.tries_in_vain and not gone

    def orders(self, voices: Path, recordings: Path) -> list[Order]:
        """What the gateway's callers are to do; `voices` and `recordings` hold one WAV file for each, by number."""
        return [
            Order(
                to=NUMBER,
                from_=part.number,
                steps=tuple(self._steps(part, voices)),
                record=recordings / f"{part.number}.wav",
            )
            for part in self.cast
        ]

    def _steps(self, part: Part, voices: Path) -> Iterator[Step]:
        yield AfterPrompt(patience_s=1.0, at_most_s=1.0)
        yield Press(CODES[part.role])
        if part.role == "host":
            yield At(RECORD_AT)
            yield Press("*9")
        if part.turn_at is not None:
            yield At(part.turn_at)
            yield Say(voices / f"{part.number}.wav")
        yield At(self.ends_at)
        yield Pause(0.05 * part.place)

    def _turn_of(self, place: int) -> float:
        turn_at = self.cast[place - 1].turn_at
        return self.ends_at if turn_at is None else turn_at


def story() -> Story:
    """A host, fifteen participants and the first of four listeners speak in turn; he and the muted one in vain.

    The turn after that of the one who is sent away stays empty: in it he goes.
    """
    roles = ["host", *["participant"] * PARTICIPANTS, *["listener"] * LISTENERS]
    speakers = 1 + PARTICIPANTS + 1
    return Story(
        tuple(
            Part(
                place=index + 1,
                number=str(FIRST_CALLER + index),
                role=role,
                turn_at=FIRST_TURN_AT + (index + (index >= SENT_AWAY)) * TURN_S if index < speakers else None,
            )
            for index, role in enumerate(roles)
        )
    )
