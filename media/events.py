"""What the media engine tells its callers: one small value an event.

The worker packs the same values with msgpack, so they are msgspec structs; `Player` and `Recorder` exist only on the
signalling side, and so do the events that carry them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from media.playback import Player, Recorder


class _Value(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """An event that also travels between the worker and the signalling process."""


class DigitPressed(_Value, frozen=True, tag=True, array_like=True):
    """A key, once per press, when it is released or after its end was lost."""

    digit: str
    duration_ms: int
    via: str  #: "rfc4733" or "inband"


class TalkStarted(_Value, frozen=True, tag=True, array_like=True):
    """The stream's far end has begun to speak."""


class TalkStopped(_Value, frozen=True, tag=True, array_like=True):
    """The stream's far end has been silent for a while."""


class RtpSilent(_Value, frozen=True, tag=True, array_like=True):
    """No RTP packet came for so long."""

    seconds: float


class RtpResumed(_Value, frozen=True, tag=True, array_like=True):
    """RTP flows again after `RtpSilent`."""


class SourceLatched(_Value, frozen=True, tag=True, array_like=True):
    """The address the peer really sends from; from now on only this one is heard."""

    host: str
    port: int


class DigitsSent(_Value, frozen=True, tag=True, array_like=True):
    """Everything given to `send_digits` has left."""


class StreamFailed(_Value, frozen=True, tag=True, array_like=True):
    """A bug of ours has made it unusable; it should be closed."""


@dataclass(frozen=True, slots=True)
class PlayerFinished:
    """A player came to its end, was stopped or replaced, or could not be played (`problem`)."""

    player: Player
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RecorderFailed:
    """The recording had to end: the disk is full, the folder is gone."""

    recorder: Recorder
    reason: str


@dataclass(frozen=True, slots=True)
class ActiveSpeakers:
    """Who is heard in the room, as stream ids, the loudest first; told when it changes, at most five times a second."""

    streams: tuple[int, ...]


StreamEvent = (
    DigitPressed
    | TalkStarted
    | TalkStopped
    | RtpSilent
    | RtpResumed
    | SourceLatched
    | DigitsSent
    | StreamFailed
    | PlayerFinished
    | RecorderFailed
)
RoomEvent = ActiveSpeakers | PlayerFinished | RecorderFailed
