"""The INVITE server transaction (RFC 3261 §17.2.1, figure 7; RFC 6026 §7.1 for Accepted).

100 is sent only when the transaction user is silent for 200 ms, as the RFC allows: most calls save a packet.
"""

from enum import Enum

from softswitch.sip.message import Message, Response
from softswitch.sip.tables import Row, Table
from softswitch.sip.transaction.machine import (
    Effect,
    Event,
    StartTimer,
    Timer,
    Transaction,
    deliver,
    inform_of_timeout,
    inform_of_transport_error,
    send,
    send_again,
    stop_timers,
    terminate,
)


class State(Enum):
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"

    __hash__ = object.__hash__


def send_trying(transaction: Transaction, _: Message | None) -> Effect | None:
    return None if transaction.data else send(transaction, Response.for_request(transaction.request, 100))


def start_timer_g(transaction: Transaction, _: Message | None) -> Effect | None:
    return None if transaction.is_reliable else StartTimer(Timer.G, transaction.interval_s)


def double_timer_g(transaction: Transaction, _: Message | None) -> Effect:
    transaction.interval_s = min(2 * transaction.interval_s, transaction.intervals.t2_s)
    return StartTimer(Timer.G, transaction.interval_s)


def start_timer_h(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.H, transaction.intervals.timeout_s)


def start_timer_i(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.I, 0.0 if transaction.is_reliable else transaction.intervals.t4_s)


def start_timer_l(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.L, transaction.intervals.timeout_s)


TABLE: Table = {
    # Proceeding: the TU has it
    (State.PROCEEDING, Timer.TRYING): Row(State.PROCEEDING, (send_trying,)),
    (State.PROCEEDING, Event.REQUEST): Row(State.PROCEEDING, (send_again,)),
    (State.PROCEEDING, Event.ACK): Row(State.PROCEEDING),
    (State.PROCEEDING, Event.PROVISIONAL): Row(State.PROCEEDING, (send,)),
    (State.PROCEEDING, Event.SUCCESS): Row(State.ACCEPTED, (stop_timers, send, start_timer_l)),
    (State.PROCEEDING, Event.FAILURE): Row(State.COMPLETED, (stop_timers, send, start_timer_g, start_timer_h)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Row(State.PROCEEDING, (inform_of_transport_error,)),
    # Accepted: the TU repeats the 2xx itself, the transaction only absorbs INVITEs
    (State.ACCEPTED, Event.REQUEST): Row(State.ACCEPTED),
    (State.ACCEPTED, Event.ACK): Row(State.ACCEPTED, (deliver,)),
    (State.ACCEPTED, Event.SUCCESS): Row(State.ACCEPTED, (send_again,)),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): Row(State.ACCEPTED, (inform_of_transport_error,)),
    (State.ACCEPTED, Timer.L): Row(State.TERMINATED, (terminate,)),
    # Completed: the refusal is repeated until its ACK comes
    (State.COMPLETED, Timer.G): Row(State.COMPLETED, (send_again, double_timer_g)),
    (State.COMPLETED, Timer.H): Row(State.TERMINATED, (stop_timers, inform_of_timeout, terminate)),
    (State.COMPLETED, Event.REQUEST): Row(State.COMPLETED, (send_again,)),
    (State.COMPLETED, Event.ACK): Row(State.CONFIRMED, (stop_timers, start_timer_i)),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Row(State.COMPLETED),
    # Confirmed: ACKs that are still on their way
    (State.CONFIRMED, Event.REQUEST): Row(State.CONFIRMED),
    (State.CONFIRMED, Event.ACK): Row(State.CONFIRMED),
    (State.CONFIRMED, Event.TRANSPORT_ERROR): Row(State.CONFIRMED),
    (State.CONFIRMED, Timer.I): Row(State.TERMINATED, (terminate,)),
}


class ServerInvite(Transaction):
    """Repeats the last response to an INVITE as long as it takes to be heard."""

    __slots__ = ()
    TABLE = TABLE
    INITIAL = State.PROCEEDING

    def start(self) -> list[Effect]:
        return [StartTimer(Timer.TRYING, self.intervals.trying_s)]
