"""The structured header values: Address (From, To, Contact, Route, …), Via, CSeq and the authentication ones.

Values are frozen; `parse` raises `PeerError` for anything RFC 3261 §20 and §25 do not allow, `str` writes the wire
form. Parameters keep their order, names are lower case, values stand as written.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from softswitch.errors import PeerError
from softswitch.sip.grammar import (
    format_host_port,
    format_params,
    is_token,
    legible,
    parse_host_port,
    parse_number,
    parse_params,
    quote,
    quoted_end,
    split_list,
    unquote,
)
from softswitch.sip.uri import CACHED_LENGTH, Uri

LARGEST_CSEQ = 2**31 - 1  # RFC 3261 §8.1.1.5
MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 §8.1.1.7

_VIA = re.compile(r"SIP[ \t]*/[ \t]*[0-9]+\.[0-9]+[ \t]*/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+([^;]+)", re.IGNORECASE)
_USUAL_VIA = re.compile(
    r"SIP/2\.0/([A-Z]+) ([A-Za-z0-9.\-]+)(?::([0-9]{1,4}|[1-5][0-9]{4}))?"
    r"(?:;(rport))?;branch=([A-Za-z0-9\-.!%*_+`'~]++)(?:;(rport))?"
)
"""What nearly everybody sends: a name or IPv4 address, a branch, perhaps a wish for rport."""
_USUAL_AUTH_PARAM = re.compile(r'([A-Za-z0-9\-]+)=(?:"([^"\\]*)"|([A-Za-z0-9\-_.!%*+~]+))(?:, ?|$)')
_UNQUOTED_NAME = re.compile(r'[^",;<>\\]*')


class Address(Struct, frozen=True):
    """A name-addr or addr-spec with its header parameters: From, To, Contact, Route, Record-Route, …"""

    uri: Uri
    display_name: str = ""
    params: Mapping[str, str | None] = {}

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read one address. Without `<>` every parameter belongs to the header (RFC 3261 §20.10).

        What stands before the tag, which differs in every call, is kept by itself: the same in many of them.
        """
        before, found, tag = text.rpartition(">;tag=")
        if found and tag.isalnum() and tag.isascii() and len(before) <= CACHED_LENGTH:
            base = _address_cached(before + ">")
            return cls(base.uri, base.display_name, {"tag": tag})
        return _address_cached(text) if len(text) <= CACHED_LENGTH else _address(text)

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")

    @property
    def name(self) -> str:
        """The display name, legible."""
        return legible(self.display_name)

    def with_(self, **changes: Any) -> "Address":
        """The same address with some of its parts replaced."""
        return replace(self, **changes)

    def with_tag(self, tag: str) -> "Address":
        """The same address with the tag `tag`."""
        return replace(self, params={**self.params, "tag": tag})

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_params(self.params)}"


class Via(Struct, frozen=True):
    """One Via value: `transport` in upper case, the sent-by `host` and `port`, and the parameters (RFC 3261 §20.42)."""

    transport: str
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = {}

    @classmethod
    def parse(cls, text: str) -> "Via":
        found = _USUAL_VIA.fullmatch(text)
        if found is not None:
            transport, host, digits, before, branch, behind = found.groups()
            if before is None or behind is None:
                params: dict[str, str | None] = {"rport": None} if before else {}
                params["branch"] = branch
                if behind:
                    params["rport"] = None
                return cls(transport, host, int(digits) if digits else None, params)
        found = _VIA.match(text)
        if found is None:
            raise PeerError(f"malformed Via: {text[:80]!r}")
        host, port = parse_host_port(found[2].rstrip(" \t"))
        rest = text[found.end() :]
        return cls(found[1].upper(), host, port, parse_params(rest) if rest else {})

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    @property
    def has_magic_cookie(self) -> bool:
        """Whether the branch is a transaction identifier by RFC 3261 §17.2.3; the cookie alone is none."""
        branch = self.params.get("branch") or ""
        return branch[:7].lower() == "z9hg4bk" and len(branch) > len(MAGIC_COOKIE)

    @property
    def received(self) -> str | None:
        """The source address a server noted (RFC 3261 §18.2.1), without brackets."""
        received = self.params.get("received")
        return received.strip("[]") if received else None

    @property
    def rport(self) -> int | None:
        """The source port a server noted (RFC 3581); None where there is no number (yet)."""
        rport = self.params.get("rport")
        return parse_number(rport, largest=65535, what="rport") if rport else None

    def with_params(self, **params: str | None) -> "Via":
        """The same Via with some parameters set."""
        return replace(self, params={**self.params, **params})

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {format_host_port(self.host, self.port)}{format_params(self.params)}"


class CSeq(Struct, frozen=True):
    """The sequence number and method of a transaction (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        return _cseq_cached(text) if len(text) <= CACHED_LENGTH else _cseq(text)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class AuthValue(Struct, frozen=True):
    """A challenge or credentials: a scheme (lower case) and its parameters, quotes undone (RFC 3261 §20.7, §20.44)."""

    scheme: str
    params: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "AuthValue":
        scheme, _, rest = text.partition(" ")
        if not is_token(scheme):
            raise PeerError(f"malformed authentication header: {text[:80]!r}")
        found = _USUAL_AUTH_PARAM.findall(rest)
        params = {name.lower(): quoted or bare for name, quoted, bare in found}
        if len(params) == len(found) and rest[-1:] not in ", " and not _USUAL_AUTH_PARAM.sub("", rest):
            return cls(scheme.lower(), params)
        params = {}
        for part in split_list(rest) if rest.strip() else ():
            name, equals, value = part.partition("=")
            name = name.strip(" \t").lower()
            if not equals or not is_token(name) or name in params:
                raise PeerError(f"malformed or repeated parameter: {part[:80]!r}")
            params[name] = unquote(value.strip(" \t"))
        return cls(scheme.lower(), params)


def _address(text: str) -> Address:
    if text[:1] == '"':
        name, text = _quoted_name(text)
    else:
        name = ""
    before, opened, rest = text.partition("<")
    if not opened:
        return _bare_address(text, name)
    if before:
        name = _unquoted_name(before, name)
    spec, closed, after = rest.partition(">")
    if not closed:
        raise PeerError("'<' without '>'")
    after = after.strip(" \t")
    return Address(Uri.parse(spec), name, parse_params(after) if after else {})


def _cseq(text: str) -> CSeq:
    parts = text.split()
    if len(parts) != 2 or not is_token(parts[1]):
        raise PeerError(f"malformed CSeq: {text[:80]!r}")
    return CSeq(parse_number(parts[0], largest=LARGEST_CSEQ, what="CSeq"), parts[1])


_cseq_cached = lru_cache(maxsize=2048)(_cseq)  # most are `1 INVITE` and `2 BYE`
_address_cached = lru_cache(maxsize=2048)(_address)  # From, To and Contact repeat in every message of a dialog


def parse_addresses(values: list[str]) -> list[Address]:
    """Read all addresses of a header that may come in several lines and several values a line."""
    return [Address.parse(part) for value in values for part in split_list(value)]


def parse_vias_below(values: list[str]) -> list[Via]:
    """Read all Via values but the topmost."""
    parts = [part for value in values for part in split_list(value)]
    return [Via.parse(part) for part in parts[1:]]


def _quoted_name(text: str) -> tuple[str, str]:
    end = quoted_end(text)
    rest = text[end:].lstrip(" \t")
    if rest[:1] != "<":
        raise PeerError("a quoted name without '<'")
    return unquote(text[:end]), rest


def _unquoted_name(before: str, name: str) -> str:
    if name or _UNQUOTED_NAME.fullmatch(before) is None:
        raise PeerError(f"malformed display name: {before[:80]!r}")
    return before.strip(" \t")


def _bare_address(text: str, name: str) -> Address:
    spec, semicolon, params = text.partition(";")
    spec = spec.rstrip(" \t")
    if name or "?" in spec or "," in spec:
        raise PeerError("a URI with ',' or '?' needs '<>'")
    return Address(Uri.parse(spec), "", parse_params(semicolon + params) if semicolon else {})
