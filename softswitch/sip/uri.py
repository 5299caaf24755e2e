"""SIP, SIPS and tel URIs: read, written, compared (RFC 3261 §19.1, RFC 3966).

A `Uri` holds its parts as they stand on the wire, escapes included, so that writing it back gives what the peer
sent; `username` and `number` are the readings for people and number plans. A URI of any other scheme is kept whole:
everything behind the colon is `user`, and `host` is empty.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from softswitch.errors import PeerError
from softswitch.sip.grammar import format_host_port, format_params, legible, parse_host_port, parse_params

DEFAULT_PORTS = {"sip": 5060, "sips": 5061}
DECISIVE_PARAMS = ("user", "ttl", "method", "maddr", "transport")  # RFC 3261 §19.1.4: in one URI only = no match
CACHED_LENGTH = 128

_OF_NUMBERS = ("sip", "sips", "tel")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/:#\[\]|^`{}]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*")
_FORBIDDEN = re.compile(r'[\x00-\x20\x7f<>"\\]')
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_RESERVED = frozenset(";/?:@&=+$,%")
_USER_SAFE = "-_.!~*'()&=+$,;?/"
_SUBSCRIBER = re.compile(r"\+?[0-9A-Fa-f*#\-.()]+")
_VISUAL_SEPARATORS = str.maketrans("", "", "-.() ")


class Uri(Struct, frozen=True):
    """One URI. `port` is None where none is written; parameter names are lower case, a flag's value is None."""

    scheme: str
    user: str | None = None
    password: str | None = None
    host: str = ""
    port: int | None = None
    params: Mapping[str, str | None] = {}
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Read an addr-spec. Raises `PeerError` for anything that is not one."""
        return _parse_cached(text) if len(text) <= CACHED_LENGTH else _parse(text)

    @property
    def is_sips(self) -> bool:
        return self.scheme == "sips"

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is one we can send to: sip or sips."""
        return self.scheme in DEFAULT_PORTS

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case, or None."""
        transport = self.params.get("transport")
        return transport.lower() if transport else None

    @property
    def username(self) -> str:
        """The user part with its escapes undone, legible; empty where there is none."""
        user = self.user or ""
        return legible(unquote(user, errors="surrogateescape") if "%" in user else user)

    @property
    def text(self) -> str:
        """The whole URI as one may keep and show it."""
        return legible(str(self))

    @property
    def number(self) -> str | None:
        """The telephone number this URI names, visual separators removed, `+` kept; None where it names none.

        A tel URI and `user=phone` say so; a SIP user part counts when it looks like one (`+1 555…`, `*98`).
        """
        if self.scheme not in _OF_NUMBERS:
            return None
        return _number(self.username, self.scheme == "tel" or self.params.get("user") == "phone")

    def with_(self, **changes: Any) -> "Uri":
        """The same URI with some of its parts replaced."""
        return replace(self, **changes)

    def matches(self, other: "Uri") -> bool:
        """Whether both name the same resource (RFC 3261 §19.1.4; RFC 3966 §4 for tel)."""
        if self.scheme != other.scheme:
            return False
        if not self.is_sip:
            return _opaque_key(self) == _opaque_key(other) and _params_match(self.params, other.params)
        return (
            _comparable(self.user) == _comparable(other.user)
            and _comparable(self.password) == _comparable(other.password)
            and self.host.lower() == other.host.lower()
            and self.port == other.port
            and _params_match(self.params, other.params)
            and _header_set(self.headers) == _header_set(other.headers)
        )

    def __str__(self) -> str:
        if not self.is_sip:
            return f"{self.scheme}:{self.user or ''}{format_params(self.params)}"
        text = f"{self.scheme}:"
        if self.user is not None:
            text += self.user if self.password is None else f"{self.user}:{self.password}"
            text += "@"
        text += format_host_port(self.host, self.port)
        if self.params:
            text += format_params(self.params)
        if self.headers:
            text += "?" + "&".join([f"{name}={value}" for name, value in self.headers])
        return text

    def __hash__(self) -> int:
        return hash((self.scheme, self.user, self.host.lower(), self.port))


@lru_cache(maxsize=2048)
def _number(username: str, is_declared: bool) -> str | None:
    subscriber = username.partition(";")[0]
    number = subscriber.translate(_VISUAL_SEPARATORS)
    digits = number[1:] if number[:1] == "+" else number
    if digits and not digits.strip("0123456789*#"):
        return number
    return number if is_declared and _SUBSCRIBER.fullmatch(subscriber) else None


def escape_user(text: str) -> str:
    """Write any text as a user part: every character RFC 3261 §25.1 does not allow there becomes %HH."""
    return quote(text, safe=_USER_SAFE, errors="surrogateescape")


def _parse(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if not colon or _SCHEME.fullmatch(scheme) is None:
        raise PeerError(f"not a URI: {text[:80]!r}")
    if _FORBIDDEN.search(text) is not None or not rest:
        raise PeerError(f"not a URI: {text[:80]!r}")
    scheme = scheme.lower()
    if scheme in DEFAULT_PORTS:
        return _parse_sip(scheme, rest)
    if scheme == "tel":
        number, semicolon, params = rest.partition(";")
        return Uri("tel", number, params=parse_params(semicolon + params) if semicolon else {})
    return Uri(scheme, rest)


_parse_cached = lru_cache(maxsize=2048)(_parse)  # From, To and Contact repeat in every message of a dialog


def _parse_sip(scheme: str, rest: str) -> Uri:
    userinfo, at, rest = rest.rpartition("@")
    user, password = _parse_userinfo(userinfo) if at else (None, None)
    rest, question, headers = rest.partition("?")
    host_port, semicolon, params = rest.partition(";")
    host, port = parse_host_port(host_port)
    return Uri(
        scheme,
        user,
        password,
        host,
        port,
        parse_params(semicolon + params) if semicolon else {},
        _parse_headers(headers) if question else (),
    )


def _parse_userinfo(userinfo: str) -> tuple[str, str | None]:
    user, colon, password = userinfo.partition(":")
    if not user or _USER.fullmatch(userinfo) is None:
        raise PeerError(f"malformed user part: {userinfo[:80]!r}")
    return user, password if colon else None


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise PeerError(f"malformed header in URI: {part[:80]!r}")
        headers.append((name, value))
    return tuple(headers)


def _opaque_key(uri: Uri) -> str:
    return (uri.number or uri.user or "").lower() if uri.scheme == "tel" else uri.user or ""


def _comparable(text: str | None) -> str | None:
    """Undo the escapes of characters outside the reserved set: only those are equal to their %HH form."""
    return _ESCAPE.sub(_unescape, text) if text and "%" in text else text


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return escape[0].upper() if character in _RESERVED or not character.isprintable() else character


def _params_match(one: Mapping[str, str | None], other: Mapping[str, str | None]) -> bool:
    if not one and not other:
        return True
    for name in one.keys() & other.keys():
        if (_comparable(one[name]) or "").lower() != (_comparable(other[name]) or "").lower():
            return False
    return not any(name in DECISIVE_PARAMS for name in one.keys() ^ other.keys())


def _header_set(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str | None]]:
    return sorted((name.lower(), _comparable(value) or "") for name, value in headers)
