"""Addresses, Via, CSeq and authentication values."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.headers import Address, AuthValue, CSeq, Via, parse_addresses
from softswitch.sip.uri import Uri


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ("<sip:a@b>", "", "sip:a@b", {}),
        ("sip:a@b;tag=1", "", "sip:a@b", {"tag": "1"}),
        ("<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", {"tag": "1"}),
        ('"A. G. Bell" <sip:agb@bell.com> ;tag=a48s', "A. G. Bell", "sip:agb@bell.com", {"tag": "a48s"}),
        ("Anonymous <sip:c8o@anonymous.invalid>", "Anonymous", "sip:c8o@anonymous.invalid", {}),
        ('"a \\"q\\" \\\\ b, <c>"<sip:a@b>', 'a "q" \\ b, <c>', "sip:a@b", {}),
        ("Jörg Müller <sip:j@b>", "Jörg Müller", "sip:j@b", {}),
        ('<sip:a@b>;x="1;2>3"', "", "sip:a@b", {"x": '"1;2>3"'}),
        ('"" <sip:a@b>', "", "sip:a@b", {}),
        ("tel:+1-201-555-0123;tag=9", "", "tel:+1-201-555-0123", {"tag": "9"}),
    ],
)
def test_an_address_is_read(text: str, name: str, uri: str, params: dict[str, str]) -> None:
    address = Address.parse(text)
    assert (address.display_name, str(address.uri), address.params) == (name, uri, params)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:a@b",
        "sip:a@b>",
        "<>",
        '"a <sip:a@b>',
        '"a" sip:a@b',
        '"a" b <sip:a@b>',
        "a, b <sip:a@b>",
        "< sip:a@b >",
        "<sip:a@b>x",
        "<sip:a@b>;",
        "<sip:a@b>;;x",
        "<sip:a@b>;x=",
        "<sip:a@b>;x=a b",
        "<sip:a@b>;tag=1;tag=2",
        '<sip:a@b>;x="1',
        "sip:a@b?x=y",
        "sip:a,b@c",
        "<sip:a@b><sip:c@d>",
    ],
)
def test_what_is_no_address_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        Address.parse(text)


def test_a_display_name_is_always_written_quoted() -> None:
    assert str(Address(Uri.parse("sip:a@b"), 'x "y" \\', {"tag": "1"})) == '"x \\"y\\" \\\\" <sip:a@b>;tag=1'


def test_a_tag_can_be_given_to_an_address() -> None:
    address = Address.parse("<sip:a@b>;x=1")
    assert (address.tag, address.with_tag("7").tag) == (None, "7")
    assert str(address.with_tag("7")) == "<sip:a@b>;x=1;tag=7"


def test_several_addresses_in_several_lines_are_one_list() -> None:
    values = ['"a, b" <sip:a@x>, <sip:b@x?h=1,2>;q=1', "sip:c@x"]
    assert [str(address.uri) for address in parse_addresses(values)] == ["sip:a@x", "sip:b@x?h=1,2", "sip:c@x"]


@pytest.mark.parametrize(
    "text",
    [
        "SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds",
        "SIP/2.0/TCP 192.0.2.1:5060;received=192.0.2.207;branch=z9hG4bK77asjd",
        "SIP/2.0/TLS [2001:db8::9:1]:5061;branch=z9hG4bKas3-111;rport=12345",
        "SIP/2.0/UDP host",
    ],
)
def test_a_via_is_written_as_it_was_read(text: str) -> None:
    assert str(Via.parse(text)) == text


def test_the_parts_of_a_via() -> None:
    via = Via.parse("sip / 2.0 / udp first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1;rport")
    assert (via.transport, via.host, via.port) == ("UDP", "first.example.com", 4000)
    assert (via.branch, via.received, via.rport, via.params["rport"]) == ("z9hG4bKa7c6a8dlze.1", None, None, None)
    noted = via.with_params(received="2001:db8::1", rport="5061")
    assert (noted.received, noted.rport) == ("2001:db8::1", 5061)
    assert Via.parse("SIP/2.0/UDP h;received=[2001:db8::1]").received == "2001:db8::1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ;branch=1",
        "SIP/2.0 UDP h",
        "HTTP/1.1/TCP h",
        "SIP/2.0/UDP h:99999",
        "SIP/2.0/UDP h x",
    ],
)
def test_what_is_no_via_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        Via.parse(text)


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "٣ INVITE", "1 INV;ITE"]
)
def test_what_is_no_cseq_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        CSeq.parse(text)


@pytest.mark.parametrize("text", ["1 INVITE", "0001  INVITE", "1\tINVITE"])
def test_a_cseq_is_read_with_any_white_space(text: str) -> None:
    assert CSeq.parse(text) == CSeq(1, "INVITE")


def test_an_authentication_value_is_read_without_its_quotes() -> None:
    value = AuthValue.parse('Digest realm="a, \\"b\\"", nonce="x=y" ,QOP="auth,auth-int", stale=FALSE')
    assert value.scheme == "digest"
    assert value.params == {"realm": 'a, "b"', "nonce": "x=y", "qop": "auth,auth-int", "stale": "FALSE"}


@pytest.mark.parametrize("text", ["", "Di/gest a=b", "Digest a", "Digest a=b, a=c", "Digest ,"])
def test_what_is_no_authentication_value_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        AuthValue.parse(text)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        (";branch=z9hG4bKa", ["branch"]),
        (";branch=z9hG4bKa;rport", ["branch", "rport"]),
        (";rport;branch=z9hG4bKa", ["rport", "branch"]),
        (";branch=z9hG4bKa;rport=5062;received=192.0.2.7", ["branch", "rport", "received"]),
    ],
)
def test_the_parameters_of_a_via_keep_their_order(params: str, names: list[str]) -> None:
    text = f"SIP/2.0/UDP 192.0.2.1:51234{params}"
    via = Via.parse(text)
    assert (via.host, via.port, list(via.params)) == ("192.0.2.1", 51234, names)
    assert str(via) == text


@pytest.mark.parametrize("text", ["SIP/2.0/UDP a;rport;branch=b;rport", "SIP/2.0/UDP a:65536;branch=b"])
def test_a_via_that_repeats_a_parameter_or_has_no_such_port_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        Via.parse(text)


@pytest.mark.parametrize(
    "text",
    ['"A>;tag=b <sip:a@b>;tag=1', "<sip:a@b;tag=1", "sip:a@b>;tag=1", "<sip:a@b>x>;tag=1", "<sip:a@b>;p=<x>;tag=1"],
)
def test_what_looks_like_a_tag_behind_a_broken_address_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        Address.parse(text)


def test_addresses_that_differ_in_their_tag_alone_have_each_its_own() -> None:
    one, other = (Address.parse(f'"A" <sip:a@b>;tag={tag}') for tag in ("1", "2"))
    assert (one.uri, one.display_name) == (other.uri, other.display_name)
    assert (one.tag, other.tag) == ("1", "2")
