"""Session descriptions as they come from the wire, clean and dirty."""

import pytest

from media.sdp import Direction, MediaDescription, Origin, SdpError, SessionDescription

OFFER = b"""v=0
o=user1 53655765 2353687637 IN IP4 192.0.2.20
s=-
i=a call
c=IN IP4 192.0.2.20
b=AS:84
t=0 0
a=sendonly
m=audio 6000 RTP/AVP 0 8 101
c=IN IP6 2001:db8::7
b=AS:64
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=rtcp-mux
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
m=video 0 RTP/AVP 31
""".replace(b"\n", b"\r\n")


def test_nothing_is_lost_on_the_way_through():
    assert SessionDescription.parse(OFFER).encode() == OFFER


def test_what_a_description_says():
    description = SessionDescription.parse(OFFER)
    audio, video = description.media
    assert description.origin == Origin("user1", "53655765", "2353687637", "192.0.2.20")
    assert (audio.kind, audio.port, audio.protocol, audio.formats) == ("audio", 6000, "RTP/AVP", ("0", "8", "101"))
    assert list(audio.all("rtpmap")) == ["0 PCMU/8000", "101 telephone-event/8000"]
    assert audio.number("ptime") == 20
    assert audio.number("maxptime") is None
    assert audio.has("rtcp-mux")
    assert not audio.has("rtcp")
    assert (video.kind, video.port) == ("video", 0)


def test_each_media_line_may_have_its_own_address():
    description = SessionDescription.parse(OFFER)
    assert [description.address_of(media) for media in description.media] == ["2001:db8::7", "192.0.2.20"]


def test_direction_of_the_media_line_wins_over_the_session_s():
    description = SessionDescription.parse(OFFER.replace(b"a=ptime:20", b"a=inactive"))
    assert [description.direction_of(media) for media in description.media] == [Direction.INACTIVE, Direction.SENDONLY]


def test_direction_is_both_ways_when_nothing_is_said():
    description = SessionDescription.parse(OFFER.replace(b"a=sendonly\r\n", b""))
    assert description.direction_of(description.media[0]) is Direction.SENDRECV


@pytest.mark.parametrize(
    "dirt",
    [
        lambda text: text.replace(b"\r\n", b"\n"),
        lambda text: text.replace(b"\r\n", b"\r"),
        lambda text: text.replace(b"\r\n", b"  \r\n"),
        lambda text: text.replace(b"\r\n", b"\r\n\r\n"),
        lambda text: text.replace(b"\r\n", b"\r\r\n"),
        lambda text: text + b"\0",
        lambda text: text.rstrip(b"\r\n"),
        lambda text: text.replace(b"s=-", b"s= "),
        lambda text: text.replace(b"s=-\r\n", b""),
        lambda text: text.replace(b"a=rtpmap:", b"a=rtpmap: "),
        lambda text: text.replace(b"m=audio", b"m=AUDIO"),
    ],
)
def test_the_dirt_of_the_world_reads_like_the_clean_text(dirt):
    assert SessionDescription.parse(dirt(OFFER)) == SessionDescription.parse(OFFER)


def test_an_origin_nobody_understands_is_no_reason_to_refuse_a_call():
    for origin in (b"o=-\r\n", b"", b"o=a b 1 2 IN IP4 h\r\n"):
        text = OFFER.replace(b"o=user1 53655765 2353687637 IN IP4 192.0.2.20\r\n", origin)
        assert SessionDescription.parse(text).origin == Origin()


def test_unknown_lines_and_attributes_are_kept():
    text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nx=what\r\na=tool:\r\n"
    text += b"m=audio 9 RTP/AVP 0\r\ny=0102\r\na=z\r\n"
    assert SessionDescription.parse(text).encode() == text


def test_bytes_that_are_no_utf8_come_out_as_they_went_in():
    text = OFFER.replace(b"i=a call", b"i=\xff\xfe caf\xc3\xa9")
    assert SessionDescription.parse(text).encode() == text


def test_ttl_and_port_counts_are_read():
    text = b"v=0\r\nc=IN IP4 224.2.1.1/127/3\r\nm=audio 4000/2 RTP/AVP 0\r\n"
    description = SessionDescription.parse(text)
    assert (description.address, description.media[0].port_count) == ("224.2.1.1", 2)
    assert b"m=audio 4000/2 RTP/AVP 0" in description.encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0\0\0",
        b"hello",
        b"v=1\r\n",
        b"s=-\r\nv=0\r\n",
        b"v=0\r\nno line at all\r\n",
        b"v=0\r\nm=audio\r\n",
        b"v=0\r\nm=audio 5000\r\n",
        b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 1_0 RTP/AVP 0\r\n",
        "v=0\r\nm=audio ٣٣ RTP/AVP 0\r\n".encode(),
        b"v=0\r\nm=audio " + b"9" * 5000 + b" RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 5000/x RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4\r\n",
        b"v=0\r\nc=TN RFC2543 1234\r\n",
    ],
)
def test_what_is_no_description_is_refused(text):
    with pytest.raises(SdpError):
        SessionDescription.parse(text)


def test_a_packet_time_that_is_no_number_is_as_good_as_none():
    for value, number in (("20.0", 20), ("x", None), ("", None), ("-5", None), ("9" * 20, None), ("٣", None)):
        assert MediaDescription("audio", 1, "RTP/AVP", ("0",), attributes=(("ptime", value),)).number("ptime") == number


def test_direction_is_built_from_its_two_halves():
    for direction in Direction:
        assert Direction.of(direction.sends, direction.receives) is direction
