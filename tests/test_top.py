"""What `softswitch top` shows of the calls."""

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
    "codec": "PCMU",
    "talking": False,
    "callee": None,
}
PHONES = {"users": 2, "contacts": 2, "registers_per_second": 0.0, "wrong_passwords": 0, "bans": 0}


def shown(**changes: Any) -> str:
    calls = {"total": 1, "count": 1, "items": [{**CALL, **changes}]}
    console = Console(width=160)
    with console.capture() as captured:
        console.print(picture(calls, [], [], PHONES))
    return captured.get()


def test_a_call_of_two_legs_shows_who_was_rung_and_both_codecs() -> None:
    callee = {"target": "contact of 1002", "codec": "PCMA", "talking": True}
    text = shown(callee=callee)
    assert "contact of 1002" in text
    assert "PCMU / PCMA" in text
    assert "talking" in text


def test_one_codec_is_shown_once_and_a_call_of_one_leg_has_its_endpoint() -> None:
    assert "PCMU / PCMU" not in shown(callee={"target": "trunk pstn/a", "codec": "PCMU", "talking": False})
    assert "user 1002" in shown()
