"""SIP: one sentence per property. Any bytes give a message or `PeerError`; what is read is written back the same."""

import contextlib

import pytest
import sipmessage
from hypothesis import assume, example, given
from hypothesis import strategies as st

from benchmarks.messages import MESSAGES
from softswitch.errors import PeerError
from softswitch.sip.framing import StreamFraming
from softswitch.sip.grammar import quote, split_list, unquote
from softswitch.sip.headers import Address, AuthValue, CSeq, Via
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.parser import parse, salvage
from softswitch.sip.uri import Uri, escape_user
from softswitch.sip.validation import Capabilities, check_request, check_response

TYPED = ("via", "vias", "from_", "to", "call_id", "cseq", "contact", "contacts", "routes", "record_routes",
         "max_forwards", "content_type")  # fmt: skip
VALID = st.sampled_from(list(MESSAGES.values()))
ODD_PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"<", b">", b'"', b"\\", b"%", b"%00", b"@", b"?", b"=",
    b"\x00", b"\xff", b"\xc3\xa9", b"sip:", b"tel:", b"[::1]", b"SIP/2.0", b"INVITE", b"Via: ", b"v:", b"To: *",
    b"\r\n folded", b"\r\n\r\n", b"Content-Length: 99\r\n", b"l:-1\r\n", b"99999999999", b";tag=1", b";;", b"*",
)  # fmt: skip
PIECES = st.sampled_from(ODD_PIECES)
TEXT = st.text(alphabet=st.sampled_from('ab1 \t"\\<>;:,@?=%[]*+-.é\x00\udcff'), max_size=40)
WORD = st.text(alphabet=st.sampled_from("abcXYZ019-_.!~*'"), min_size=1, max_size=12)
PARAMS = st.dictionaries(WORD.map(str.lower), st.none() | WORD, max_size=3)
HOSTS = st.sampled_from(["example.com", "192.0.2.1", "2001:db8::1", "a-b.example"])
PORTS = st.none() | st.integers(0, 65535)
URIS = st.builds(
    Uri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=st.none() | st.text(min_size=1, max_size=12).map(escape_user),
    host=HOSTS,
    port=PORTS,
    params=PARAMS,
)
ADDRESSES = st.builds(
    Address,
    uri=URIS,
    display_name=st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=20),
    params=PARAMS,
)
VIAS = st.builds(Via, transport=st.sampled_from(["UDP", "TCP", "TLS"]), host=HOSTS, port=PORTS, params=PARAMS)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid message after up to six cuts, insertions and repetitions."""
    data = draw(VALID)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        data = data[:start] + draw(PIECES | st.just(data[start:end] * 2)) + data[end:]
    return data


def read_everything(message: Message) -> None:
    for name in TYPED:
        with contextlib.suppress(PeerError):
            getattr(message, name)


@given(st.binary(max_size=600) | mutated())
@example(b"SIP/2.0 200 \r\n\r\n")
@example(b"INVITE sip:a SIP/2.0\r\n \r\n\r\n")
def test_any_bytes_are_a_message_or_a_peer_error(data: bytes) -> None:
    try:
        message = parse(data)
    except PeerError:
        salvage(data)
        return
    read_everything(message)
    if isinstance(message, Request):
        check_request(message, Capabilities())
        Response.for_request(message, 200, to_tag="x").encode()
        return
    with contextlib.suppress(PeerError):
        check_response(message)


@given(VALID | mutated())
def test_what_is_written_reads_as_what_was_read(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        once = parse(data).encode()
        again = parse(once)
        assert again.encode() == once
        assert again.body == parse(data).body


@given(VALID | mutated())
def test_an_answer_to_what_could_not_be_read_can_be_read(data: bytes) -> None:
    request = salvage(data)
    if request is not None:
        response = Response.for_request(request, 400).encode()
        assert response.startswith(b"SIP/2.0 400 Bad Request\r\n")


@given(st.lists(VALID, max_size=4), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_messages_in_a_stream_come_out_whole_however_they_are_cut(messages: list[bytes], sizes: list[int]) -> None:
    stream, framing, found, at = b"".join(messages), StreamFraming(), [], 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        found += framing.feed(stream[at : at + size])
        at += size
    assert found == messages


@given(st.lists(st.binary(max_size=80) | PIECES | VALID, max_size=12))
def test_any_stream_is_messages_or_a_peer_error(pieces: list[bytes]) -> None:
    framing = StreamFraming()
    with contextlib.suppress(PeerError):
        for piece in pieces:
            framing.feed(piece)


@pytest.mark.parametrize("value", [Address, Via, CSeq, AuthValue, Uri])
@given(text=TEXT)
def test_any_text_is_a_value_or_a_peer_error(value: type[Address], text: str) -> None:
    with contextlib.suppress(PeerError):
        value.parse(text)


@given(URIS)
def test_a_uri_comes_back_from_the_wire(uri: Uri) -> None:
    back = Uri.parse(str(uri))
    assert back == uri
    assert back.matches(uri)


@given(ADDRESSES)
def test_an_address_comes_back_from_the_wire(address: Address) -> None:
    assert Address.parse(str(address)) == address


@given(st.lists(ADDRESSES, min_size=1, max_size=4))
def test_addresses_in_one_line_come_back_one_by_one(addresses: list[Address]) -> None:
    request = Request("INVITE", "sip:a@b", [("Route", ", ".join(map(str, addresses)))])
    assert request.routes == addresses


@given(VIAS)
def test_a_via_comes_back_from_the_wire(via: Via) -> None:
    assert Via.parse(str(via)) == via


@given(st.text(max_size=30))
def test_a_quoted_string_is_one_piece_whatever_it_holds(text: str) -> None:
    assert unquote(quote(text)) == text
    assert split_list(f"{quote(text)},x") == [quote(text), "x"]


@given(VALID | mutated())
def test_two_parsers_that_both_accept_a_message_read_the_same(data: bytes) -> None:
    """Where they are meant to differ is left out: `sipmessage` reads no folded lines and undoes escapes at once."""
    assume(not any(odd in data for odd in (b"\r\n ", b"\r\n\t", b"%")))
    try:
        ours, theirs = parse(data), sipmessage.Message.parse(data)
        read = (ours.from_, ours.to, ours.via, ours.cseq)
        other = (theirs.from_address, theirs.to_address, theirs.via[0], theirs.cseq)
        call_id = theirs.call_id
    except (PeerError, ValueError, LookupError):
        return
    assert (str(read[0].uri.host), read[0].tag) == (other[0].uri.host.strip("[]"), other[0].parameters.get("tag"))
    assert (str(read[1].uri.host), read[1].uri.port) == (other[1].uri.host.strip("[]"), other[1].uri.port)
    assert (read[2].host, read[2].port) == (other[2].host.strip("[]"), other[2].port)
    assert (read[2].transport, read[2].branch) == (other[2].transport.upper(), other[2].parameters.get("branch"))
    assert (read[3].number, read[3].method) == (other[3].sequence, other[3].method)
    assert ours.call_id == call_id
