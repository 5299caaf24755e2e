"""The random names SIP needs: branches, tags, Call-IDs, nonces (RFC 3261 §8.1.1, §19.3).

The source of chance is given: a secret one in production, a seeded one where a test wants to repeat itself.
"""

import os
from collections.abc import Sequence
from typing import Protocol

from softswitch.sip.headers import MAGIC_COOKIE


class Chance(Protocol):
    """What `random.Random` and `SystemChance` offer."""

    def getrandbits(self, bits: int, /) -> int: ...


class SystemChance:
    """The kernel's randomness, asked for by the page: a system call for each tag of each call would add up."""

    PAGE_BYTES = 4096

    def __init__(self) -> None:
        self._page = b""
        self._at = 0

    def getrandbits(self, bits: int, /) -> int:
        size = (bits + 7) // 8
        if self._at + size > len(self._page):
            self._page, self._at = os.urandom(self.PAGE_BYTES), 0
        start, self._at = self._at, self._at + size
        return int.from_bytes(self._page[start : self._at], "big") >> (8 * size - bits)


class Identifiers:
    """Makes identifiers nobody can guess, as long as `chance` can't be guessed."""

    def __init__(self, chance: Chance) -> None:
        self._bits = chance.getrandbits

    def branch(self) -> str:
        return f"{MAGIC_COOKIE}{self._bits(72):x}"

    def tag(self) -> str:
        return f"{self._bits(64):x}"

    def call_id(self) -> str:
        return f"{self._bits(112):x}"

    def cnonce(self) -> str:
        return f"{self._bits(64):x}"

    def first_cseq(self) -> int:
        """Far below the 2**31 of RFC 3261 §8.1.1.5, and short on the wire."""
        return 1 + self._bits(15)

    def first_rseq(self) -> int:
        """RFC 3262 §3: 1 … 2**31 - 1."""
        return 1 + self._bits(30)

    def below(self, limit: int) -> int:
        """0 … limit - 1."""
        return self._bits(48) % limit

    def glare_wait_s(self, *, owns_call_id: bool) -> float:
        """How long to wait after 491, in steps of 10 ms (RFC 3261 §14.1)."""
        return (210 + self.below(191)) / 100 if owns_call_id else self.below(201) / 100

    def index_by_weight(self, weights: Sequence[int]) -> int:
        """An index chosen in proportion to the weights, where 0 is rarely but sometimes taken (RFC 2782)."""
        shares = [100 * weight or 1 for weight in weights]
        point = self.below(sum(shares))
        for index, share in enumerate(shares):
            point -= share
            if point < 0:
                return index
        return len(shares) - 1
