"""Offer and answer as carriers and phones play it (RFC 3264)."""

import pytest

from media.agreement import Agreement
from media.codecs import Codec
from media.errors import NegotiationError
from media.negotiation import LocalMedia, offered_codecs
from media.sdp import Direction, SessionDescription


def description(*media: str, address: str = "192.0.2.20", session: str = "") -> bytes:
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.20", "s=-", f"c=IN IP4 {address}", "t=0 0", *session.split(), *media]
    return "\r\n".join(lines).encode() + b"\r\n"


def offer(formats: str = "0 8 101", *attributes: str, **options: str) -> bytes:
    maps = ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"] if "101" in formats else []
    return description(f"m=audio 6000 RTP/AVP {formats}", *maps, *(f"a={value}" for value in attributes), **options)


def local(**options) -> LocalMedia:
    return LocalMedia("192.0.2.1", 10000, session_id=7, **options)


def agreed(text: bytes, **options) -> Agreement:
    return local(**options).answer(text)[1]


def version(text: bytes) -> int:
    return int(SessionDescription.parse(text).origin.session_version)


def test_a_usual_offer_gets_a_usual_answer():
    answer, agreement = local().answer(offer("0 8 18 101", "ptime:20", "sendrecv"))
    assert answer.decode().split("\r\n") == [
        "v=0",
        "o=- 7 0 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 10000 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]
    assert agreement == Agreement(
        codec=Codec.PCMU,
        payload_type_send=0,
        payload_type_receive=0,
        receive=((0, Codec.PCMU), (8, Codec.PCMA)),
        telephone_event_send=101,
        telephone_event_receive=101,
        comfort_noise_send=None,
        comfort_noise_receive=None,
        ptime_ms=20,
        remote_host="192.0.2.20",
        remote_port=6000,
        remote_rtcp=("192.0.2.20", 6001),
        rtcp_mux=False,
        direction=Direction.SENDRECV,
    )


@pytest.mark.parametrize(("order", "codec"), [("theirs", Codec.PCMA), ("ours", Codec.PCMU)])
def test_the_order_of_codecs_is_the_peer_s_unless_configured(order, codec):
    answer, agreement = local(order=order).answer(offer("8 0"))
    assert agreement.codec is codec
    assert SessionDescription.parse(answer).media[0].formats == (("8", "0") if order == "theirs" else ("0", "8"))


def of_ipv6(line: str = "c=IN IP6 2001:db8::7", *further: str) -> bytes:
    return description("m=audio 6000 RTP/AVP 0", line, *further)


def test_an_address_of_the_other_family_cannot_be_agreed_on():
    """It was agreed on, and each packet to it failed: a silent call."""
    with pytest.raises(NegotiationError, match="audio is IPv4 here: 2001:db8::7"):
        local().answer(of_ipv6())
    with pytest.raises(NegotiationError, match=r"audio is IPv6 here: 192\.0\.2\.20"):
        LocalMedia("2001:db8::1", 10000, session_id=7).answer(offer())


def test_an_answer_with_an_address_of_the_other_family_is_none():
    ours = local()
    ours.offer()
    with pytest.raises(NegotiationError, match="audio is IPv4 here"):
        ours.accept(of_ipv6())


def test_of_two_lines_of_two_families_ours_is_taken():
    text = of_ipv6("c=IN IP6 2001:db8::7", "m=audio 7000 RTP/AVP 0", "c=IN IP4 192.0.2.9")
    answer, agreement = local().answer(text)
    assert (agreement.remote_host, agreement.remote_port) == ("192.0.2.9", 7000)
    assert [media.port for media in SessionDescription.parse(answer).media] == [0, 10000]


@pytest.mark.parametrize("nowhere", ["IP4 0.0.0.0", "IP6 ::"])
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_hold_by_an_unspecified_address_is_of_no_family(nowhere: str, address: str):
    _, agreement = LocalMedia(address, 10000, session_id=7).answer(of_ipv6(f"c=IN {nowhere}"))
    assert not agreement.is_reachable


def test_reports_do_not_go_to_an_address_of_the_other_family():
    assert agreed(offer("0", "rtcp:6500 IN IP6 2001:db8::7")).remote_rtcp == ("192.0.2.20", 6500)
    assert agreed(offer("0", "rtcp:6500 IN IP4 192.0.2.30")).remote_rtcp == ("192.0.2.30", 6500)


def test_static_payload_types_need_no_rtpmap():
    assert agreed(description("m=audio 6000 RTP/AVP 18 8")).codec is Codec.PCMA


def test_rtpmap_is_read_whatever_its_letters_and_channels():
    text = description("m=audio 6000 RTP/AVP 97", "a=rtpmap:97 pcma/8000/1")
    assert (agreed(text).codec, agreed(text).payload_type_send) == (Codec.PCMA, 97)


def test_dynamic_numbers_other_than_101_are_answered_with_the_number_of_the_offer():
    text = description("m=audio 6000 RTP/AVP 0 120", "a=rtpmap:120 telephone-event/8000")
    answer, agreement = local().answer(text)
    assert (agreement.telephone_event_send, agreement.telephone_event_receive) == (120, 120)
    assert b"a=rtpmap:120 telephone-event/8000" in answer


def test_telephone_events_of_another_clock_are_not_ours():
    text = description(
        "m=audio 6000 RTP/AVP 96 0 97 98",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 telephone-event/48000",
        "a=rtpmap:98 telephone-event/8000",
    )
    answer, agreement = local().answer(text)
    assert agreement.telephone_event_send == 98
    assert SessionDescription.parse(answer).media[0].formats == ("0", "98")


def test_comfort_noise_is_taken_when_offered():
    assert agreed(offer("0 13 101")).comfort_noise_receive == 13
    assert agreed(offer("0 101")).comfort_noise_receive is None


def test_payload_types_that_differ_by_direction():
    ours = local()
    ours.offer()
    agreement = ours.accept(
        description("m=audio 6000 RTP/AVP 8 96", "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 telephone-event/8000")
    )
    assert (agreement.telephone_event_send, agreement.telephone_event_receive) == (96, 101)


def test_an_answer_that_renumbers_a_codec_is_heard_under_both_numbers():
    ours = local()
    ours.offer()
    agreement = ours.accept(description("m=audio 6000 RTP/AVP 97", "a=rtpmap:97 PCMU/8000"))
    assert (agreement.payload_type_send, agreement.payload_type_receive) == (97, 0)
    assert agreement.receive == ((0, Codec.PCMU), (97, Codec.PCMU))


def test_of_an_answer_with_several_codecs_the_first_one_is_sent():
    ours = local()
    ours.offer()
    agreement = ours.accept(offer("8 0 101"))
    assert agreement.codec is Codec.PCMA
    assert dict(agreement.receive) == {0: Codec.PCMU, 8: Codec.PCMA}


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")],
)
def test_hold_offered_as_sendonly_is_answered_recvonly(offered, answered):
    for text in (offer("0", offered), offer("0", session=f"a={offered}")):
        answer, agreement = local().answer(text)
        assert agreement.direction == answered
        assert f"a={answered}\r\n".encode() in answer


def test_hold_by_the_null_address_stops_our_sending():
    agreement = agreed(offer("0", address="0.0.0.0"))
    assert agreement.on_hold
    assert not agreement.is_reachable
    assert agreed(offer("0", "inactive")).is_reachable
    assert agreement.direction is Direction.RECVONLY
    assert agreed(offer("0", "sendonly", address="0.0.0.0")).direction is Direction.RECVONLY
    assert agreed(offer("0", "recvonly", address="0.0.0.0")).direction is Direction.INACTIVE


def test_our_own_hold_is_said_and_kept():
    ours = local()
    ours.direction = Direction.SENDONLY
    assert b"a=sendonly" in ours.offer()
    assert ours.accept(offer("0", "recvonly")).direction is Direction.SENDONLY
    assert ours.accept(offer("0", "sendrecv")).direction is Direction.SENDONLY
    assert ours.accept(offer("0", "inactive")).direction is Direction.INACTIVE
    assert ours.answer(offer("0"))[1].direction is Direction.SENDONLY


def test_no_common_codec_is_no_agreement():
    with pytest.raises(NegotiationError, match="G729"):
        agreed(description("m=audio 6000 RTP/AVP 18", "a=rtpmap:18 G729/8000"))
    with pytest.raises(NegotiationError, match="no common codec"):
        agreed(offer("0"), codecs=("PCMA",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no session description"),
        (description(), "no audio"),
        (description("m=video 5000 RTP/AVP 31"), "no audio"),
        (description("m=audio 0 RTP/AVP 0"), "no audio"),
        (description("m=audio 6000 RTP/SAVP 0"), "RTP/SAVP"),
        (description("m=audio 6000 UDP/TLS/RTP/SAVPF 0"), "SAVPF"),
        (offer("0", address="phone.example.com"), "phone.example.com"),
        (offer("0", address="239.1.1.1"), "239.1.1.1"),
        (offer("0", address="255.255.255.255"), "255.255.255.255"),
        (b"v=0\r\nm=audio 6000 RTP/AVP 0\r\n", "no address"),
        (offer("101"), "no common codec"),
    ],
)
def test_what_leaves_nothing_to_talk_over_is_refused(text, why):
    with pytest.raises(NegotiationError, match=why):
        agreed(text)


def test_a_refusal_never_repeats_more_than_a_line_of_the_peer_s_words():
    endless = " ".join(f"{number}" for number in range(96, 128))
    maps = [f"a=rtpmap:{number} {'x' * 500}{number}/8000" for number in range(96, 128)]
    for text in (description(f"m=audio 6000 RTP/AVP {endless}", *maps), offer("0", address="x" * 5000)):
        with pytest.raises(NegotiationError) as caught:
            agreed(text)
        assert len(str(caught.value)) < 150


def test_a_refused_offer_changes_nothing():
    ours = local()
    before, _ = ours.answer(offer("0 101"))
    with pytest.raises(NegotiationError):
        ours.answer(description("m=video 1 RTP/AVP 31", "m=audio 6000 RTP/AVP 18"))
    assert ours.answer(offer("0 101"))[0] == before


def test_other_media_is_refused_in_its_place():
    text = description(
        "m=video 7000/2 RTP/AVP 31 96",
        "a=rtpmap:96 H264/90000",
        "m=audio 6000 RTP/SAVP 0",
        "m=audio 6002 RTP/AVP 0",
        "m=image 7004 udptl t38",
    )
    answer, agreement = local().answer(text)
    assert agreement.remote_port == 6002
    assert [(media.kind, media.port, media.protocol) for media in SessionDescription.parse(answer).media] == [
        ("video", 0, "RTP/AVP"),
        ("audio", 0, "RTP/SAVP"),
        ("audio", 10000, "RTP/AVP"),
        ("image", 0, "udptl"),
    ]


def test_our_re_offer_keeps_the_peer_s_media_lines_and_numbers():
    ours = local()
    ours.answer(description("m=video 7000 RTP/AVP 31", "m=audio 6000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
    again = SessionDescription.parse(ours.offer())
    assert [(media.kind, media.port) for media in again.media] == [("video", 0), ("audio", 10000)]
    assert again.media[1].formats == ("0", "8", "96")
    theirs = description("m=video 0 RTP/AVP 31", "m=audio 6000 RTP/AVP 0")
    assert ours.accept(theirs).remote_port == 6000


def test_an_invite_without_offer_gets_ours_and_its_answer_comes_later():
    ours = local(ptime_ms=30)
    text = SessionDescription.parse(ours.offer())
    assert text.media[0].formats == ("0", "8", "101")
    assert text.media[0].number("ptime") == 30
    assert ours.accept(offer("8")).codec is Codec.PCMA


def test_an_answer_to_our_offer_may_leave_nothing():
    ours = local()
    ours.offer()
    with pytest.raises(NegotiationError, match="audio refused"):
        ours.accept(description("m=audio 0 RTP/AVP 0"))
    with pytest.raises(NegotiationError, match="audio refused"):
        ours.accept(description("m=video 5000 RTP/AVP 31"))
    with pytest.raises(NegotiationError, match="no codec"):
        ours.accept(description("m=audio 6000 RTP/AVP 18"))


def test_the_version_grows_only_when_the_description_changes():
    ours = local()
    first, _ = ours.answer(offer("0 101"))
    assert ours.answer(offer("0 101", "x-new:1"))[0] == first
    held, _ = ours.answer(offer("0 101", "sendonly"))
    resumed, _ = ours.answer(offer("0 101"))
    assert [version(text) for text in (first, held, resumed)] == [0, 1, 2]


def test_a_new_port_of_ours_is_a_new_version():
    ours = local()
    first = ours.offer()
    ours.port = 10002
    assert version(ours.offer()) == version(first) + 1
    assert ours.offer() == ours.offer()


@pytest.mark.parametrize(
    ("attributes", "ptime_ms"),
    [
        ((), 20),
        (("ptime:10",), 10),
        (("ptime:30",), 30),
        (("ptime:40",), 40),
        (("ptime:60",), 60),
        (("ptime:50",), 40),
        (("ptime:200",), 60),
        (("ptime:5",), 10),
        (("ptime:60", "maxptime:40"), 40),
        (("maxptime:10",), 10),
        (("maxptime:150",), 20),
        (("ptime:soon",), 20),
    ],
)
def test_the_packet_time_is_what_the_peer_can_take(attributes, ptime_ms):
    answer, agreement = local().answer(offer("0", *attributes))
    assert agreement.ptime_ms == ptime_ms
    assert f"a=ptime:{ptime_ms}\r\n".encode() in answer


def test_rtcp_goes_where_the_peer_says():
    assert agreed(offer("0")).remote_rtcp == ("192.0.2.20", 6001)
    assert agreed(offer("0", "rtcp:7001")).remote_rtcp == ("192.0.2.20", 7001)
    assert agreed(offer("0", "rtcp:7001 IN IP4 192.0.2.99")).remote_rtcp == ("192.0.2.99", 7001)
    assert agreed(offer("0", "rtcp:99999")).remote_rtcp == ("192.0.2.20", 6001)
    assert agreed(offer("0", "rtcp:")).remote_rtcp == ("192.0.2.20", 6001)


def test_rtcp_mux_is_taken_when_offered():
    answer, agreement = local().answer(offer("0", "rtcp-mux"))
    assert b"a=rtcp-mux\r\n" in answer
    assert agreement.rtcp_mux
    assert agreement.remote_rtcp == ("192.0.2.20", 6000)
    assert b"rtcp-mux" not in local().answer(offer("0"))[0]


def test_rtcp_mux_once_agreed_is_offered_again_and_never_assumed():
    ours = local()
    assert b"rtcp-mux" not in ours.offer()
    assert not ours.accept(offer("0", "rtcp-mux")).rtcp_mux
    ours.answer(offer("0", "rtcp-mux"))
    assert b"a=rtcp-mux\r\n" in ours.offer()
    assert ours.accept(offer("0", "rtcp-mux")).remote_rtcp == ("192.0.2.20", 6000)
    assert not ours.accept(offer("0")).rtcp_mux


def test_our_telephone_events_move_off_a_number_that_the_peer_uses_otherwise():
    ours = local()
    ours.answer(description("m=audio 6000 RTP/AVP 101 96", "a=rtpmap:101 PCMU/8000", "a=rtpmap:96 opus/48000/2"))
    assert SessionDescription.parse(ours.offer()).media[0].formats == ("101", "8", "97")


def test_the_profile_of_the_offer_is_answered():
    answer, _ = local().answer(description("m=audio 6000 RTP/AVPF 0"))
    assert b"m=audio 10000 RTP/AVPF 0" in answer


def test_crypto_beside_a_plain_profile_is_ignored():
    answer, _ = local().answer(offer("0", "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc"))
    assert b"crypto" not in answer


def test_ipv6_is_spoken():
    text = b"v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
    answer, agreement = LocalMedia("2001:db8::2", 10000, session_id=1).answer(text)
    assert agreement.remote_host == "2001:db8::1"
    assert b"c=IN IP6 2001:db8::2" in answer


def test_times_are_answered_as_they_were_offered():
    answer, _ = local().answer(offer("0").replace(b"t=0 0", b"t=2873397496 2873404696"))
    assert b"t=2873397496 2873404696\r\n" in answer


def test_two_engines_agree_with_each_other():
    caller, callee = local(), LocalMedia("192.0.2.2", 20000, session_id=8, codecs=("PCMA", "PCMU"))
    answer, at_callee = callee.answer(caller.offer())
    at_caller = caller.accept(answer)
    assert (at_caller.codec, at_callee.codec) == (Codec.PCMU, Codec.PCMU)
    assert (at_caller.remote_port, at_callee.remote_port) == (20000, 10000)


def test_a_preferred_codec_is_taken_offered_and_sent_before_others_where_both_know_it():
    ours = local()
    ours.preferred = Codec.PCMA
    answer, agreement = ours.answer(offer("0 8 101"))
    assert agreement.codec is Codec.PCMA
    assert SessionDescription.parse(answer).media[0].formats == ("8", "0", "101")
    assert SessionDescription.parse(ours.offer()).media[0].formats[:2] == ("8", "0")
    assert ours.accept(offer("0 8 101")).codec is Codec.PCMA
    assert ours.accept(offer("0 101")).codec is Codec.PCMU


@pytest.mark.parametrize(
    ("text", "codecs"),
    [
        (offer("8 0 101"), ("PCMA", "PCMU")),
        (offer("18 0"), ("PCMU",)),
        (b"v=0\r\nm=video 4000 RTP/AVP 0\r\n", ()),
        (b"no description", ()),
    ],
)
def test_what_an_offer_names_can_be_asked_without_answering_it(text, codecs):
    assert offered_codecs(text) == codecs


def test_an_offer_can_be_checked_without_answering_it():
    ours = local()
    ours.check(offer("0 8 101"))
    with pytest.raises(NegotiationError, match="no common codec"):
        ours.check(offer("18"))
    before = local().answer(offer("0 8 101"))
    assert ours.answer(offer("0 8 101")) == before


@pytest.mark.parametrize(
    ("port", "attributes", "control"),
    [
        (6000, (), ("192.0.2.20", 6001)),
        (51234, ("rtcp-mux",), ("192.0.2.20", 51234)),
        (1, (), ("192.0.2.20", 2)),
        (2, ("rtcp-mux",), ("192.0.2.20", 2)),
        (65535, (), ("192.0.2.20", 65535)),
        (6000, ("rtcp:1",), ("192.0.2.20", 1)),
        (6000, ("rtcp:2 IN IP4 192.0.2.9",), ("192.0.2.9", 2)),
    ],
)
def test_the_same_offer_from_another_port_is_answered_towards_that_port(port, attributes, control):
    text = offer("0 101", *attributes)
    agreed(text)
    agreement = agreed(text.replace(b"audio 6000", b"audio %d" % port))
    assert (agreement.remote_port, agreement.remote_rtcp) == (port, control)
    assert agreed(text).remote_port == 6000


def test_the_same_offer_in_another_session_gets_the_same_answer():
    first = local().answer(offer())
    other = local().answer(offer().replace(b"o=- 1 1", b"o=phone 4711 4712"))
    assert first == other


def test_the_same_offer_is_judged_by_the_terms_of_each():
    text = offer("0 8")
    assert agreed(text).codec is Codec.PCMU
    assert agreed(text, codecs=[Codec.PCMA]).codec is Codec.PCMA
    with pytest.raises(NegotiationError, match="encryption is required"):
        local(encryption="required", new_key=bytes).answer(text)
    assert agreed(text, codecs=[Codec.PCMA, Codec.PCMU], order="ours").codec is Codec.PCMA


@pytest.mark.parametrize("port", [b"0", b"65536", b"99999"])
def test_an_offer_whose_port_is_none_is_refused_after_a_good_one_of_its_shape(port):
    agreed(offer())
    with pytest.raises(NegotiationError):
        local().answer(offer().replace(b"audio 6000", b"audio " + port))


def test_of_two_audio_lines_the_one_that_is_taken_says_the_port():
    text = description("m=audio 6000 RTP/AVP 18", "m=audio 7000 RTP/AVP 0")
    assert agreed(text).remote_port == 7000
    assert agreed(text.replace(b"7000", b"7002")).remote_port == 7002
