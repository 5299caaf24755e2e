"""What the four machines share: events, timers, effects, and the one way to move (RFC 3261 §17).

A machine belongs to the layer, which feeds it; it never reads a clock and never touches a socket. Effects are values in
the order in which they are to be carried out. The timers of a transaction end when it leaves the state they belong to.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from msgspec import Struct

from softswitch.sip.message import Message, Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.tables import ImpossibleMoveError, Table

Key = str
"""What names a transaction."""


class Event(Enum):
    """What can happen to a transaction, apart from its timers."""

    REQUEST = "request"
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TRANSPORT_ERROR = "transport error"

    __hash__ = object.__hash__


class Timer(Enum):
    """The timers of RFC 3261 table 4 and RFC 6026; a timer that fires is an event."""

    A = "Timer A"
    B = "Timer B"
    D = "Timer D"
    E = "Timer E"
    F = "Timer F"
    G = "Timer G"
    H = "Timer H"
    I = "Timer I"  # noqa: E741 - the name the RFC gives it
    J = "Timer J"
    K = "Timer K"
    L = "Timer L"
    M = "Timer M"
    TRYING = "200 ms without a response"

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Intervals:
    """T1, T2 and T4 (RFC 3261 §17.1.1.1), and how long a client stays Completed over UDP (Timer D)."""

    t1_s: float = 0.5
    t2_s: float = 4.0
    t4_s: float = 5.0
    d_s: float = 32.0
    trying_s: float = 0.2

    @property
    def timeout_s(self) -> float:
        """64*T1: Timers B, F, H, J, L and M."""
        return 64 * self.t1_s


class Failure(Enum):
    """Why a transaction ended without what it waited for; the value is the response the TU sees (RFC 3261 §8.1.3.1)."""

    TIMEOUT = 408
    TRANSPORT_ERROR = 503


class Send(Struct, frozen=True):
    """Put these bytes on the wire, to where the transaction's messages go."""

    data: bytes


class Deliver(Struct, frozen=True):
    """Give this message to the transaction user."""

    message: Message


class StartTimer(Struct, frozen=True):
    timer: Timer
    after_s: float


class StopTimers(Struct, frozen=True):
    """All timers of this transaction."""


class Failed(Struct, frozen=True):
    """Tell the transaction user that nothing more will come."""

    failure: Failure


class Terminated(Struct, frozen=True):
    """The transaction is over and forgotten."""


Effect = Send | Deliver | StartTimer | StopTimers | Failed | Terminated


class Transaction:
    """One transaction: `advance` looks the move up, makes it, and returns the effects of its actions.

    `is_merged`: its request has come before, on another path (RFC 3261 §8.2.2.2). `peer` is where its messages go,
    `owner` belongs to the transaction user and `timers` to the stack: neither is read here.
    """

    __slots__ = (
        "data", "interval_s", "intervals", "is_merged", "is_spent", "key", "merge_key", "owner", "peer", "request",
        "state", "timers",
    )  # fmt: skip

    TABLE: ClassVar[Table]
    INITIAL: ClassVar[Enum]

    def __init__(self, key: Key, request: Request, peer: Peer, intervals: Intervals) -> None:
        self.key = key
        self.merge_key: Key | None = None
        self.is_merged = False
        self.request = request
        self.peer = peer
        self.intervals = intervals
        self.state = self.INITIAL
        self.data = b""
        self.interval_s = intervals.t1_s
        self.is_spent = False
        self.owner: Any = None
        self.timers: tuple[Any, ...] = ()

    @property
    def is_reliable(self) -> bool:
        """Whether the transport delivers by itself; then nothing is retransmitted."""
        return self.peer.is_reliable

    def advance(self, event: Event | Timer, message: Message | None = None) -> list[Effect]:
        """Make the move of the table. Raises `ImpossibleMoveError` where it has none."""
        row = self.TABLE.get((self.state, event))
        if row is None:
            raise ImpossibleMoveError(f"{type(self).__name__} in {self.state.name} met {event.name}")
        self.state = row.to
        return [effect for action in row.actions if (effect := action(self, message)) is not None]

    def spend(self) -> None:
        """Nothing but repeats can come, and `data` answers them: the call is not kept in memory for 64*T1."""
        if not self.is_spent:
            self.is_spent = True
            self.owner = None
            del self.request

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key} {self.state.name} {self.peer}>"


def event_of(response: Response) -> Event:
    """The event a response is, whichever way it goes."""
    if response.status < 200:
        return Event.PROVISIONAL
    return Event.SUCCESS if response.status < 300 else Event.FAILURE


STOP_TIMERS = StopTimers()
TERMINATED = Terminated()


def deliver(_: Transaction, message: Message) -> Effect:
    return Deliver(message)


def send(transaction: Transaction, message: Message) -> Effect:
    """Sends, and keeps the bytes: a retransmission is never encoded again."""
    transaction.data = message.encode()
    return Send(transaction.data)


def send_again(transaction: Transaction, _: Message | None) -> Effect | None:
    return Send(transaction.data) if transaction.data else None


def spend(transaction: Transaction, _: Message | None) -> None:
    transaction.spend()


def stop_timers(_: Transaction, __: Message | None) -> Effect:
    return STOP_TIMERS


def inform_of_timeout(_: Transaction, __: Message | None) -> Effect:
    return Failed(Failure.TIMEOUT)


def inform_of_transport_error(_: Transaction, __: Message | None) -> Effect:
    return Failed(Failure.TRANSPORT_ERROR)


def terminate(_: Transaction, __: Message | None) -> Effect:
    return TERMINATED
