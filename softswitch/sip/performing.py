"""What transactions and sessions ask for is done here: bytes leave, timers run, owners are told.

The pure core returns its wishes as values (`transaction.machine`, `session.effects`). The stack's `Performer` carries
them out in order, and rings their timers. A fault of an owner who is told something, or of ours when a timer fires, is
counted and logged, and costs nobody else anything.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from softswitch.sip.alarm import Alarm
from softswitch.sip.client import Client, Sending
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.server import Server
from softswitch.sip.session import effects
from softswitch.sip.session.session import Session
from softswitch.sip.transaction import machine
from softswitch.sip.transaction.answers import Answers
from softswitch.sip.transaction.layer import Layer
from softswitch.sip.transaction.machine import Transaction

ANSWERS_END_EVERY_S = 0.25
logger = logging.getLogger(__name__)


class Performer:
    """The hands of a stack. `wire` is called once, when those it serves are there."""

    def __init__(
        self,
        layer: Layer,
        sessions: dict[tuple[str, str], Session],
        drops: Counter[str],
        send_bytes: Callable[[bytes, Peer], None],
    ) -> None:
        self.alarm = Alarm(self._fire)
        self._layer, self._sessions, self._drops = layer, sessions, drops
        self._send_bytes = send_bytes
        self._is_timer_j_running = False

    def wire(self, client: Client, server: Server) -> None:
        self._client, self._server = client, server
        self._of_transactions: dict[type, Callable[[Transaction, Any], None]] = {
            machine.Send: self._send,
            machine.Deliver: self._deliver,
            machine.StartTimer: self._start_timer,
            machine.StopTimers: self._stop_timers,
            machine.Failed: self._failed,
            machine.Terminated: self._stop_timers,
        }
        self._of_sessions: dict[type, Callable[[Session, Any], None]] = {
            effects.SendRequest: self._request_for,
            effects.SendAck: client.acknowledge,
            effects.Cancel: client.cancel,
            effects.Abandon: self._abandon_for,
            effects.Respond: self._respond_for,
            effects.Spend: self._spend_for,
            effects.StartTimer: self._start_timer_for,
            effects.StopTimer: self._stop_timer_for,
            effects.Drop: self._drop_for,
            effects.Emit: self._emit,
            effects.Finished: self._finish,
        }

    # --- transactions -----------------------------------------------------------------------------------------------

    def perform(self, transaction: Transaction, todo: list[machine.Effect]) -> None:
        """Do what a transaction asks for."""
        for effect in todo:
            self._of_transactions[type(effect)](transaction, effect)

    def _send(self, transaction: Transaction, effect: machine.Send) -> None:
        self._send_bytes(effect.data, transaction.peer)

    def _deliver(self, transaction: Transaction, effect: machine.Deliver) -> None:
        message = effect.message
        if isinstance(message, Request):
            self._server.receive_ack(message, transaction.peer)
        elif isinstance(message, Response) and isinstance(transaction.owner, Sending):
            self._client.deliver(transaction.owner, message)

    def _start_timer(self, transaction: Transaction, effect: machine.StartTimer) -> None:
        if transaction.is_spent and effect.after_s:
            self._keep_answer(transaction, effect.after_s)
            return
        transaction.timers += (self.alarm.start(effect.after_s, transaction, effect.timer),)

    def _keep_answer(self, transaction: Transaction, for_s: float) -> None:
        """Timer J, one for all of them."""
        self._layer.keep_answer(transaction, self.alarm.now() + for_s)
        if not self._is_timer_j_running:
            self._is_timer_j_running = True
            self.alarm.start(for_s, self._layer.answers, machine.Timer.J)

    def _end_answers(self, answers: Answers) -> None:
        now = self.alarm.now()
        answers.end(now)
        next_at = answers.next_at()
        self._is_timer_j_running = next_at is not None
        if next_at is not None:
            self.alarm.start(max(ANSWERS_END_EVERY_S, next_at - now), answers, machine.Timer.J)

    def _stop_timers(self, transaction: Transaction, _: machine.Effect) -> None:
        for timer in transaction.timers:
            timer.cancel()
        transaction.timers = ()

    def _failed(self, transaction: Transaction, effect: machine.Failed) -> None:
        """Nothing came: the transaction user hears a response all the same (RFC 3261 §8.1.3.1).

        A spent transaction has been heard already and only kept an answer for repeats: it fails nobody.
        """
        if transaction.is_spent:
            return
        if not only_asks(transaction):
            self._drops[f"transaction_{effect.failure.name.lower()}"] += 1
        if isinstance(transaction.owner, Sending):
            self._client.fail(transaction.owner, effect.failure.value)
        elif isinstance(transaction.owner, Session):
            transaction.owner.lose(transaction)

    # --- sessions ---------------------------------------------------------------------------------------------------

    def carry_out(self, session: Session) -> None:
        """Do what a session asks for, in order; what an owner's handler adds meanwhile comes behind."""
        todo = session.effects
        while todo:
            effect = todo.popleft()
            self._of_sessions[type(effect)](session, effect)

    def _emit(self, session: Session, effect: effects.Emit) -> None:
        try:
            session.on_event(effect.event)
        except Exception:
            self._drops["our_bug"] += 1
            logger.exception("while telling the owner of the call %s of %r", session.call_id, effect.event)

    def _respond_for(self, _: Session, effect: effects.Respond) -> None:
        self.perform(effect.transaction, self._layer.respond(effect.transaction, effect.response))

    def _spend_for(self, _: Session, effect: effects.Spend) -> None:
        self._layer.spend(effect.transaction)

    def _request_for(self, session: Session, effect: effects.SendRequest) -> None:
        self._client.send(session, effect.request, effect.next_hop)

    def _abandon_for(self, _: Session, effect: effects.Abandon) -> None:
        transaction = self._client.abandon(effect.request)
        if transaction is not None:
            self._stop_timers(transaction, machine.STOP_TIMERS)

    def _start_timer_for(self, session: Session, effect: effects.StartTimer) -> None:
        running = session.running.pop(effect.timer, None)
        if running is not None:
            running.cancel()
        session.running[effect.timer] = self.alarm.start(effect.after_s, session, effect.timer)

    def _stop_timer_for(self, session: Session, effect: effects.StopTimer) -> None:
        running = session.running.pop(effect.timer, None)
        if running is not None:
            running.cancel()

    def _drop_for(self, _: Session, effect: effects.Drop) -> None:
        self._drops[effect.name] += 1

    def _finish(self, session: Session, _: effects.Finished) -> None:
        for name in tuple(session.running):
            if name is not effects.SessionTimer.NO_487:
                session.running.pop(name).cancel()
        tag = session.request.from_.tag if session.direction == "out" else session.dialog and session.dialog.local_tag
        self._sessions.pop((session.call_id, tag or ""), None)

    # --- timers -----------------------------------------------------------------------------------------------------

    def _fire(self, owner: Transaction | Session | Answers, name: Any) -> None:
        try:
            if isinstance(owner, Session):
                owner.running.pop(name, None)
                owner.fire(name)
            elif isinstance(owner, Answers):
                self._end_answers(owner)
            else:
                owner.timers = tuple([timer for timer in owner.timers if timer.name is not name])
                self.perform(owner, self._layer.advance(owner, name))
        except Exception:
            self._drops["our_bug"] += 1
            logger.exception("while serving %s of %r", name.value, owner)


def only_asks(transaction: Transaction) -> bool:
    """An OPTIONS of ours: silence is an answer to it, and whoever asks tells of it."""
    return transaction.request.method == "OPTIONS" and isinstance(transaction.owner, Sending)
