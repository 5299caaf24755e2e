"""The audio of a leg: its stream, what is played to the far end, and the keys that the far end presses.

`Leg` is one of these and has a session beside it; where a key came from, RTP or INFO, is settled between the two. The
stream is opened when it is first needed, so a call that is rejected costs no port.
"""

import asyncio
import logging
from collections.abc import Callable

from media import (
    DigitPressed,
    Encryption,
    Engine,
    NoPortFree,
    Player,
    PlayerFinished,
    Source,
    SourceNotFound,
    Stream,
    StreamEvent,
    StreamFailed,
    StreamStatistics,
    TalkStarted,
    TalkStopped,
)
from softswitch.call.keys import Keys
from softswitch.call.waiting import Waiting
from softswitch.errors import CallRejected
from softswitch.sip import Ended

log = logging.getLogger(__name__)


class LegAudio:
    """The half of a leg that hears and is heard. The task of the call waits in `play` and `next_digit`."""

    __slots__ = (
        "_engine",
        "_keys",
        "_playing",
        "_stream",
        "codecs",
        "encryption",
        "end",
        "on_digit",
        "on_talk",
        "talking",
        "waiting",
    )

    def __init__(self, engine: Engine, waiting: Waiting) -> None:
        self.waiting = waiting
        self.end: Ended | None = None
        """How the session ended, once it has."""
        self.codecs: tuple[str, ...] = ()  # the trunk's, best first; none: those of the settings
        self.encryption: Encryption | None = None  # of the audio; None: as the settings have it
        self.talking = False
        self.on_digit: Callable[[str, str], None] | None = None
        self.on_talk: Callable[[bool], None] | None = None
        self._engine = engine
        self._stream: Stream | None = None
        self._keys = Keys()
        self._playing: Player | None = None

    @property
    def stream(self) -> Stream:
        """The audio; opened by the first who asks. Raises `CallRejected` 503 when no media port is free."""
        if self._stream is None:
            if self.end is not None:
                raise RuntimeError(f"{self!r} has ended and never had a stream")
            try:
                self._stream = self._engine.open_stream(self._on_stream_event, self.codecs, self.encryption)
            except NoPortFree as error:
                raise CallRejected(503, "No media port free", headers=(("Retry-After", "5"),)) from error
        return self._stream

    @property
    def codec(self) -> str | None:
        """What the far end and we speak, once that is agreed."""
        agreement = None if self._stream is None else self._stream.agreement
        return None if agreement is None else str(agreement.codec)

    @property
    def encryption_suite(self) -> str | None:
        """The crypto suite of SRTP; None while the audio is plain, or not agreed."""
        return None if self._stream is None else self._stream.encryption or None

    def statistics(self) -> StreamStatistics | None:
        """What the stream counted, also after its end; None where there never was one."""
        return None if self._stream is None else self._stream.statistics()

    # ---- what the far end hears

    def say(self, *sources: Source, repeat: bool = False) -> Player | None:
        """Plays to this party alone and does not wait for the end; what was playing before is replaced.

        A prompt that is missing is silence and a line in the log, never the end of a call.
        """
        if not sources or self.end is not None:
            return None
        try:
            self._playing = self.stream.play(*sources, repeat=repeat)
        except SourceNotFound as error:
            log.warning("%r hears nothing: %s", self, error)
            return None
        return self._playing

    async def play(self, *sources: Source, barge_in: bool = False) -> None:
        """Plays to this party alone, to the end or, with `barge_in`, until a key is pressed (which is kept)."""
        player = None if barge_in and self._keys else self.say(*sources)
        if player is None:
            return
        try:
            while self._playing is player and not player.is_finished and not (barge_in and self._keys):
                await self.waiting.until()
        finally:
            self.hush(player)

    def hush(self, player: Player | None = None) -> None:
        """Stops what is playing (only if it still is `player`, where one is given)."""
        playing = self._playing
        if playing is not None and (player is None or playing is player):
            self._playing = None
            playing.stop()

    # ---- what the far end presses

    async def next_digit(self, timeout_s: float | None = None, *, aloud: bool = False) -> str | None:
        """The next key, at once if it was pressed before; None when `timeout_s` went by without one.

        `aloud`: it is no part of a code, so that events may say which key it was. That holds for the one key that is
        waited for: what follows before the next wait may be a code already.
        """
        deadline_at = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        self._keys.is_aloud = aloud and not self._keys
        try:
            while not self._keys:
                if await self.waiting.until(deadline_at):
                    break
            return self._keys.take()
        finally:
            self._keys.is_aloud = False

    def take_digits(self) -> str:
        """The keys that were pressed and nobody has read."""
        return self._keys.take_all()

    # ---- what happens to the stream

    def _on_stream_event(self, event: StreamEvent) -> None:
        match event:
            case DigitPressed():
                self._on_digit(event.digit, event.via)
            case PlayerFinished():
                if event.player is self._playing:
                    self._playing = None
                    self.waiting.wake()
            case TalkStarted():
                self._on_talking(True)
            case TalkStopped():
                self._on_talking(False)
            case StreamFailed():
                self._on_stream_failed()
            case _:
                pass  # silence and latching are in the stream's statistics

    def _on_digit(self, digit: str, way: str) -> None:
        if self._keys.press(digit, way, asyncio.get_running_loop().time()):
            self.waiting.wake()
            if self.on_digit is not None:
                self.on_digit(way, digit if self._keys.is_aloud else "")
            self._keys.is_aloud = False

    def _on_talking(self, talking: bool) -> None:
        self.talking = talking
        if self.on_talk is not None:
            self.on_talk(talking)

    def _on_stream_failed(self) -> None:
        """Nothing is heard any more: the session says what follows."""
