"""A SIP stack of its own (RFC 3261): it knows messages, transactions, dialogs and sessions, and nothing of calls.

Reading order: grammar, uri, headers, message, parser, framing, digest are values and text; transaction, dialog and
session are the tables; transport carries bytes; stack joins them all.
"""

from softswitch.sip.digest import Credentials
from softswitch.sip.headers import Address
from softswitch.sip.message import Headers, Message, Request, Response
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.replaces import Replaces
from softswitch.sip.session.events import (
    Answered,
    Confirmed,
    Ended,
    InfoReceived,
    Offered,
    OfferRefused,
    Provisional,
    Reanswered,
    Referred,
    SessionEvent,
)
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.stack import Stack
from softswitch.sip.uri import Uri

__all__ = [
    "Address",
    "Answered",
    "Confirmed",
    "Credentials",
    "Ended",
    "Headers",
    "InfoReceived",
    "Message",
    "OfferRefused",
    "Offered",
    "Peer",
    "Provisional",
    "Reanswered",
    "Referred",
    "Replaces",
    "Request",
    "Response",
    "Session",
    "SessionEvent",
    "Stack",
    "StackSettings",
    "Transport",
    "Uri",
]
