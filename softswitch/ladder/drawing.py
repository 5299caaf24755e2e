"""A ladder on a terminal: the peers as columns, messages as arrows between them, everything else beside our own line.

      ms   udp:127.0.0.1:5080                 softswitch
     0.0  │──────────────── INVITE (SDP) ───────────────▶│
     0.3  │                                              │  identified: address of trunk gateway

Text and nothing else, so it can be mailed; `styled` is the same with colours.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

WIDTH = 34
"""Of the space between two lines."""
US = "softswitch"
STYLES = {"sip": "cyan", "event": "", "key": "magenta", "quality": "green", "callback": "yellow"}


def draw(picture: Mapping[str, Any]) -> str:
    """The whole picture (as JSON has it), one line an entry."""
    return styled(picture).plain


def styled(picture: Mapping[str, Any]) -> Text:
    entries: Sequence[Mapping[str, Any]] = picture["entries"]
    peers = list(dict.fromkeys(entry["peer"] for entry in entries if entry["peer"]))
    lines = [_head(picture), Text(), _columns(peers)]
    lines += [_line(entry, peers) for entry in entries]
    return Text("\n").join(lines)


def _head(picture: Mapping[str, Any]) -> Text:
    head = f"call {picture['call_id'] or '-'}  {picture['from_number'] or '?'} -> {picture['to_number'] or '?'}"
    return Text.assemble((head, "bold"), (f"   Call-ID {picture['sip_call_id']}", "dim"))


def _columns(peers: Sequence[str]) -> Text:
    names = "".join(name.ljust(WIDTH + 1) for name in peers)
    return Text(f"{'ms':>9}  {names}{US}", "bold")


def _line(entry: Mapping[str, Any], peers: Sequence[str]) -> Text:
    line = Text(f"{entry['offset_ms']:9.1f}  ", "dim")
    if entry["kind"] == "sip":
        title = entry["title"] + (" (again)" if entry["repeated"] else "")
        line.append("".join(_arrow(title, entry["direction"], entry["peer"], peers)), STYLES["sip"])
    else:
        line.append("│" + (" " * WIDTH + "│") * len(peers), "dim")
        line.append(f"  {entry['title']}", STYLES[entry["kind"]])
    return line


def _arrow(title: str, direction: str, peer: str, peers: Sequence[str]) -> Iterator[str]:
    """From the peer's line to ours, which is the last, over those between."""
    first = peers.index(peer)
    yield ("│" + " " * WIDTH) * first + "│"
    length = (WIDTH + 1) * (len(peers) - first) - 1
    label = f" {title[: length - 6]} "
    shaft = label.center(length - 1, "─")
    yield f"{shaft}▶" if direction == "in" else f"◀{shaft}"
    yield "│"
