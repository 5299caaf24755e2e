"""The room on the terminal as it is now: who is in, in which role, who talks, who is muted, how they sound."""

from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

from softswitch.endpoints.conference.views import AttendeeView, MeetingView
from softswitch.quality import opinion

ROLE_STYLE = {"host": "bold yellow", "participant": "", "listener": "dim"}
BAR = 7
WIDTHS = {"caller": 6, "role": 11, "": 8, "talks": BAR, "loss": 7, "jitter": 7, "opinion": 7}
"""The columns: they stay where they are whatever is in them, and fit into 60 characters."""
QUIET_DB, LOUD_DB = -50.0, -10.0
GOOD_MOS, FAIR_MOS = 4.0, 3.6


def room_view(meeting: MeetingView | None, at_s: float, cpu: str, news: str) -> Group:
    """Everything on one screen; `meeting` None: nobody has come in yet."""
    head = Text.assemble((" standup ", "bold reverse"), f"  {at_s:4.1f} s  ", (cpu, "dim"))
    head.no_wrap, head.overflow = True, "ellipsis"
    if meeting is None:
        return Group(head, Text("the callers dial in ...", style="dim"))
    count = f"{len(meeting.attendees)} in: {meeting.hosts} host, {meeting.participants} participants, "
    who = Text(f"{count}{meeting.listeners} listeners")
    if meeting.recording:
        who.append("   ● recording", style="red")
    return Group(head, who, _table(meeting), Text(news, style="cyan"))


def _table(meeting: MeetingView) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, width in WIDTHS.items():
        justify: JustifyMethod = "right" if name in ("loss", "jitter", "opinion") else "left"
        table.add_column(name, justify=justify, min_width=width, no_wrap=True)
    for attendee in sorted(meeting.attendees, key=lambda attendee: attendee.number):
        table.add_row(*_row(attendee), style=ROLE_STYLE.get(attendee.role, ""))
    return table


def _row(attendee: AttendeeView) -> tuple[str | Text, ...]:
    heard, number = attendee.quality, f"..{attendee.number[-4:]}"
    if heard is None:
        return number, attendee.role, attendee.state, "", "", "", ""
    return (
        number,
        attendee.role,
        Text("muted", style="red") if attendee.muted else Text(""),
        _bar(heard.level_db) if attendee.talking else Text(""),
        f"{100 * heard.loss_share:.1f} %",
        f"{heard.jitter_ms:.1f} ms",
        _score(opinion(heard)),
    )


def _bar(level_db: float) -> Text:
    share = min(1.0, max(0.1, (level_db - QUIET_DB) / (LOUD_DB - QUIET_DB)))
    return Text("█" * round(share * BAR), style="green")


def _score(mos: float) -> Text:
    return Text(f"{mos:.2f}", style="green" if mos >= GOOD_MOS else "yellow" if mos >= FAIR_MOS else "red")
