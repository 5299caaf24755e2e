"""Reading a code from the keypad: prompts that a key cuts short, a first-key timeout, an inter-key timeout, an end key.

Keys pressed before the prompt count (people who know the way type ahead), and then the prompt is not played at all.
"""

from dataclasses import dataclass
from enum import StrEnum

from media import Source
from softswitch.call.leg import Leg


class EndedBy(StrEnum):
    FINISH_KEY = "finish key"
    LENGTH = "length"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Code:
    """What to read: at most `maximum` keys, ended by one of `finish_keys` or by a pause."""

    maximum: int
    finish_keys: str = "#"
    first_digit_timeout_s: float = 10.0
    inter_digit_timeout_s: float = 4.0


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read, without the finish key; empty when nothing was pressed."""

    digits: str
    ended_by: EndedBy


async def collect(leg: Leg, code: Code, *prompts: Source) -> Collected:
    """Plays `prompts`, then reads a code; the first-key timeout counts from the end of the prompts."""
    await leg.play(*prompts, barge_in=True)
    digits = ""
    timeout_s = code.first_digit_timeout_s
    while len(digits) < code.maximum:
        digit = await leg.next_digit(timeout_s)
        if digit is None:
            return Collected(digits, EndedBy.TIMEOUT)
        leg.hush()
        if digit in code.finish_keys:
            return Collected(digits, EndedBy.FINISH_KEY)
        digits += digit
        timeout_s = code.inter_digit_timeout_s
    return Collected(digits, EndedBy.LENGTH)
