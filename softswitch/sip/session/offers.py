"""Offer and answer (RFC 3264 §4, RFC 6337): at most one offer is open, whatever message carries it."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from softswitch.sip.tables import ImpossibleMoveError, Row, Table
from softswitch.sip.transaction.machine import Transaction

SDP = "application/sdp"


class OfferState(Enum):
    STABLE = "nothing open"
    SENT = "our offer is open"
    RECEIVED = "their offer is open"

    __hash__ = object.__hash__


class OfferMove(Enum):
    OFFER_SENT = "offer sent"
    OFFER_RECEIVED = "offer received"
    ANSWER_SENT = "answer sent"
    ANSWER_RECEIVED = "answer received"
    DROPPED = "refused, failed or withdrawn"

    __hash__ = object.__hash__


TABLE: Table = {
    (OfferState.STABLE, OfferMove.OFFER_SENT): Row(OfferState.SENT),
    (OfferState.STABLE, OfferMove.OFFER_RECEIVED): Row(OfferState.RECEIVED),
    (OfferState.STABLE, OfferMove.DROPPED): Row(OfferState.STABLE),
    (OfferState.SENT, OfferMove.ANSWER_RECEIVED): Row(OfferState.STABLE),
    (OfferState.SENT, OfferMove.DROPPED): Row(OfferState.STABLE),
    (OfferState.RECEIVED, OfferMove.ANSWER_SENT): Row(OfferState.STABLE),
    (OfferState.RECEIVED, OfferMove.DROPPED): Row(OfferState.STABLE),
}


class OpenOffer(NamedTuple):
    """Their offer (or their wish for ours) that waits for the owner: what `accept` and `refuse` do about it.

    `transaction` is the UPDATE or PRACK that carried it, which has to be answered even if the session ends meanwhile.
    """

    accept: Callable[[bytes], None]
    refuse: Callable[[int, str], None]
    transaction: Transaction | None = None


def after(state: OfferState, move: OfferMove) -> OfferState:
    """The state a move leads to. Raises `ImpossibleMoveError` where the table has none."""
    row = TABLE.get((state, move))
    if row is None:
        raise ImpossibleMoveError(f"{state.value}, but {move.value}")
    to: OfferState = row.to
    return to
