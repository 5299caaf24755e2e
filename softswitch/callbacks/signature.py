"""How a receiver knows that a callback is ours and fresh: `Softswitch-Signature: t=<POSIX seconds>,v1=<hex>`.

`v1` is HMAC-SHA256, keyed with the shared secret, over the timestamp, a full stop and the body as it was sent. A
receiver computes it again, compares in constant time, and refuses what is too old. Pure.
"""

import hashlib
import hmac

HEADER = "Softswitch-Signature"
TOLERANCE_S = 300.0


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """The value of the header."""
    return f"t={timestamp},v1={_digest(secret, body, timestamp)}"


def verify(secret: str, body: bytes, header: str, now: float, tolerance_s: float = TOLERANCE_S) -> bool:
    """Whether a body came from who knows the secret, not longer ago than `tolerance_s`."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    try:
        timestamp = int(parts.get("t", ""))
    except ValueError:
        return False
    expected = _digest(secret, body, timestamp)
    return hmac.compare_digest(expected, parts.get("v1", "")) and abs(now - timestamp) <= tolerance_s


def _digest(secret: str, body: bytes, timestamp: int) -> str:
    return hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
