"""`softswitch records export`: call records as CSV or JSON lines, from the database of the switch."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from softswitch.call.cdr import date
from softswitch.configuration import load_configuration
from softswitch.options import Config
from softswitch.records.export import Format, Kind, export
from softswitch.store import Store

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Call records.")


@app.callback()
def records() -> None:
    """Call records."""


@app.command("export")
def export_records(
    form: Annotated[Format, typer.Option("--format", help="csv, or jsonl: one JSON object a line.")] = "csv",
    kind: Annotated[Kind, typer.Option(help="Of calls, of conference attendances, or of mediated calls.")] = "call_drs",
    since: Annotated[str, typer.Option(help="Only those that ended at this date or later (ISO 8601; UTC).")] = "",
    until: Annotated[str, typer.Option(help="Only those that ended before this date.")] = "",
    output: Annotated[Path | None, typer.Option(help="A file. [standard output]")] = None,
    config: Config = None,
) -> None:
    """Write call records, oldest first. The switch may run meanwhile."""
    settings = load_configuration(config).settings
    bounds = (_moment(since, "--since"), _moment(until, "--until"))

    async def run(to: TextIO) -> int:
        async with Store.opened(settings.store.url, settings.data.directory) as store:
            return await export(store, to, kind, form, *bounds)

    if output is None:
        asyncio.run(run(sys.stdout))
        return
    try:
        with output.open("w", newline="", encoding="utf-8") as file:
            count = asyncio.run(run(file))
    except OSError as error:
        typer.echo(f"softswitch: {output} can't be written: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{count} records", err=True)


def _moment(text: str, option: str) -> str:
    """As the records write it. Raises `typer.BadParameter`."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text} is no date such as 2026-01-31 or 2026-01-31T09:45:00", param_hint=option
        ) from None
    return date((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
