"""The only door of the media engine: RTP in and out, conference rooms, players, recorders.

Whoever wants audio starts an `Engine` and asks it for streams (one a call leg) and rooms. Everything on this side is
synchronous and cheap: it allocates a port, computes a session description or puts a command on the way to the media
process. What happens there comes back as events to the callback the stream or room was opened with.

    engine = Engine(MediaSettings())
    await engine.start()
    stream = engine.open_stream(on_event)
    answer = stream.answer(offer)
    room = engine.open_room("standup")
    room.join(stream)
    ...
    stream.close()
    await engine.stop()

Two streams that only talk with each other are bridged (`engine.bridge`): nothing is mixed then.

Reading order: sources, events, settings, errors (values) -> handles, pair (what the door hands out) -> engine ->
worker -> tick, the one page that happens every 20 ms -> streams, rooms, jitter, levels, mixer, relay, srtp ...
"""

from media.engine import Engine
from media.errors import MediaError, MediaSettingsError, NegotiationError, NoPortFree, SourceNotFound
from media.events import (
    ActiveSpeakers,
    DigitPressed,
    DigitsSent,
    PlayerFinished,
    RecorderFailed,
    RoomEvent,
    RtpResumed,
    RtpSilent,
    SourceLatched,
    StreamEvent,
    StreamFailed,
    TalkStarted,
    TalkStopped,
)
from media.handles import Room, Stream, StreamState, StreamStatistics
from media.negotiation import offered_codecs
from media.pair import Pair
from media.playback import Player, Recorder
from media.players import Library
from media.prompts import digit_prompts, number_prompts
from media.sdes import Encryption
from media.settings import MediaSettings
from media.sources import File, Prompt, Silence, Source, Tone

__all__ = [
    "ActiveSpeakers",
    "DigitPressed",
    "DigitsSent",
    "Encryption",
    "Engine",
    "File",
    "Library",
    "MediaError",
    "MediaSettings",
    "MediaSettingsError",
    "NegotiationError",
    "NoPortFree",
    "Pair",
    "Player",
    "PlayerFinished",
    "Prompt",
    "Recorder",
    "RecorderFailed",
    "Room",
    "RoomEvent",
    "RtpResumed",
    "RtpSilent",
    "Silence",
    "Source",
    "SourceLatched",
    "SourceNotFound",
    "Stream",
    "StreamEvent",
    "StreamFailed",
    "StreamState",
    "StreamStatistics",
    "TalkStarted",
    "TalkStopped",
    "Tone",
    "digit_prompts",
    "number_prompts",
    "offered_codecs",
]
