"""The SDP in a body of several parts."""

import pytest

from softswitch.sip.message import Request

SDP = b"v=0\r\ns=-\r\n"
ISUP = b"\x01\x00\r\n\r\n--almost\xff"
PARTS = (
    b"--b1\r\nContent-Type: application/ISUP;version=itu-t92+\r\nContent-Disposition: signal\r\n\r\n" + ISUP + b"\r\n"
    b"--b1\r\nc : Application/SDP\r\n\r\n" + SDP + b"\r\n--b1--\r\n"
)


def sdp(content_type: str, body: bytes) -> bytes | None:
    return Request("INVITE", "sip:a@b", [("Content-Type", content_type)], body).sdp


@pytest.mark.parametrize("content_type", ["multipart/mixed;boundary=b1", 'Multipart/Mixed; version=1 ; Boundary="b1"'])
def test_the_sdp_part_is_found_beside_binary_ones(content_type: str) -> None:
    assert sdp(content_type, PARTS) == SDP
    assert sdp(content_type, b"preamble\r\n" + PARTS) == SDP


def test_a_plain_sdp_body_is_the_sdp() -> None:
    assert sdp("application/sdp", SDP) == SDP
    assert sdp("application/sdp", b"") is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", SDP),
        ("multipart/mixed", PARTS),
        ("multipart/mixed;boundary=", PARTS),
        ("multipart/mixed;boundary=other", PARTS),
        ("multipart/mixed;boundary=" + "b" * 71, PARTS),
        ("multipart/mixed;boundary=b1", b"--b1--\r\n" + PARTS),
        ("multipart/mixed;boundary=b1", PARTS.replace(b"SDP", b"XML")),
        ("multipart/mixed;boundary=b1", b"--b1" * 20_000),
    ],
)
def test_a_body_without_an_sdp_part_has_none(content_type: str, body: bytes) -> None:
    assert sdp(content_type, body) is None


def test_a_message_without_content_type_has_sdp_where_its_body_begins_like_one() -> None:
    assert Request("INVITE", "sip:a@b", body=SDP).sdp == SDP
    assert Request("INVITE", "sip:a@b", body=b"--b\r\n" + SDP).sdp is None
    assert Request("INVITE", "sip:a@b").sdp is None
