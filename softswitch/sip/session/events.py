"""What a session tells its owner. `Ended` is always the last event, and comes exactly once."""

from typing import Literal

from msgspec import Struct

from softswitch.sip.message import Response
from softswitch.sip.replaces import Replaces
from softswitch.sip.uri import Uri


class Provisional(Struct, frozen=True):
    """A 1xx other than 100 for our INVITE; `sdp` is early media when there is one."""

    status: int
    reason: str
    sdp: bytes | None
    response: Response


class Answered(Struct, frozen=True):
    """The 2xx for our INVITE. `sdp` is the answer; when the INVITE had no offer it is an offer, and `accept` is due."""

    sdp: bytes | None
    response: Response


class Confirmed(Struct, frozen=True):
    """The ACK for our 2xx has come; `sdp` is its answer when our 2xx carried the offer, otherwise None."""

    sdp: bytes | None


class Offered(Struct, frozen=True):
    """The far end offers anew, or (None) asks for an offer: `accept` or `refuse` is due."""

    sdp: bytes | None


class Reanswered(Struct, frozen=True):
    """The answer to an offer of ours after the first exchange (or in a PRACK) has come."""

    sdp: bytes


class OfferRefused(Struct, frozen=True):
    """Our re-offer failed; what was agreed before still holds."""

    status: int
    reason: str


class InfoReceived(Struct, frozen=True):
    """An INFO; it was answered 200."""

    content_type: str
    body: bytes


class Referred(Struct, frozen=True):
    """REFER: the far end asks us to call `uri` in its place. `accept_referral` or `refuse_referral` is due."""

    uri: Uri
    replaces: Replaces | None
    referred_by: str


class Ended(Struct, frozen=True):
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
