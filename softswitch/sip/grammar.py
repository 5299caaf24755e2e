"""The small words of SIP: token, quoted-string, number, host, parameters and comma lists (RFC 3261 §25.1).

Every typed header is read with these few functions. All of them are linear in the length of the text: the patterns
have no two ways to match the same character, so nothing backtracks.
"""

import re
from collections.abc import Mapping

from softswitch.errors import PeerError

LARGEST_NUMBER = 2**32 - 1

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_SIMPLE_PARAMS = re.compile(r"(?:;[A-Za-z0-9\-.!%*_+`'~]++(?:=[A-Za-z0-9\-.!%*_+`'~:@/\[\]]++)?+)*+")
_PARAM_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]/:&$()]+")  # RFC 3261 §25.1: also pname of a URI
_PARAM_VALUE = re.compile(r'[^\s";,<>?]+|"(?:[^"\\]|\\.)*"', re.DOTALL)
_QUOTED_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\]")
_PIECE = re.compile(r'[^",<>;]+|"(?:[^"\\]|\\.)*"|<[^>]*>|.', re.DOTALL)
_ILLEGIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_token(text: str) -> bool:
    """Whether `text` is a token: a method, a header name, an option tag."""
    return _TOKEN.fullmatch(text) is not None


def parse_number(text: str, *, largest: int = LARGEST_NUMBER, what: str = "number") -> int:
    """Read 1*DIGIT not above `largest`. Leading zeros are legal, signs, spaces and other scripts' digits are not."""
    significant = text.lstrip("0")
    if not (text.isascii() and text.isdigit()) or len(significant) > 10:
        raise PeerError(f"{what} is not a number in range: {text[:40]!r}")
    number = int(significant or "0")
    if number > largest:
        raise PeerError(f"{what} is above {largest}: {number}")
    return number


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Split `host[:port]`; the brackets of an IPv6 reference are not part of the host returned."""
    found = _HOST.match(text)
    if found is None:
        raise PeerError(f"not a host: {text[:80]!r}")
    host, rest = found[0], text[found.end() :].strip(" \t")
    if host[0] == "[":
        host = host[1:-1]
    if not rest:
        return host, None
    if rest[0] != ":":
        raise PeerError(f"not a host: {text[:80]!r}")
    return host, parse_number(rest[1:].strip(" \t"), largest=65535, what="port")


def format_host_port(host: str, port: int | None) -> str:
    """Write `host[:port]`, an IPv6 address in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def quoted_end(text: str) -> int:
    """The index behind the quoted-string `text` begins with."""
    found = _QUOTED_STRING.match(text)
    if found is None:
        raise PeerError("unbalanced quote")
    return found.end()


def quote(text: str) -> str:
    """Write `text` as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """The content of a quoted-string; any other text is returned as it is."""
    if len(text) < 2 or text[0] != '"':
        return text
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def split_list(text: str, separator: str = ",") -> list[str]:
    """Split at `separator` wherever it stands outside quotes and outside `<>`; the parts come stripped."""
    if separator not in text:
        return [text.strip(" \t")]
    if '"' not in text and "<" not in text:
        return [part.strip(" \t") for part in text.split(separator)]
    parts: list[str] = []
    current: list[str] = []
    for piece in _PIECE.findall(text):
        if piece == separator:
            parts.append("".join(current).strip(" \t"))
            current = []
        else:
            current.append(piece)
    parts.append("".join(current).strip(" \t"))
    return parts


def parse_params(text: str) -> dict[str, str | None]:
    """Read `;name=value;flag`: names in lower case, values as written (quotes kept), in order; None for a flag."""
    if _SIMPLE_PARAMS.fullmatch(text) is None:
        return _parse_unusual_params(text)
    params: dict[str, str | None] = {}
    parts = text.split(";")
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        params[name.lower()] = value if equals else None
    if len(params) != len(parts) - 1:
        raise PeerError(f"a parameter is repeated: {text[:80]!r}")
    return params


def _parse_unusual_params(text: str) -> dict[str, str | None]:
    """Parameters with white space, quoted strings, or mistakes."""
    before, *parts = split_list(text, ";")
    if before:
        raise PeerError(f"expected ';' before {text[:80]!r}")
    params: dict[str, str | None] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name, value = name.rstrip(" \t").lower(), value.lstrip(" \t")
        if _PARAM_NAME.fullmatch(name) is None or name in params:
            raise PeerError(f"malformed or repeated parameter: {part[:80]!r}")
        if equals and _PARAM_VALUE.fullmatch(value) is None:
            raise PeerError(f"malformed parameter value: {part[:80]!r}")
        params[name] = value if equals else None
    return params


def legible(text: str) -> str:
    """A peer's words where they become ours: each control character, and each byte that is no UTF-8, is a U+FFFD.

    What is kept, shown or told is read through this: no log, database or JSON takes a lone surrogate or a NUL. What is
    passed on to another peer stays as it came.
    """
    return text if text.isprintable() else _ILLEGIBLE.sub("\ufffd", text)


def format_params(params: Mapping[str, str | None]) -> str:
    """Write parameters as they go behind a value: `;name=value;flag`."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params.items()])
