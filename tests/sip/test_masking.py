"""Keys of media and keys that were pressed never reach a log."""

import pytest

from softswitch.sip.masking import masked

KEY = b"d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"


def test_each_key_of_a_crypto_line_becomes_asterisks_and_the_length_stays() -> None:
    line = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s|2^20|1:4;inline:%s|2^20|2:4\r\n" % (KEY, KEY)
    shown = masked(b"m=audio 1 RTP/SAVP 0\r\n" + line)
    assert KEY not in shown
    assert shown.endswith(b"inline:%s|2^20|2:4\r\n" % (b"*" * 40))
    assert len(shown) == len(line) + 22


@pytest.mark.parametrize(
    ("header", "body", "shown"),
    [
        (b"Content-Type: application/dtmf-relay", b"Signal=7\r\nDuration=160\r\n", b"Signal=*\r\nDuration=160\r\n"),
        (b"c: application/dtmf-relay", b"Signal = 11\r\n", b"Signal = **\r\n"),
        (b"Content-Type: APPLICATION/DTMF-Relay;charset=utf-8", b"signal=#", b"signal=*"),
        (b"Content-Type:\r\n application/dtmf-relay", b"Signal=7", b"Signal=*"),
        (b"Content-Type : application/dtmf", b"8", b"*"),
        (b"c:application/dtmf;x=y", b"\r\n8\r\n", b"\r\n*\r\n"),
        (b"Content-Type: audio/x-dtmf-own", b"key 9", b"*****"),
        (b"Content-Type: application/dtmf-relay", b"8\r\n", b"*\r\n"),
        (b"Content-Type: application/vnd.nortelnetworks.digits", b"y=x\r\nd=4\r\n", b"***\r\n***\r\n"),
        (b"Content-Type: multipart/mixed;boundary=b", b"--b\r\n\r\n5\r\n--b--", b"***\r\n\r\n*\r\n*****"),
    ],
)
def test_a_key_that_was_pressed_is_masked_however_its_type_is_written(header: bytes, body: bytes, shown: bytes) -> None:
    head = b"INFO sip:x SIP/2.0\r\nCall-ID: 7\r\n" + header + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert masked(head + body) == head + shown


def test_what_has_no_key_is_left_alone() -> None:
    for data in (
        b"OPTIONS sip:x SIP/2.0\r\n\r\n",
        b"INFO sip:x SIP/2.0\r\nContent-Type: application/media_control+xml\r\n\r\n<media_control>Signal=7",
        b"INFO sip:x SIP/2.0\r\n\r\n",
    ):
        assert masked(data) is data
