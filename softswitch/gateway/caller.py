"""One call out: a SIP session and an audio stream that do what the `Order` says.

`run` places the call, follows the steps once it is answered, hangs up and returns the report. Cancelling it, or
`hang_up()`, ends the call with whatever its state needs (CANCEL, BYE). Nothing of a call outlives `run`.
"""

import asyncio
import contextlib
from enum import StrEnum

from media import Engine, File, MediaError, NoPortFree, Recorder, RecorderFailed, Stream, StreamEvent
from softswitch.gateway.hearing import LOOK_EVERY_S, Hearing
from softswitch.gateway.order import AfterPrompt, At, Order, Pause, Press, Say, Step
from softswitch.gateway.report import CallReport, loss_share, one_way
from softswitch.quality import opinion
from softswitch.sip import (
    Address,
    Answered,
    Confirmed,
    Ended,
    Offered,
    Provisional,
    Reanswered,
    Session,
    SessionEvent,
    Stack,
    Uri,
)

KEY_S = 0.2
"""100 ms of tone and 100 ms of pause for each key."""
PATIENCE_AT_THE_END_S = 35.0
"""RFC 3261: after 64 T1 every transaction of the hang-up is over."""
BYE_ANSWERED_WITHIN_S = 4.0
"""Three repeats of the BYE have been sent by then."""
NOBODY_THERE = (408, 503)
"""What the stack makes up when no answer comes, or the network says that nobody listens (RFC 3261 §8.1.3.1)."""


class CallerState(StrEnum):
    NEW = "new"
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


MOVES: dict[CallerState, frozenset[CallerState]] = {
    CallerState.NEW: frozenset({CallerState.PLACED, CallerState.ENDED}),
    CallerState.PLACED: frozenset({CallerState.RINGING, CallerState.ANSWERED, CallerState.ENDED}),
    CallerState.RINGING: frozenset({CallerState.RINGING, CallerState.ANSWERED, CallerState.ENDED}),
    CallerState.ANSWERED: frozenset({CallerState.ENDED}),
    CallerState.ENDED: frozenset(),
}


class Caller:
    """A person at a telephone behind the gateway, for the length of one call."""

    def __init__(
        self,
        order: Order,
        stack: Stack,
        engine: Engine,
        *,
        switch: Uri,
        local: tuple[str, int],
        campaign_began_at: float,
    ) -> None:
        self.order = order
        self.state = CallerState.NEW
        self.recording_began_at: float | None = None
        self._stack, self._engine = stack, engine
        self._switch, self._local = switch, local
        self._campaign_began_at = campaign_began_at
        self._loop = asyncio.get_running_loop()
        self._session: Session | None = None
        self._stream: Stream  # from the first line of `run` on
        self._recorder: Recorder | None = None
        self._recording_problem = ""
        self._placed_at = self._answered_at = self._ended_at = 0.0
        self._pressed = ""
        self._hearing: Hearing  # from the answer on
        self._answered = asyncio.Event()
        self._over = asyncio.Event()
        self._bye_answered, self._bye_status = asyncio.Event(), NOBODY_THERE[0]
        self._end: Ended | None = None
        self._problem = ""

    def __repr__(self) -> str:
        return f"<Caller {self.order.from_} to {self.order.to} {self.state}>"

    async def run(self) -> CallReport:
        """The whole call, from INVITE to its report."""
        try:
            self._stream = self._engine.open_stream(self._on_stream_event)
        except NoPortFree as error:
            self._move(CallerState.ENDED)
            return CallReport(self.order.from_, self.order.to, 0, str(error))
        try:
            self._place()
            await self._live()
        finally:
            self.hang_up()
            await self._clear_up()
        return self._report()

    def hang_up(self) -> None:
        """End the call now, whatever state it is in. Harmless when it has not begun or is over."""
        if self._session is not None and self._end is None:
            self._session.hang_up()

    # ---- the call

    def _place(self) -> None:
        self._placed_at = self._loop.time()
        host, port = self._local
        self._session = self._stack.invite(
            self._switch.with_(user=self.order.to),
            from_=Address(Uri("sip", self.order.from_, host=host, port=port)),
            offer=self._stream.offer(),
            on_event=self._on_session_event,
        )
        self._session.on_bye_answered = self._on_bye_answered
        self._move(CallerState.PLACED)

    async def _live(self) -> None:
        """From the INVITE to the end, whoever brings it about."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._story()), group.create_task(self._listen())]
            await self._over.wait()
            for task in tasks:
                task.cancel()

    async def _listen(self) -> None:
        """Follow what is heard, from the answer to the end."""
        await self._answered.wait()
        while True:
            self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        agreement = self._stream.agreement
        is_held = agreement is not None and not agreement.direction.receives
        self._hearing.look(self._loop.time(), self._stream.statistics(), is_held=is_held)

    async def _story(self) -> None:
        """What the caller does of himself: wait, follow the steps, hold, hang up."""
        if await self._is_answered():
            if self.order.record is not None:
                self._recorder = self._stream.record(self.order.record)
                self.recording_began_at = self._loop.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.order.hold_s):
                    await self._follow_steps()
        self.hang_up()

    def _on_stream_event(self, event: StreamEvent) -> None:
        """Players are waited for where they are started; the rest is in the statistics."""
        if isinstance(event, RecorderFailed):
            self._recording_problem = event.reason

    async def _is_answered(self) -> bool:
        try:
            async with asyncio.timeout(self.order.ring_at_most_s):
                await self._answered.wait()
        except TimeoutError:
            self._problem = f"no answer within {self.order.ring_at_most_s:g} s"
        return self._answered.is_set()

    async def _follow_steps(self) -> None:
        for step in self.order.steps:
            await self._follow(step)
        if self.order.hold_s is not None:
            await self._over.wait()

    async def _follow(self, step: Step) -> None:
        match step:
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case At(seconds):
                await asyncio.sleep(self._campaign_began_at + seconds - self._loop.time())
            case AfterPrompt(patience_s, at_most_s):
                await self._prompt_pauses(patience_s, at_most_s)
            case Press(digits):
                self._stream.send_digits(digits)
                self._pressed += digits
                await asyncio.sleep(KEY_S * len(digits))
            case Say(path, repeat):
                player = self._stream.play(File(path), repeat=repeat)
                if not repeat:
                    await player.finished()

    async def _prompt_pauses(self, patience_s: float, at_most_s: float) -> None:
        """Wait until the voice that answers has begun and paused, as long as a person would."""
        began_at, hearing = self._loop.time(), self._hearing
        while not hearing.has_paused:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._loop.time() - began_at >= (at_most_s if hearing.has_begun else patience_s):
                return

    async def _clear_up(self) -> None:
        """Wait for the last SIP message and the last byte of the recording, then give the port back."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_AT_THE_END_S):
                await self._over.wait()
        await self._wait_for_answer_to_bye()
        if self._recorder is not None:
            self._recorder.stop()
            await self._recorder.finished()
        self._stream.close()
        self._move(CallerState.ENDED)

    async def _wait_for_answer_to_bye(self) -> None:
        if self._says_bye:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BYE_ANSWERED_WITHIN_S):
                    await self._bye_answered.wait()

    @property
    def _says_bye(self) -> bool:
        return self._answered.is_set() and self._end is not None and self._end.by == "local"

    # ---- what happens to the session

    def _on_session_event(self, event: SessionEvent) -> None:
        match event:
            case Provisional():
                self._on_provisional(event)
            case Answered():
                self._answered_at = self._loop.time()
                self._hearing = Hearing(self._answered_at)
                self._accept(event.sdp)
                self._move(CallerState.ANSWERED)
                self._answered.set()
            case Offered():
                self._on_offered(event.sdp)
            case Confirmed() | Reanswered():
                self._accept(event.sdp)
            case Ended():
                self._on_ended(event)
            case _:
                pass  # a refused re-INVITE leaves the call as it was; INFO is not for gateways

    def _on_ended(self, end: Ended) -> None:
        self._end, self._ended_at = end, self._loop.time()
        if self._answered.is_set():
            self._look()
        self._over.set()

    def _on_bye_answered(self, status: int) -> None:
        """A refusal is an answer too: somebody is there."""
        self._bye_status = status
        self._bye_answered.set()

    def _on_provisional(self, event: Provisional) -> None:
        self._accept(event.sdp)
        if event.status > 100 and self.state is not CallerState.ANSWERED:
            self._move(CallerState.RINGING)

    def _on_offered(self, offer: bytes | None) -> None:
        """A re-INVITE of the switch: answered as any telephone does."""
        session = self._session
        if session is None:
            return
        try:
            session.accept(self._stream.offer() if offer is None else self._stream.answer(offer))
        except MediaError:
            session.refuse(488)

    def _accept(self, answer: bytes | None) -> None:
        if answer is None:
            return
        try:
            self._stream.accept(answer)
        except MediaError as error:
            self._problem = f"the answer can't be used: {error}"
            self.hang_up()

    def _move(self, state: CallerState) -> None:
        if state not in MOVES[self.state]:
            raise RuntimeError(f"{self!r} can't become {state}")
        self.state = state

    # ---- how it was

    def _report(self) -> CallReport:
        order, end = self.order, self._end
        if not self._answered_at:
            return CallReport(
                order.from_, order.to, end.status if end else 0, self._problem or (end.reason if end else "")
            )
        statistics, heard = self._stream.statistics(), self._hearing.so_far(self._ended_at)
        talk_s = self._ended_at - self._answered_at
        return CallReport(
            from_=order.from_,
            to=order.to,
            status=200,
            reason=self._problem or "OK",
            answer_s=self._answered_at - self._placed_at,
            talk_s=talk_s,
            ended_by=end.by if end else "",
            digits=self._pressed,
            codec=statistics.codec,
            mos=opinion(statistics, heard.packets_missing) if statistics.packets_received else None,
            loss_share=loss_share(statistics, heard.packets_missing),
            jitter_ms=statistics.jitter_ms,
            round_trip_ms=statistics.round_trip_ms,
            one_way=one_way(statistics, talk_s, heard),
            heard=heard,
            bye_answered=not self._says_bye or self._bye_status not in NOBODY_THERE,
            recording=str(order.record) if self._recorder is not None else "",
            recording_problem=self._recording_problem,
        )
