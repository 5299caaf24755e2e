"""A call that comes back to us again and again ends: by Max-Forwards, and by our own Via (RFC 3261 §16.3)."""

from softswitch.call.call import Call
from softswitch.call.lines import Lines
from softswitch.errors import CallRejected

TOO_MANY_HOPS = CallRejected(483, "Too Many Hops", q850=25)
LOOP = CallRejected(482, "Loop Detected", q850=25)
DEFAULT_PORT = 5060


def check_hops(call: Call, lines: Lines) -> int | None:
    """The Max-Forwards of a call that is handed on; None where it begins with us. Raises `CallRejected` 482, 483."""
    session = call.caller.session
    if session.direction == "out":
        return None
    request, here = session.request, lines.here()
    if any((via.host, via.port or DEFAULT_PORT) == here for via in request.vias):
        raise LOOP
    if request.max_forwards == 0:
        raise TOO_MANY_HOPS
    return None if request.max_forwards is None else request.max_forwards - 1
