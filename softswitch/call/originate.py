"""The far end of a call that we place: an INVITE over one trunk after another, until somebody answers.

    leg = OutgoingLeg(stack, engine, ways, from_number="12025550101", to_number="13105550123", local=here)
    await leg.answered()                # raises `CallRejected` with the last refusal

Early media is not listened to: what counts is the answer. A trunk that is silent, broken or overloaded (408, 5xx)
makes the next one be tried (RFC 3261 §8.1.3.1, §21.5); any other refusal is the far end's word and final. Hanging up
before the answer sends CANCEL. After the answer it is a leg like any other.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from media import Engine, NoPortFree
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LEG_TABLE, LegState, LegTrigger
from softswitch.call.outcome import Outcome
from softswitch.errors import CallRejected
from softswitch.plan import Trunk
from softswitch.routing import Passage, Refused, Way
from softswitch.sip import Address, Answered, Credentials, Ended, Provisional, Session, SessionEvent, Stack, Uri
from softswitch.sip.grammar import format_host_port

RING_AT_MOST_S = 90.0
NO_ANSWER = 19
"""Q.850: alerting, nobody answers."""


class OutgoingLeg(Leg):
    """Whoever we call. The INVITE is on its way when this is made."""

    __slots__ = ("_from", "_is_given_up", "_local", "_passage", "_refusal", "_stack", "_to_number", "_ways", "way")

    def __init__(
        self,
        stack: Stack,
        engine: Engine,
        ways: Sequence[Way],
        *,
        from_number: str,
        to_number: str,
        local: tuple[str, int],
    ) -> None:
        """`local`: our own SIP address, for From. Raises `CallRejected` 503: no media port, or no trunk with room."""
        self._stack, self._ways = stack, deque(ways)
        self._from = Address(Uri("sip", from_number, host=local[0], port=local[1]))
        self._to_number = to_number
        self._passage = Passage()
        self._refusal: Ended | None = None
        self._is_given_up = False
        try:
            self._stream = engine.open_stream(self._on_stream_event)
        except NoPortFree as error:
            raise CallRejected(503, "No media port free") from error
        stream, early = self._stream, list[SessionEvent]()
        try:
            session = self._invite(early)
        except CallRejected:
            stream.close()
            raise
        super().__init__(session, engine)
        self._stream = stream
        self._hear(early)

    async def answered(self) -> None:
        """Returns when somebody has answered. Raises `CallRejected`: the last refusal, or 480 where nobody answers."""
        give_up_at = asyncio.get_running_loop().time() + RING_AT_MOST_S
        while self.state is not LegState.ANSWERED:
            if self._refusal is not None:
                self._try_next(self._refusal)
            elif await self._waiting.until(give_up_at):
                self.hang_up(NO_ANSWER, "No answer")
                raise CallRejected(480, "No answer", q850=NO_ANSWER)

    def hang_up(self, q850: int = 16, reason: str = "Normal call clearing") -> None:
        self._is_given_up = True
        super().hang_up(q850, reason)

    def outcome(self) -> Outcome:
        """Here the caller's side is ours."""
        outcome = super().outcome()
        return Outcome(outcome.status, outcome.reason, outcome.q850, "DST" if outcome.by == "SRC" else "SRC")

    # ---- one trunk after another

    def _invite(self, early: list[SessionEvent]) -> Session:
        """Over the first trunk that has room; what happens to the session at once goes into `early`."""
        full = CallRejected(503, "No trunk")
        while self._ways:
            self.way = self._ways.popleft()
            self._passage.leave()
            try:
                self._passage.enter(self.way.gates, asyncio.get_running_loop().time())
            except Refused as refused:
                full = refused
                continue
            trunk = self.way.trunk
            return self._stack.invite(
                _uri(self._to_number, trunk),
                from_=self._from,
                offer=self._stream.offer() if self._stream is not None else None,
                credentials=Credentials(trunk.sip_username, trunk.sip_password) if trunk.sip_username else None,
                on_event=early.append,
            )
        raise full

    def _try_next(self, refusal: Ended) -> None:
        """Raises `CallRejected` where nobody else may do better."""
        self._refusal = None
        is_of_the_trunk = refusal.status == 408 or 500 <= refusal.status < 600
        early: list[SessionEvent] = []
        try:
            if not is_of_the_trunk:
                raise CallRejected(refusal.status, refusal.reason, q850=refusal.q850)
            session = self._invite(early)
        except CallRejected:
            self.on_ended = None  # the task that would be cancelled is this one
            self._on_end(refusal)
            raise CallRejected(refusal.status, refusal.reason, q850=refusal.q850) from None
        self.session, session.on_event = session, self._on_session_event
        self._hear(early)

    def _hear(self, early: list[SessionEvent]) -> None:
        for event in early:
            self._on_session_event(event)

    # ---- what happens to the session

    def _on_session_event(self, event: SessionEvent) -> None:
        match event:
            case Provisional() if self.state is not LegState.ANSWERED:
                self.state = LEG_TABLE.after(self.state, LegTrigger.RING)
            case Answered():
                self._on_answer(event.sdp)
            case Ended() if self.state is not LegState.ANSWERED and not self._is_given_up:
                self._refusal = event
                self._waiting.wake()
            case _:
                super()._on_session_event(event)

    def _on_answer(self, sdp: bytes | None) -> None:
        self.state = LEG_TABLE.after(self.state, LegTrigger.ANSWER)
        self.answered_at = asyncio.get_running_loop().time()
        if self.on_answered is not None:
            self.on_answered(self.answered_at)
        if sdp is None:
            self.hang_up(88, "An answer without session description")
        else:
            self._accept(sdp)
        self._waiting.wake()

    def _let_go(self) -> None:
        super()._let_go()
        self._passage.leave()


def _uri(number: str, trunk: Trunk) -> Uri:
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return Uri.parse(f"sip:{number}@{format_host_port(trunk.address or '', trunk.port)}{transport}")
