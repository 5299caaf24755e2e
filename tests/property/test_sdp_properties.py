"""SDP: one sentence per property. Any bytes give a description or `SdpError`; any answer fits its offer."""

import contextlib

from aiortc.sdp import SessionDescription as OtherReader
from hypothesis import example, given
from hypothesis import strategies as st

from media.errors import NegotiationError
from media.negotiation import PROFILES, LocalMedia
from media.sdp import SdpError, SessionDescription

LINES = st.sampled_from(
    [
        "v=0", "v=1", "o=- 1 2 IN IP4 192.0.2.1", "o=", "s=-", "c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0", "c=IN IP6 ::1",
        "c=", "t=0 0", "t=1 2", "a=sendonly", "a=recvonly", "a=inactive", "m=audio 6000 RTP/AVP 0 8 101",
        "m=audio 0 RTP/AVP 0", "m=audio 6000 RTP/SAVP 0", "m=audio 6000 RTP/AVPF 8 13 96", "m=audio 6000 RTP/AVP 97 97",
        "m=video 5000 RTP/AVP 31", "m=image 1 udptl t38", "m=audio 6000 RTP/AVP", "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:96 TELEPHONE-EVENT/8000", "a=rtpmap:97 PCMA/8000", "a=rtpmap:8 PCMU/8000", "a=rtpmap:0 opus/48000/2",
        "a=ptime:40", "a=maxptime:10", "a=ptime:x", "a=rtcp-mux", "a=rtcp:5 IN IP4 192.0.2.9", "a", "",
    ]
)  # fmt: skip
DESCRIPTIONS = st.lists(LINES, max_size=25).map(
    lambda lines: "\r\n".join(["v=0", "c=IN IP4 192.0.2.1", *lines]).encode()
)


@given(st.binary(max_size=400) | DESCRIPTIONS)
@example(b"v=0\r\nm=audio 1 x \xff\r\n")
def test_any_bytes_are_a_description_or_an_sdp_error(data):
    with contextlib.suppress(SdpError):
        once = SessionDescription.parse(data)
        assert SessionDescription.parse(once.encode()).encode() == once.encode()


@given(st.binary(max_size=400).map(b"v=0\r\n".__add__) | DESCRIPTIONS, st.sampled_from(["theirs", "ours"]))
def test_any_offer_gets_an_answer_that_fits_it_or_a_negotiation_error(offer, order):
    ours = LocalMedia("192.0.2.1", 10000, session_id=1, order=order)
    try:
        text, agreement = ours.answer(offer)
    except NegotiationError:
        return
    offered, answered = SessionDescription.parse(offer), SessionDescription.parse(text)
    assert [media.kind for media in answered.media] == [media.kind for media in offered.media]
    (place,) = [index for index, media in enumerate(answered.media) if media.port]
    theirs, section = offered.media[place], answered.media[place]
    assert (section.port, section.protocol) == (10000, theirs.protocol)
    assert theirs.protocol in PROFILES
    assert set(section.formats) <= set(theirs.formats)
    assert len(set(section.formats)) == len(section.formats)
    assert not (agreement.direction.sends and not offered.direction_of(theirs).receives)
    assert not (agreement.direction.receives and not offered.direction_of(theirs).sends)
    assert section.direction is agreement.direction
    assert str(agreement.payload_type_send) == section.formats[0]


@given(DESCRIPTIONS)
def test_any_answer_is_an_agreement_or_a_negotiation_error(answer):
    ours = LocalMedia("192.0.2.1", 10000, session_id=1)
    ours.offer()
    with contextlib.suppress(NegotiationError):
        agreement = ours.accept(answer)
        assert agreement.payload_type_receive in (0, 8)
        assert agreement.telephone_event_receive in (None, 101)


@given(
    formats=st.lists(st.sampled_from([0, 3, 8, 9, 18]), min_size=1, max_size=5, unique=True),
    port=st.integers(1024, 65534),
    direction=st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
    mux=st.booleans(),
)
def test_we_read_usual_descriptions_like_another_implementation(formats, port, direction, mux):
    text = (
        f"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {' '.join(map(str, formats))} 101\r\n"
        f"c=IN IP4 192.0.2.7\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n" + "a=rtcp-mux\r\n" * mux
    )
    (theirs,) = OtherReader.parse(text).media
    description = SessionDescription.parse(text.encode())
    (ours,) = description.media
    assert (ours.port, ours.kind, ours.protocol) == (theirs.port, theirs.kind, theirs.profile)
    assert list(map(int, ours.formats)) == theirs.fmt
    assert description.address_of(ours) == theirs.host
    assert description.direction_of(ours) == theirs.direction
    assert ours.has("rtcp-mux") == theirs.rtcp_mux


@given(st.sampled_from([("PCMU",), ("PCMA",), ("PCMU", "PCMA"), ("PCMA", "PCMU")]))
def test_another_implementation_reads_what_we_offer(codecs):
    text = LocalMedia("192.0.2.1", 10000, session_id=1, codecs=codecs).offer()
    description = OtherReader.parse(text.decode())
    (audio,) = description.media
    assert [codec.name for codec in audio.rtp.codecs] == [*codecs, "telephone-event"]
    assert (description.host, audio.port, audio.direction) == ("192.0.2.1", 10000, "sendrecv")
