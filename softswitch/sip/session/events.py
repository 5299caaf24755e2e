"""What a session tells its owner. `Ended` is always the last event, and comes exactly once."""

from dataclasses import dataclass
from typing import Literal

from softswitch.sip.message import Response
from softswitch.sip.replaces import Replaces
from softswitch.sip.uri import Uri


@dataclass(frozen=True, slots=True)
class Provisional:
    """A 1xx other than 100 for our INVITE; `sdp` is early media when there is one."""

    status: int
    reason: str
    sdp: bytes | None
    response: Response


@dataclass(frozen=True, slots=True)
class Answered:
    """The 2xx for our INVITE. `sdp` is the answer; when the INVITE had no offer it is an offer, and `accept` is due."""

    sdp: bytes | None
    response: Response


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The ACK for our 2xx has come; `sdp` is its answer when our 2xx carried the offer, otherwise None."""

    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class Offered:
    """The far end offers anew, or (None) asks for an offer: `accept` or `refuse` is due."""

    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class Reanswered:
    """The answer to an offer of ours after the first exchange (or in a PRACK) has come."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our re-offer failed; what was agreed before still holds."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """An INFO; it was answered 200."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Referred:
    """REFER: the far end asks us to call `uri` in its place. `accept_referral` or `refuse_referral` is due."""

    uri: Uri
    replaces: Replaces | None
    referred_by: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end. `status` is the final status of the INVITE, so 200 after an answer; `q850` comes from Reason or status.

    `response` is the refusal of an outgoing call as it came, None otherwise.
    """

    by: Literal["local", "remote"]
    status: int
    reason: str
    q850: int | None
    response: Response | None = None


SessionEvent = (
    Provisional | Answered | Confirmed | Offered | Reanswered | OfferRefused | InfoReceived | Referred | Ended
)
