"""Headers, requests and responses as values."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.message import Headers, Request, Response
from softswitch.sip.parser import parse

INVITE = (
    ("Via", "SIP/2.0/UDP b.example.com;branch=z9hG4bK2"),
    ("Via", "SIP/2.0/UDP a.example.com;branch=z9hG4bK1"),
    ("From", "<sip:a@example.com>;tag=1"),
    ("To", "<sip:b@example.com>"),
    ("Call-ID", "x@y"),
    ("CSeq", "1 INVITE"),
)


def test_header_names_are_case_blind_and_compact_forms_expanded() -> None:
    headers = Headers([("v", "1"), ("VIA", "2"), ("vIa", "3"), ("X-Account", "7")])
    assert headers.all("Via") == ["1", "2", "3"]
    assert (headers.get("x-ACCOUNT"), headers.get("Nothing"), "V" in headers) == ("7", None, True)
    assert list(headers) == [("Via", "1"), ("Via", "2"), ("Via", "3"), ("X-Account", "7")]
    assert len(headers) == 4


def test_headers_change_in_place() -> None:
    headers = Headers([("Via", "1"), ("To", "x")])
    headers.insert_first("Via", "0")
    headers.insert_first("Route", "r")
    headers.add("To", "y")
    headers.set("To", "z")
    headers.remove("nothing")
    assert list(headers) == [("Route", "r"), ("Via", "0"), ("Via", "1"), ("To", "z")]
    headers.remove("v")
    assert "Via" not in headers


def test_a_copy_of_headers_is_independent() -> None:
    headers = Headers([("Via", "1"), ("X-A", "2")])
    twin = headers.copy()
    assert twin == headers
    twin.add("Via", "3")
    assert headers.all("Via") == ["1"]


def test_a_typed_reading_follows_a_changed_header() -> None:
    request = Request("INVITE", "sip:b@example.com", INVITE)
    assert request.to.tag is None
    request.headers.set("To", "<sip:b@example.com>;tag=9")
    assert request.to.tag == "9"
    assert request.via.host == "b.example.com"
    request.headers.insert_first("Via", "SIP/2.0/UDP c.example.com;branch=z9hG4bK3")
    assert [via.host for via in request.vias] == ["c.example.com", "b.example.com", "a.example.com"]


def test_a_list_handed_out_is_not_the_message_s_own() -> None:
    request = Request("INVITE", "sip:b@example.com", [*INVITE, ("Route", "<sip:p;lr>")])
    request.routes.clear()
    request.vias.clear()
    assert (len(request.routes), len(request.vias)) == (1, 2)


def test_headers_that_are_not_there() -> None:
    request = Request("INVITE", "sip:b@example.com")
    assert (request.contact, request.contacts, request.routes, request.record_routes) == (None, [], [], [])
    assert (request.max_forwards, request.content_type, request.number("Expires")) == (None, None, None)
    assert request.tokens("Require") == ()
    for name in ("via", "from_", "to", "call_id", "cseq"):
        with pytest.raises(PeerError):
            getattr(request, name)


def test_comma_lists_over_several_lines() -> None:
    request = Request("INVITE", "sip:b@example.com", [("Supported", "100rel, timer"), ("k", "replaces,,"), ("k", "")])
    assert request.tokens("Supported") == ("100rel", "timer", "replaces")


def test_a_number_is_read_without_its_parameters() -> None:
    request = Request("INVITE", "sip:b@example.com", [("Session-Expires", "1800;refresher=uac"), ("Min-SE", "x")])
    assert request.number("x") == 1800
    with pytest.raises(PeerError):
        request.number("Min-SE")


def test_a_content_type_is_read_without_its_parameters() -> None:
    assert Request("INVITE", "sip:b", [("c", "Application/SDP ; charset=utf-8")]).content_type == "application/sdp"


def test_contact_star_is_no_address() -> None:
    request = Request("REGISTER", "sip:example.com", [("Contact", "*")])
    assert (request.contact_is_star, request.contacts, request.contact) == (True, [], None)


def test_a_response_copies_what_the_rfc_says_and_adds_the_tag() -> None:
    request = Request("INVITE", "sip:b@example.com", [*INVITE, ("Record-Route", "<sip:p;lr>"), ("Timestamp", "54")])
    response = Response.for_request(request, 180, to_tag="77", headers=[("Contact", "<sip:c>")])
    assert response.encode() == (
        b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP b.example.com;branch=z9hG4bK2\r\n"
        b"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n"
        b"To: <sip:b@example.com>;tag=77\r\nCall-ID: x@y\r\nCSeq: 1 INVITE\r\nContact: <sip:c>\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert Response.for_request(request, 100).headers.get("Timestamp") == "54"
    assert request.headers.get("To") == "<sip:b@example.com>"


def test_a_tag_that_is_there_stays() -> None:
    request = Request("BYE", "sip:b@example.com", [("To", "<sip:b@example.com>;tag=1")])
    assert Response.for_request(request, 200, to_tag="2").to.tag == "1"


def test_a_to_that_can_not_be_read_goes_back_as_it_came() -> None:
    request = Request("INVITE", "sip:b@example.com", [("To", '"x <sip:b@example.com>')])
    assert Response.for_request(request, 400, to_tag="2").headers.get("To") == '"x <sip:b@example.com>'


def test_the_reason_phrase_is_the_rfc_s_unless_given() -> None:
    assert Response(486).start_line == "SIP/2.0 486 Busy Here"
    assert Response(486, "Gone fishing").start_line == "SIP/2.0 486 Gone fishing"
    assert Response(499).start_line == "SIP/2.0 499 "


def test_the_content_length_written_is_the_body_s() -> None:
    request = Request("INFO", "sip:b@example.com", [*INVITE[:-1], ("CSeq", "1 INFO"), ("l", "999")], b"\x00\xffab")
    data = request.encode()
    assert data.endswith(b"\r\nContent-Length: 4\r\n\r\n\x00\xffab")
    assert data.count(b"Content-Length") == 1
    assert parse(data).body == b"\x00\xffab"


@pytest.mark.parametrize("value", ["a\r\nVia: evil", "a\nb", "a\rb"])
def test_a_line_break_never_gets_into_a_header(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        Request("INVITE", "sip:b@example.com", [("Subject", value)]).encode()
    with pytest.raises(ValueError, match="line break"):
        Response(200, value).encode()


def test_bytes_that_are_no_utf_8_come_out_as_they_went_in() -> None:
    request = Request("INVITE", "sip:b@example.com", [*INVITE, ("Subject", "x")])
    data = request.encode().replace(b"Subject: x", b"Subject: \xe9\xff")
    assert b"Subject: \xe9\xff\r\n" in parse(data).encode()


def test_messages_compare_by_content_and_show_their_start_line() -> None:
    request = Request("INVITE", "sip:b@example.com", INVITE)
    assert request == Request("INVITE", "sip:b@example.com", INVITE)
    assert request != Request("INVITE", "sip:c@example.com", INVITE)
    assert request != Response(200, headers=INVITE)
    assert repr(request) == "<Request 'INVITE sip:b@example.com SIP/2.0'>"
