"""`softswitch token new`: a token for the API, made where the database is; for whoever has lost the first one."""

import asyncio
from typing import Annotated

import typer

from softswitch.api.scopes import KNOWN
from softswitch.api.tokens import Tokens
from softswitch.options import Config
from softswitch.settings import config_folder, load_settings
from softswitch.store import Store

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Tokens of the API.")


@app.callback()
def token() -> None:
    """Tokens of the API."""


@app.command("new")
def new(
    name: Annotated[str, typer.Option(help="What it is called in lists.")] = "admin",
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="What it may do, such as switch.read; may come again. [*]")
    ] = None,
    config: Config = None,
) -> None:
    """Make a token and print it, this once. The switch may run meanwhile, and takes it at once."""
    granted = scopes or ["*"]
    if unknown := sorted(set(granted) - KNOWN):
        raise typer.BadParameter(f"there is no scope {', '.join(unknown)}; there are: {', '.join(sorted(KNOWN))}")
    settings = load_settings(config_folder(config))

    async def make() -> str:
        async with Store.opened(settings.store.url, settings.data.directory) as store:
            secret, _ = await Tokens(store).create(name, granted)
        return secret

    typer.echo(asyncio.run(make()))
