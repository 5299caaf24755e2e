"""The tables of a session: no move that is not drawn, no state without a way out."""

import pytest

from softswitch.sip.session import offers, states
from softswitch.sip.session.offers import OfferMove, OfferState
from softswitch.sip.session.states import Move, State
from softswitch.sip.tables import ImpossibleMoveError

ROWS = """
INCOMING  RING RINGING, ANSWER ACCEPTED, REJECT ENDED, CANCEL ENDED, BYE ENDED, LOST ENDED
RINGING   RING RINGING, ANSWER ACCEPTED, REJECT ENDED, CANCEL ENDED, BYE ENDED, LOST ENDED
ACCEPTED  ACK CONFIRMED, HANG_UP LEAVING, BYE ENDED, LOST ENDED
CALLING   PROVISIONAL PROCEEDING, SUCCESS CONFIRMED, OFFER_IN_SUCCESS ANSWERED, FAILURE ENDED, LOST ENDED, HANG_UP CANCELLING
PROCEEDING PROVISIONAL PROCEEDING, SUCCESS CONFIRMED, OFFER_IN_SUCCESS ANSWERED, FAILURE ENDED, LOST ENDED, HANG_UP CANCELLING
ANSWERED  ACK CONFIRMED, BYE ENDED, HANG_UP ENDED, LOST ENDED
CANCELLING PROVISIONAL CANCELLING, SUCCESS ENDED, FAILURE ENDED, LOST ENDED
CONFIRMED HANG_UP ENDED, BYE ENDED, LOST ENDED
LEAVING   ACK ENDED, BYE ENDED, LOST ENDED
"""  # noqa: E501 - one state a line


def expected() -> dict[tuple[State, Move], State]:
    rows = {}
    for line in ROWS.strip().splitlines():
        state, _, moves = line.partition(" ")
        for move in moves.split(","):
            name, to = move.split()
            rows[State[state], Move[name]] = State[to]
    return rows


@pytest.mark.parametrize(("key", "to"), expected().items())
def test_the_row(key: tuple[State, Move], to: State) -> None:
    assert states.after(*key) is to


def test_the_rows_above_are_all_rows_and_the_rest_raises() -> None:
    for state in State:
        for move in Move:
            if (state, move) not in expected():
                with pytest.raises(ImpossibleMoveError):
                    states.after(state, move)


def test_every_state_can_be_lost_and_ends() -> None:
    for state in set(State) - {State.ENDED}:
        assert states.after(state, Move.LOST) is State.ENDED


@pytest.mark.parametrize(
    ("state", "move", "to"),
    [
        (OfferState.STABLE, OfferMove.OFFER_SENT, OfferState.SENT),
        (OfferState.STABLE, OfferMove.OFFER_RECEIVED, OfferState.RECEIVED),
        (OfferState.STABLE, OfferMove.DROPPED, OfferState.STABLE),
        (OfferState.SENT, OfferMove.ANSWER_RECEIVED, OfferState.STABLE),
        (OfferState.SENT, OfferMove.DROPPED, OfferState.STABLE),
        (OfferState.RECEIVED, OfferMove.ANSWER_SENT, OfferState.STABLE),
        (OfferState.RECEIVED, OfferMove.DROPPED, OfferState.STABLE),
    ],
)
def test_an_offer_is_answered_or_dropped(state: OfferState, move: OfferMove, to: OfferState) -> None:
    assert offers.after(state, move) is to


@pytest.mark.parametrize(
    ("state", "move"),
    [(OfferState.SENT, OfferMove.OFFER_SENT), (OfferState.SENT, OfferMove.OFFER_RECEIVED),
     (OfferState.RECEIVED, OfferMove.OFFER_SENT), (OfferState.STABLE, OfferMove.ANSWER_SENT)],
)  # fmt: skip
def test_two_offers_are_never_open_at_once(state: OfferState, move: OfferMove) -> None:
    with pytest.raises(ImpossibleMoveError):
        offers.after(state, move)
