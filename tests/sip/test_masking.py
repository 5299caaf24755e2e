"""Keys of media never reach a log."""

from softswitch.sip.masking import without_keys

KEY = b"d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"


def test_each_key_of_a_crypto_line_becomes_asterisks_and_the_length_stays() -> None:
    line = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s|2^20|1:4;inline:%s|2^20|2:4\r\n" % (KEY, KEY)
    masked = without_keys(b"m=audio 1 RTP/SAVP 0\r\n" + line)
    assert KEY not in masked
    assert masked.endswith(b"inline:%s|2^20|2:4\r\n" % (b"*" * 40))
    assert len(masked) == len(line) + 22


def test_what_has_no_key_is_left_alone() -> None:
    data = b"OPTIONS sip:x SIP/2.0\r\n\r\n"
    assert without_keys(data) is data
