"""The INVITE client transaction (RFC 3261 §17.1.1, figure 5; RFC 6026 §7.2 for Accepted)."""

from enum import Enum

from softswitch.sip.message import Message, Request, Response
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

COPIED_INTO_ACK = ("From", "Call-ID", "Max-Forwards", "Route", "Authorization", "Proxy-Authorization")  # §17.1.1.3


class State(Enum):
    CALLING = "Calling"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"

    __hash__ = object.__hash__


def retransmit(transaction: Transaction, _: Message | None) -> Effect:
    return Send(transaction.data)


def double_timer_a(transaction: Transaction, _: Message | None) -> Effect:
    transaction.interval_s *= 2
    return StartTimer(Timer.A, transaction.interval_s)


def acknowledge(transaction: Transaction, response: Response) -> Effect:
    """ACK for a final response other than 2xx; from here on the ACK is what is sent again."""
    transaction.data = ack_for(transaction.request, response).encode()
    return Send(transaction.data)


def start_timer_d(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.D, 0.0 if transaction.is_reliable else transaction.intervals.d_s)


def start_timer_m(transaction: Transaction, _: Message | None) -> Effect:
    return StartTimer(Timer.M, transaction.intervals.timeout_s)


TABLE: Table = {
    # Calling: the INVITE goes out until something is heard
    (State.CALLING, Timer.A): Row(State.CALLING, (retransmit, double_timer_a)),
    (State.CALLING, Timer.B): Row(State.TERMINATED, (inform_of_timeout, terminate)),
    (State.CALLING, Event.TRANSPORT_ERROR): Row(State.TERMINATED, (inform_of_transport_error, terminate)),
    (State.CALLING, Event.PROVISIONAL): Row(State.PROCEEDING, (stop_timers, deliver)),
    (State.CALLING, Event.SUCCESS): Row(State.ACCEPTED, (stop_timers, deliver, start_timer_m)),
    (State.CALLING, Event.FAILURE): Row(State.COMPLETED, (stop_timers, acknowledge, deliver, start_timer_d)),
    # Proceeding: the far end rings
    (State.PROCEEDING, Event.PROVISIONAL): Row(State.PROCEEDING, (deliver,)),
    (State.PROCEEDING, Event.SUCCESS): Row(State.ACCEPTED, (deliver, start_timer_m)),
    (State.PROCEEDING, Event.FAILURE): Row(State.COMPLETED, (acknowledge, deliver, start_timer_d)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Row(State.PROCEEDING),
    # Accepted: the 2xx of all forks, and those sent again, go to the TU, which acknowledges them itself
    (State.ACCEPTED, Event.PROVISIONAL): Row(State.ACCEPTED),
    (State.ACCEPTED, Event.SUCCESS): Row(State.ACCEPTED, (deliver,)),
    (State.ACCEPTED, Event.FAILURE): Row(State.ACCEPTED),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): Row(State.ACCEPTED),
    (State.ACCEPTED, Timer.M): Row(State.TERMINATED, (terminate,)),
    # Completed: each response sent again gets its ACK again
    (State.COMPLETED, Event.PROVISIONAL): Row(State.COMPLETED),
    (State.COMPLETED, Event.SUCCESS): Row(State.COMPLETED),
    (State.COMPLETED, Event.FAILURE): Row(State.COMPLETED, (send_again,)),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Row(State.TERMINATED, (stop_timers, terminate)),
    (State.COMPLETED, Timer.D): Row(State.TERMINATED, (terminate,)),
}


class ClientInvite(Transaction):
    """Sends an INVITE until a response comes, and acknowledges the refusals."""

    __slots__ = ()
    TABLE = TABLE
    INITIAL = State.CALLING

    def start(self) -> list[Effect]:
        """Send the INVITE (RFC 3261 §17.1.1.2)."""
        self.data = self.request.encode()
        timers: list[Effect] = [StartTimer(Timer.B, self.intervals.timeout_s)]
        if not self.is_reliable:
            timers.append(StartTimer(Timer.A, self.intervals.t1_s))
        return [Send(self.data), *timers]


def ack_for(invite: Request, response: Response) -> Request:
    """The ACK a client transaction sends itself: the INVITE's branch, the response's To (RFC 3261 §17.1.1.3)."""
    ack = Request("ACK", invite.uri)
    ack.headers.add("Via", invite.headers.all("Via")[0])
    for name in COPIED_INTO_ACK:
        for value in invite.headers.all(name):
            ack.headers.add(name, value)
    ack.headers.set("To", response.headers.get("To") or "")
    ack.headers.set("CSeq", f"{invite.cseq.number} ACK")
    return ack
