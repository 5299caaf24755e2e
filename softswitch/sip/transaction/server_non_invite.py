"""The non-INVITE server transaction (RFC 3261 §17.2.2, figure 8)."""

from enum import Enum

from softswitch.sip.message import Message
from softswitch.sip.tables import Row, Table
from softswitch.sip.transaction.machine import (
    Effect,
    Event,
    StartTimer,
    Timer,
    Transaction,
    inform_of_transport_error,
    send,
    send_again,
    spend,
    stop_timers,
    terminate,
)


class State(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"

    __hash__ = object.__hash__


def start_timer_j(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.J, 0.0 if transaction.is_reliable else transaction.intervals.timeout_s)


TABLE: Table = {
    # Trying: the TU has it and has said nothing yet
    (State.TRYING, Event.REQUEST): Row(State.TRYING),
    (State.TRYING, Event.PROVISIONAL): Row(State.PROCEEDING, (send,)),
    (State.TRYING, Event.SUCCESS): Row(State.COMPLETED, (send, start_timer_j, spend)),
    (State.TRYING, Event.FAILURE): Row(State.COMPLETED, (send, start_timer_j, spend)),
    (State.TRYING, Event.TRANSPORT_ERROR): Row(State.TRYING),
    # Proceeding
    (State.PROCEEDING, Event.REQUEST): Row(State.PROCEEDING, (send_again,)),
    (State.PROCEEDING, Event.PROVISIONAL): Row(State.PROCEEDING, (send,)),
    (State.PROCEEDING, Event.SUCCESS): Row(State.COMPLETED, (send, start_timer_j, spend)),
    (State.PROCEEDING, Event.FAILURE): Row(State.COMPLETED, (send, start_timer_j, spend)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Row(
        State.TERMINATED, (stop_timers, inform_of_transport_error, terminate)
    ),
    # Completed: a request that comes again gets the same answer
    (State.COMPLETED, Event.REQUEST): Row(State.COMPLETED, (send_again,)),
    (State.COMPLETED, Event.PROVISIONAL): Row(State.COMPLETED),
    (State.COMPLETED, Event.SUCCESS): Row(State.COMPLETED),
    (State.COMPLETED, Event.FAILURE): Row(State.COMPLETED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Row(
        State.TERMINATED, (stop_timers, inform_of_transport_error, terminate)
    ),
    (State.COMPLETED, Timer.J): Row(State.TERMINATED, (terminate,)),
}


class ServerNonInvite(Transaction):
    """Repeats the response to a request that comes again."""

    __slots__ = ()
    TABLE = TABLE
    INITIAL = State.TRYING

    def start(self) -> list[Effect]:
        return []
