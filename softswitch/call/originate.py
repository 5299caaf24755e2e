"""The far end of a call that we place: an INVITE to one target after another, until somebody answers.

    leg = OutgoingLeg(stack, engine, targets, from_number="12025550101", to_number="13105550123", local=here)
    await leg.answered()                # raises `CallRejected` with the last refusal

A target that is silent, broken or overloaded (408, 5xx) makes the next one be tried (RFC 3261 §8.1.3.1, §21.5); any
other refusal is the far end's word and final, unless `on_tried` says otherwise. Hanging up before the answer sends
CANCEL. After the answer it is a leg like any other. `fork` rings several of these at once and forwards what they say
(`progress`, early media) to the caller.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from media import Engine, MediaError, NoPortFree
from softswitch.call.leg import Leg
from softswitch.call.leg_states import LEG_TABLE, LegState, LegTrigger
from softswitch.call.outcome import Outcome
from softswitch.call.waiting import Waiting
from softswitch.errors import CallRejected
from softswitch.routing import Fare, Passage, Refused, Target
from softswitch.sip import Address, Answered, Ended, Provisional, Session, SessionEvent, Stack, Uri

RING_AT_MOST_S = 90.0
NO_ANSWER = 19
"""Q.850: alerting, nobody answers."""


class Attempt(NamedTuple):
    """One target that was tried, and the final status it gave; 0 where it was not heard to the end."""

    target: str
    status: int
    reason: str


OnTried = Callable[[Target, int], bool | None]
"""Hears the final status of each target. What it returns says whether the next one may do better; None: the usual."""


class OutgoingLeg(Leg):
    """Whoever we call. The INVITE is on its way when this is made."""

    __slots__ = (
        "_from",
        "_is_given_up",
        "_max_forwards",
        "_on_tried",
        "_passage",
        "_stack",
        "_targets",
        "_to",
        "_wished_codecs",
        "has_early_media",
        "progress",
        "refusal",
        "ringing_since",
        "target",
    )

    def __init__(
        self,
        stack: Stack,
        engine: Engine,
        targets: Sequence[Target],
        *,
        from_number: str,
        to_number: str,
        local: tuple[str, int],
        from_name: str = "",
        max_forwards: int | None = None,
        on_tried: OnTried | None = None,
        waiting: Waiting | None = None,
        wished_codecs: Sequence[str] = (),
    ) -> None:
        """`local`: our own SIP address, for From. `wished_codecs` are offered before other ones.

        Raises `CallRejected` 503: no media port, or no target with room.
        """
        self._stack, self._targets = stack, deque(targets)
        self._from = Address(Uri("sip", from_number, host=local[0], port=local[1]), from_name)
        self._to = Address(Uri("sip", to_number, host=local[0], port=local[1]))
        self._max_forwards = max_forwards
        self._on_tried = on_tried
        self._wished_codecs = tuple(wished_codecs)
        self._passage = Passage()
        self._is_given_up = False
        self._engine = engine
        self._stream = None
        self.progress: Provisional | None = None
        """The last thing heard before the answer."""
        self.has_early_media = False
        self.refusal: Ended | None = None
        self.ringing_since = asyncio.get_running_loop().time()
        early = list[SessionEvent]()
        try:
            session = self._invite(early)
        except BaseException:
            self._close_stream()
            raise
        stream, codecs, encryption = self._stream, self.codecs, self.encryption
        super().__init__(session, engine, waiting)
        self._stream, self.codecs, self.encryption = stream, codecs, encryption
        self._hear(early)

    @property
    def name(self) -> str:
        return self.target.name

    async def answered(self) -> None:
        """Returns when somebody has answered. Raises `CallRejected`: the last refusal, or 480 where nobody answers."""
        give_up_at = asyncio.get_running_loop().time() + RING_AT_MOST_S
        while self.state is not LegState.ANSWERED:
            if self.refusal is not None:
                self._try_next(self.refusal)
            elif await self.waiting.until(give_up_at):
                self.hang_up(NO_ANSWER, "No answer")
                raise CallRejected(480, "No answer", q850=NO_ANSWER)

    def hang_up(
        self,
        q850: int = 16,
        reason: str = "Normal call clearing",
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._is_given_up = True
        if self.refusal is not None:
            self.accept_refusal()
        else:
            super().hang_up(q850, reason, headers=headers)

    def outcome(self) -> Outcome:
        """Here the caller's side is ours."""
        outcome = super().outcome()
        status, reason, q850 = outcome.status, outcome.reason, outcome.q850
        if outcome.by == "SRC":
            return Outcome(status, reason, q850, "DST", "callee")
        return Outcome(status, reason, q850, "SRC", "switch")

    # ---- one target after another

    def _invite(self, early: list[SessionEvent]) -> Session:
        """To the first target that has room; what happens to the session at once goes into `early`."""
        full = CallRejected(503, "No trunk")
        while self._targets:
            self.target = target = self._targets.popleft()
            self._passage.leave()
            try:
                self._passage.enter(target.gates, asyncio.get_running_loop().time())
            except Refused as refused:
                full = refused
                continue
            try:
                self._open_stream(target)
                return self._send(target, early)
            except BaseException:  # no INVITE is on its way, so nothing that ends would give them back
                self._passage.leave()
                raise
        raise full

    def _send(self, target: Target, early: list[SessionEvent]) -> Session:
        return self._stack.invite(
            target.uri,
            from_=target.from_ or self._from,
            to=self._to if target.trunk is None else None,
            next_hop=target.next_hop,
            flow=target.flow,
            by_udp_alone=target.by_udp_alone,
            offer=self._stream.offer() if self._stream is not None else None,
            headers=[*(("Route", route) for route in target.route), *target.headers],
            max_forwards=self._max_forwards,
            credentials=target.credentials,
            on_event=early.append,
        )

    def _open_stream(self, target: Target) -> None:
        """A target that wants other codecs or encryption than the one before gets a stream of its own."""
        codecs = target.codecs or (target.trunk.codecs if target.trunk is not None else ())
        codecs = _led_by(self._wished_codecs, codecs or self._engine.settings.codecs)
        wanted = codecs, target.media_encryption
        if self._stream is not None and wanted == (self.codecs, self.encryption):
            return
        self._close_stream()
        self.codecs, self.encryption = wanted
        try:
            self._stream = self._engine.open_stream(self._on_stream_event, *wanted)
            if codecs[0] in self._wished_codecs:
                self._stream.prefer(codecs[0])
        except NoPortFree as error:
            raise CallRejected(503, "No media port free") from error

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def may_be_better_elsewhere(self, refusal: Ended) -> bool:
        """Whether the next target is worth a try after this refusal; tells whoever counts."""
        told = self._on_tried(self.target, refusal.status) if self._on_tried is not None else None
        return told if told is not None else refusal.status == 408 or 500 <= refusal.status < 600

    def accept_refusal(self) -> None:
        """This leg is over, by the word of its far end."""
        refusal, self.refusal = self.refusal, None
        if refusal is not None and self.end is None:
            self.on_ended = None  # the task that would be cancelled is the one that looks at this
            self._on_end(refusal)

    def _try_next(self, refusal: Ended) -> None:
        """Raises `CallRejected` where nobody else may do better."""
        early: list[SessionEvent] = []
        try:
            if not self.may_be_better_elsewhere(refusal):
                raise CallRejected(refusal.status, refusal.reason, q850=refusal.q850)
            session = self._invite(early)
        except CallRejected:
            self.accept_refusal()
            raise CallRejected(refusal.status, refusal.reason, q850=refusal.q850) from None
        self.refusal = None
        self.session, session.on_event, session.owner = session, self._on_session_event, self
        self._hear(early)

    def _hear(self, early: list[SessionEvent]) -> None:
        for event in early:
            self._on_session_event(event)

    # ---- what happens to the session

    def _on_session_event(self, event: SessionEvent) -> None:
        match event:
            case Provisional() if self.state is not LegState.ANSWERED:
                self._on_progress(event)
            case Answered():
                self._on_answer(event.sdp)
            case Ended() if self.state is not LegState.ANSWERED and not self._is_given_up:
                self.refusal = event
                self.waiting.wake()
            case _:
                super()._on_session_event(event)

    def _on_progress(self, event: Provisional) -> None:
        self.state = LEG_TABLE.after(self.state, LegTrigger.RING)
        self.progress = event
        if event.sdp is not None and self._stream is not None:
            try:
                self._stream.accept(event.sdp)
                self.has_early_media = True
            except MediaError:
                pass  # early media that nobody can hear; the answer may be better
        self.waiting.wake()

    def _on_answer(self, sdp: bytes | None) -> None:
        self.state = LEG_TABLE.after(self.state, LegTrigger.ANSWER)
        self.answered_at = asyncio.get_running_loop().time()
        if self._on_tried is not None:
            self._on_tried(self.target, 200)
        for gate in self.target.gates:
            if isinstance(gate, Fare):
                gate.cut_off = self._cut_off
        if self.on_answered is not None:
            self.on_answered(self.answered_at)
        if sdp is not None:
            self._accept(sdp)
        elif not self.has_early_media:  # else the answer was in a reliable 1xx
            self.hang_up(88, "An answer without session description")
        self.waiting.wake()

    def _cut_off(self, reason: str) -> None:
        """Nobody pays for it any more."""
        self.hang_up(reason=reason)

    def _let_go(self) -> None:
        super()._let_go()
        self._passage.leave()


def _led_by(wished: tuple[str, ...], codecs: tuple[str, ...]) -> tuple[str, ...]:
    """The same codecs, those that are wished for first."""
    return (*(codec for codec in wished if codec in codecs), *(codec for codec in codecs if codec not in wished))
