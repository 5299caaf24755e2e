"""The small words of SIP."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.grammar import (
    format_host_port,
    format_params,
    is_token,
    parse_host_port,
    parse_number,
    parse_params,
    quote,
    split_list,
    unquote,
)


def test_tokens() -> None:
    assert all(map(is_token, ("INVITE", "a-.!%*_+`'~0")))
    assert not any(map(is_token, ("", "a b", "a:b", "é", "a\n", "٣")))


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("0068", 68), ("0" * 5000 + "7", 7), ("4294967295", 2**32 - 1)])
def test_a_number_may_have_leading_zeros(text: str, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1 ", "1.5", "0x1", "٣", "²", "4294967296", "9" * 10_000])
def test_what_is_no_number_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a.b", "a.b", None), ("192.0.2.1:5060", "192.0.2.1", 5060), ("[::1]", "::1", None), ("[::1]:1", "::1", 1)],
)
def test_a_host_and_port_are_written_as_they_were_read(text: str, host: str, port: int | None) -> None:
    assert parse_host_port(text) == (host, port)
    assert format_host_port(host, port) == text


def test_params_keep_their_order_and_their_quotes() -> None:
    text = ';b;A=1;c="x;\\"y";d=[::1]'
    assert parse_params(text) == {"b": None, "a": "1", "c": '"x;\\"y"', "d": "[::1]"}
    assert format_params(parse_params(text)) == ';b;a=1;c="x;\\"y";d=[::1]'
    assert parse_params(" ; a = 1 ; b ") == {"a": "1", "b": None}
    assert parse_params("") == {}


@pytest.mark.parametrize("text", ["a", ";", ";;a", ";a;", ";a=", ";a==1,2", ";a=1;A=2", ';a="1', ";a b", ';a="1"x'])
def test_what_are_no_params_is_the_peers_mistake(text: str) -> None:
    with pytest.raises(PeerError):
        parse_params(text)


def test_a_list_is_cut_outside_of_quotes_and_brackets_only() -> None:
    assert split_list('"a,b" <sip:x,y>, c ,,"d') == ['"a,b" <sip:x,y>', "c", "", '"d']
    assert split_list("") == [""]


def test_quoting_undoes_unquoting() -> None:
    assert quote('a"\\') == '"a\\"\\\\"'
    assert unquote('"a\\"\\\\"') == 'a"\\'
    assert unquote("plain") == "plain"
