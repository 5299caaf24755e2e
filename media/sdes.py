"""The keys of SRTP in a session description: `a=crypto` (RFC 4568), and which of them two sides settle on. Pure.

    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20

Each side says the key it sends with, so a line that answers another has its tag and suite and a key of its own. A line
we can't keep to the letter (an unknown suite, a key that is identified or derived anew, no encryption or none of its
parts) is passed over, as if it were not there. Keys show in no `repr`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Encryption = Literal["off", "offered", "required"]
"""What a side wants: no encryption; encryption with who can (RFC 8643); encryption or no call."""

MOST_LINES = 16
HARMLESS_PARAMETERS = ("WSH",)  # a hint how large a replay window should be


class Suite(StrEnum):
    """The crypto suites we speak, best first (RFC 4568 §6.2, RFC 7714 §14.2)."""

    AEAD_AES_256_GCM = "AEAD_AES_256_GCM"
    AEAD_AES_128_GCM = "AEAD_AES_128_GCM"
    AES_CM_128_HMAC_SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    AES_CM_128_HMAC_SHA1_32 = "AES_CM_128_HMAC_SHA1_32"

    @property
    def key_bytes(self) -> int:
        """Of master key and master salt together."""
        return _KEY_BYTES[self]


_KEY_BYTES = {
    Suite.AEAD_AES_256_GCM: 32 + 12,
    Suite.AEAD_AES_128_GCM: 16 + 12,
    Suite.AES_CM_128_HMAC_SHA1_80: 16 + 14,
    Suite.AES_CM_128_HMAC_SHA1_32: 16 + 14,
}

OFFERED = (Suite.AES_CM_128_HMAC_SHA1_80, Suite.AES_CM_128_HMAC_SHA1_32)
"""What our offers name: the two that every phone has, as more lines make some stumble."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` line."""

    tag: int
    suite: Suite
    key: bytes = field(repr=False)

    def __str__(self) -> str:
        """Its value. Contains the key."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides settled on: each has its own key, for what it sends."""

    suite: Suite
    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)


class OwnKeys:
    """Our keys of one stream, made when first needed and kept: who hears the same key need not start anew."""

    __slots__ = ("_by_suite", "_new_key")

    def __init__(self, new_key: Callable[[int], bytes]) -> None:
        """`new_key` gives so many bytes that nobody can guess."""
        self._new_key = new_key
        self._by_suite: dict[Suite, bytes] = {}

    def offer(self) -> tuple[Crypto, ...]:
        """The lines of an offer."""
        return tuple([Crypto(tag, suite, self._key(suite)) for tag, suite in enumerate(OFFERED, 1)])

    def answer(self, offered: Crypto) -> tuple[Crypto, Keys]:
        """The line that takes up `offered`, and what is settled by it."""
        key = self._key(offered.suite)
        return Crypto(offered.tag, offered.suite, key), Keys(offered.suite, send=key, receive=offered.key)

    def accept(self, answered: Iterable[Crypto]) -> Keys | None:
        """What an answer to our `offer` settles; None where it takes up none of our lines."""
        for ours in self.offer():
            for theirs in answered:
                if (theirs.tag, theirs.suite) == (ours.tag, ours.suite):
                    return Keys(ours.suite, send=ours.key, receive=theirs.key)
        return None

    def _key(self, suite: Suite) -> bytes:
        if suite not in self._by_suite:
            self._by_suite[suite] = self._new_key(suite.key_bytes)
        return self._by_suite[suite]


def usable(values: Iterable[str]) -> list[Crypto]:
    """The `a=crypto` values that we can keep to the letter, in their order."""
    lines = [_parse(value) for value, _ in zip(values, range(MOST_LINES), strict=False)]
    return [line for line in lines if line is not None]


def _parse(value: str) -> Crypto | None:
    fields = value.split()
    if len(fields) < 3 or fields[1].upper() not in Suite.__members__ or not _is_tag(fields[0]):
        return None
    suite, key = Suite(fields[1].upper()), _key_of(fields[2])
    if key is None or len(key) != suite.key_bytes or not all(map(_is_harmless, fields[3:])):
        return None
    return Crypto(int(fields[0]), suite, key)


def _is_tag(text: str) -> bool:
    return len(text) <= 9 and text.isascii() and text.isdigit()


def _is_harmless(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.upper() in HARMLESS_PARAMETERS or (name.upper() == "KDR" and value == "0")


def _key_of(params: str) -> bytes | None:
    """`inline:KEY|lifetime`; None for several keys, and for one with an identifier in each packet (MKI)."""
    method, _, info = params.partition(":")
    encoded, *rest = info.split("|")
    if method.lower() != "inline" or ";" in info or any(":" in part for part in rest):
        return None
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
