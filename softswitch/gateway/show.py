"""The campaign on the terminal: a progress bar while it runs, a table at its end. Without a terminal: plain lines."""

import asyncio
import dataclasses
import json
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from softswitch.gateway.caller import CallerState
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.report import Spread, Summary

REFRESH_S = 0.1
GOOD_MOS, FAIR_MOS = 4.0, 3.6


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


def show(summary: Summary, console: Console) -> None:
    """The table at the end."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("calls", _calls(summary))
    table.add_row("responses", ", ".join(f"{count} x {code}" for code, count in summary.codes.items()) or "none")
    table.add_row("answer time", _spread(summary.answer_s, 1000, "ms", "p50 / p95 / max"))
    table.add_row("opinion score", _mos(summary.mos))
    table.add_row("loss", _spread(summary.loss_share, 100, "%", "p50 / p95 / max"))
    table.add_row("jitter", _spread(summary.jitter_ms, 1, "ms", "p50 / p95 / max"))
    table.add_row("round trip", _spread(summary.round_trip_ms, 1, "ms", "p50 / p95 / max"))
    table.add_row("one-way audio", _one_way(summary))
    if summary.digits:
        table.add_row("digits sent", str(summary.digits))
    if summary.cut_short:
        table.add_row("hung up by the switch", str(summary.cut_short))
    console.print(table)


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


def _mos(spread: Spread | None) -> str:
    if spread is None:
        return "unknown: nothing was heard"
    colour = "green" if spread.worst >= GOOD_MOS else "yellow" if spread.worst >= FAIR_MOS else "red"
    return f"{spread.p50:.2f} / {spread.p95:.2f} / [{colour}]{spread.worst:.2f}[/]  [dim]p50 / p5 / worst, of 4.4[/]"


def _spread(spread: Spread | None, factor: float, unit: str, legend: str) -> str:
    if spread is None:
        return "unknown"
    figures = " / ".join(f"{factor * value:.3g}" for value in (spread.p50, spread.p95, spread.worst))
    return f"{figures} {unit}  [dim]{legend}[/]"


def _one_way(summary: Summary) -> str:
    if not summary.one_way:
        return "none"
    return "[red]" + ", ".join(f"{count} x {which}" for which, count in summary.one_way.items()) + "[/]"
