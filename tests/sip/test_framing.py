"""A byte stream cut into messages (RFC 3261 §18.3, RFC 5626 §3.5.1)."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.framing import LARGEST_HEAD_BYTES, KeepAlive, StreamFraming
from softswitch.sip.parser import salvage

HEAD = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\n"
ONE = HEAD + b"Content-Length: 4\r\n\r\n\r\n\r\n"
TWO = HEAD + b"l : 3\r\n\r\nabc"
FOLDED = HEAD + b"CONTENT-LENGTH:\r\n 2\r\nX: y\r\n\r\nab"
LF_ONLY = b"OPTIONS sip:a@b SIP/2.0\nl: 1\n\nx"


def test_several_messages_in_one_piece() -> None:
    assert StreamFraming().feed(ONE + TWO + FOLDED + LF_ONLY) == [ONE, TWO, FOLDED, LF_ONLY]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pieces_of_any_size_give_the_same_messages(size: int) -> None:
    stream = ONE + TWO + ONE + FOLDED
    framing = StreamFraming()
    found = [item for at in range(0, len(stream), size) for item in framing.feed(stream[at : at + size])]
    assert found == [ONE, TWO, ONE, FOLDED]


def test_a_ping_is_told_from_messages_and_pongs() -> None:
    framing = StreamFraming()
    assert framing.feed(b"\r\n\r\n") == [KeepAlive.PING]
    assert framing.feed(ONE + b"\r\n\r\n" + TWO) == [ONE, KeepAlive.PING, TWO]
    assert framing.feed(b"\r\n") == [KeepAlive.PONG]
    assert framing.feed(TWO) == [TWO]


def test_a_ping_that_comes_in_halves_is_a_ping() -> None:
    framing = StreamFraming()
    assert framing.feed(b"\r\n\r") == [KeepAlive.PONG]
    assert framing.feed(b"\n") == [KeepAlive.PING]


@pytest.mark.parametrize(
    ("data", "drop"),
    [
        (HEAD + b"\r\n", "unframed"),
        (HEAD + b"Content-Length: 13\r\nContent-Length: 5\r\n\r\nabc", "unframed"),
        (HEAD + b"Content-Length: -999\r\n\r\n", "malformed"),
        (HEAD + b"Content-Length: 99999\r\n\r\n", "too_large"),
        (HEAD + b"X: " + b"y" * LARGEST_HEAD_BYTES, "too_large"),
        (b"\rOPTIONS", "unframed"),
        (b"\n\n", "unframed"),
    ],
)
def test_a_stream_that_can_not_be_cut_is_over(data: bytes, drop: str) -> None:
    framing = StreamFraming()
    with pytest.raises(PeerError) as caught:
        framing.feed(data)
    assert caught.value.drop == drop
    with pytest.raises(PeerError):
        framing.feed(ONE)


def test_the_message_at_fault_can_be_answered() -> None:
    framing = StreamFraming()
    with pytest.raises(PeerError):
        framing.feed(HEAD + b"Content-Length: -1\r\n\r\n")
    assert salvage(framing.refused) is not None


def test_messages_before_the_fault_are_not_lost() -> None:
    framing = StreamFraming()
    assert framing.feed(ONE + b"\rgarbage") == [ONE]
    with pytest.raises(PeerError):
        framing.feed(b"")


def test_a_head_without_end_in_single_bytes_is_refused_at_the_limit() -> None:
    framing = StreamFraming()
    for _ in range(LARGEST_HEAD_BYTES):
        assert framing.feed(b"A") == []
    with pytest.raises(PeerError):
        framing.feed(b"A")
