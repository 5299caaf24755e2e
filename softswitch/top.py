"""`softswitch top`: the calls that are up, the rooms with who talks, and the trunks, live on the terminal.

Everything comes from the API of the running switch, once a second.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from softswitch.api_client import DEFAULT_URL, ApiClient, Token, Url

CALLS_ASKED = 200
ROWS = 15
NARROW = 100
"""Below so many characters a line, columns that others speak for are left out."""
STATE_STYLES = {"up": "green", "down": "bold red", "unknown": "dim"}

Json = Mapping[str, Any]


def top(
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and leave.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Watch a running switch: live calls, rooms, talkers and trunks. Ctrl-C ends it."""
    console = Console()
    with ApiClient(url, token) as api:
        if once:
            console.print(picture(*_look(api), width=console.width))
            return
        try:
            _watch(api, console, every)
        except KeyboardInterrupt:
            return


def _watch(api: ApiClient, console: Console, every: float) -> None:
    first = picture(*_look(api), width=console.width)
    with Live(first, console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(picture(*_look(api), width=console.width), refresh=True)


def _look(api: ApiClient) -> tuple[Json, Sequence[Json], Sequence[Json], Json]:
    calls = api.get(f"/switch/v1/calls?limit={CALLS_ASKED}")
    rooms = api.get("/switch/v1/rooms")["rooms"]
    trunks = api.get("/switch/v1/trunks/health")["trunks"]
    return calls, rooms, trunks, api.get("/switch/v1/registrations/totals")


def picture(calls: Json, rooms: Sequence[Json], trunks: Sequence[Json], phones: Json, *, width: int) -> RenderableType:
    """One look: two lines of totals and three tables, for a terminal of so many characters a line."""
    is_narrow = width < NARROW
    total = calls["total"] if calls["total"] is not None else calls["count"]
    talkers = sum(len(room["talkers"]) for room in rooms)
    people = sum(room["hosts"] + room["participants"] + room["listeners"] for room in rooms)
    down = sum(trunk["state"] == "down" for trunk in trunks)
    head = Text(f"{_counted(total, 'call')}   {_counted(len(rooms), 'room')}, ", "bold")
    head.append(f"{people} {'person' if people == 1 else 'people'}, {talkers} talking   ")
    head.append(f"{down} of {len(trunks)} trunks down", "bold red" if down else "dim")
    tables = _calls(calls["items"], total, is_narrow), _rooms(rooms, is_narrow), _trunks(trunks, is_narrow)
    return Group(head, _phones(phones), *(part for table in tables for part in (Text(), table)))


def _phones(phones: Json) -> Text:
    registered = f"{_counted(phones['contacts'], 'phone')} of {_counted(phones['users'], 'user')} registered   "
    line = Text(registered + f"{phones['registers_per_second']:g} REGISTER/s   ", "bold")
    line.append(_counted(phones["wrong_passwords"], "wrong password"), "dim")
    if phones["bans"]:
        line.append(f"   {_counted(phones['bans'], 'ban')}", "bold red")
    return line


def _calls(calls: Sequence[Json], total: int, is_narrow: bool) -> Table:
    over, codec = ((), ()) if is_narrow else (("over",), ("codec",))
    table = _table("call", "from", "to", *over, "goes to", "state", "time", *codec, "")
    for call in sorted(calls, key=lambda call: call["duration"], reverse=True)[:ROWS]:
        callee = call["callee"]
        audio = dict.fromkeys(_audio(leg) for leg in (call, callee) if leg and leg["codec"])
        table.add_row(
            call["call_id"],
            call["number_src"],
            call["number_dst"],
            *(() if is_narrow else (call["source"] or "",)),
            callee["target"] if callee else call["endpoint"] or "",
            call["state"],
            _clock(call["duration"]),
            *(() if is_narrow else (" / ".join(audio),)),
            Text("talking", "green") if call["talking"] or (callee and callee["talking"]) else "",
        )
    _note_the_rest(table, total)
    return table


def _audio(leg: Json) -> str:
    """How a leg's audio is encoded, and whether it and its SIP, which has the keys, are encrypted."""
    audio = f"{leg['codec']} SRTP" if leg["encryption"] else str(leg["codec"])
    return f"{audio} TLS" if leg["transport"] == "TLS" else audio


def _rooms(rooms: Sequence[Json], is_narrow: bool) -> Table:
    people = ("h/p/l",) if is_narrow else ("hosts", "participants", "listeners")
    table = _table("room", "endpoint", "state", "time", *people, "", "talking")
    for room in sorted(rooms, key=_people, reverse=True)[:ROWS]:
        marks = [mark for mark in ("locked", "recording") if room[mark]]
        talking = ", ".join(talker["name"] or talker["number"] for talker in room["talkers"])
        counts = [str(room[role]) for role in ("hosts", "participants", "listeners")]
        table.add_row(
            room["name"],
            room["endpoint"],
            room["state"],
            _clock(room["duration"]),
            *(["/".join(counts)] if is_narrow else counts),
            Text(" ".join(marks), "yellow"),
            Text(talking, "green"),
        )
    _note_the_rest(table, len(rooms))
    return table


def _trunks(trunks: Sequence[Json], is_narrow: bool) -> Table:
    """On a narrow terminal why a trunk rests, whole, has the place of how it answers."""
    table = _table("trunk", "address", "calls out", *(() if is_narrow else ("answer", "failures")), "state")
    table.columns[-1].no_wrap = False
    for trunk in trunks[:ROWS]:
        answer = "" if trunk["answer_ms"] is None else f"{trunk['status']} in {trunk['answer_ms']:.1f} ms"
        table.add_row(
            f"{trunk['trunk_group']}/{trunk['trunk']}",
            f"{trunk['transport']}:{trunk['address']}:{trunk['port']}",
            str(trunk["calls_out"]),
            *(() if is_narrow else (answer, str(trunk["failures"]))),
            _state(trunk),
        )
    _note_the_rest(table, len(trunks))
    return table


def _state(trunk: Json) -> Text:
    """Whether it answers OPTIONS; and where calls avoid it, why."""
    if trunk["service"] != "in service":
        return Text(f"{trunk['service']}: {trunk['why']}", "bold red")
    return Text(trunk["state"], STATE_STYLES.get(trunk["state"], ""))


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold dim", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _note_the_rest(table: Table, total: int) -> None:
    if total > table.row_count:
        table.add_row(Text(f"... {total - table.row_count} more", "dim"))


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _people(room: Json) -> int:
    return int(room["hosts"] + room["participants"] + room["listeners"])


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
