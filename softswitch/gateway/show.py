"""The campaign on the terminal: a progress bar while it runs, a table at its end. Without a terminal: plain lines."""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from softswitch.gateway.caller import CallerState
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.report import Spread, Summary

REFRESH_S = 0.1
GOOD_MOS, FAIR_MOS = 4.0, 3.6
NO_ROUND_TRIP = "unknown: no RTCP report came [dim](the first takes some seconds)[/]"


async def watch(campaign: Campaign, console: Console) -> None:
    """Show the progress until cancelled."""
    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("[bold]{task.fields[placed]}[/]/{task.total:.0f} placed"),
        TextColumn("[yellow]{task.fields[ringing]} ringing"),
        TextColumn("[green]{task.fields[talking]} talking"),
        TextColumn("[dim]{task.completed:.0f} over"),
        TextColumn("[red]{task.fields[failed]} failed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("calls", total=len(campaign.orders), placed=0, ringing=0, talking=0, failed=0)
        while True:
            states = campaign.states
            progress.update(
                bar,
                completed=len(campaign.reports),
                placed=len(campaign.callers),
                ringing=states[CallerState.PLACED] + states[CallerState.RINGING],
                talking=states[CallerState.ANSWERED],
                failed=campaign.failed,
            )
            await asyncio.sleep(REFRESH_S)


def show(campaign: Campaign, console: Console) -> None:
    """The table at the end."""
    summary = campaign.summary
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in rows(summary, planned=len(campaign.orders), is_stopped=campaign.is_stopped):
        table.add_row(name, said)
    console.print(table)


def rows(summary: Summary, *, planned: int, is_stopped: bool) -> Iterator[tuple[str, str]]:
    """What there is to say, line by line; nothing is said of audio where no call was answered."""
    if is_stopped:
        yield (
            "cut short",
            f"[yellow]stopped with {summary.calls} of {planned} calls placed; who was in was hung up[/]",
        )
    yield "calls", _calls(summary)
    yield "responses", _counted(summary.codes) or "none"
    if summary.answered:
        yield "answer time", _spread(summary.answer_s, 1000, "ms")
        yield "heard", _heard(summary)
        yield "opinion score", _mos(summary.mos)
        yield "loss", _spread(summary.loss_share, 100, "%")
        yield "jitter", _spread(summary.jitter_ms, 1, "ms")
        yield "round trip", _spread(summary.round_trip_ms, 1, "ms", unknown=NO_ROUND_TRIP)
        yield "one-way audio", _one_way(summary)
    yield from _ends(summary)


def _ends(summary: Summary) -> Iterator[tuple[str, str]]:
    if summary.digits:
        yield "digits sent", str(summary.digits)
    if summary.cut_short:
        yield "hung up by the switch", str(summary.cut_short)
    if summary.byes_unanswered:
        yield "BYE unanswered", f"[red]{summary.byes_unanswered}[/]"
    if summary.recordings:
        first, last = summary.recordings[0], summary.recordings[-1]
        yield "recorded", escape(first if first == last else f"{first} ... {last}")
    if summary.unrecorded:
        yield "not recorded", f"[red]{escape(_counted(summary.unrecorded))}[/]"


def write_json(campaign: Campaign, path: Path) -> None:
    """The summary and every call, for programs."""
    content = {
        "summary": dataclasses.asdict(campaign.summary),
        "calls": [dataclasses.asdict(report) for report in campaign.reports],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _calls(summary: Summary) -> str:
    failed = f"[red]{summary.failed} failed[/]" if summary.failed else "none failed"
    return f"{summary.calls} placed, [green]{summary.answered} answered[/], {failed}"


def _heard(summary: Summary) -> str:
    """How loud, in how much of the call, and since when nothing came; the worst call where there are many."""
    sound, silent = summary.sound_share, summary.silent_since_s
    said = "no sound"
    if sound is not None and summary.level_db is not None:
        said = f"sound at {summary.level_db.p50:.0f} dB for {_figures(sound, 100, '%', 'p50 / p5 / least')}"
    return said if silent is None else f"{said}; [red]nothing since {silent.worst:.1f} s after the answer[/]"


def _mos(spread: Spread | None) -> str:
    if spread is None:
        return "unknown: nothing was heard"
    colour = "green" if spread.worst >= GOOD_MOS else "yellow" if spread.worst >= FAIR_MOS else "red"
    worst = f"[{colour}]{spread.worst:.2f}[/]"
    if spread.is_single:
        return f"{worst}  [dim]of 4.4[/]"
    return f"{spread.p50:.2f} / {spread.p95:.2f} / {worst}  [dim]p50 / p5 / worst, of 4.4[/]"


def _spread(spread: Spread | None, factor: float, unit: str, *, unknown: str = "unknown: nothing was heard") -> str:
    return unknown if spread is None else _figures(spread, factor, unit, "p50 / p95 / max")


def _figures(spread: Spread, factor: float, unit: str, legend: str) -> str:
    """One figure where there was one call, else three."""
    if spread.is_single:
        return f"{_rounded(factor * spread.worst)} {unit}"
    figures = " / ".join(_rounded(factor * value) for value in (spread.p50, spread.p95, spread.worst))
    return f"{figures} {unit}  [dim]{legend}[/]"


def _rounded(value: float) -> str:
    """Three digits, and nothing behind the hundredths."""
    return f"{round(value, 2):.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _counted(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in kinds.items())


def _one_way(summary: Summary) -> str:
    if not summary.one_way:
        return "none"
    return f"[red]{_counted(summary.one_way)}[/]"
