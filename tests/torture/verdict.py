"""What a user agent that is also a registrar does with bytes, told as one status."""

from softswitch.errors import PeerError
from softswitch.sip.message import Request
from softswitch.sip.parser import parse, salvage
from softswitch.sip.validation import Capabilities, check_request, check_response

DROP = 0
WORK = 200

REGISTRAR = Capabilities(methods=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "MESSAGE"))


def verdict(data: bytes) -> int:
    """The status of the rejection, `WORK` for a message to be worked on, `DROP` for one to be forgotten."""
    try:
        message = parse(data)
    except PeerError as error:
        return error.status if salvage(data) else DROP
    if isinstance(message, Request):
        rejection = check_request(message, REGISTRAR)
        return rejection.status if rejection else WORK
    try:
        check_response(message)
    except PeerError:
        return DROP
    return WORK
