"""Options that several commands have: which configuration they go by."""

from pathlib import Path
from typing import Annotated

import typer


def _looked_at(given: Path | None) -> Path | None:
    """Says which folder was not taken, where somebody may believe that it was."""
    from softswitch.settings import passed_over

    folder = passed_over(given)
    if folder is not None:
        typer.echo(f"{folder.absolute()} has none of our files: the configuration we ship is used", err=True)
    return given


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        callback=_looked_at,
        help="Folder with softswitch.toml and numbers.toml. [./config, else what we ship]",
    ),
]
