"""URIs: read, written, compared (RFC 3261 §19.1)."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.uri import Uri, escape_user


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:[2001:db8::1]",
        "sip:alice@[2001:db8::1]:5070;lr",
        "sip:p@[::ffff:192.0.2.10]:19823",
        "tel:+1-201-555-0123;ext=77",
        "urn:service:sos",
        "http://www.example.com/a?b",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(Uri.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@host",
        "alice@atlanta.com",
        ":x@y",
        "sip:alice@",
        "sip:alice@host name",
        "sip:alice@host:",
        "sip:alice@host:65536",
        "sip:alice@host:-1",
        "sip:alice@[::1",
        "sip:alice@::1",
        "sip:alice@host;",
        "sip:alice@host;a;a",
        "sip:alice@host;=b",
        "sip:alice@host?",
        "sip:alice@host?a",
        "sip:al%zzice@host",
        "sip:al ice@host",
        "sip:alice@host\r\nVia: x",
        "<sip:alice@host>",
        "sip:alice@ho\x00st",
    ],
)
def test_what_is_no_uri_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        Uri.parse(text)


def test_the_parts_of_a_uri() -> None:
    uri = Uri.parse("SIPS:Alice:pass@[2001:DB8::1]:5070;Transport=TCP;lr?Subject=x")
    assert uri == Uri(
        "sips", "Alice", "pass", "2001:DB8::1", 5070, {"transport": "TCP", "lr": None}, (("Subject", "x"),)
    )
    assert (uri.is_sips, uri.transport) == (True, "tcp")
    assert Uri.parse("sip:host").user is None


# RFC 3261 §19.1.4
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
    ],
)
def test_equivalent_uris_match_both_ways(one: str, other: str) -> None:
    assert Uri.parse(one).matches(Uri.parse(other))
    assert Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:a%3Bb@biloxi.com", "sip:a;b@biloxi.com"),
        ("sip:%00@example.com", "sip:%00%00@example.com"),
        ("tel:+12015550123", "tel:+12015550124"),
        ("urn:service:sos", "urn:service:sos.fire"),
    ],
)
def test_different_uris_do_not_match(one: str, other: str) -> None:
    assert not Uri.parse(one).matches(Uri.parse(other))
    assert not Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+1-201-555-0123", "+12015550123"),
        ("tel:7042;phone-context=example.com", "7042"),
        ("sip:+1.201.(555).0123@gw.example.com;user=phone", "+12015550123"),
        ("sip:%2B12015550123@gw.example.com", "+12015550123"),
        ("sip:12015550123;ext=77@gw.example.com", "12015550123"),
        ("sip:*98@gw.example.com", "*98"),
        ("sip:alice@example.com", None),
        ("sip:alice@example.com;user=phone", None),
        ("sip:face@example.com", None),
        ("sip:example.com", None),
        ("mailto:12015550123", None),
    ],
)
def test_the_telephone_number_a_uri_names(text: str, number: str | None) -> None:
    assert Uri.parse(text).number == number


def test_any_text_can_be_a_user_part_once_escaped() -> None:
    text = 'a b@c"<>%ü'
    uri = Uri.parse(str(Uri("sip", escape_user(text), host="example.com")))
    assert uri.username == text


@pytest.mark.parametrize("user", ["caf\udce9", "caf%E9", "caf%00", "caf%0A", "caf%7F"])
def test_a_user_name_is_legible_and_the_uri_stays_as_it_came(user: str) -> None:
    uri = Uri.parse(f"sip:{user}@example.com")
    assert uri.username == "caf\ufffd"
    assert str(uri) == f"sip:{user}@example.com"


def test_a_changed_uri_keeps_its_other_parts() -> None:
    uri = Uri.parse("sip:alice@example.com;lr").with_(host="192.0.2.1", port=5070)
    assert str(uri) == "sip:alice@192.0.2.1:5070;lr"
