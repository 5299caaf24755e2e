"""A telephone made of bytes: it calls over a Stack of its own, speaks a tone as plain RTP, and keeps all it hears.

Nothing of the media engine is in it except the G.711 table, so what it hears is what a stranger would hear.
"""

import asyncio
import struct
from collections.abc import Callable
from itertools import count

import numpy as np

from media.codecs.g711 import DECODE_U, ENCODE_U
from softswitch.sip import (
    Address,
    Answered,
    Ended,
    OfferRefused,
    Provisional,
    Reanswered,
    Session,
    SessionEvent,
    Stack,
    Uri,
)
from tests.endpoints.conference import prompt_book
from tests.wire import Wire

HZ = 8000
FRAME = 160
TONE_LEVEL = 0.3
TELEPHONE_EVENT = 101
EVENTS = "0123456789*#ABCD"


class Phone:
    """One caller. He says `speech` to its end; beside that `tone_hz`, as long as `is_speaking`."""

    _ports = count(20000, 2)

    def __init__(self, wire: Wire, stack: Stack, number: str, tone_hz: int = 0, host: str = "10.0.0.2") -> None:
        self.number = number
        self.tone_hz = tone_hz
        self.is_speaking = tone_hz > 0
        self.speech = np.zeros(0, np.int16)
        self.answer: bytes | None = None
        self.end: Ended | None = None
        self.refused: list[int] = []
        self.why_refused = ""
        self.session: Session
        self._stack = stack
        self._host = host
        self._rtp = wire.datagrams(host, next(self._ports), self._receive)
        self._remote: tuple[str, int] | None = None
        self._heard: list[np.ndarray] = []
        self._sequence = self._timestamp = 1000
        self._changed = asyncio.Event()
        self._offers = True
        self._talk: asyncio.Task[None] | None = None

    # ---- the call

    def dial(self, number: str, at: tuple[str, int], *, offer: bytes | None = None, late_offer: bool = False) -> None:
        """Calls; with `late_offer` the far end has to make the offer."""
        uri = Uri.parse(f"sip:{number}@{at[0]}:{at[1]}")
        from_ = Address(Uri.parse(f"sip:{self.number}@{self._host}"))
        sdp = None if late_offer else offer or self.sdp()
        self._offers = not late_offer
        self.session = self._stack.invite(uri, from_=from_, offer=sdp, on_event=self._on_event)

    async def answered(self) -> "Phone":
        await self.until(lambda: self.answer is not None or self.end is not None)
        assert self.answer is not None, self.end
        return self

    async def ended(self) -> Ended:
        await self.until(lambda: self.end is not None)
        assert self.end is not None
        return self.end

    def hang_up(self) -> None:
        self.session.hang_up()

    def sdp(self, direction: str = "sendrecv") -> bytes:
        host, port = self._rtp.address
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na={direction}\r\n"
        ).encode()

    async def press(self, keys: str, gap_s: float = 0.1) -> None:
        """Keys as INFO, one after another."""
        for key in keys:
            self.session.info("application/dtmf-relay", f"Signal={key}\r\nDuration=100\r\n".encode())
            await asyncio.sleep(gap_s)

    async def press_in_rtp(self, keys: str, gap_s: float = 0.2) -> None:
        """Keys as telephone-events (RFC 4733): three packets with the end bit, as everybody sends them."""
        for key in keys:
            for end, duration in ((0, 160), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)):
                event = struct.pack("!BBH", EVENTS.index(key), end | 10, duration)
                self._send(TELEPHONE_EVENT, event, marker=duration == 160)
                await asyncio.sleep(0.02)
            self._timestamp += FRAME * 5
            await asyncio.sleep(gap_s)

    # ---- the audio

    def forget(self) -> None:
        """What was heard before no longer counts."""
        self._heard.clear()

    @property
    def heard(self) -> np.ndarray:
        return np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)

    def prompts(self) -> list[str]:
        return prompt_book.read(self.heard)

    def hears(self, tone_hz: int, seconds: float = 0.5) -> bool:
        """Whether the last `seconds` held this tone."""
        return prompt_book.level(self.heard[-int(seconds * HZ) :], tone_hz) > TONE_LEVEL / 10

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def _on_event(self, event: SessionEvent) -> None:
        match event:
            case Provisional() | Answered() | Reanswered():
                if event.sdp is not None:
                    self._connect(event.sdp)
                    if isinstance(event, Answered) and not self._offers:
                        self.session.accept(self.sdp())
            case OfferRefused():
                self.refused.append(event.status)
                self.why_refused = event.reason
            case Ended():
                self.end = event
                if self._talk is not None:
                    self._talk.cancel()
                self._rtp.close()
        self._changed.set()

    def _connect(self, sdp: bytes) -> None:
        lines = sdp.decode().split("\r\n")
        host = next(line.split()[-1] for line in lines if line.startswith("c="))
        port = next(int(line.split()[1]) for line in lines if line.startswith("m=audio"))
        self._remote = (host, port)
        self.answer = sdp
        if self.tone_hz and self._talk is None:
            self._talk = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        """20 ms of tone or silence every 20 ms."""
        phase = 0
        while True:
            self._send(0, ENCODE_U[self._frame(phase).astype(np.uint16)].tobytes())
            self._timestamp += FRAME
            phase += FRAME
            await asyncio.sleep(0.02)

    def _frame(self, phase: int) -> np.ndarray:
        if len(self.speech) >= FRAME:
            frame, self.speech = self.speech[:FRAME], self.speech[FRAME:]
            return frame
        loudness = TONE_LEVEL if self.is_speaking else 0.0
        time_s = (phase + np.arange(FRAME)) / HZ
        return (32767 * loudness * np.sin(2 * np.pi * self.tone_hz * time_s)).astype(np.int16)

    def _send(self, payload_type: int, payload: bytes, *, marker: bool = False) -> None:
        if self._remote is None:
            return
        self._sequence += 1
        header = struct.pack(
            "!BBHII",
            0x80,
            payload_type | (0x80 if marker else 0),
            self._sequence & 0xFFFF,
            self._timestamp,
            id(self) & 0xFFFFFFFF,
        )
        self._rtp.send(header + payload, *self._remote)

    def _receive(self, data: bytes, host: str, port: int) -> None:
        if data[1] & 0x7F == 0:
            self._heard.append(DECODE_U[np.frombuffer(data, np.uint8, offset=12)])
