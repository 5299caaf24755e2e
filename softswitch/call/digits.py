"""Keys pressed by the far end, however they come: as telephone-events, as tones, or in SIP INFO.

Some peers send each key twice, in the audio and in INFO. `DigitMerger` lets the first of the two through: a key that
comes by another way within `TWIN_S` of the same key is its twin. Two presses of one key come twice by *each* way, so
every press takes one twin a way, and a double press stays a double press.

INFO bodies: application/dtmf-relay carries lines `Signal=5` and `Duration=160`, Nortel's type a line `d=5` among
others, application/dtmf the bare key; each is read in the form of the others too.
"""

from collections import deque
from dataclasses import dataclass

TWIN_S = 1.5
MEMORY = 32
KEYS = frozenset("0123456789*#ABCD")
INFO_TYPES = ("application/dtmf-relay", "application/dtmf", "application/vnd.nortelnetworks.digits")
KEY_BY_EVENT_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}


@dataclass(slots=True)
class _Press:
    digit: str
    ways: set[str]
    at: float


class DigitMerger:
    """Says of each key whether it is a new press or the twin of one that was already taken."""

    __slots__ = ("_presses",)

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=MEMORY)

    def is_new(self, digit: str, way: str, now: float) -> bool:
        """`way` names how it came: "rfc4733", "inband" or "info"."""
        presses = self._presses
        while presses and now - presses[0].at > TWIN_S:
            presses.popleft()
        for press in presses:
            if press.digit == digit and way not in press.ways:
                press.ways.add(way)
                return False
        presses.append(_Press(digit, {way}, now))
        return True


def digit_of_info(content_type: str, body: bytes) -> str | None:
    """The key in the body of an INFO request, or None: not about keys, or not one key."""
    if content_type.partition(";")[0].strip().lower() not in INFO_TYPES:
        return None
    text = body[:256].decode("ascii", "replace")
    return _key(_signal(text) or text)


def _signal(text: str) -> str:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() in ("signal", "d"):
            return value
    return ""


def _key(text: str) -> str | None:
    key = text.strip().upper()
    key = KEY_BY_EVENT_NUMBER.get(key, key)
    return key if key in KEYS else None
