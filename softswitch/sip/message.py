"""SIP messages as values: Headers, Request, Response (RFC 3261 §7).

The parser fills them, everything above reads them. Headers are text until somebody asks: a typed reading (`via`,
`from_`, `cseq`, …) parses its header once, keeps the result until that header changes, and raises `PeerError` when
the peer wrote nonsense. `encode` writes the wire form and never puts a line break inside a header.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from softswitch.errors import PeerError
from softswitch.sip.grammar import legible, parse_number, split_list
from softswitch.sip.headers import Address, CSeq, Via, parse_addresses, parse_vias_below
from softswitch.sip.multipart import find_part
from softswitch.sip.names import KEY_OF, REASON_PHRASES, SPELLING_OF
from softswitch.sip.uri import Uri

SDP = "application/sdp"
LARGEST_MAX_FORWARDS = 255  # RFC 3261 §20.22
FEW_DIGITS = 5
COPIED_INTO_RESPONSES = ("via", "from", "to", "call-id", "cseq")  # RFC 3261 §8.2.6.2

_Value = TypeVar("_Value")
HeaderFields = Iterable[tuple[str, str]]


class Headers:
    """The header fields of one message: an ordered multimap whose names are case-blind, compact forms included.

    `fields` maps a key (the name in lower case, never compact) to the values of its header lines; `spelling` keeps
    how names outside RFC 3261 were written; `readings` has what was read already. The parser and messages touch them.
    """

    __slots__ = ("fields", "readings", "spelling")

    def __init__(self, pairs: HeaderFields | None = None) -> None:
        self.fields: dict[str, list[str]] = {}
        self.spelling: dict[str, str] = {}
        self.readings: dict[str, Any] = {}
        if pairs is not None:
            for name, value in pairs:
                self.add(name, value)

    def get(self, name: str) -> str | None:
        """The value of the first line of this header, or None."""
        values = self.fields.get(KEY_OF.get(name) or name.lower())
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """The values of all lines of this header, in order."""
        return list(self.fields.get(KEY_OF.get(name) or name.lower(), ()))

    def add(self, name: str, value: str) -> None:
        """Append a line."""
        key = self._changed(name)
        values = self.fields.get(key)
        if values is None:
            self.fields[key] = [value]
        else:
            values.append(value)

    def set(self, name: str, value: str) -> None:
        """Make this the only line of that header, at the place the header already has."""
        self.fields[self._changed(name)] = [value]

    def insert_first(self, name: str, value: str) -> None:
        """Put a line above all others of that header; a header that was not there goes to the top."""
        key = self._changed(name)
        values = self.fields.get(key)
        if values:
            values.insert(0, value)
        else:
            self.fields = {key: [value], **self.fields}

    def replace_first(self, key: str, value: str, reading: Any) -> None:
        """Put another line in place of the first one of `key`, whose typed reading is known."""
        self.fields[key][0] = value
        self.readings[key] = reading

    def remove(self, name: str) -> None:
        """Remove all lines of that header; none is fine too."""
        self.fields.pop(self._changed(name), None)

    def copy(self) -> "Headers":
        """An independent copy."""
        twin = Headers()
        twin.fields = {key: list(values) for key, values in self.fields.items()}
        twin.spelling = self.spelling.copy()
        return twin

    def reading(self, key: str, parse: Callable[[list[str]], _Value]) -> _Value:
        """What `parse` makes of the lines of `key`, read once until the header changes; an absent header is []."""
        found: _Value | None = self.readings.get(key)
        if found is None:
            found = self.readings[key] = parse(self.fields.get(key, []))
        return found

    def _changed(self, name: str) -> str:
        key = KEY_OF.get(name)
        if key is None:
            key = name.lower()
            if key not in SPELLING_OF:
                self.spelling.setdefault(key, name)
        if self.readings:
            self.readings.clear()
        return key

    def __contains__(self, name: str) -> bool:
        return (KEY_OF.get(name) or name.lower()) in self.fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for key, values in self.fields.items():
            name = SPELLING_OF.get(key) or self.spelling[key]
            for value in values:
                yield name, value

    def __len__(self) -> int:
        return sum(map(len, self.fields.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


class Message:
    """What requests and responses share. Build a `Request` or a `Response`."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers | HeaderFields | None = None, body: bytes = b"") -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body

    @property
    def start_line(self) -> str:
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The topmost Via."""
        known: Via | None = self.headers.readings.get("via")
        return self.headers.reading("via", _parse_top_via) if known is None else known

    @property
    def vias(self) -> list[Via]:
        """All of them, topmost first."""
        values = self.headers.fields.get("via", [])
        is_alone = len(values) == 1 and "," not in values[0]
        return [self.via] if is_alone else [self.via, *parse_vias_below(values)]

    @property
    def from_(self) -> Address:
        known: Address | None = self.headers.readings.get("from")
        return self.headers.reading("from", _parse_from) if known is None else known

    @property
    def to(self) -> Address:
        known: Address | None = self.headers.readings.get("to")
        return self.headers.reading("to", _parse_to) if known is None else known

    @property
    def call_id(self) -> str:
        values = self.headers.fields.get("call-id")
        return values[0] if values else _missing("Call-ID")

    @property
    def cseq(self) -> CSeq:
        known: CSeq | None = self.headers.readings.get("cseq")
        return self.headers.reading("cseq", _parse_cseq) if known is None else known

    @property
    def contact_is_star(self) -> bool:
        """Whether Contact is the `*` of a REGISTER that removes all bindings (RFC 3261 §10.2.2)."""
        return self.headers.fields.get("contact") == ["*"]

    @property
    def contacts(self) -> list[Address]:
        """All contacts; none when Contact is `*`."""
        return [] if self.contact_is_star else self._addresses("contact")

    @property
    def contact(self) -> Address | None:
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def routes(self) -> list[Address]:
        return self._addresses("route")

    @property
    def record_routes(self) -> list[Address]:
        return self._addresses("record-route")

    @property
    def max_forwards(self) -> int | None:
        return self.number("Max-Forwards", largest=LARGEST_MAX_FORWARDS)

    @property
    def content_type(self) -> str | None:
        """The media type of the body in lower case, without its parameters."""
        value = self.headers.get("Content-Type")
        return value.partition(";")[0].strip(" \t").lower() if value else None

    @property
    def sdp(self) -> bytes | None:
        """The session description the body is, or has among its parts; None without one."""
        content_type = self.content_type
        if not self.body:
            return None
        if content_type is None:  # forbidden (RFC 3261 §20.15), and plain enough
            return self.body if self.body.startswith(b"v=0") else None
        if content_type == SDP:
            return self.body
        if not content_type.startswith("multipart/"):
            return None
        return find_part(self.headers.get("Content-Type") or "", self.body, SDP)

    def text(self, name: str) -> str | None:
        """The value of the first line of this header as one may keep and show it, or None."""
        value = self.headers.get(name)
        return None if value is None else legible(value)

    def tokens(self, name: str) -> tuple[str, ...]:
        """The values of a comma list header (Require, Supported, Allow, …) over all its lines."""
        return tuple([token for value in self.headers.all(name) for token in split_list(value) if token])

    def number(self, name: str, *, largest: int = 2**32 - 1) -> int | None:
        """The number a header begins with (Expires, Min-SE, Session-Expires: parameters are left out), or None."""
        value = self.headers.get(name)
        if value is None:
            return None
        if len(value) <= FEW_DIGITS and value.isascii() and value.isdecimal() and int(value) <= largest:
            return int(value)
        return parse_number(value.partition(";")[0].strip(" \t"), largest=largest, what=name)

    def encode(self) -> bytes:
        """The wire form, with the Content-Length of `body`. Raises `ValueError` for a line break inside a header."""
        lines = [self.start_line]
        spelling = self.headers.spelling
        for key, values in self.headers.fields.items():
            if key != "content-length":
                name = SPELLING_OF.get(key) or spelling[key]
                for value in values:
                    lines.append(f"{name}: {value}")  # noqa: PERF401 - a comprehension a header costs more
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
            raise ValueError("a header value contains a line break")
        return text.encode("utf-8", "surrogateescape") + self.body

    def _addresses(self, key: str) -> list[Address]:
        if key not in self.headers.fields:
            return []
        return list(self.headers.reading(key, parse_addresses))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (self.start_line, self.headers, self.body) == (other.start_line, other.headers, other.body)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.start_line[:120]!r}>"


class Request(Message):
    """A request: `method` as written (methods are case-sensitive), `uri` the Request-URI."""

    __slots__ = ("method", "uri")

    def __init__(
        self, method: str, uri: Uri | str, headers: Headers | HeaderFields | None = None, body: bytes = b""
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.method = method
        self.uri = uri if isinstance(uri, Uri) else Uri.parse(uri)

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


class Response(Message):
    """A response: `status` 100..699 and its reason phrase, by default the one of the RFC."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str = "", headers: Headers | HeaderFields | None = None, body: bytes = b""
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason or REASON_PHRASES.get(status, "")

    @classmethod
    def for_request(
        cls,
        request: Request,
        status: int,
        reason: str = "",
        *,
        to_tag: str | None = None,
        headers: HeaderFields = (),
        body: bytes = b"",
    ) -> "Response":
        """The response to `request` by RFC 3261 §8.2.6; `to_tag` is used where To has no tag yet."""
        response = cls(status, reason, body=body)
        fields, asked = response.headers.fields, request.headers.fields
        for key in COPIED_INTO_RESPONSES:
            if key in asked:
                fields[key] = list(asked[key])
        if status == 100 and "timestamp" in asked:
            fields["timestamp"] = list(asked["timestamp"])
        if to_tag and "to" in fields and not _has_tag(request):
            fields["to"] = [f"{fields['to'][0]};tag={to_tag}"]
        for name, value in headers:
            response.headers.add(name, value)
        return response

    @property
    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


def _missing(name: str) -> NoReturn:
    raise PeerError(f"missing {name}")


def _parse_top_via(values: list[str]) -> Via:
    first = values[0] if values else _missing("Via")
    return Via.parse(split_list(first)[0] if "," in first else first)


def _parse_from(values: list[str]) -> Address:
    return Address.parse(values[0] if values else _missing("From"))


def _parse_to(values: list[str]) -> Address:
    return Address.parse(values[0] if values else _missing("To"))


def _parse_cseq(values: list[str]) -> CSeq:
    return CSeq.parse(values[0] if values else _missing("CSeq"))


def _has_tag(request: Request) -> bool:
    try:
        return request.to.tag is not None
    except PeerError:
        return True  # a To that can't be read is sent back as it came
