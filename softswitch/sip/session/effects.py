"""What a session asks of the stack, as values, in the order in which it is to be done."""

from enum import Enum

from msgspec import Struct

from softswitch.sip.message import Request, Response
from softswitch.sip.session.events import SessionEvent
from softswitch.sip.transaction.machine import Transaction
from softswitch.sip.uri import Uri


class SessionTimer(Enum):
    """The timers a session runs by itself."""

    RETRANSMIT_2XX = "2xx sent again"  # RFC 3261 §13.3.1.4
    NO_ACK = "no ACK for 64*T1"  # RFC 3261 §13.3.1.4
    RETRANSMIT_1XX = "reliable 1xx sent again"  # RFC 3262 §3
    NO_PRACK = "no PRACK for 64*T1"  # RFC 3262 §3
    REPEAT_1XX = "1xx refreshed"  # RFC 3261 §13.3.1.1
    EXPIRES = "INVITE expired"  # RFC 3261 §13.3.1
    RINGS_TOO_LONG = "no final response"  # RFC 3261 §16.6 Timer C
    NO_487 = "no final response after CANCEL"  # RFC 3261 §9.1
    REOFFER_TOO_LONG = "no final response to a re-INVITE"  # RFC 3261 §14.1
    GLARE = "wait after 491"  # RFC 3261 §14.1
    REFRESH = "session refresh is due"  # RFC 4028 §10
    EXPIRY = "session expired"  # RFC 4028 §10

    __hash__ = object.__hash__


class SendRequest(Struct, frozen=True):
    """Start a client transaction; its responses come back to the session with this request."""

    request: Request
    next_hop: Uri


class SendAck(Struct, frozen=True):
    """Send the ACK of a 2xx: no transaction, no answer (RFC 3261 §13.2.2.4)."""

    request: Request
    next_hop: Uri


class Cancel(Struct, frozen=True):
    """Send a CANCEL along the way of this request of ours (RFC 3261 §9.1)."""

    request: Request
    headers: tuple[tuple[str, str], ...]


class Abandon(Struct, frozen=True):
    """Forget the transaction of this request of ours."""

    request: Request


class Respond(Struct, frozen=True):
    """Give the response to a server transaction."""

    transaction: Transaction
    response: Response


class Spend(Struct, frozen=True):
    """The 2xx to this INVITE was acknowledged: nothing but repeats of it can come."""

    transaction: Transaction


class StartTimer(Struct, frozen=True):
    """Start, or start anew."""

    timer: SessionTimer
    after_s: float


class StopTimer(Struct, frozen=True):
    timer: SessionTimer


class Drop(Struct, frozen=True):
    """Count a message that nothing follows from."""

    name: str


class Emit(Struct, frozen=True):
    """Tell the owner."""

    event: SessionEvent


class Finished(Struct, frozen=True):
    """The session has ended: no request belongs to it any more, only answers to its last ones."""


Effect = SendRequest | SendAck | Cancel | Abandon | Respond | Spend | StartTimer | StopTimer | Drop | Emit | Finished
