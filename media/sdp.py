"""SDP, the session description (RFC 8866, RFC 4566): bytes to values and back, in linear time.

`SessionDescription.parse` takes any bytes and gives a description or raises `SdpError`, nothing else. It is lenient
where the world is dirty and no harm comes of it: any line ending, blanks around values, missing `o=`, `s=` and `t=`,
lines in an odd order. Every line is kept, so `encode` loses nothing but the dirt. What the values mean for a call is
decided in `media.negotiation`, the only caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

Line = tuple[str, str]
Attribute = tuple[str, str | None]

_ORDER = {
    kind: rank for rank, kinds in enumerate(("v", "o", "s", "i", "u", "e", "p", "c", "b", "trz", "k")) for kind in kinds
}


class SdpError(ValueError):
    """These bytes are no session description."""


class Direction(StrEnum):
    """Which way audio flows, as seen by the one who says it (RFC 8866 §6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, sends: bool, receives: bool) -> "Direction":
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        return self is Direction.SENDRECV or self is Direction.SENDONLY

    @property
    def receives(self) -> bool:
        return self is Direction.SENDRECV or self is Direction.RECVONLY


_DIRECTIONS = {str(direction): direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class Origin:
    """`o=`: who made the description; the version grows by one with each change (RFC 3264 §8)."""

    username: str = "-"
    session_id: str = "0"
    session_version: str = "0"
    address: str = "0.0.0.0"

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.session_version} {connection(self.address)}"


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` section. `address` is its own `c=`; `others` are its lines besides `m=`, `c=` and `a=`, in order."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    address: str | None = None
    attributes: tuple[Attribute, ...] = ()
    others: tuple[Line, ...] = ()
    port_count: int = 1

    def all(self, name: str) -> Iterator[str]:
        """The values of every attribute of that name."""
        return (value for key, value in self.attributes if key == name and value is not None)

    def get(self, name: str) -> str | None:
        """The value of the first attribute of that name that has one."""
        return next(self.all(name), None)

    def has(self, name: str) -> bool:
        """Whether the flag `a=name` stands here."""
        return any(key == name for key, _ in self.attributes)

    def number(self, name: str) -> int | None:
        """The attribute read as a whole number (`ptime`, `maxptime`); None when absent or no number."""
        digits = (self.get(name) or "").partition(".")[0]
        return int(digits) if _is_number(digits, 9) else None

    @property
    def direction(self) -> Direction | None:
        return _direction(self.attributes)

    def __str__(self) -> str:
        ports = f"{self.port}/{self.port_count}" if self.port_count > 1 else str(self.port)
        lines = [f"m={self.kind} {ports} {self.protocol} {' '.join(self.formats)}"]
        lines += _block(self.address, self.others)
        lines += map(_attribute_line, self.attributes)
        return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description; `others` are the session's lines besides `v=`, `o=`, `s=`, `c=` and `a=`."""

    origin: Origin = Origin()
    name: str = "-"
    address: str | None = None
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
    others: tuple[Line, ...] = (("t", "0 0"),)

    @classmethod
    def parse(cls, data: bytes) -> "SessionDescription":
        """Read a description; raises `SdpError`."""
        lines = _lines(data)
        if not lines or lines[0] != ("v", "0"):
            raise SdpError("does not begin with v=0")
        bounds = [index for index, line in enumerate(lines) if line[0] == "m"]
        bounds.append(len(lines))
        media = tuple([_media(lines[start:stop]) for start, stop in pairwise(bounds)])
        return _session(lines[1 : bounds[0]], media)

    def encode(self) -> bytes:
        """The description as it goes on the wire."""
        lines = ["v=0", f"o={self.origin}", f"s={self.name}"]
        lines += _block(self.address, self.others)
        lines += map(_attribute_line, self.attributes)
        text = "\r\n".join(lines) + "\r\n" + "".join(map(str, self.media))
        return text.encode("utf-8", "surrogateescape")

    def address_of(self, media: MediaDescription) -> str | None:
        """Where the section's packets go: its own `c=`, else the session's."""
        return media.address or self.address

    def direction_of(self, media: MediaDescription) -> Direction:
        """The section's own direction, else the session's, else both ways."""
        return media.direction or _direction(self.attributes) or Direction.SENDRECV


def _lines(data: bytes) -> list[Line]:
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    lines = []
    for line in text.split("\n"):
        stripped = line.strip(" \t\0")
        if stripped:
            if stripped[1:2] != "=":
                raise SdpError(f"no line of a description: {stripped[:40]!r}")
            lines.append((stripped[0], stripped[2:].lstrip(" ")))
    return lines


def _session(lines: list[Line], media: tuple[MediaDescription, ...]) -> SessionDescription:
    origin, name = Origin(), "-"
    for kind, value in lines:
        if kind == "o":
            origin = _origin(value)
        elif kind == "s":
            name = value or "-"
    others = tuple([line for line in lines if line[0] not in "vosca"])
    return SessionDescription(origin, name, _address(lines), _attributes(lines), media, others)


def _media(lines: list[Line]) -> MediaDescription:
    fields = lines[0][1].split()
    if len(fields) < 3:
        raise SdpError(f"m= without port or protocol: {lines[0][1][:40]!r}")
    port, _, count = fields[1].partition("/")
    if not _is_number(port, 5) or int(port) > 65535 or (count and not _is_number(count, 5)):
        raise SdpError(f"no port: {fields[1][:20]!r}")
    others = tuple([line for line in lines if line[0] not in "mca"])
    formats = tuple(fields[3:])
    kind, protocol = fields[0].lower(), fields[2]
    return MediaDescription(
        kind, int(port), protocol, formats, _address(lines), _attributes(lines), others, int(count or 1)
    )


def _origin(value: str) -> Origin:
    fields = value.split()
    if len(fields) != 6:
        return Origin()
    return Origin(fields[0], fields[1], fields[2], fields[5])


def _address(lines: list[Line]) -> str | None:
    """The first `c=` (one with several addresses is multicast, which no call uses), without TTL."""
    for kind, value in lines:
        if kind == "c":
            fields = value.split()
            if len(fields) != 3 or fields[0].upper() != "IN":
                raise SdpError(f"no connection data: {value[:40]!r}")
            return fields[2].partition("/")[0]
    return None


def _attributes(lines: list[Line]) -> tuple[Attribute, ...]:
    found: list[Attribute] = []
    for kind, value in lines:
        if kind == "a":
            name, colon, content = value.partition(":")
            found.append((name, content.lstrip(" ") if colon else None))
    return tuple(found)


def _direction(attributes: tuple[Attribute, ...]) -> Direction | None:
    for name, _ in attributes:
        if name in _DIRECTIONS:
            return _DIRECTIONS[name]
    return None


def _block(address: str | None, others: tuple[Line, ...]) -> list[str]:
    """`c=` and the lines we only carry, in the order the grammar asks for (RFC 8866 §9)."""
    lines = list(others)
    if address is not None:
        lines.append(("c", connection(address)))
    lines.sort(key=lambda line: _ORDER.get(line[0], len(_ORDER)))
    return [f"{kind}={value}" for kind, value in lines]


def connection(address: str) -> str:
    """The address as `c=` and `o=` want it: network, type, address."""
    return f"IN IP6 {address}" if ":" in address else f"IN IP4 {address}"


def _attribute_line(attribute: Attribute) -> str:
    name, value = attribute
    return f"a={name}" if value is None else f"a={name}:{value}"


def _is_number(text: str, digits: int) -> bool:
    return 0 < len(text) <= digits and text.isascii() and text.isdigit()
