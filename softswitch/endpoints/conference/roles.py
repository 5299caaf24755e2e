"""Who may speak: role, the meeting's mute mode and the attendee's own mute, in three values and one rule.

`MuteMode` is CarrierX's `participant_muted`: *false* mutes only listeners; *relaxed* mutes participants too, who may
unmute themselves; *true* mutes them and they may not. Hosts are outside of it. A listener is never heard, whatever the
meeting or he himself does.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Role(StrEnum):
    HOST = "host"
    PARTICIPANT = "participant"
    LISTENER = "listener"

    @property
    def letter(self) -> str:
        """How policies write it: h, p or l."""
        return _LETTERS[self]


class MuteMode(StrEnum):
    FALSE = "false"
    RELAXED = "relaxed"
    TRUE = "true"

    @property
    def next(self) -> "MuteMode":
        """The mode that follows when a host goes round."""
        modes = list(MuteMode)
        return modes[(modes.index(self) + 1) % len(modes)]


_LETTERS = {role: role.value[0] for role in Role}


class Mute(Struct, frozen=True):
    """One attendee's mute: `own` is what he or a host has set for him alone, `by_mode` comes from the meeting,
    `on_entry` from the room's policy."""

    role: Role
    own: bool = False
    by_mode: MuteMode = MuteMode.FALSE
    on_entry: bool = False

    @property
    def muted(self) -> bool:
        return self.own or self.on_entry or self.role is Role.LISTENER or self.by_mode is not MuteMode.FALSE

    @property
    def may_unmute(self) -> bool:
        """Whether he may unmute himself."""
        return self.role is not Role.LISTENER and self.by_mode is not MuteMode.TRUE

    def under(self, mode: MuteMode) -> "Mute":
        """After the meeting has gone to `mode`: a new mode holds for every participant, those that had unmuted too and
        those whom the room mutes on entry. Only his own mute stays."""
        if self.role is not Role.PARTICIPANT:
            return replace(self, by_mode=MuteMode.FALSE)
        return replace(self, by_mode=mode, on_entry=False)

    def as_role(self, role: Role, mode: MuteMode) -> "Mute":
        """After a change of role in a meeting that is in `mode`: nothing of the old role's mute stays."""
        return Mute(role).under(mode)

    def set(self, muted: bool) -> "Mute":
        """Muted or unmuted one by one: by himself, where he may, or by a host, who always may."""
        return replace(self, own=True) if muted else Mute(self.role)


def enter(role: Role, mute_policy: str, mode: MuteMode) -> Mute:
    """The mute with which a newcomer enters: by the room's policy (letters of roles), then by the meeting's mode."""
    by_mode = mode if role is Role.PARTICIPANT else MuteMode.FALSE
    return Mute(role, by_mode=by_mode, on_entry=role.letter in mute_policy)
