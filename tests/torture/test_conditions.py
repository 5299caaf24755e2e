"""The conditions RFC 4475 describes, as messages of our own, each with the verdict it earns."""

import pytest

from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.validation import check_forwarding, check_request
from tests.torture.verdict import DROP, REGISTRAR, WORK, verdict

VIA = "Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK776asdhds"
FROM = 'From: "Carol" <sip:carol@example.net>;tag=1928301774'
TO = "To: <sip:dave@example.com>"
CALL_ID = "Call-ID: a84b4c76e66710@192.0.2.5"
MAX_FORWARDS = "Max-Forwards: 70"
CONTACT = "Contact: <sip:carol@192.0.2.5>"
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def message(start: str, *changed: str, without: str = "", body: bytes = b"") -> bytes:
    """A valid message with the header lines `changed` in the place of those of the same name."""
    method = start.partition(" ")[0]
    cseq = "CSeq: 8 INVITE" if method.startswith("SIP/") else f"CSeq: 8 {method}"
    names = {line.partition(":")[0].strip().lower() for line in changed} | {without}
    kept = [
        line for line in (VIA, FROM, TO, CALL_ID, cseq, MAX_FORWARDS) if line.partition(":")[0].lower() not in names
    ]
    return "\r\n".join([start, *kept, *changed]).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


OPTIONS = "OPTIONS sip:dave@example.com SIP/2.0"
INVITE = "INVITE sip:dave@example.com SIP/2.0"
REGISTER = "REGISTER sip:example.com SIP/2.0"
OK = "SIP/2.0 200 OK"

WORKED_ON = {
    "every legal character in a token": message(OPTIONS, "X-!.%*_+`'~: a", FROM + ";!.%*_+`'~-=x"),
    "control characters escaped in a quoted name": message(OPTIONS, 'To: "B:\\\x07 N:\\\x00" <sip:d@example.com>'),
    "escaped user part": message(OPTIONS, "To: sip:%75se%72@example.com"),
    "an escaped at sign in the user part": message("OPTIONS sip:sips%3Adave%40example.com@example.net SIP/2.0"),
    "an escaped NUL in the user part": message(REGISTER, "Contact: <sip:%00@example.com>, <sip:%00%00@example.com>"),
    "no space between name and angle bracket": message(OPTIONS, "From: Carol<sip:carol@example.net>;tag=1"),
    "very long values": message(OPTIONS, f"X-Long: {'x' * 9000}", f"To: <sip:dave@example.com>;p={'y' * 3000}"),
    "a second request behind the first": message(REGISTER, "l: 0") + message(INVITE),
    "semicolon parameters in the user part": message("OPTIONS sip:dave;par=u%40example.net@example.com SIP/2.0"),
    "an unknown transport in Via": message(OPTIONS, f"{VIA}, SIP/2.0/SCTP a.example, SIP/2.0/UNKNOWN b.example"),
    "binary body parts": message("MESSAGE sip:d@example.com SIP/2.0", "l: 6", body=b"\x00\xff\r\n\r\n"),
    "a UTF-8 reason phrase": message("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять", CONTACT),
    "an empty reason phrase": message("SIP/2.0 100 "),
    "a status line that ends behind the code": message("SIP/2.0 100"),
    "a date that is not in GMT": message(INVITE, CONTACT, "Date: Fri, 01 Jan 2010 16:00:00 EST"),
    "a branch that is the magic cookie alone": message(OPTIONS, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),
    "an unknown Authorization scheme": message(REGISTER, "Authorization: NoOneKnows opaque-data=here"),
    "Max-Forwards 0": message(OPTIONS, "Max-Forwards: 0"),
    "an unknown header parameter in Contact": message(REGISTER, "Contact: sip:+19725552222@gw1.example.net;unknown"),
    "an unknown URI parameter in Contact": message(REGISTER, "Contact: <sip:+19725552222@gw1.example.net;unknown>"),
    "an escaped Route in a Contact URI": message(REGISTER, "m: <sip:d@example.com?Route=%3Csip:p.example.com%3E>"),
    "RFC 2543: no branch, no tag, no Max-Forwards": message(
        INVITE, "Via: SIP/2.0/UDP gw.example.com", "From: <sip:+13035551111@example.net;user=phone>",
        "To: sip:+16505552222@example.net;user=phone", without="max-forwards",
    ),
    "lines that end in LF alone": message(OPTIONS).replace(b"\r\n", b"\n"),
    "empty lines before the start line": b"\r\n\r\n" + message(OPTIONS),
    "a Latin-1 byte in a display name": message(OPTIONS, "From: Jos\udce9 <sip:jose@example.net>;tag=1"),
}  # fmt: skip

REJECTED = {
    "stray separators in Via": (400, message(INVITE, "Via: SIP/2.0/UDP 192.0.2.15;;,;,,")),
    "stray separators in Contact": (400, message(INVITE, 'Contact: "Joe" <sip:joe@example.org>;;;;')),
    "Content-Length beyond the datagram": (400, message(INVITE, "Content-Length: 9999", body=SDP)),
    "a negative Content-Length": (400, message(INVITE, "Content-Length: -999", body=SDP)),
    "a Content-Length in other digits": (400, message(INVITE, "Content-Length: ٣", body=SDP)),
    "a CSeq beyond 2**31": (400, message(REGISTER, "CSeq: 36893488147419103232 REGISTER")),
    "a Max-Forwards beyond 255": (400, message(OPTIONS, "Max-Forwards: 300")),
    "an Expires beyond 2**32": (400, message(REGISTER, "Expires: 10000000000000")),
    "an unbalanced quote in To": (400, message(OPTIONS, 'To: "Mr. J. User <sip:j.user@example.com>')),
    "angle brackets round the Request-URI": (400, message("INVITE <sip:dave@example.com> SIP/2.0")),
    "a space inside the Request-URI": (400, message("INVITE sip:dave@example.com; lr SIP/2.0")),
    "several spaces in the start line": (400, message("INVITE  sip:dave@example.com  SIP/2.0")),
    "a space before the end of the start line": (400, message(OPTIONS + "  ")),
    "headers in the Request-URI": (400, message("INVITE sip:dave@example.com?Route=%3Csip:x.example%3E SIP/2.0")),
    "Contact with a question mark outside of angle brackets": (400, message(REGISTER, "m: sip:d@example.com?Route=x")),
    "spaces inside the angle brackets": (400, message(OPTIONS, 'To: "W, T" < sip:t@example.org >')),
    "a comma in an unquoted display name": (400, message(OPTIONS, "From: Bell, Alex <sip:a@example.com>;tag=4")),
    "SIP/7.0": (505, message("OPTIONS sip:dave@example.com SIP/7.0", "Via: SIP/7.0/UDP c.example.com;branch=z9hG4bKk")),
    "the CSeq of another method": (400, message(OPTIONS, "CSeq: 8 INVITE")),
    "an unknown method, the CSeq of INVITE": (400, message("NEWMETHOD sip:d@example.com SIP/2.0", "CSeq: 8 INVITE")),
    "no Call-ID": (400, message(INVITE, without="call-id")),
    "no To": (400, message(INVITE, without="to")),
    "single-value headers twice": (400, message(INVITE, "CSeq: 5 INVITE", "CSeq: 59 INVITE")),
    "two Content-Lengths": (400, message(OPTIONS, "Content-Length: 13", "l: 5", body=b"no way to know")),
    "an unknown scheme in the Request-URI": (416, message("OPTIONS nobodyknows:totallyopaque SIP/2.0")),
    "a scheme that is not SIP in the Request-URI": (416, message("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0")),
    "an unknown scheme in the To of a REGISTER": (404, message(REGISTER, "To: isbn:2983792873")),
    "unknown extensions required": (420, message(OPTIONS, "Require: nothing-one", "Proxy-Require: nothing-two")),
    "a body of an unknown type": (415, message(INVITE, "Content-Type: application/unknown", body=b"<audio/>")),
    "a compressed body": (415, message(INVITE, "c: application/sdp", "e: gzip", body=b"\x1f\x8b")),
    "an Accept without SDP": (406, message(INVITE, "Accept: text/nothing-we-know")),
    "every legal character in the method": (501, message("!odd-Method012345678_*+`.%indeed'~ sip:d@x.example SIP/2.0")),
    "an escaped REGISTER is another method": (501, message("RE%47IST%45R sip:example.com SIP/2.0")),
    "a known method we don't have": (405, message("SUBSCRIBE sip:dave@example.com SIP/2.0")),
    "a folded start line": (DROP, message(OPTIONS).replace(b" SIP/2.0\r\n", b"\r\n SIP/2.0\r\n", 1)),
}  # fmt: skip

DROPPED = {
    "a status code of ten digits": message("SIP/2.0 4294967301 better not break the receiver"),
    "a status code of 99": message("SIP/2.0 099 no"),
    "a response with an overlarge CSeq": message(OK, "CSeq: 9292394834772304023312 OPTIONS"),
    "a response with a second Via": message(OK, f"{VIA}, SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"),
    "a response with an unreadable To": message(OK, 'To: "x <sip:dave@example.com>'),
    "an ACK with a mistake": message("ACK sip:dave@example.com SIP/2.0", "CSeq: 8 INVITE"),
    "nothing": b"",
    "line breaks": b"\r\n\r\n\r\n",
    "no empty line": b"OPTIONS sip:dave@example.com SIP/2.0\r\nVia: x",
    "another protocol": b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "zeros": bytes(2000),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKED_ON)
def test_is_worked_on(name: str) -> None:
    assert verdict(WORKED_ON[name]) == WORK


@pytest.mark.parametrize("name", REJECTED)
def test_is_rejected(name: str) -> None:
    status, data = REJECTED[name]
    assert verdict(data) == status


@pytest.mark.parametrize("name", DROPPED)
def test_is_dropped(name: str) -> None:
    assert verdict(DROPPED[name]) == DROP


def test_folding_odd_white_space_and_mixed_case_read_as_the_plain_message() -> None:
    odd = parse(
        b"INVITE sip:v@example.com;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:v@example.com ;   tag    = 1918181833n\r\n"
        b'from   : "J R \\\\\\""       <sip:j@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        b"MaX-fOrWaRdS: 0068\r\nCall-ID: a@192.0.2.1\r\nContent-Length   : 2\r\ncseq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"v:  SIP  / 2.0  / TCP     s.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        b'm:"Quoted \\"\\"" <sip:j@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n'
        b"\r\nv="
    )
    assert [str(via) for via in odd.vias] == [
        "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
        "SIP/2.0/TCP s.example.com;branch=z9hG4bK9ikj8",
        "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
    ]
    assert odd.from_.display_name == 'J R \\"'
    assert (odd.from_.tag, odd.to.tag, odd.max_forwards) == ("98asjd8", "1918181833n", 68)
    assert str(odd.cseq) == "9 INVITE"
    assert odd.contact is not None
    assert odd.contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert odd.headers.get("Subject") == ""
    assert odd.headers.get("newfangledheader") == "newfangled value continued newfangled value"


def test_two_contacts_that_differ_in_escaped_nuls_stay_distinct() -> None:
    one, two = parse(WORKED_ON["an escaped NUL in the user part"]).contacts
    assert not one.uri.matches(two.uri)
    assert (one.uri.username, two.uri.username) == ("\ufffd", "\ufffd\ufffd")


def test_the_user_part_keeps_its_semicolons() -> None:
    request = parse(WORKED_ON["semicolon parameters in the user part"])
    assert isinstance(request, Request)
    assert (request.uri.user, request.uri.host) == ("dave;par=u%40example.net", "example.com")
    assert request.uri.params == {}


def test_an_unknown_parameter_without_angle_brackets_belongs_to_the_header() -> None:
    (bare,) = parse(WORKED_ON["an unknown header parameter in Contact"]).contacts
    (bracketed,) = parse(WORKED_ON["an unknown URI parameter in Contact"]).contacts
    assert (bare.params, bare.uri.params) == ({"unknown": None}, {})
    assert (bracketed.params, bracketed.uri.params) == ({}, {"unknown": None})


def test_the_second_request_in_a_datagram_is_no_part_of_the_first() -> None:
    first = parse(WORKED_ON["a second request behind the first"])
    assert (str(first.cseq), first.body) == ("8 REGISTER", b"")


def test_a_utf_8_reason_phrase_is_kept() -> None:
    response = parse(WORKED_ON["a UTF-8 reason phrase"])
    assert isinstance(response, Response)
    assert response.reason == "= 2**3 * 5**2 но сто девяносто девять"


def test_the_magic_cookie_alone_is_no_transaction_identifier() -> None:
    assert not parse(WORKED_ON["a branch that is the magic cookie alone"]).via.has_magic_cookie
    assert parse(message(OPTIONS)).via.has_magic_cookie


def test_unsupported_names_every_extension_that_was_required() -> None:
    request = parse(REJECTED["unknown extensions required"][1])
    assert isinstance(request, Request)
    rejection = check_request(request, REGISTRAR)
    assert rejection is not None
    assert rejection.headers == (("Unsupported", "nothing-one, nothing-two"),)


def test_a_request_that_may_go_no_further_gets_483_only_where_it_would_be_sent_on() -> None:
    request = parse(WORKED_ON["Max-Forwards 0"])
    assert isinstance(request, Request)
    assert check_request(request, REGISTRAR) is None
    rejection = check_forwarding(request)
    assert rejection is not None
    assert rejection.status == 483
