"""What may follow what in the life of a session: its states, what moves it, and the table (RFC 3261 §13 to §15).

    incoming:  INCOMING > RINGING > ACCEPTED > CONFIRMED > ENDED
    outgoing:  CALLING > PROCEEDING > CONFIRMED > ENDED

LEAVING is the callee who hung up before the ACK came: BYE has to wait for it. CANCELLING is the caller who hung up
before an answer. ANSWERED is the caller whose ACK waits for the answer to the offer in the 2xx.
"""

from enum import Enum

from softswitch.sip.tables import ImpossibleMoveError, Row, Table


class State(Enum):
    INCOMING = "incoming"
    RINGING = "ringing"
    ACCEPTED = "accepted"
    CALLING = "calling"
    PROCEEDING = "proceeding"
    ANSWERED = "answered"
    CANCELLING = "cancelling"
    CONFIRMED = "confirmed"
    LEAVING = "leaving"
    ENDED = "ended"

    __hash__ = object.__hash__


class Move(Enum):
    RING = "1xx sent"
    ANSWER = "2xx sent"
    REJECT = "300-699 sent"
    ACK = "ACK"
    PROVISIONAL = "1xx received"
    SUCCESS = "2xx received"
    OFFER_IN_SUCCESS = "2xx with an offer"
    FAILURE = "300-699 received"
    CANCEL = "CANCEL received"
    BYE = "BYE received"
    HANG_UP = "hung up here"
    LOST = "far end lost"

    __hash__ = object.__hash__


TABLE: Table = {
    # a call comes in
    (State.INCOMING, Move.RING): Row(State.RINGING),
    (State.INCOMING, Move.ANSWER): Row(State.ACCEPTED),
    (State.INCOMING, Move.REJECT): Row(State.ENDED),
    (State.INCOMING, Move.CANCEL): Row(State.ENDED),
    (State.INCOMING, Move.BYE): Row(State.ENDED),
    (State.INCOMING, Move.LOST): Row(State.ENDED),
    (State.RINGING, Move.RING): Row(State.RINGING),
    (State.RINGING, Move.ANSWER): Row(State.ACCEPTED),
    (State.RINGING, Move.REJECT): Row(State.ENDED),
    (State.RINGING, Move.CANCEL): Row(State.ENDED),
    (State.RINGING, Move.BYE): Row(State.ENDED),
    (State.RINGING, Move.LOST): Row(State.ENDED),
    (State.ACCEPTED, Move.ACK): Row(State.CONFIRMED),
    (State.ACCEPTED, Move.HANG_UP): Row(State.LEAVING),
    (State.ACCEPTED, Move.BYE): Row(State.ENDED),
    (State.ACCEPTED, Move.LOST): Row(State.ENDED),
    # a call goes out
    (State.CALLING, Move.PROVISIONAL): Row(State.PROCEEDING),
    (State.CALLING, Move.SUCCESS): Row(State.CONFIRMED),
    (State.CALLING, Move.OFFER_IN_SUCCESS): Row(State.ANSWERED),
    (State.CALLING, Move.FAILURE): Row(State.ENDED),
    (State.CALLING, Move.LOST): Row(State.ENDED),
    (State.CALLING, Move.HANG_UP): Row(State.CANCELLING),
    (State.PROCEEDING, Move.PROVISIONAL): Row(State.PROCEEDING),
    (State.PROCEEDING, Move.SUCCESS): Row(State.CONFIRMED),
    (State.PROCEEDING, Move.OFFER_IN_SUCCESS): Row(State.ANSWERED),
    (State.PROCEEDING, Move.FAILURE): Row(State.ENDED),
    (State.PROCEEDING, Move.LOST): Row(State.ENDED),
    (State.PROCEEDING, Move.HANG_UP): Row(State.CANCELLING),
    (State.ANSWERED, Move.ACK): Row(State.CONFIRMED),
    (State.ANSWERED, Move.BYE): Row(State.ENDED),
    (State.ANSWERED, Move.HANG_UP): Row(State.ENDED),
    (State.ANSWERED, Move.LOST): Row(State.ENDED),
    (State.CANCELLING, Move.PROVISIONAL): Row(State.CANCELLING),
    (State.CANCELLING, Move.SUCCESS): Row(State.ENDED),
    (State.CANCELLING, Move.FAILURE): Row(State.ENDED),
    (State.CANCELLING, Move.LOST): Row(State.ENDED),
    # both sides talk, then one leaves
    (State.CONFIRMED, Move.HANG_UP): Row(State.ENDED),
    (State.CONFIRMED, Move.BYE): Row(State.ENDED),
    (State.CONFIRMED, Move.LOST): Row(State.ENDED),
    (State.LEAVING, Move.ACK): Row(State.ENDED),
    (State.LEAVING, Move.BYE): Row(State.ENDED),
    (State.LEAVING, Move.LOST): Row(State.ENDED),
}


def after(state: State, move: Move) -> State:
    """The state a move leads to. Raises `ImpossibleMoveError` where the table has none."""
    row = TABLE.get((state, move))
    if row is None:
        raise ImpossibleMoveError(f"a session that is {state.value} met: {move.value}")
    to: State = row.to
    return to
