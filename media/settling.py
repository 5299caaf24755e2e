"""What an offer comes to for one who answers on certain terms; pure, and kept.

`negotiation` asks. One make of phone offers the same in every call but for its port and its `o=` line: what such an
offer comes to is found once. An offer may have encryption in the two forms that phones use: two audio lines, of which
the encrypted one is taken wherever it stands, or one line of a plain profile with keys (RFC 8643).
"""

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from media.agreement import (
    COMFORT_NOISE,
    TELEPHONE_EVENT,
    Agreement,
    agree,
    check_line,
    encodings_of,
    is_secure,
    parse,
    short,
    wishes_of,
)
from media.codecs import Codec
from media.errors import NegotiationError
from media.sdes import Crypto, Encryption, usable
from media.sdp import Direction, MediaDescription, SessionDescription

EVENTS = "0-15"  # the sixteen keys
CLOCK_HZ = 8000
USUAL_TELEPHONE_EVENT = 101
UNBOUNDED = "t=0 0\r\n"
LONGEST_SHAPE_BYTES = 2048

_DYNAMIC = range(96, 128)
_WRITTEN = {TELEPHONE_EVENT: "telephone-event"}
_SHAPE_PORTS = range(1, 3)  # stand for the port of an offer and the one above it
_OF_ONE_CALL = re.compile(rb"\na=(?:crypto|rtcp|candidate):")  # keys and further ports


class Terms(Struct, frozen=True):
    """What decides an answer on our side."""

    codecs: tuple[Codec, ...]
    order: Literal["theirs", "ours"]
    preferred: Codec | None
    encryption: Encryption
    direction: Direction
    is_ipv6: bool


class Settled(Struct, frozen=True):
    """What is the same for every offer of one shape. `offered` is the peer's key, not yet answered."""

    place: int
    is_secure: bool
    formats: dict[str, int]
    free_number: int  #: for telephone-event, where the offer has none
    agreement: Agreement
    offered: Crypto | None
    section: str
    times: str
    refused: tuple[str, ...]


def settle(offer: bytes, terms: Terms) -> Settled:
    """Raises `NegotiationError`. One make of phone offers the same in every call but for its port and its `o=` line:
    what such an offer comes to is kept."""
    shape, port = _shape_of(offer)
    if not port:
        return _settled(offer, terms)
    settled = _kept(shape, terms)
    theirs = settled.agreement
    host, control_port = theirs.remote_rtcp
    if control_port in _SHAPE_PORTS:
        control_port = min(port + control_port - _SHAPE_PORTS.start, 65535)
    return replace(settled, agreement=replace(theirs, remote_port=port, remote_rtcp=(host, control_port)))


def _shape_of(offer: bytes) -> tuple[bytes, int]:
    """The offer without what differs in each, and the port it had; 0 where it has no such shape."""
    session, found, rest = offer.partition(b"\nm=audio ")
    port, blank, media = rest.partition(b" ")
    before, owned, origin = session.partition(b"\no=")
    if not (found and blank and owned and port.isdigit() and len(port) <= 5) or len(offer) > LONGEST_SHAPE_BYTES:
        return b"", 0
    number = int(port)
    if number > 65535 or b"\nm=" in media or _OF_ONE_CALL.search(offer) is not None:
        return b"", 0
    _, _, session = origin.partition(b"\n")
    return b"%b\n%b\nm=audio %d %b" % (before, session, _SHAPE_PORTS.start, media), number


@lru_cache(maxsize=256)
def _kept(shape: bytes, terms: Terms) -> Settled:
    return _settled(shape, terms)


def _settled(offer: bytes, terms: Terms) -> Settled:
    theirs = parse(offer)
    place, section, formats, offered = _choose(theirs, terms)
    agreement = agree(theirs, section, formats, formats, terms.direction)
    free = (number for number in (USUAL_TELEPHONE_EVENT, *_DYNAMIC) if str(number) not in section.formats)
    text = section_text(
        section.protocol, tuple(formats.items()), agreement.ptime_ms, agreement.direction, agreement.rtcp_mux
    )
    times = "".join([f"t={value}\r\n" for kind, value in theirs.others if kind == "t"])  # RFC 3264 §6
    return Settled(
        place,
        is_secure(section),
        formats,
        next(free, USUAL_TELEPHONE_EVENT),
        agreement,
        offered,
        text,
        times or UNBOUNDED,
        tuple([_refusal(other) for other in theirs.media if other is not section]),
    )


_Choice = tuple[int, MediaDescription, dict[str, int], Crypto | None]
"""Place and audio line of an offer, the formats in common, and the peer's key."""


def _choose(theirs: SessionDescription, terms: Terms) -> _Choice:
    """The first audio line that we can talk over; one that can be encrypted comes before one that can't."""
    why = NegotiationError("no audio offered")
    plain: _Choice | None = None
    for place, section in enumerate(theirs.media):
        if section.kind == "audio" and section.port:
            try:
                check_line(theirs, section, is_ipv6=terms.is_ipv6)
                crypto = _takes_up(section, terms.encryption)
                choice = place, section, _common(section, terms), crypto
            except NegotiationError as error:
                why = error
                continue
            if crypto is not None or terms.encryption == "off":
                return choice
            plain = plain or choice
    if plain is None:
        raise why
    return plain


def _takes_up(section: MediaDescription, encryption: Encryption) -> Crypto | None:
    """The peer's best key that we can use, None for plain RTP; raises where either side wants something else."""
    offered = usable(section.all("crypto")) if encryption != "off" else []
    if offered:
        return offered[0]
    if is_secure(section):
        why = "encryption is off here" if encryption == "off" else "there is no key that we can use"
        raise NegotiationError(f"{section.protocol} is offered, but {why}")
    if encryption == "required":
        raise NegotiationError("encryption is required here, and none was offered")
    return None


def _common(section: MediaDescription, terms: Terms) -> dict[str, int]:
    """The formats of the offer that we know, in the order of the answer, under the numbers of the offer."""
    offered = wishes_of(section).formats
    audio = [name for name in offered if name in terms.codecs]
    if not audio:
        names = [encoding for _, encoding in encodings_of(section)]
        raise NegotiationError(f"no common codec: offered {short(', '.join(names)) or 'none'}")
    if terms.order == "ours":
        audio = [name for name in terms.codecs if name in offered]
    if terms.preferred in audio:
        audio.sort(key=lambda name: name != terms.preferred)
    names = audio + [name for name in (COMFORT_NOISE, TELEPHONE_EVENT) if name in offered]
    return {name: offered[name] for name in names}


@lru_cache(maxsize=256)
def section_text(
    protocol: str, formats: tuple[tuple[str, int], ...], ptime_ms: int, direction: Direction, rtcp_mux: bool
) -> str:
    """Our audio line from the protocol on, and its attributes."""
    numbers = " ".join([str(number) for _, number in formats])
    lines = [f"{protocol} {numbers}"]
    lines += [f"a=rtpmap:{number} {_WRITTEN.get(name, name)}/{CLOCK_HZ}" for name, number in formats]
    lines += [f"a=fmtp:{number} {EVENTS}" for name, number in formats if name == TELEPHONE_EVENT]
    lines += f"a=ptime:{ptime_ms}", f"a={direction}", *(["a=rtcp-mux"] if rtcp_mux else ()), ""
    return "\r\n".join(lines)


def _refusal(section: MediaDescription) -> str:
    """The same line with port 0, which declines it (RFC 3264 §6)."""
    return f"m={section.kind} 0 {section.protocol} {' '.join(section.formats) or '0'}\r\n"
