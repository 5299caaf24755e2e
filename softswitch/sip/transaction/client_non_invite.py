"""The non-INVITE client transaction (RFC 3261 §17.1.2, figure 6)."""

from enum import Enum

from softswitch.sip.message import Message
from softswitch.sip.tables import Row, Table
from softswitch.sip.transaction.machine import (
    Effect,
    Event,
    Send,
    StartTimer,
    Timer,
    Transaction,
    deliver,
    inform_of_timeout,
    inform_of_transport_error,
    send_again,
    stop_timers,
    terminate,
)


class State(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"

    __hash__ = object.__hash__


def double_timer_e(transaction: Transaction, _: Message | None) -> Effect:
    transaction.interval_s = min(2 * transaction.interval_s, transaction.intervals.t2_s)
    return StartTimer(Timer.E, transaction.interval_s)


def restart_timer_e_at_t2(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.E, transaction.intervals.t2_s)


def start_timer_k(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.K, 0.0 if transaction.is_reliable else transaction.intervals.t4_s)


TABLE: Table = {
    # Trying: the request goes out at T1, 2*T1, 4*T1 … T2
    (State.TRYING, Timer.E): Row(State.TRYING, (send_again, double_timer_e)),
    (State.TRYING, Timer.F): Row(State.TERMINATED, (stop_timers, inform_of_timeout, terminate)),
    (State.TRYING, Event.TRANSPORT_ERROR): Row(State.TERMINATED, (stop_timers, inform_of_transport_error, terminate)),
    (State.TRYING, Event.PROVISIONAL): Row(State.PROCEEDING, (deliver,)),
    (State.TRYING, Event.SUCCESS): Row(State.COMPLETED, (stop_timers, deliver, start_timer_k)),
    (State.TRYING, Event.FAILURE): Row(State.COMPLETED, (stop_timers, deliver, start_timer_k)),
    # Proceeding: it was heard, and is asked again every T2
    (State.PROCEEDING, Timer.E): Row(State.PROCEEDING, (send_again, restart_timer_e_at_t2)),
    (State.PROCEEDING, Timer.F): Row(State.TERMINATED, (stop_timers, inform_of_timeout, terminate)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Row(
        State.TERMINATED, (stop_timers, inform_of_transport_error, terminate)
    ),
    (State.PROCEEDING, Event.PROVISIONAL): Row(State.PROCEEDING, (deliver,)),
    (State.PROCEEDING, Event.SUCCESS): Row(State.COMPLETED, (stop_timers, deliver, start_timer_k)),
    (State.PROCEEDING, Event.FAILURE): Row(State.COMPLETED, (stop_timers, deliver, start_timer_k)),
    # Completed: responses sent again end here
    (State.COMPLETED, Event.PROVISIONAL): Row(State.COMPLETED),
    (State.COMPLETED, Event.SUCCESS): Row(State.COMPLETED),
    (State.COMPLETED, Event.FAILURE): Row(State.COMPLETED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Row(State.COMPLETED),
    (State.COMPLETED, Timer.K): Row(State.TERMINATED, (terminate,)),
}


class ClientNonInvite(Transaction):
    """Sends a request until its final response comes."""

    __slots__ = ()
    TABLE = TABLE
    INITIAL = State.TRYING

    def start(self) -> list[Effect]:
        """Send the request (RFC 3261 §17.1.2.2)."""
        self.data = self.request.encode()
        timers: list[Effect] = [StartTimer(Timer.F, self.intervals.timeout_s)]
        if not self.is_reliable:
            timers.append(StartTimer(Timer.E, self.intervals.t1_s))
        return [Send(self.data), *timers]
