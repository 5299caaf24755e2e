"""What `softswitch top` shows of the calls."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from softswitch.top import picture

CALL: dict[str, Any] = {
    "call_id": "f4f7c9d2",
    "number_src": "1001",
    "number_dst": "1002",
    "source": "user 1001",
    "endpoint": "user 1002",
    "state": "talking",
    "duration": 61.5,
    "transport": "UDP",
    "codec": "PCMU",
    "encryption": None,
    "talking": False,
    "callee": None,
}
PHONES = {"users": 2, "contacts": 2, "registers_per_second": 0.0, "wrong_passwords": 0, "bans": 0}


ROOM = {
    "name": "standup",
    "endpoint": "conference",
    "state": "live",
    "duration": 61.5,
    "hosts": 1,
    "participants": 19,
    "listeners": 3,
    "locked": False,
    "recording": False,
    "talkers": [{"name": None, "number": "13105550199"}],
}


TRUNK = {
    "trunk_group": "pstn",
    "trunk": "gateway",
    "transport": "auto",
    "address": "203.0.113.120",
    "port": 5060,
    "state": "down",
    "service": "silent",
    "why": "3 times no answer to OPTIONS",
    "answer_ms": None,
    "status": None,
    "failures": 3,
    "calls_out": 0,
}


def shown(*rooms: Any, width: int = 160, trunks: Sequence[Any] = (), **changes: Any) -> str:
    calls = {"total": 1, "count": 1, "items": [{**CALL, **changes}]}
    console = Console(width=width)
    with console.capture() as captured:
        console.print(picture(calls, list(rooms), trunks, PHONES, width=width))
    return captured.get()


def test_a_call_of_two_legs_shows_who_was_rung_and_both_codecs() -> None:
    callee = {"target": "contact of 1002", "codec": "PCMA", "encryption": None, "transport": "UDP", "talking": True}
    text = shown(callee=callee)
    assert "contact of 1002" in text
    assert "PCMU / PCMA" in text
    assert "talking" in text


def test_one_codec_is_shown_once_and_a_call_of_one_leg_has_its_endpoint() -> None:
    assert "PCMU / PCMU" not in shown(
        callee={"target": "trunk pstn/a", "codec": "PCMU", "encryption": None, "transport": "UDP", "talking": False}
    )
    assert "user 1002" in shown()


def test_an_encrypted_leg_is_told_beside_its_codec() -> None:
    callee = {"target": "x", "codec": "PCMU", "encryption": None, "transport": "UDP", "talking": False}
    assert "PCMU SRTP / PCMU" in shown(encryption="AES_CM_128_HMAC_SHA1_80", callee=callee)
    assert "PCMU SRTP TLS / PCMU" in shown(encryption="AES_CM_128_HMAC_SHA1_80", transport="TLS", callee=callee)


def test_on_80_columns_nothing_that_says_who_and_where_is_cut() -> None:
    callee = {"target": "contact of 1002", "codec": "PCMA", "encryption": None, "transport": "UDP", "talking": True}
    text = shown(ROOM, width=80, number_src="13105550199", number_dst="12025550105", callee=callee)
    for words in ("13105550199", "12025550105", "contact of 1002", "talking", "01:01", "standup", "1/19/3"):
        assert words in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_on_80_columns_a_trunk_that_rests_says_whole_where_it_is_and_why() -> None:
    text = shown(width=80, trunks=[TRUNK])
    said = " ".join(text.split())
    for words in ("pstn/gateway auto:203.0.113.120:5060 0 silent: 3 times no answer to", "OPTIONS", "calls out"):
        assert words in said
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_is_no_plural() -> None:
    text = " ".join(shown(ROOM, trunks=[TRUNK]).split())
    assert text.startswith("1 call 1 room, 23 people, 1 talking 1 of 1 trunks down 2 phones of 2 users registered")
