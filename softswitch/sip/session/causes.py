"""Q.850 causes and SIP statuses: the Reason header (RFC 3326, RFC 6432), and the mappings of RFC 3398 §7 and §8."""

from softswitch.errors import PeerError
from softswitch.sip.grammar import legible, parse_params, split_list, unquote
from softswitch.sip.message import Message

NORMAL_CLEARING = 16
INTERWORKING = 127

STATUS_OF = {
    1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 23: 410, 26: 404, 27: 502, 28: 484,
    29: 501, 31: 480, 34: 503, 38: 503, 41: 503, 42: 503, 47: 503, 55: 403, 57: 403, 58: 503, 65: 488, 70: 488, 79: 501,
    87: 403, 88: 503, 102: 504, 111: 500, 127: 500,
}  # fmt: skip
"""Cause -> the status a call is refused with (RFC 3398 §7.2.4.1); what is not here becomes 480."""

CAUSE_OF = {
    400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127,
    415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17,
    487: 16, 488: 65, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
    606: 65, 607: 21, 608: 21,
}  # fmt: skip
"""Status -> cause (RFC 3398 §8.2.6.1)."""


def reason_header(q850: int, text: str) -> tuple[str, str]:
    """The Reason header that carries a cause."""
    shown = text.replace("\\", "").replace('"', "'")
    return ("Reason", f'Q.850;cause={q850};text="{shown}"' if shown else f"Q.850;cause={q850}")


def reason_of(message: Message) -> tuple[int | None, str]:
    """The Q.850 cause and the text of a message's Reason headers; (None, "") where there is none to be read."""
    for value in message.headers.all("Reason"):
        for part in split_list(value):
            protocol, semicolon, params = part.partition(";")
            if protocol.strip().lower() == "q.850":
                return _cause(semicolon + params)
    return None, ""


def _cause(text: str) -> tuple[int | None, str]:
    try:
        params = parse_params(text)
    except PeerError:
        return None, ""
    cause = params.get("cause") or ""
    number = int(cause) if cause.isascii() and cause.isdigit() and len(cause) <= 3 else None
    return number, legible(unquote(params.get("text") or ""))


def status_for(q850: int) -> int:
    """The status a call that was not answered is refused with when it is hung up with this cause."""
    return STATUS_OF.get(q850, 480)
