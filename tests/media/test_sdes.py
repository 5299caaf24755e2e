"""Keys in offers and answers: what is taken up, what is refused, what is passed over."""

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.agreement import Agreement
from media.errors import NegotiationError
from media.negotiation import LocalMedia
from media.sdes import Suite, usable
from media.sdp import SessionDescription
from tests.ears import offer as plain_offer

KEYS = {suite: base64.b64encode(bytes(range(suite.key_bytes))).decode() for suite in Suite}
SHA1_80, SHA1_32 = Suite.AES_CM_128_HMAC_SHA1_80, Suite.AES_CM_128_HMAC_SHA1_32
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"


def local(encryption: str = "offered") -> LocalMedia:
    numbers = itertools.count(1)
    return LocalMedia(
        "192.0.2.1",
        4000,
        session_id=7,
        encryption=encryption,  # type: ignore[arg-type]
        new_key=lambda count: bytes([next(numbers)]) * count,
    )


def crypto(suite: Suite = SHA1_80, tag: int = 1, more: str = "") -> str:
    return f"a=crypto:{tag} {suite} inline:{KEYS[suite]}{more}\r\n"


def section(profile: str, *lines: str, port: int = 6000) -> str:
    return f"m=audio {port} {profile} 0 8\r\n{''.join(lines)}"


def answered(text: str, encryption: str = "offered") -> tuple[SessionDescription, Agreement]:
    answer, agreement = local(encryption).answer((HEAD + text).encode())
    return SessionDescription.parse(answer), agreement


@pytest.mark.parametrize("suite", Suite)
def test_a_key_is_answered_with_tag_suite_and_a_key_of_our_own(suite: Suite) -> None:
    answer, agreement = answered(section("RTP/SAVP", crypto(suite, tag=7)))
    assert agreement.keys is not None
    assert agreement.keys.suite is suite
    assert agreement.keys.receive == bytes(range(suite.key_bytes))
    [line] = answer.media[0].all("crypto")
    assert line == f"7 {suite} inline:{base64.b64encode(agreement.keys.send).decode()}"
    assert answer.media[0].protocol == "RTP/SAVP"


def test_of_several_suites_the_peer_s_first_is_taken() -> None:
    _, agreement = answered(section("RTP/SAVP", crypto(SHA1_32, 1), crypto(SHA1_80, 2)))
    assert agreement.keys is not None
    assert agreement.keys.suite is SHA1_32


def test_a_plain_profile_with_keys_is_encrypted_and_stays_plain_in_name() -> None:
    answer, agreement = answered(section("RTP/AVP", crypto()))
    assert agreement.keys is not None
    assert answer.media[0].protocol == "RTP/AVP"


@pytest.mark.parametrize("secure_first", [True, False])
def test_of_two_audio_lines_the_encrypted_one_is_taken_wherever_it_stands(secure_first: bool) -> None:
    lines = [section("RTP/SAVP", crypto(), port=6000), section("RTP/AVP", port=6002)]
    answer, agreement = answered("".join(lines if secure_first else reversed(lines)))
    assert agreement.keys is not None
    assert agreement.remote_port == 6000
    assert [media.port for media in answer.media] == ([4000, 0] if secure_first else [0, 4000])


def test_with_encryption_off_the_plain_one_of_two_lines_is_taken_and_keys_are_passed_over() -> None:
    _, agreement = answered(section("RTP/SAVP", crypto()) + section("RTP/AVP", crypto(), port=6002), "off")
    assert (agreement.keys, agreement.remote_port) == (None, 6002)


@pytest.mark.parametrize(
    ("text", "encryption", "why"),
    [
        (section("RTP/SAVP", crypto()), "off", "encryption is off here"),
        (section("RTP/SAVP"), "offered", "no key that we can use"),
        (section("RTP/SAVP", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\r\n"), "offered", "no key that we can use"),
        (section("RTP/AVP"), "required", "encryption is required"),
        (section("UDP/TLS/RTP/SAVP", "a=fingerprint:sha-256 00\r\n"), "offered", "is not spoken here"),
    ],
)
def test_what_can_not_be_had_is_refused_with_a_reason(text: str, encryption: str, why: str) -> None:
    with pytest.raises(NegotiationError, match=why):
        answered(text, encryption)


def test_where_it_is_only_offered_a_plain_offer_is_taken() -> None:
    answer, agreement = answered(section("RTP/AVP"))
    assert agreement.keys is None
    assert not list(answer.media[0].all("crypto"))


KEY = KEYS[SHA1_80]


@pytest.mark.parametrize(
    "value",
    [
        f"1 {SHA1_80} inline:{KEY}",
        f"1 {SHA1_80} inline:{KEY}|2^31",
        f"1 {SHA1_80.lower()} inline:{KEY}|1048576",
        f"1 {SHA1_80} inline:{KEY} WSH=128",
        f"1 {SHA1_80} inline:{KEY} KDR=0",
    ],
)
def test_lines_we_keep_to_the_letter(value: str) -> None:
    [line] = usable([value])
    assert (line.tag, line.suite, line.key) == (1, SHA1_80, bytes(range(30)))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        f"1 {SHA1_80}",
        f"x {SHA1_80} inline:{KEY}",
        f"1 {SHA1_80} inline:{KEY}|2^20|1:4",  # an identifier in every packet
        f"1 {SHA1_80} inline:{KEY}|1:4",
        f"1 {SHA1_80} inline:{KEY};inline:{KEY}",
        f"1 {SHA1_80} inline:{KEY[:-4]}",  # too short
        f"1 {SHA1_80} inline:{KEY}AAAA",
        f"1 {SHA1_80} inline:not*base64",
        f"1 {SHA1_80} uri:{KEY}",
        f"1 {SHA1_80} inline:{KEY} UNENCRYPTED_SRTP",
        f"1 {SHA1_80} inline:{KEY} UNAUTHENTICATED_SRTP",
        f"1 {SHA1_80} inline:{KEY} KDR=24",
        f"1 {SHA1_80} inline:{KEY} FEC_ORDER=FEC_SRTP",
        f"1 AES_192_CM_HMAC_SHA1_80 inline:{KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:\udcff\u1234",
    ],
)
def test_lines_we_can_not_keep_are_passed_over(value: str) -> None:
    assert usable([value]) == []


def test_an_offer_has_the_two_suites_that_every_phone_has() -> None:
    ours = local()
    offered = SessionDescription.parse(ours.offer()).media[0]
    assert [line.split()[:2] for line in offered.all("crypto")] == [["1", str(SHA1_80)], ["2", str(SHA1_32)]]
    assert offered.protocol == "RTP/AVP"
    assert SessionDescription.parse(local("required").offer()).media[0].protocol == "RTP/SAVP"
    assert b"crypto" not in local("off").offer()


@pytest.mark.parametrize("encryption", ["offered", "required"])
def test_an_answer_takes_up_one_line_of_our_offer(encryption: str) -> None:
    ours = local(encryption)
    ours.offer()
    agreement = ours.accept((HEAD + section("RTP/SAVP", crypto(SHA1_32, tag=2))).encode())
    assert agreement.keys is not None
    assert (agreement.keys.suite, agreement.keys.send) == (SHA1_32, b"\x02" * 30)
    assert agreement.keys.receive == bytes(range(30))


def test_an_answer_without_a_key_is_plain_where_that_may_be_and_else_refused() -> None:
    answer = (HEAD + section("RTP/AVP")).encode()
    careless, careful = local(), local("required")
    careless.offer()
    careful.offer()
    assert careless.accept(answer).keys is None
    with pytest.raises(NegotiationError, match="none of the keys"):
        careful.accept(answer)


@pytest.mark.parametrize("lines", ["", crypto(SHA1_80, tag=2), crypto(Suite.AEAD_AES_128_GCM, tag=1)])
def test_an_answer_with_a_line_we_never_offered_is_refused(lines: str) -> None:
    ours = local()
    ours.offer()
    with pytest.raises(NegotiationError, match="none of the keys"):
        ours.accept((HEAD + section("RTP/SAVP", lines)).encode())


def test_our_key_stays_the_same_from_offer_to_offer() -> None:
    ours = local()
    _, first = ours.answer((HEAD + section("RTP/SAVP", crypto())).encode())
    _, again = ours.answer((HEAD + section("RTP/SAVP", crypto(), "a=sendonly\r\n")).encode())
    assert first.keys == again.keys
    offered = SessionDescription.parse(ours.offer()).media[0]
    assert offered.protocol == "RTP/SAVP"
    assert first.keys is not None
    assert base64.b64encode(first.keys.send).decode() in next(offered.all("crypto"))


def test_once_plain_rtp_is_agreed_on_our_later_offers_leave_it_at_that() -> None:
    asked, asking = local(), local()
    asked.answer((HEAD + section("RTP/AVP")).encode())
    assert b"crypto" not in asked.offer()
    asking.offer()
    asking.accept((HEAD + section("RTP/AVP")).encode())
    assert b"crypto" not in asking.offer()
    assert asking.accept((HEAD + section("RTP/AVP", crypto())).encode()).keys is None


def test_keys_show_in_no_repr() -> None:
    answer, agreement = local().answer((HEAD + section("RTP/SAVP", crypto())).encode())
    assert b"inline" in answer
    assert "inline" not in repr(agreement)
    assert "x01" not in repr(agreement)
    assert repr(usable([f"1 {SHA1_80} inline:{KEY}"])) == (
        "[Crypto(tag=1, suite=<Suite.AES_CM_128_HMAC_SHA1_80: 'AES_CM_128_HMAC_SHA1_80'>)]"
    )


def test_encryption_without_a_source_of_keys_is_our_bug() -> None:
    with pytest.raises(ValueError, match="needs keys"):
        LocalMedia("192.0.2.1", 4000, session_id=1, encryption="required")


def test_a_plain_offer_of_a_phone_is_untouched_by_all_this() -> None:
    text = plain_offer("192.0.2.20", 6000, "0 8")
    assert local("off").answer(text)[0] == local("offered").answer(text)[0]


@given(st.lists(st.text(max_size=80), max_size=4), st.sampled_from(["offered", "required"]))
def test_any_text_in_place_of_a_key_is_passed_over_or_refused(values: list[str], encryption: str) -> None:
    assert all(len(line.key) == line.suite.key_bytes for line in usable(values))
    lines = [f"a=crypto:{value}\r\n" for value in values]
    text = (HEAD + section("RTP/AVP", *lines)).encode("utf-8", "surrogatepass")
    try:
        _, agreement = local(encryption).answer(text)
    except NegotiationError:
        return
    assert agreement.keys is not None or encryption == "offered"
