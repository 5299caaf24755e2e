"""Bytes to message: what is taken, what is refused, and what can still be answered."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import LARGEST_MESSAGE_BYTES, MOST_HEADER_LINES, parse, salvage

REGISTER = (
    b"REGISTER sip:example.com SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
    b"f: <sip:a@example.com>;tag=1\r\n"
    b"t: <sip:a@example.com>\r\n"
    b"i: x@y\r\n"
    b"CSeq: 1 REGISTER\r\n"
)
OK = b"SIP/2.0 200 OK\r\n" + REGISTER.partition(b"\r\n")[2]


def refusal(data: bytes) -> PeerError:
    with pytest.raises(PeerError) as caught:
        parse(data)
    return caught.value


def test_a_request() -> None:
    request = parse(REGISTER + b"\r\n")
    assert isinstance(request, Request)
    assert (request.method, str(request.uri), request.body) == ("REGISTER", "sip:example.com", b"")
    assert (request.call_id, request.cseq.number, request.from_.tag, request.via.branch) == ("x@y", 1, "1", "z9hG4bKx")


def test_a_response() -> None:
    response = parse(OK + b"\r\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (200, "OK")


def test_the_body_ends_where_content_length_says() -> None:
    assert parse(REGISTER + b"Content-Length: 3\r\n\r\nabcdef").body == b"abc"
    assert parse(REGISTER + b"Content-Length: 0003\r\n\r\nabc").body == b"abc"


def test_without_content_length_the_body_is_the_rest_of_the_datagram() -> None:
    assert parse(REGISTER + b"\r\nab\r\n\r\ncd").body == b"ab\r\n\r\ncd"


def test_lines_may_end_in_lf_here_and_there() -> None:
    request = parse(REGISTER.replace(b"x@y\r\n", b"x@y\n") + b"X: 1\n\r\n\r\nbody")
    assert (request.call_id, request.headers.get("X"), request.body) == ("x@y", "1", b"\r\nbody")


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_what_python_takes_for_the_end_of_a_line_is_none(odd: str) -> None:
    message = parse(REGISTER + f"Subject: one{odd}Via: two\r\n\r\n".encode())
    assert message.headers.get("Subject") == f"one{odd}Via: two"
    assert len(message.vias) == 1


@pytest.mark.parametrize("blank", [" ", "\t", "  \t", "\xa0", "\x0b"])
def test_blanks_around_a_value_are_no_part_of_it(blank: str) -> None:
    message = parse(REGISTER + f"Subject: {blank}two words{blank}\r\n\r\n".encode())
    assert message.headers.get("Subject") == "two words"


def test_a_message_may_come_behind_empty_lines() -> None:
    for before in (b"\r\n", b"\r\n\r\n", b"\n\n\n", b"\r\n\n"):
        assert parse(before + REGISTER + b"\r\nx") == parse(REGISTER + b"\r\nx")


def test_a_folded_value_is_joined_by_one_space() -> None:
    request = parse(REGISTER + b"Subject: a\r\n \t  b\r\n\tc\r\n   \r\n d\r\n\r\n")
    assert request.headers.get("s") == "a b c  d"
    assert request.call_id == "x@y"


def test_a_header_line_in_any_form() -> None:
    request = parse(REGISTER + b"subject:a:b\r\nX-Empty:\r\nSUPPORTED \t:  timer  \r\nX-MiXed: 1\r\nx-mixed:2\r\n\r\n")
    assert (request.headers.get("Subject"), request.headers.get("X-Empty")) == ("a:b", "")
    assert request.tokens("Supported") == ("timer",)
    assert request.headers.all("X-Mixed") == ["1", "2"]
    assert b"X-MiXed: 1\r\nX-MiXed: 2\r\n" in request.encode()


@pytest.mark.parametrize(
    ("data", "drop", "status"),
    [
        (b"", "empty", 400),
        (b"\r\n\r\n", "empty", 400),
        (b"\n\n", "empty", 400),
        (REGISTER, "truncated", 400),
        (REGISTER + b"Content-Length: 1\r\n\r\n", "truncated", 400),
        (b"GET / HTTP/1.1\r\n\r\n", "not_sip", 400),
        (REGISTER.replace(b"SIP/2.0\r\nv", b"SIP/3.0\r\nv") + b"\r\n", "version", 505),
        (b"SIP/3.0 200 OK\r\n\r\n", "version", 505),
        (REGISTER + b"\r\n" + bytes(LARGEST_MESSAGE_BYTES), "too_large", 513),
        (REGISTER + b"X: y\r\n" * MOST_HEADER_LINES + b"\r\n", "too_many_headers", 513),
        (REGISTER + b"X: a\rb\r\n\r\n", "malformed", 400),
        (REGISTER + b"no colon\r\n\r\n", "malformed", 400),
        (REGISTER + b": no name\r\n\r\n", "malformed", 400),
        (REGISTER + b"X Y: odd name\r\n\r\n", "malformed", 400),
        (REGISTER + b"Subject: 1\r\ns: 2\r\n\r\n", "malformed", 400),
        (REGISTER.replace(b"i: x@y", b"i:") + b"\r\n", "malformed", 400),
        (REGISTER.replace(b"v: ", b"X-Via: ") + b"\r\n", "malformed", 400),
        (REGISTER.replace(b"\r\nv: ", b"\r\n folded\r\nv: ") + b"\r\n", "malformed", 400),
        (REGISTER.replace(b"REGISTER sip", b"REG(STER sip") + b"\r\n", "malformed", 400),
        (OK.replace(b"200", b"200000") + b"\r\n", "malformed", 400),
        (OK.replace(b"200", b"700") + b"\r\n", "malformed", 400),
        (OK.replace(b"CSeq: 1", b"CSeq: -1") + b"\r\n", "malformed", 400),
    ],
)
def test_a_refusal_has_a_name_and_a_status(data: bytes, drop: str, status: int) -> None:
    error = refusal(data)
    assert (error.drop, error.status) == (drop, status)


@pytest.mark.parametrize(
    "data",
    [
        b"A" * 1_000_000,
        b"\r\n" * 500_000,
        b" \t" * 500_000,
        REGISTER + b"To" + b" " * 60_000 + b"\r\n\r\n",
        REGISTER + b"X: " + b"\r\n " * 20_000 + b"\r\n\r\n",
        REGISTER + b"\r\n" * 30_000,
        REGISTER + b"X:y\n" * 15_000,
        b"INVITE sip:" + b"a@" * 30_000 + b"b SIP/2.0\r\n\r\n",
    ],
)
def test_a_message_made_to_be_slow_is_judged_at_once(data: bytes) -> None:
    try:
        parse(data)
    except PeerError:
        salvage(data)


@pytest.mark.parametrize(
    "value",
    [
        '"' + '\\"' * 30_000,
        '"' * 60_001,
        "<" * 60_000,
        "," * 60_000,
        ";" * 60_000,
        ";a=" * 20_000,
        '"a" ' * 15_000,
        "<sip:a@b>;" + "a" * 30_000 + ";" + "b" * 30_000 + "=",
        "0" * 60_000,
        "sip:" + "%41" * 20_000 + "%",
    ],
)
def test_a_header_made_to_be_slow_is_judged_at_once(value: str) -> None:
    headers = [
        ("Via", value),
        ("From", value),
        ("Route", value),
        ("CSeq", value),
        ("Contact", value),
        ("Expires", value),
    ]
    request = Request("INVITE", "sip:a@b", headers)
    for read in ("via", "vias", "from_", "routes", "cseq", "contacts"):
        try:
            getattr(request, read)
        except PeerError:
            pass
    try:
        assert request.number("Expires") == 0
    except PeerError:
        pass


def test_a_refused_request_can_be_answered() -> None:
    data = REGISTER.replace(b"SIP/2.0\r\nv", b"SIP/7.0\r\nv") + b"no colon\r\n\r\n"
    error = refusal(data)
    request = salvage(data)
    assert request is not None
    assert Response.for_request(request, error.status, to_tag="9").encode() == (
        b"SIP/2.0 505 Version Not Supported\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
        b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>;tag=9\r\nCall-ID: x@y\r\nCSeq: 1 REGISTER\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def test_a_request_with_too_many_headers_can_be_answered() -> None:
    data = REGISTER + b"X: y\r\n" * MOST_HEADER_LINES + b"\r\n"
    request = salvage(data)
    assert request is not None
    assert Response.for_request(request, refusal(data).status).start_line == "SIP/2.0 513 Message Too Large"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\r\n\r\n",
        REGISTER.replace(b"REGISTER", b"ACK") + b"\r\n",
        REGISTER.replace(b"v: ", b"X: ") + b"\r\n",
        OK + b"no colon\r\n\r\n",
    ],
)
def test_what_must_not_be_answered_is_not_salvaged(data: bytes) -> None:
    assert salvage(data) is None
