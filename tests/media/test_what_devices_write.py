"""Session descriptions as gateways, intercoms, soft phones and other switches write them: all of these are calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.agreement import Agreement
from media.codecs import Codec
from media.errors import NegotiationError
from media.negotiation import LocalMedia
from media.sdp import Direction, SessionDescription

SESSION = "v=0 / o=gateway 53655765 1 IN IP4 192.0.2.20 / s=call / c=IN IP4 192.0.2.20 / t=0 0"
KEYS = "a=rtpmap:101 telephone-event/8000"


def text(*parts: str) -> bytes:
    """Lines from a notation with slashes between them."""
    return b"".join([line.strip(" ").encode() + b"\r\n" for part in parts for line in part.split(" / ")])


def offer(*media: str) -> bytes:
    return text(SESSION, *media)


def local() -> LocalMedia:
    return LocalMedia("192.0.2.1", 10000, session_id=7)


def agreed(description: bytes) -> Agreement:
    return local().answer(description)[1]


def accepted(description: bytes) -> Agreement:
    """What the answer `description` to an offer of ours comes to."""
    ours = local()
    ours.offer()
    return ours.accept(description)


@pytest.mark.parametrize("settle", [agreed, accepted])
@pytest.mark.parametrize(
    ("media", "codec", "keys"),
    [
        ("m=audio 6000 RTP/AVP 0", Codec.PCMU, None),
        ("m=audio 6000 RTP/AVP 8", Codec.PCMA, None),
        ("m=audio 6000 RTP/AVP 8 0", Codec.PCMA, None),
        ("m=audio 6000 RTP/AVP 18 4 3 8", Codec.PCMA, None),
        (f"m=audio 6000 RTP/AVP 0 101 / {KEYS}", Codec.PCMU, 101),
        (f"m=audio 6000 RTP/AVP 101 8 / {KEYS} / a=fmtp:101 0-15", Codec.PCMA, 101),
        (f"m=audio 6000 RTP/AVP 18 0 101 / a=rtpmap:18 G729/8000 / {KEYS}", Codec.PCMU, 101),
        ("m=audio 6000 RTP/AVP 0 8 / a=rtpmap:8 PCMA/8000", Codec.PCMU, None),
        ("m=audio 6000 RTP/AVP 0 / a=rtpmap:0", Codec.PCMU, None),
        ("m=audio 6000 RTP/AVP 0 97 / a=rtpmap:97", Codec.PCMU, None),
    ],
)
def test_static_payload_types_need_no_rtpmap_in_offers_and_answers(settle, media, codec, keys):
    agreement = settle(offer(media))
    assert (agreement.codec, agreement.payload_type_send) == (codec, codec.payload_type)
    assert agreement.telephone_event_send == keys


def test_an_offer_without_any_rtpmap_is_answered_with_all_of_them():
    answer, _ = local().answer(offer("m=audio 6000 RTP/AVP 8 0"))
    assert SessionDescription.parse(answer).media[0].formats == ("8", "0")
    assert b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" in answer


def test_static_payload_types_need_no_rtpmap_in_a_later_offer_either():
    ours = local()
    ours.answer(offer(f"m=audio 6000 RTP/AVP 0 8 101 / a=rtpmap:0 PCMU/8000 / a=rtpmap:8 PCMA/8000 / {KEYS}"))
    answer, agreement = ours.answer(offer("m=audio 6000 RTP/AVP 8 / a=sendonly"))
    assert (agreement.codec, agreement.direction) == (Codec.PCMA, Direction.RECVONLY)
    assert b"m=audio 10000 RTP/AVP 8\r\n" in answer


@pytest.mark.parametrize(
    ("media", "named"),
    [
        ("m=audio 6000 RTP/AVP 18 4 9", "offered G729/8000, G723/8000, G722/8000"),
        ("m=audio 6000 RTP/AVP 10 / a=ptime:20", "offered L16/44100/2"),
        ("m=audio 6000 RTP/AVP 111 18 / a=rtpmap:111 opus/48000/2", "offered OPUS/48000/2, G729/8000"),
        ("m=audio 6000 RTP/AVP 0 / a=rtpmap:0 PCMU/16000", "offered PCMU/16000"),
        ("m=audio 6000 RTP/AVP 99", "offered none"),
    ],
)
def test_a_refusal_names_what_was_offered_with_and_without_rtpmap(media, named):
    with pytest.raises(NegotiationError) as refusal:
        agreed(offer(media))
    assert str(refusal.value) == f"no common codec: {named}"


@pytest.mark.parametrize(
    "rtpmap",
    [
        "0 pcmu/8000", "0 PCMU/8000/1", "0 PCMU", "0  PCMU/8000", "0\tPCMU/8000", " 0 PCMU/8000 ", "0 Pcmu/8000/1 ",
    ],
)  # fmt: skip
def test_an_rtpmap_is_read_whatever_its_letters_blanks_and_channels(rtpmap):
    dynamic = rtpmap.replace("0", "97", 1)
    assert agreed(offer(f"m=audio 6000 RTP/AVP 0 / a=rtpmap:{rtpmap}")).payload_type_send == 0
    assert agreed(offer(f"m=audio 6000 RTP/AVP 97 / a=rtpmap:{dynamic}")).payload_type_send == 97


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        ("a=rtpmap:96 telephone-event/8000 / a=fmtp:96 0-15", 96),
        ("a=rtpmap:96 telephone-event/8000 / a=fmtp:96 0-16,66,70", 96),
        ("a=rtpmap:96 telephone-event/8000 / a=fmtp:96", 96),
        ("a=rtpmap:96 telephone-event/8000", 96),
        ("a=rtpmap:96 Telephone-Event/8000/1", 96),
        ("a=rtpmap:96 telephone-event", 96),
        ("a=rtpmap:97 telephone-event/16000 / a=rtpmap:96 telephone-event/8000", 96),
        ("a=rtpmap:97 telephone-event/48000", None),
        ("a=fmtp:101 0-15", None),
    ],
)
def test_keys_come_under_any_number_with_and_without_a_range(attributes, number):
    agreement = agreed(offer(f"m=audio 6000 RTP/AVP 0 97 96 / {attributes}"))
    assert (agreement.telephone_event_send, agreement.telephone_event_receive) == (number, number)


def test_101_is_telephone_event_where_its_rtpmap_is_missing():
    answer, agreement = local().answer(offer("m=audio 6000 RTP/AVP 0 101 / a=fmtp:101 0-15"))
    assert (agreement.codec, agreement.telephone_event_send) == (Codec.PCMU, 101)
    assert b"a=rtpmap:101 telephone-event/8000\r\n" in answer
    assert accepted(offer("m=audio 6000 RTP/AVP 0 101")).telephone_event_send == 101


def test_101_is_what_its_rtpmap_says():
    agreement = agreed(offer("m=audio 6000 RTP/AVP 101 / a=rtpmap:101 PCMA/8000"))
    assert (agreement.codec, agreement.payload_type_send, agreement.telephone_event_send) == (Codec.PCMA, 101, None)


def test_keys_are_heard_under_our_number_and_under_the_one_that_the_answer_has_made_up():
    agreement = accepted(offer("m=audio 6000 RTP/AVP 0 122 / a=rtpmap:122 telephone-event/8000"))
    assert (agreement.telephone_event_send, agreement.telephone_events_receive) == (122, (101, 122))
    assert agreed(offer(f"m=audio 6000 RTP/AVP 0 101 / {KEYS}")).telephone_events_receive == (101,)
    assert agreed(offer("m=audio 6000 RTP/AVP 0")).telephone_events_receive == ()


def test_a_number_that_means_audio_to_us_is_no_key():
    ours = local()
    ours.answer(offer("m=audio 6000 RTP/AVP 97 98 / a=rtpmap:97 PCMU/8000 / a=rtpmap:98 telephone-event/8000"))
    ours.offer()
    crossed = "m=audio 6000 RTP/AVP 98 97 / a=rtpmap:98 PCMU/8000 / a=rtpmap:97 telephone-event/8000"
    agreement = ours.accept(offer(crossed))
    assert (agreement.payload_type_send, agreement.telephone_event_send) == (98, 97)
    assert (agreement.receive, agreement.telephone_events_receive) == (((97, Codec.PCMU),), (98,))


@pytest.mark.parametrize(
    ("attribute", "ptime_ms"),
    [
        ("a=x", 20), ("a=ptime:20", 20), ("a=ptime: 20", 20), ("a=ptime:20.0", 20), ("a=ptime:20ms", 20),
        ("a=ptime", 20), ("a=ptime:", 20), ("a=ptime:0", 20), ("a=ptime:-1", 20), ("a=ptime:5", 10), ("a=ptime:25", 20),
        ("a=ptime:30", 30), ("a=ptime:33", 30), ("a=ptime:200", 60), ("a=maxptime:150", 20),
        ("a=ptime:40 / a=maxptime:20", 20),
    ],
)  # fmt: skip
def test_an_odd_packet_time_or_none_is_no_reason_to_refuse(attribute, ptime_ms):
    assert agreed(offer(f"m=audio 6000 RTP/AVP 0 / {attribute}")).ptime_ms == ptime_ms


@pytest.mark.parametrize(
    "description",
    [
        text("v=0 / o=- 1 1 IN IP4 192.0.2.20 / s=- / t=0 0 / m=audio 6000 RTP/AVP 0 / c=IN IP4 192.0.2.9"),
        text("v=0 / o=- 1 1 IN IP4 192.0.2.20 / s=- / c=IN IP4 10.1.1.1 / m=audio 6000 RTP/AVP 0 / c=IN IP4 192.0.2.9"),
        text("v=0 / c=IN IP4 192.0.2.9 / m=audio 6000 RTP/AVP 0"),
        text("v=0 / s= / c=IN IP4 192.0.2.9 / m=audio 6000 RTP/AVP 0 / a="),
        text("v=0 / t=0 0 / b=AS:84 / b=TIAS:64000 / c=IN IP4 192.0.2.9 / m=audio 6000 RTP/AVP 0 / b=AS:64 / b=RS:0"),
        text("v=0 / o=Cisco SIP UA 1 1 IN IP4 h / c=IN IP4 192.0.2.9 / m=audio 6000 RTP/AVP 0 / i=voice / k=prompt"),
        text("v=0 / c=IN IP4 192.0.2.9/127 / m=audio 6000/1 RTP/AVP 0 / c=IN IP4 192.0.2.9"),
        text("v=0 / c=in ip4 192.0.2.9 / m=Audio 6000 rtp/avp 0"),
        text("v=0 / c=IN IP4 192.0.2.9 / a=rtpmap:8 PCMA/8000 / m=audio 6000 RTP/AVP 0 8 / a=ssrc:900323067"),
    ],
)
def test_lines_that_are_missing_added_or_at_the_other_level_leave_the_call(description):
    agreement = agreed(description)
    assert (agreement.remote_host, agreement.remote_port, agreement.codec) == ("192.0.2.9", 6000, Codec.PCMU)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("m=audio 0 RTP/AVP 8 / c=IN IP4 127.0.0.1 / m=video 0 RTP/AVP 34", ""),
        ("m=audio 0 RTP/AVP 18 / m=video 0 RTP/AVP 96 / a=rtpmap:96", "m=image 0 udptl t38"),
        ("m=application 0 UDP/BFCP *", "m=video 4000 RTP/AVP 31 / m=audio 4002 RTP/AVP 0"),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 111 0 / a=rtpmap:111 opus/48000/2", ""),
        ("", "v=0 / o=- 1 1 IN IP4 192.0.2.20 / s=- / c=IN IP4 192.0.2.20 / t=0 0 / m=audio 6000 RTP/AVP 8"),
    ],
)
def test_lines_beside_the_one_we_can_talk_over_are_refused_in_their_places(before, after):
    media = [part for part in (before, "m=audio 6000 RTP/AVP 8 / a=rtpmap:8 PCMA/8000/1", after) if part]
    answer, agreement = local().answer(offer(*media))
    assert (agreement.remote_port, agreement.codec) == (6000, Codec.PCMA)
    ports = [section.port for section in SessionDescription.parse(answer).media]
    assert ports == [10000 * (place == before.count("m=")) for place in range(len(ports))]
    assert len(ports) == " ".join(media).count("m=")


@pytest.mark.parametrize(
    ("session", "media", "direction"),
    [
        ("a=sendrecv", "a=x", Direction.SENDRECV),
        ("a=sendonly", "a=x", Direction.RECVONLY),
        ("a=inactive", "a=sendrecv", Direction.SENDRECV),
        ("a=sendrecv ", "a= recvonly ", Direction.SENDONLY),
    ],
)
def test_a_direction_may_stand_at_either_level(session, media, direction):
    assert agreed(text(SESSION, session, f"m=audio 6000 RTP/AVP 0 / {media}")).direction is direction


def test_hold_by_the_null_address_may_leave_out_the_rtpmaps():
    ours = local()
    ours.answer(offer("m=audio 6000 RTP/AVP 0 96 / a=rtpmap:96 telephone-event/8000"))
    held = offer("m=audio 6000 RTP/AVP 0 96").replace(b"c=IN IP4 192.0.2.20", b"c=IN IP4 0.0.0.0")
    assert ours.answer(held)[1].direction is Direction.RECVONLY


def test_an_answer_with_more_codecs_than_were_offered_means_the_first_that_was():
    agreement = accepted(offer(f"m=audio 6000 RTP/AVP 18 9 8 0 101 / {KEYS} / m=video 0 RTP/AVP 31"))
    assert (agreement.codec, agreement.payload_type_receive) == (Codec.PCMA, 8)


USUAL = text(
    SESSION,
    "b=AS:84 / m=audio 6000 RTP/AVP 8 0 96 / a=rtpmap:8 PCMA/8000 / a=rtpmap:0 PCMU/8000",
    "a=rtpmap:96 telephone-event/8000 / a=fmtp:96 0-15 / a=ptime:30 / a=sendonly",
)
HABITS = {
    "no rtpmap for static payload types": lambda it: it.replace(
        b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n", b""
    ),
    "rtpmaps in another order": lambda it: it.replace(b"a=rtpmap:8 PCMA/8000\r\n", b"") + b"a=rtpmap:8 PCMA/8000\r\n",
    "one channel": lambda it: it.replace(b"/8000\r", b"/8000/1\r"),
    "lower case": lambda it: it.replace(b"PCM", b"pcm"),
    "no events named": lambda it: it.replace(b"a=fmtp:96 0-15\r\n", b""),
    "an address of the line": lambda it: it.replace(b"a=ptime", b"c=IN IP4 192.0.2.20\r\na=ptime"),
    "no name": lambda it: it.replace(b"s=call\r\n", b""),
    "no time": lambda it: it.replace(b"t=0 0\r\n", b""),
    "no bandwidth": lambda it: it.replace(b"b=AS:84\r\n", b""),
    "a direction of the session": lambda it: it.replace(b"a=sendonly\r\n", b"").replace(b"m=", b"a=sendonly\r\nm="),
    "attributes nobody knows": lambda it: it + b"a=silenceSupp:off - - - -\r\na=X-nat:0\r\na=label:main audio\r\n",
    "blanks at the ends": lambda it: it.replace(b"\r\n", b" \t\r\n"),
    "no end of the last line": lambda it: it.removesuffix(b"\r\n"),
    "empty lines": lambda it: it + b"\r\n\r\n",
}


@st.composite
def descriptions(draw):
    """The usual one in some writer's hand."""
    habits = draw(st.sets(st.sampled_from(sorted(HABITS))))
    written = USUAL
    for name, habit in HABITS.items():
        written = habit(written) if name in habits else written
    return written.replace(b"\r\n", draw(st.sampled_from([b"\r\n", b"\n", b"\r"])))


@given(descriptions())
def test_an_offer_means_the_same_whatever_the_habits_of_its_writer(written):
    assert local().answer(written) == local().answer(USUAL)


@given(descriptions())
def test_an_answer_means_the_same_whatever_the_habits_of_its_writer(written):
    assert accepted(written) == accepted(USUAL)
