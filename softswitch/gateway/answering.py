"""Calls in: each gets the scenario of the number it called. The other half of the gateway simulator.

One task a call, from the INVITE to the end of its session. The owner sets `stack.on_invite = answering.handle` and runs
`answering.run()`; cancelling that hangs up every call.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from media import Engine, File, MediaError, NegotiationError, NoPortFree, Stream, StreamEvent, Tone
from softswitch.gateway.scenario import Kind, Scenario, ScenarioBook
from softswitch.sip import Answered, Confirmed, Ended, Offered, Reanswered, Session, SessionEvent

RINGBACK = Tone((((440.0, 480.0), 2000, 4000),))
EARLY_MEDIA_S = 3.0
NO_ANSWER_S = 180.0
"""RFC 3261 §16.6: a proxy waits at least three minutes for a final response."""
NO_ANSWER_STATUS = 480
TEMPORARY_FAILURE = 41


class Answering:
    """The telephones behind the gateway. `tell` gets a line for each thing that happens to a call."""

    def __init__(self, engine: Engine, book: ScenarioBook, tell: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._engine, self._book, self._tell = engine, book, tell
        self._new: asyncio.Queue[_Incoming] = asyncio.Queue()

    def handle(self, session: Session) -> None:
        """`stack.on_invite`: take the call; its scenario runs in a task of `run`."""
        called = session.request.uri.username
        incoming = _Incoming(session, self._engine, self._book.scenario(called), self._book.ring_s)
        self.counts[incoming.scenario.kind] += 1
        self._tell(f"{incoming.caller} calls {called}: {incoming.scenario}")
        self._new.put_nowait(incoming)

    async def run(self) -> None:
        """Serve calls until cancelled, then hang them up."""
        async with asyncio.TaskGroup() as group:
            while True:
                incoming = await self._new.get()
                group.create_task(self._serve(incoming))

    async def _serve(self, incoming: "_Incoming") -> None:
        try:
            await incoming.run()
        finally:
            incoming.close()
        end = incoming.end
        if end is not None:
            self._tell(f"{incoming.caller} over: {end.status} {end.reason}, ended by the {end.by} side")


class _Incoming:
    """One call that came in."""

    def __init__(self, session: Session, engine: Engine, scenario: Scenario, ring_s: float) -> None:
        self.session, self.scenario = session, scenario
        self.end: Ended | None = None
        self._engine, self._ring_s = engine, ring_s
        self._over = asyncio.Event()
        self._streams: list[Stream] = []
        self._is_answered = False
        session.on_event = self._on_session_event

    @property
    def caller(self) -> str:
        return self.session.request.from_.uri.username or "anonymous"

    async def run(self) -> None:
        """The scenario, and then the wait for the end; the far end may end it at any time."""
        async with asyncio.TaskGroup() as group:
            story = group.create_task(self._story())
            await self._over.wait()
            story.cancel()

    def close(self) -> None:
        """Hang up if the far end has not, and give the ports back."""
        if self.end is None:
            self.session.hang_up()
        for stream in self._streams:
            stream.close()

    async def _story(self) -> None:
        kind = self.scenario.kind
        try:
            if kind in (Kind.BUSY, Kind.REJECT):
                self.session.reject(self.scenario.status)
            elif kind is Kind.NO_ANSWER:
                await self._ring_in_vain()
            else:
                await self._take()
        except MediaError as error:
            self._fail(error)

    def _fail(self, error: MediaError) -> None:
        """This call ends, and no other: a file to play has vanished, a port is wanting, no codec is shared."""
        if self._is_answered:
            self.session.hang_up(q850=TEMPORARY_FAILURE, reason=str(error))
        else:
            status = 488 if isinstance(error, NegotiationError) else 503 if isinstance(error, NoPortFree) else 500
            self.session.reject(status, str(error))

    async def _ring_in_vain(self) -> None:
        self.session.ring()
        await asyncio.sleep(NO_ANSWER_S)
        self.session.reject(NO_ANSWER_STATUS)

    async def _take(self) -> None:
        if self.scenario.path is not None:
            await self._engine.prepare(File(self.scenario.path))
        stream = self._open_stream()
        sdp = self._agree(stream)
        if self.scenario.kind is Kind.EARLY_MEDIA:
            self.session.ring(183, sdp=sdp)
            stream.play(RINGBACK)
            await asyncio.sleep(EARLY_MEDIA_S)
        else:
            self.session.ring()
            await asyncio.sleep(self._ring_s)
        self._is_answered = True
        self.session.answer(sdp)
        if self.scenario.kind is Kind.ECHO:
            self._echo(stream)
        elif self.scenario.path is not None:
            stream.play(File(self.scenario.path), repeat=True)

    def _agree(self, stream: Stream) -> bytes:
        offer = self.session.remote_offer
        return stream.offer() if offer is None else stream.answer(offer)

    def _echo(self, stream: Stream) -> None:
        """A room of two: the caller, and a stream that is its own far end, so that it says what it hears."""
        mirror = self._open_stream()
        mirror.accept(mirror.offer())
        room = self._engine.open_room(f"echo {stream.id}")
        room.join(stream)
        room.join(mirror)

    def _open_stream(self) -> Stream:
        stream = self._engine.open_stream(_ignore)
        self._streams.append(stream)
        return stream

    def _on_session_event(self, event: SessionEvent) -> None:
        match event:
            case Ended():
                self.end = event
                self._over.set()
            case Offered():
                self._on_offered(event.sdp)
            case Confirmed() | Reanswered() | Answered():
                self._accept(event.sdp)
            case _:
                pass  # a telephone has no use for the rest

    def _on_offered(self, offer: bytes | None) -> None:
        try:
            stream = self._streams[0]
            self.session.accept(stream.offer() if offer is None else stream.answer(offer))
        except MediaError:
            self.session.refuse(488)

    def _accept(self, answer: bytes | None) -> None:
        try:
            if answer is not None:
                self._streams[0].accept(answer)
        except MediaError:
            self.session.hang_up()


def _ignore(event: StreamEvent) -> None:
    """The telephones behind this gateway press no keys and mind no silence."""
