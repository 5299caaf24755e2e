"""Offer and answer (RFC 3264) for the one audio stream of a leg; pure: bytes in, bytes and an `Agreement` out.

`LocalMedia` is our side of one stream for the life of its session. It keeps what RFC 3264 §8 asks to be kept: the
version of our description (grows only when the description changes), the payload type numbers in use and the place of
our stream among the peer's media lines. A negotiation that fails raises `NegotiationError` and changes nothing, so the
session goes on as before (RFC 3261 §14.1).

Formats: G.711, telephone-event (RFC 4733) and comfort noise (RFC 3389), all at 8,000 Hz. Profiles: RTP/AVP and
RTP/AVPF, and with keys by SDES (`media.sdes`) RTP/SAVP and RTP/SAVPF. An offer may have encryption in the two forms
that phones use: two audio lines, of which the encrypted one is taken wherever it stands, or one line of a plain profile
with keys (RFC 8643), which is encrypted when both sides know keys. The second is the form of our own, unless
encryption is required.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from media.codecs import Codec
from media.errors import NegotiationError
from media.sdes import Crypto, Encryption, Keys, OwnKeys, usable
from media.sdp import Attribute, Direction, MediaDescription, SdpError, SessionDescription, connection

TELEPHONE_EVENT = "TELEPHONE-EVENT"
COMFORT_NOISE = "CN"
EVENTS = "0-15"  # the sixteen keys
PROFILES = ("RTP/AVP", "RTP/AVPF")
SECURE_PROFILES = ("RTP/SAVP", "RTP/SAVPF")
PTIMES_MS = (10, 20, 30, 40, 60)
CLOCK_HZ = 8000

_USUAL_TELEPHONE_EVENT = 101
_DYNAMIC = range(96, 128)
_STATIC = {str(codec.payload_type): f"{codec}/8000" for codec in Codec} | {"13": "CN/8000"}
_CLOCKS = ("8000", "8000/1")
_PAYLOAD_TYPES = frozenset(map(str, range(128)))
_WRITTEN = {TELEPHONE_EVENT: "telephone-event"}
_CODEC_NAMES = frozenset(map(str, Codec))
_UNSPECIFIED = ("0.0.0.0", "::")
_UNBOUNDED = "t=0 0\r\n"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides settled on; send is from us to the peer. None: the format was not agreed in that direction."""

    codec: Codec  #: what we send
    payload_type_send: int
    payload_type_receive: int
    receive: tuple[tuple[int, Codec], ...]  #: every payload type the peer may send audio with
    telephone_event_send: int | None
    telephone_event_receive: int | None
    comfort_noise_send: int | None
    comfort_noise_receive: int | None
    ptime_ms: int  #: the packet time the peer would like to receive
    remote_host: str
    remote_port: int
    remote_rtcp: tuple[str, int]
    rtcp_mux: bool
    direction: Direction  #: ours: `sends` and `receives` are what we do
    keys: Keys | None = None  #: of SRTP; None for plain RTP

    @property
    def on_hold(self) -> bool:
        """Whether the peer has asked us not to send."""
        return not self.direction.sends

    @property
    def is_reachable(self) -> bool:
        """False for hold by `0.0.0.0`: the peer has no address at present, not even for reports (RFC 3264 §8.4)."""
        return self.remote_host not in _UNSPECIFIED


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
        self.codecs = tuple(Codec(codec) for codec in codecs)
        self.order = order
        self.preferred: Codec | None = None  # offered, taken and sent before all others, where both know it
        self.ptime_ms = ptime_ms
        self.direction = Direction.SENDRECV
        self._version = -1
        self._body = ""  # of our last description: what follows the line with its version
        self._numbers = {str(codec): codec.payload_type for codec in self.codecs}
        self._numbers[TELEPHONE_EVENT] = _USUAL_TELEPHONE_EVENT
        self.encryption: Encryption = encryption
        self._own_keys = OwnKeys(new_key or bytes)
        self._has_secure_profile = encryption == "required"
        self._offers_keys = encryption != "off"  # no more once plain RTP was agreed on
        self._place = 0
        self._refused: tuple[str, ...] = ()
        self._rtcp_mux = False  # never our idea, but kept in our later offers

    def answer(self, offer: bytes) -> tuple[bytes, Agreement]:
        """The answer to an offer; raises `NegotiationError` when nothing in it can be agreed on."""
        theirs = _parse(offer)
        place, section, formats, offered = self._choose(theirs)
        crypto, keys = (None, None) if offered is None else self._own_keys.answer(offered)
        agreement = _agree(theirs, section, formats, formats, self.direction, keys=keys)
        self._learn(section, formats)
        self._place, self._rtcp_mux = place, agreement.rtcp_mux
        self._has_secure_profile, self._offers_keys = _is_secure(section), keys is not None
        self._refused = tuple([_refusal(other) for other in theirs.media if other is not section])
        times = "".join([f"t={value}\r\n" for kind, value in theirs.others if kind == "t"])  # RFC 3264 §6
        section_text = _section(
            section.protocol, tuple(formats.items()), agreement.ptime_ms, agreement.direction, agreement.rtcp_mux
        )
        section_text += _crypto_lines(crypto)
        return self._description(section_text, times or _UNBOUNDED), agreement

    def check(self, offer: bytes) -> None:
        """Raises `NegotiationError` where `answer` would; changes nothing."""
        self._choose(_parse(offer))

    def offer(self) -> bytes:
        """Our offer: every codec we know under the number it has in this session, in our order."""
        codecs = sorted(self.codecs, key=lambda name: name != self.preferred) if self.preferred else self.codecs
        formats = {name: self._numbers[name] for name in (*codecs, TELEPHONE_EVENT)}
        profile = (SECURE_PROFILES if self._has_secure_profile else PROFILES)[0]
        section = _section(profile, tuple(formats.items()), self.ptime_ms, self.direction, self._rtcp_mux)
        if self._offers_keys:
            section += _crypto_lines(*self._own_keys.offer())
        return self._description(section, _UNBOUNDED)

    def accept(self, answer: bytes) -> Agreement:
        """What the peer's answer to our `offer` settles; raises `NegotiationError`."""
        theirs = _parse(answer)
        section = _audio_at(theirs, self._place)
        _check(theirs, section)
        keys = self._accepted_keys(section)
        formats = _wishes_of(section).formats
        send = {name: number for name, number in formats.items() if name in self._numbers}
        if self.preferred in send:
            send = {self.preferred: send[self.preferred], **send}
        receive = {name: self._numbers[name] for name in send}
        agreement = _agree(theirs, section, send, receive, self.direction, rtcp_mux=self._rtcp_mux, keys=keys)
        self._offers_keys = keys is not None
        return agreement

    def _accepted_keys(self, section: MediaDescription) -> Keys | None:
        """What the peer made of the keys we have offered."""
        theirs = usable(section.all("crypto")) if self._offers_keys else []
        keys = self._own_keys.accept(theirs) if theirs else None
        if keys is None and (self.encryption == "required" or _is_secure(section)):
            raise NegotiationError("the answer takes up none of the keys that were offered")
        return keys

    def _learn(self, section: MediaDescription, formats: dict[str, int]) -> None:
        """The peer's numbers are ours from now on; telephone-event moves off a number that the peer uses otherwise."""
        self._numbers |= formats
        if TELEPHONE_EVENT not in formats:
            free = (number for number in (_USUAL_TELEPHONE_EVENT, *_DYNAMIC) if str(number) not in section.formats)
            self._numbers[TELEPHONE_EVENT] = next(free, _USUAL_TELEPHONE_EVENT)

    def _choose(self, theirs: SessionDescription) -> "_Choice":
        """The first audio line that we can talk over; one that can be encrypted comes before one that can't."""
        why = NegotiationError("no audio offered")
        plain: _Choice | None = None
        for place, section in enumerate(theirs.media):
            if section.kind == "audio" and section.port:
                try:
                    _check(theirs, section)
                    crypto = self._takes_up(section)
                    choice = place, section, self._common(_wishes_of(section).formats), crypto
                except NegotiationError as error:
                    why = error
                    continue
                if crypto is not None or self.encryption == "off":
                    return choice
                plain = plain or choice
        if plain is None:
            raise why
        return plain

    def _takes_up(self, section: MediaDescription) -> Crypto | None:
        """The peer's best key that we can use, None for plain RTP; raises where either side wants something else."""
        offered = usable(section.all("crypto")) if self.encryption != "off" else []
        if offered:
            return offered[0]
        if _is_secure(section):
            why = "encryption is off here" if self.encryption == "off" else "there is no key that we can use"
            raise NegotiationError(f"{section.protocol} is offered, but {why}")
        if self.encryption == "required":
            raise NegotiationError("encryption is required here, and none was offered")
        return None

    def _common(self, offered: dict[str, int]) -> dict[str, int]:
        """The formats of the offer that we know, in the order of the answer, under the numbers of the offer."""
        audio = [name for name in offered if name in self.codecs]
        if not audio:
            raise NegotiationError(f"no common codec: offered {_short(', '.join(offered)) or 'none'}")
        if self.order == "ours":
            audio = [name for name in self.codecs if name in offered]
        if self.preferred in audio:
            audio.sort(key=lambda name: name != self.preferred)
        names = audio + [name for name in (COMFORT_NOISE, TELEPHONE_EVENT) if name in offered]
        return {name: offered[name] for name in names}

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


_Choice = tuple[int, MediaDescription, dict[str, int], Crypto | None]
"""Place and audio line of an offer, the formats in common, and the peer's key."""


@lru_cache(maxsize=256)
def _section(
    protocol: str, formats: tuple[tuple[str, int], ...], ptime_ms: int, direction: Direction, rtcp_mux: bool
) -> str:
    """Our audio line from the protocol on, and its attributes."""
    numbers = " ".join([str(number) for _, number in formats])
    lines = [f"{protocol} {numbers}"]
    lines += [f"a=rtpmap:{number} {_WRITTEN.get(name, name)}/{CLOCK_HZ}" for name, number in formats]
    lines += [f"a=fmtp:{number} {EVENTS}" for name, number in formats if name == TELEPHONE_EVENT]
    lines += f"a=ptime:{ptime_ms}", f"a={direction}", *(["a=rtcp-mux"] if rtcp_mux else ()), ""
    return "\r\n".join(lines)


def _crypto_lines(*lines: Crypto | None) -> str:
    """Beside `_section`, which is kept for other calls: keys are not."""
    return "".join([f"a=crypto:{line}\r\n" for line in lines if line is not None])


def _is_secure(section: MediaDescription) -> bool:
    return section.protocol.upper() in SECURE_PROFILES


def offered_codecs(description: bytes) -> tuple[str, ...]:
    """The codecs of a description's first audio line that we know, in its order; none for what is no description."""
    try:
        section = next(media for media in _parse(description).media if media.kind == "audio")
    except (NegotiationError, StopIteration):
        return ()
    return tuple([name for name in _wishes_of(section).formats if name in _CODEC_NAMES])


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the attributes of the peer's audio line ask for."""

    formats: dict[str, int]  #: those at 8,000 Hz: upper-case encoding name to payload type
    ptime_ms: int
    rtcp_mux: bool
    rtcp: tuple[str | None, int] | None


def _wishes_of(section: MediaDescription) -> _Wishes:
    attributes = section.attributes
    if section.has("crypto"):  # differs in every call, and is nobody else's
        attributes = tuple([attribute for attribute in attributes if attribute[0] != "crypto"])
    return _wishes(section.formats, attributes)


@lru_cache(maxsize=256)
def _wishes(formats: tuple[str, ...], attributes: tuple[Attribute, ...]) -> _Wishes:
    """Read an audio line's formats and attributes; kept, because one make of phone says the same in every call."""
    section = MediaDescription("audio", 0, "", formats, attributes=attributes)
    return _Wishes(_formats(section), _packet_time(section), section.has("rtcp-mux"), _rtcp(section))


def _parse(data: bytes) -> SessionDescription:
    try:
        return SessionDescription.parse(data)
    except SdpError as error:
        raise NegotiationError(f"no session description: {error}") from error


def _audio_at(theirs: SessionDescription, place: int) -> MediaDescription:
    """The line that answers ours; a peer that does not keep the order is forgiven (its first audio line counts)."""
    if place < len(theirs.media) and theirs.media[place].kind == "audio":
        section = theirs.media[place]
    else:
        section = next((media for media in theirs.media if media.kind == "audio"), MediaDescription("audio", 0, "", ()))
    if not section.port:
        raise NegotiationError("audio refused")
    return section


def _check(theirs: SessionDescription, section: MediaDescription) -> None:
    """Raise unless packets can be exchanged over this line: a profile we speak, a numeric unicast address."""
    if section.protocol.upper() not in (*PROFILES, *SECURE_PROFILES):
        raise NegotiationError(f"profile {_short(section.protocol)} is not spoken here")
    address = theirs.address_of(section)
    if address is None or not _is_unicast(address):
        raise NegotiationError(f"no address to send to: {_short(str(address))}")


@lru_cache(maxsize=4096)
def _is_unicast(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not parsed.is_multicast and address != "255.255.255.255"


def _formats(section: MediaDescription) -> dict[str, int]:
    """The 8,000 Hz formats of a line, upper-case encoding name to payload type, first mention wins (RFC 3264 §6.1)."""
    maps: dict[str, str] = {}
    for value in section.all("rtpmap"):
        payload_type, _, encoding = value.partition(" ")
        maps.setdefault(payload_type, encoding)
    formats: dict[str, int] = {}
    for text in section.formats:
        encoding = maps.get(text) or _STATIC.get(text, "")
        name, _, clock = encoding.strip().upper().partition("/")
        if clock in _CLOCKS and text in _PAYLOAD_TYPES:
            formats.setdefault(name, int(text))
    return formats


def _mirrored(theirs: SessionDescription, section: MediaDescription, wanted: Direction) -> Direction:
    """Our direction: what we want, as far as theirs allows (RFC 3264 §6.1); `c=0.0.0.0` is hold as in RFC 2543."""
    direction = theirs.direction_of(section)
    reachable = theirs.address_of(section) not in _UNSPECIFIED
    return Direction.of(wanted.sends and direction.receives and reachable, wanted.receives and direction.sends)


def _agree(
    theirs: SessionDescription,
    section: MediaDescription,
    send: dict[str, int],
    receive: dict[str, int],
    wanted: Direction,
    *,
    rtcp_mux: bool = True,
    keys: Keys | None = None,
) -> Agreement:
    """Put together what the two descriptions say; `send` and `receive` map format names to payload types."""
    audio = [Codec(name) for name in send if name in _CODEC_NAMES]
    if not audio:
        raise NegotiationError("the answer names no codec that was offered")
    wishes = _wishes_of(section)
    rtcp_mux &= wishes.rtcp_mux
    host = theirs.address_of(section) or _UNSPECIFIED[0]
    return Agreement(
        codec=audio[0],
        payload_type_send=send[audio[0]],
        payload_type_receive=receive[audio[0]],
        receive=_receivable(audio, send, receive),
        telephone_event_send=send.get(TELEPHONE_EVENT),
        telephone_event_receive=receive.get(TELEPHONE_EVENT),
        comfort_noise_send=send.get(COMFORT_NOISE),
        comfort_noise_receive=receive.get(COMFORT_NOISE),
        ptime_ms=wishes.ptime_ms,
        remote_host=host,
        remote_port=section.port,
        remote_rtcp=(host, section.port) if rtcp_mux else _rtcp_address(wishes, host, section.port),
        rtcp_mux=rtcp_mux,
        direction=_mirrored(theirs, section, wanted),
        keys=keys,
    )


def _receivable(audio: list[Codec], send: dict[str, int], receive: dict[str, int]) -> tuple[tuple[int, Codec], ...]:
    """Our own numbers, and the peer's where they are free: some send with the number they wrote themselves."""
    numbers = {receive[codec]: codec for codec in audio}
    taken = {*receive.values()}
    for codec in audio:
        if send[codec] not in taken:
            numbers.setdefault(send[codec], codec)
    return tuple(numbers.items())


def _packet_time(section: MediaDescription) -> int:
    """The longest of our packet times within what the peer wants (`ptime`) and can take (`maxptime`); else 20 ms."""
    wanted = min(section.number("ptime") or 20, section.number("maxptime") or PTIMES_MS[-1])
    return max((ptime for ptime in PTIMES_MS if ptime <= wanted), default=PTIMES_MS[0])


def _rtcp(section: MediaDescription) -> tuple[str | None, int] | None:
    """`a=rtcp`: where control packets go when not to the next port (RFC 3605); None when absent or unreadable."""
    fields = (section.get("rtcp") or "").split()
    if not fields or not fields[0].isascii() or not fields[0].isdigit() or not 0 < int(fields[0][:6]) < 65536:
        return None
    return fields[3] if len(fields) == 4 and _is_unicast(fields[3]) else None, int(fields[0])


def _rtcp_address(wishes: _Wishes, host: str, port: int) -> tuple[str, int]:
    if wishes.rtcp is not None:
        return wishes.rtcp[0] or host, wishes.rtcp[1]
    return host, min(port + 1, 65535)


def _refusal(section: MediaDescription) -> str:
    """The same line with port 0, which declines it (RFC 3264 §6)."""
    return f"m={section.kind} 0 {section.protocol} {' '.join(section.formats) or '0'}\r\n"


def _short(text: str) -> str:
    """As much of the peer's words as belongs into a log line."""
    return text if len(text) <= 80 else f"{text[:80]}…"
