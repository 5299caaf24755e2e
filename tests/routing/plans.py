"""Number plans for tests, written as the file writes them."""

import tomllib
from pathlib import Path

from softswitch.plan import Plan, load_plan
from softswitch.sip.message import Headers, Request
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.uri import Uri

CONFERENCE = """
[[endpoints]]
name = "conference"
type = "conference"
"""


def plan_of(folder: Path, text: str) -> Plan:
    """The plan of a `numbers.toml` with this text; raises as `load_plan` does."""
    tomllib.loads(text)
    (folder / "numbers.toml").write_text(text)
    return load_plan(folder)


def invite(to: str, from_: str = "sip:13105550199@198.51.100.1", *headers: tuple[str, str]) -> Request:
    return Request("INVITE", Uri.parse(to), Headers([("From", f"<{from_}>;tag=1"), *headers]))


def udp(host: str, port: int = 5060) -> Peer:
    return Peer(Transport.UDP, host, port)


def tcp(host: str, port: int = 40000) -> Peer:
    return Peer(Transport.TCP, host, port)
