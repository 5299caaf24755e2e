"""Offer and answer (RFC 3264) for the one audio stream of a leg; pure: bytes in, bytes and an `Agreement` out.

`LocalMedia` is our side of one stream for the life of its session. It keeps what RFC 3264 §8 asks to be kept: the
version of our description (grows only when the description changes), the payload type numbers in use and the place of
our stream among the peer's media lines. A negotiation that fails raises `NegotiationError` and changes nothing, so the
session goes on as before (RFC 3261 §14.1).

What an offer comes to is found by `settling`, what two descriptions say together by `agreement`. A line of a plain
profile with keys (RFC 8643) is the form of our own offers, unless encryption is required.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from msgspec.structs import replace

from media.agreement import (
    CODEC_NAMES,
    PROFILES,
    SECURE_PROFILES,
    TELEPHONE_EVENT,
    Agreement,
    agree,
    audio_at,
    check_line,
    is_secure,
    parse,
    wishes_of,
)
from media.codecs import Codec
from media.errors import NegotiationError
from media.sdes import Crypto, Encryption, Keys, OwnKeys, usable
from media.sdp import Direction, MediaDescription, connection
from media.settling import UNBOUNDED, USUAL_TELEPHONE_EVENT, Settled, Terms, section_text, settle


class LocalMedia:
    """Our side of the stream: `answer` an offer, or make an `offer` and `accept` its answer; again and again."""

    __slots__ = (
        "_body", "_has_secure_profile", "_numbers", "_offers_keys", "_own_keys", "_place", "_refused", "_rtcp_mux",
        "_version", "address", "codecs", "direction", "encryption", "order", "port", "preferred", "ptime_ms",
        "session_id",
    )  # fmt: skip

    def __init__(
        self,
        address: str,
        port: int,
        *,
        session_id: int,
        codecs: Sequence[Codec | str] = tuple(Codec),
        order: Literal["theirs", "ours"] = "theirs",
        ptime_ms: int = 20,
        encryption: Encryption = "off",
        new_key: Callable[[int], bytes] | None = None,
    ) -> None:
        """`order`: whose preference among the common codecs decides an answer; `ptime_ms`: what our offers ask for.

        `new_key` makes the keys of SRTP, so many bytes that nobody can guess; there is no encryption without it.
        """
        if encryption != "off" and new_key is None:
            raise ValueError("encryption needs keys")
        self.address = address
        self.port = port
        self.session_id = session_id
        self.codecs, numbers = _known(tuple(codecs))
        self.order = order
        self.preferred: Codec | None = None  # offered, taken and sent before all others, where both know it
        self.ptime_ms = ptime_ms
        self.direction = Direction.SENDRECV
        self._version = -1
        self._body = ""  # of our last description: what follows the line with its version
        self._numbers = dict(numbers)
        self.encryption: Encryption = encryption
        self._own_keys = OwnKeys(new_key or bytes)
        self._has_secure_profile = encryption == "required"
        self._offers_keys = encryption != "off"  # no more once plain RTP was agreed on
        self._place = 0
        self._refused: tuple[str, ...] = ()
        self._rtcp_mux = False  # never our idea, but kept in our later offers

    def answer(self, offer: bytes) -> tuple[bytes, Agreement]:
        """The answer to an offer; raises `NegotiationError` when nothing in it can be agreed on."""
        settled = settle(offer, self._terms)
        agreement, section = settled.agreement, settled.section
        crypto, keys = (None, None) if settled.offered is None else self._own_keys.answer(settled.offered)
        if keys is not None:
            agreement = replace(agreement, keys=keys)
            section += crypto_lines(crypto)
        self._learn(settled)
        self._place, self._rtcp_mux, self._refused = settled.place, agreement.rtcp_mux, settled.refused
        self._has_secure_profile, self._offers_keys = settled.is_secure, keys is not None
        return self._description(section, settled.times), agreement

    def check(self, offer: bytes) -> None:
        """Raises `NegotiationError` where `answer` would; changes nothing."""
        settle(offer, self._terms)

    @property
    def _terms(self) -> Terms:
        return Terms(self.codecs, self.order, self.preferred, self.encryption, self.direction, ":" in self.address)

    def offer(self) -> bytes:
        """Our offer: every codec we know under the number it has in this session, in our order."""
        codecs = sorted(self.codecs, key=lambda name: name != self.preferred) if self.preferred else self.codecs
        formats = {name: self._numbers[name] for name in (*codecs, TELEPHONE_EVENT)}
        profile = (SECURE_PROFILES if self._has_secure_profile else PROFILES)[0]
        section = section_text(profile, tuple(formats.items()), self.ptime_ms, self.direction, self._rtcp_mux)
        if self._offers_keys:
            section += crypto_lines(*self._own_keys.offer())
        return self._description(section, UNBOUNDED)

    def accept(self, answer: bytes) -> Agreement:
        """What the peer's answer to our `offer` settles; raises `NegotiationError`."""
        theirs = parse(answer)
        section = audio_at(theirs, self._place)
        check_line(theirs, section, is_ipv6=":" in self.address)
        keys = self._accepted_keys(section)
        formats = wishes_of(section).formats
        send = {name: number for name, number in formats.items() if name in self._numbers}
        if self.preferred in send:
            send = {self.preferred: send[self.preferred], **send}
        receive = {name: self._numbers[name] for name in send}
        agreement = agree(theirs, section, send, receive, self.direction, rtcp_mux=self._rtcp_mux, keys=keys)
        self._offers_keys = keys is not None
        return agreement

    def _accepted_keys(self, section: MediaDescription) -> Keys | None:
        """What the peer made of the keys we have offered."""
        theirs = usable(section.all("crypto")) if self._offers_keys else []
        keys = self._own_keys.accept(theirs) if theirs else None
        if keys is None and (self.encryption == "required" or is_secure(section)):
            raise NegotiationError("the answer takes up none of the keys that were offered")
        return keys

    def _learn(self, settled: Settled) -> None:
        """The peer's numbers are ours from now on; telephone-event moves off a number that the peer uses otherwise."""
        self._numbers |= settled.formats
        if TELEPHONE_EVENT not in settled.formats:
            self._numbers[TELEPHONE_EVENT] = settled.free_number

    def _description(self, section: str, times: str) -> bytes:
        """Our whole description; its version grows when it differs from the last we sent."""
        lines = (*self._refused[: self._place], f"m=audio {self.port} {section}", *self._refused[self._place :])
        where = connection(self.address)
        body = f"s=-\r\nc={where}\r\n{times}{''.join(lines)}"
        if body != self._body:
            self._body = body
            self._version += 1
        text = f"v=0\r\no=- {self.session_id} {self._version} {where}\r\n{body}"
        return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=64)
def _known(codecs: tuple[Codec | str, ...]) -> tuple[tuple[Codec, ...], dict[str, int]]:
    """The codecs of a stream, and the number that each format has until the peer says another."""
    known = tuple([Codec(codec) for codec in codecs])
    return known, {**{str(codec): codec.payload_type for codec in known}, TELEPHONE_EVENT: USUAL_TELEPHONE_EVENT}


def crypto_lines(*lines: Crypto | None) -> str:
    """Beside `section_text`, which is kept for other calls: keys are not."""
    return "".join([f"a=crypto:{line}\r\n" for line in lines if line is not None])


def offered_codecs(description: bytes) -> tuple[str, ...]:
    """The codecs of a description's first audio line that we know, in its order; none for what is no description."""
    try:
        section = next(media for media in parse(description).media if media.kind == "audio")
    except (NegotiationError, StopIteration):
        return ()
    return tuple([name for name in wishes_of(section).formats if name in CODEC_NAMES])
