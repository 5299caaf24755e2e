"""Forwarding on busy, on no answer, and while no phone can be reached: when, where to, and how it is told. Pure."""

from dataclasses import dataclass
from enum import Enum

from softswitch.errors import CallRejected
from softswitch.plan import User

SUBSCRIBER_ABSENT = 20
"""Q.850."""
UNREACHED = frozenset({410, 430, 503})
"""A phone that is gone, whose connection is, or whom the network knows nothing of: no better than none."""


class Why(Enum):
    """Why a call is forwarded, in the words of RFC 5806."""

    BUSY = "user-busy"
    NO_ANSWER = "no-answer"
    UNREGISTERED = "unavailable"
    DEFLECTED = "deflection"
    """His phone has answered 3xx: the number is what it says."""

    def of(self, user: User) -> str:
        """Where this user has such calls forwarded; empty: nowhere."""
        match self:
            case Why.BUSY:
                return user.forward_busy
            case Why.NO_ANSWER:
                return user.forward_no_answer
            case Why.UNREGISTERED:
                return user.forward_unregistered
            case Why.DEFLECTED:
                return ""


@dataclass(frozen=True, slots=True)
class Diversion:
    """One forward: by whom, and why."""

    by: User
    why: Why

    @property
    def number(self) -> str:
        """By which the PSTN knows him."""
        return self.by.phonenumber or self.by.username

    def header(self, host: str) -> str:
        """The value of its Diversion header (RFC 5806)."""
        return f"<sip:{self.by.username}@{host}>;reason={self.why.value};counter=1"


def why_forwarded(rejected: CallRejected) -> Why | None:
    """The forward that answers a refusal; None where the caller gets it."""
    if rejected.status in (486, 600):
        return Why.BUSY
    if rejected.status in UNREACHED or (rejected.status == 480 and rejected.q850 == SUBSCRIBER_ABSENT):
        return Why.UNREGISTERED
    return Why.NO_ANSWER if rejected.status in (408, 480) else None
