"""Keys that do something in a meeting: sequences such as *6 and 99, told apart as they are pressed.

Sequences may share prefixes, and one may be the beginning of another: then the shorter one waits `TIMEOUT_S` for the
longer. Keys that lead nowhere are forgotten from the front, so that 1*6 still is *6. Pure: time comes in as `now`.
"""

from collections.abc import Mapping
from enum import StrEnum

TIMEOUT_S = 2.0


class Action(StrEnum):
    """What a key sequence does, in words that the events show."""

    MUTE_SELF = "mute self"
    MUTE_MODE = "next mute mode"
    MUTE_MENU = "mute menu"
    HOLD = "hold"
    LOCK = "lock"
    RECORD = "record"
    ROLE_PIN = "role pin"
    RAISE_HAND = "raise hand"
    HELP = "help"
    TONES = "entry and exit tones"
    HEAD_COUNT = "head count"


FOR_HOSTS = frozenset({Action.MUTE_MODE, Action.MUTE_MENU, Action.HOLD, Action.LOCK, Action.RECORD, Action.TONES})


class Bindings:
    """Which sequences there are, ready for all who press them: a thousand attendees share one."""

    __slots__ = ("actions", "beginnings")

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self.actions = actions
        self.beginnings = frozenset(keys[:n] for keys in actions for n in range(1, len(keys)))


class BindingMatcher:
    """One attendee's keys on their way to actions. `deadline_at` is set while a sequence is unfinished."""

    __slots__ = ("_bindings", "_pressed", "deadline_at")

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._pressed = ""
        self.deadline_at: float | None = None

    def press(self, digit: str, now: float) -> tuple[Action, ...]:
        """The actions that this key completes: usually none or one, two when it also settles what was waiting."""
        done = self.expire(now)
        self._pressed += digit
        settled = self._settle()
        self.deadline_at = now + TIMEOUT_S if self._pressed else None
        return done + settled

    def expire(self, now: float) -> tuple[Action, ...]:
        """What the time that went by settles: the shorter of two sequences, or the end of an unfinished one."""
        if self.deadline_at is None or now < self.deadline_at:
            return ()
        pressed, self._pressed, self.deadline_at = self._pressed, "", None
        action = self._bindings.actions.get(pressed)
        return () if action is None else (action,)

    def _settle(self) -> tuple[Action, ...]:
        done: tuple[Action, ...] = ()
        while self._pressed and self._pressed not in self._bindings.beginnings:
            length = self._longest_complete()
            if length:
                done += (self._bindings.actions[self._pressed[:length]],)
            self._pressed = self._pressed[length or 1 :]
        return done

    def _longest_complete(self) -> int:
        lengths = range(len(self._pressed), 0, -1)
        return next((n for n in lengths if self._pressed[:n] in self._bindings.actions), 0)
