"""What two descriptions come to: the peer's audio line read, and the `Agreement` made of it (RFC 3264 §6). Pure.

Formats: G.711, telephone-event (RFC 4733) and comfort noise (RFC 3389), all at 8,000 Hz. Profiles: RTP/AVP and
RTP/AVPF, and with keys RTP/SAVP and RTP/SAVPF. Whatever can't be agreed on raises `NegotiationError`.
"""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from msgspec import Struct

from media.codecs import Codec
from media.errors import NegotiationError
from media.sdes import Keys
from media.sdp import Attribute, Direction, MediaDescription, SdpError, SessionDescription

TELEPHONE_EVENT = "TELEPHONE-EVENT"
COMFORT_NOISE = "CN"
PROFILES = ("RTP/AVP", "RTP/AVPF")
SECURE_PROFILES = ("RTP/SAVP", "RTP/SAVPF")
PTIMES_MS = (10, 20, 30, 40, 60)
CODEC_NAMES = frozenset(map(str, Codec))

_STATIC = {
    "0": "PCMU/8000", "3": "GSM/8000", "4": "G723/8000", "5": "DVI4/8000", "6": "DVI4/16000", "7": "LPC/8000",
    "8": "PCMA/8000", "9": "G722/8000", "10": "L16/44100/2", "11": "L16/44100", "12": "QCELP/8000", "13": "CN/8000",
    "14": "MPA/90000", "15": "G728/8000", "16": "DVI4/11025", "17": "DVI4/22050", "18": "G729/8000",
    "101": "TELEPHONE-EVENT/8000",
}  # fmt: skip
"""What a number means without `a=rtpmap`: RFC 3551 table 4, and 101, which by custom is never anything else."""
STATIC_COMFORT_NOISE = 13
_CLOCKS = ("8000", "8000/1", "")
_PAYLOAD_TYPES = frozenset(map(str, range(128)))
_UNSPECIFIED = ("0.0.0.0", "::")


class Agreement(Struct, frozen=True):
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
    def telephone_events_receive(self) -> tuple[int, ...]:
        """Our own number for keys, and the peer's where it is free: some send with the number they wrote themselves."""
        ours, theirs = self.telephone_event_receive, self.telephone_event_send
        if ours is None:
            return ()
        if theirs is None or theirs == ours:
            return (ours,)
        taken = {self.comfort_noise_receive, *(number for number, _ in self.receive)}
        return (ours,) if theirs in taken else (ours, theirs)

    @property
    def comfort_noise_heard(self) -> int | None:
        """As agreed, else the static number where it is free: gateways that pause send it unasked."""
        if self.comfort_noise_receive is not None:
            return self.comfort_noise_receive
        return None if STATIC_COMFORT_NOISE in dict(self.receive) else STATIC_COMFORT_NOISE

    @property
    def on_hold(self) -> bool:
        """Whether the peer has asked us not to send."""
        return not self.direction.sends

    @property
    def is_reachable(self) -> bool:
        """False for hold by `0.0.0.0`: the peer has no address at present, not even for reports (RFC 3264 §8.4)."""
        return self.remote_host not in _UNSPECIFIED


def agree(
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
    audio = [Codec(name) for name in send if name in CODEC_NAMES]
    if not audio:
        raise NegotiationError("the answer names no codec that was offered")
    wishes = wishes_of(section)
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


def parse(data: bytes) -> SessionDescription:
    try:
        return SessionDescription.parse(data)
    except SdpError as error:
        raise NegotiationError(f"no session description: {error}") from error


def audio_at(theirs: SessionDescription, place: int) -> MediaDescription:
    """The line that answers ours; a peer that does not keep the order is forgiven (its first audio line counts)."""
    if place < len(theirs.media) and theirs.media[place].kind == "audio":
        section = theirs.media[place]
    else:
        section = next((media for media in theirs.media if media.kind == "audio"), MediaDescription("audio", 0, "", ()))
    if not section.port:
        raise NegotiationError("audio refused")
    return section


def check_line(theirs: SessionDescription, section: MediaDescription, *, is_ipv6: bool) -> None:
    """Raise unless packets can be exchanged over this line: a profile we speak, a numeric unicast address of ours."""
    if section.protocol.upper() not in (*PROFILES, *SECURE_PROFILES):
        raise NegotiationError(f"profile {short(section.protocol)} is not spoken here")
    address = theirs.address_of(section)
    if address is None or not _is_unicast(address):
        raise NegotiationError(f"no address to send to: {short(str(address))}")
    if (":" in address) != is_ipv6 and address not in _UNSPECIFIED:
        raise NegotiationError(f"audio is {'IPv6' if is_ipv6 else 'IPv4'} here: {short(address)}")


@lru_cache(maxsize=4096)
def _is_unicast(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not parsed.is_multicast and address != "255.255.255.255"


def is_secure(section: MediaDescription) -> bool:
    return section.protocol.upper() in SECURE_PROFILES


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the attributes of the peer's audio line ask for."""

    formats: dict[str, int]  #: those at 8,000 Hz: upper-case encoding name to payload type
    ptime_ms: int
    rtcp_mux: bool
    rtcp: tuple[str | None, int] | None


def wishes_of(section: MediaDescription) -> _Wishes:
    attributes = section.attributes
    if section.has("crypto"):  # differs in every call, and is nobody else's
        attributes = tuple([attribute for attribute in attributes if attribute[0] != "crypto"])
    return _wishes(section.formats, attributes)


@lru_cache(maxsize=256)
def _wishes(formats: tuple[str, ...], attributes: tuple[Attribute, ...]) -> _Wishes:
    """Read an audio line's formats and attributes; kept, because one make of phone says the same in every call."""
    section = MediaDescription("audio", 0, "", formats, attributes=attributes)
    return _Wishes(_formats(section), _packet_time(section), section.has("rtcp-mux"), _rtcp(section))


def _formats(section: MediaDescription) -> dict[str, int]:
    """The 8,000 Hz formats of a line, upper-case encoding name to payload type, first mention wins (RFC 3264 §6.1)."""
    formats: dict[str, int] = {}
    for number, encoding in encodings_of(section):
        name, _, clock = encoding.partition("/")
        if clock in _CLOCKS:
            formats.setdefault(name, number)
    return formats


def encodings_of(section: MediaDescription) -> list[tuple[int, str]]:
    """What each number of an audio line stands for (`PCMU/8000`), upper-case; those nobody knows are left out."""
    maps: dict[str, str] = {}
    for value in section.all("rtpmap"):
        number, _, encoding = value.upper().replace("\t", " ").partition(" ")
        maps.setdefault(number, encoding.strip())
    named = [(text, maps.get(text) or _STATIC.get(text)) for text in section.formats if text in _PAYLOAD_TYPES]
    return [(int(text), encoding) for text, encoding in named if encoding]


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
    if wishes.rtcp is None:
        return host, min(port + 1, 65535)
    control_host, control_port = wishes.rtcp
    is_of_one_family = control_host is not None and (":" in control_host) == (":" in host)
    return control_host if control_host and is_of_one_family else host, control_port


def _receivable(audio: list[Codec], send: dict[str, int], receive: dict[str, int]) -> tuple[tuple[int, Codec], ...]:
    """Our own numbers, and the peer's where they are free: some send with the number they wrote themselves."""
    numbers = {receive[codec]: codec for codec in audio}
    taken = {*receive.values()}
    for codec in audio:
        if send[codec] not in taken:
            numbers.setdefault(send[codec], codec)
    return tuple(numbers.items())


def _mirrored(theirs: SessionDescription, section: MediaDescription, wanted: Direction) -> Direction:
    """Our direction: what we want, as far as theirs allows (RFC 3264 §6.1); `c=0.0.0.0` is hold as in RFC 2543."""
    direction = theirs.direction_of(section)
    reachable = theirs.address_of(section) not in _UNSPECIFIED
    return Direction.of(wanted.sends and direction.receives and reachable, wanted.receives and direction.sends)


def short(text: str) -> str:
    """As much of the peer's words as belongs into a log line."""
    return text if len(text) <= 80 else f"{text[:80]}…"
