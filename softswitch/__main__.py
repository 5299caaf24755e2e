"""The command line: `softswitch serve`, `check`, `apply`, `export`, `explain`, `demo`, `gateway`.

Only what a command needs is imported when it runs. A configuration that can't be used is told in sentences on standard
error, with exit status 2.
"""

import importlib
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from softswitch import __version__
from softswitch.api_client import DEFAULT_URL, ApiClient, Token, Url
from softswitch.errors import ConfigError, PeerError
from softswitch.options import Config
from softswitch.standard_output import checked

CONFIG_STATUS = 2
INTERRUPTED_STATUS = 128 + signal.SIGINT

ELSEWHERE = {
    "ladder": "softswitch.ladder.cli",
    "top": "softswitch.top",
    "records": "softswitch.records_cli",
    "token": "softswitch.tokens_cli",
    "drain": "softswitch.running",
    "demo": "softswitch.demo",
    "gateway": "softswitch.gateway.cli",
}
"""Commands that bring their own command line, and where it is: `app`, or a function of the command's name."""


class Commands(TyperGroup):
    """Ours, and those of ELSEWHERE, which are imported when somebody asks for them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in ELSEWHERE:
            return _command_of(importlib.import_module(ELSEWHERE[cmd_name]), cmd_name)
        return super().get_command(ctx, cmd_name)


cli = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Where the installed `softswitch` command begins."""
    problems: list[BaseException] = []
    is_interrupted = False
    try:
        checked(cli)
    except* ConfigError as found:
        problems = _leaves(found)
    except* KeyboardInterrupt:
        is_interrupted = True
    if is_interrupted:
        sys.exit(INTERRUPTED_STATUS)
    if problems:
        _give_up(problems)


@cli.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False) -> None:
    """A carrier-grade voice platform: PSTN calls in, audio conferences out."""
    if version:
        typer.echo(f"softswitch {__version__}")
        raise typer.Exit


@cli.command()
def serve(config: Config = None) -> None:
    """Start the switch; it runs until Ctrl-C or SIGTERM."""
    from softswitch import garbage

    garbage.put_off()
    from softswitch.configuration import load_configuration
    from softswitch.serve import serve

    serve(load_configuration(config))


@cli.command()
def check(config: Config = None) -> None:
    """Check the configuration, its certificates too, and show the number plan, access codes included."""
    import asyncio

    from softswitch import show
    from softswitch.apply import plan_in_force
    from softswitch.certificates import check_stir, check_tls
    from softswitch.configuration import load_configuration
    from softswitch.settings import PLAN_FILE, SETTINGS_FILE, variables_ignored

    configuration = load_configuration(config)
    plan, where = configuration.plan, ""
    if not configuration.settings.store.url:  # a server may be elsewhere, and need not be asked for this
        plan, where = asyncio.run(plan_in_force(configuration))
    sip, data = configuration.settings.sip, configuration.settings.data.directory
    file = str(configuration.folder / SETTINGS_FILE)
    if "tls" in sip.transports:
        check_tls(sip.tls, data, file)
    check_stir(configuration.settings.stir, file)
    ignored = [f"{name} in the environment sets nothing." for name in variables_ignored()]
    show.say(
        show.number_plan(configuration.plan, all_codes=True),
        "",
        show.trunk_groups(configuration.plan),
        "",
        *ignored,
        f"{configuration.folder} can be used.",
        *show.ruled_out(configuration.plan, plan, where, str(configuration.folder / PLAN_FILE)),
    )


@cli.command()
def apply(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Number plans such as numbers.toml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    adding: Annotated[bool, typer.Option("--add", help="Remove nothing that the files leave out.")] = False,
    config: Config = None,
) -> None:
    """Make the database say what these files say: trunk groups, endpoints, DIDs, users. A running switch follows.

    A kind of object that the files have becomes just that: those they leave out are removed. Other kinds stay.
    """
    import asyncio

    from softswitch import show
    from softswitch.apply import apply_files
    from softswitch.settings import config_folder, load_settings

    settings = load_settings(config_folder(config))
    changes = asyncio.run(apply_files(settings, files, adding=adding, dry_run=dry_run))
    console = Console(highlight=False, soft_wrap=True)
    if changes:
        console.print(show.differences(changes))
    console.print(f"{show.summary(changes)}{' (dry run: nothing was done)' if dry_run else ''}", style="bold")


@cli.command()
def export(config: Config = None) -> None:
    """Print the number plan that is in the database, as TOML that `softswitch apply` takes."""
    import asyncio

    from softswitch.apply import export
    from softswitch.settings import config_folder, load_settings

    typer.echo(asyncio.run(export(load_settings(config_folder(config)))), nl=False)


@cli.command()
def explain(
    from_: Annotated[str, typer.Option("--from", help="The calling number, or a URI.")],
    to: Annotated[str, typer.Option(help="The called number, or a URI.")],
    source: Annotated[str, typer.Option(help="The address the call comes from: IP or IP:port [5060].")] = "127.0.0.1",
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    live: Annotated[bool, typer.Option("--live", help="By the running switch: its phones, its trunks.")] = False,
    config: Config = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Say what would happen to a call, and why: each candidate, taken or not. Exit status 1: it would be refused.

    By the number plan of the database; where there is none yet, by numbers.toml.
    """
    import asyncio

    from softswitch import routing, show
    from softswitch.apply import plan_in_force
    from softswitch.configuration import load_configuration

    if live:
        raise typer.Exit(_explain_live(from_, to, source, json, url, token))
    configuration = load_configuration(config)
    plan, where = asyncio.run(plan_in_force(configuration))
    try:
        peer = routing.peer_of(source)
        unknown_sender = configuration.settings.sip.unknown_sender
        told = routing.explain(plan, from_=from_, to=to, peer=peer, unknown_sender=unknown_sender)
    except PeerError as error:
        raise typer.BadParameter(error.reason) from None
    if json:
        typer.echo(show.explanation_json(told))
    else:
        show.say(f"By the number plan of {where}:", show.candidates(told.reasons), "")
        show.say(f"{told.status or '-'} {told.reason}", style="bold green" if told.decision else "bold red")
    raise typer.Exit(0 if told.decision else 1)


def _explain_live(from_: str, to: str, source: str, as_json: bool, url: str, token: str) -> int:
    """The same by the running switch; the exit status."""
    import json
    from urllib.parse import urlencode

    from softswitch import routing, show

    asked = urlencode({"from": from_, "to": to, "source": source})
    with ApiClient(url, token) as api:
        told = api.get(f"/switch/v1/explain?{asked}")
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        show.say(show.candidates(routing.Reason(**reason) for reason in told["reasons"]), "")
        style = "bold green" if told["endpoint"] else "bold red"
        show.say(f"{told['status'] or '-'} {told['reason']}", style=style)
    return 0 if told["endpoint"] else 1


@cli.command()
def trunks(
    group: Annotated[str, typer.Argument(help="The trunk group.")],
    to: Annotated[str, typer.Option(help="The number called: for least cost routing.")] = "",
    config: Config = None,
) -> None:
    """Say in which order a call out over a trunk group would try its trunks, and why. Equals are drawn by weight."""
    import asyncio

    from softswitch import routing, show
    from softswitch.apply import plan_in_force
    from softswitch.configuration import load_configuration

    plan, where = asyncio.run(plan_in_force(load_configuration(config)))
    known, price = plan.trunk_groups, routing.Outward(plan).price
    if group not in known:
        raise typer.BadParameter(f"there is no trunk group {group}; there are: {', '.join(known)}")
    number = routing.digits(to)
    _, reasons = routing.failover_order(known[group], {}, 0.0, random.random, lambda trunk: price(trunk, number))
    show.say(f"By the number plan of {where}:", show.candidates(reasons))


def _command_of(module: Any, name: str) -> Any:
    mounted = getattr(module, "app", None)
    if mounted is None:
        mounted = typer.Typer(add_completion=False)
        mounted.command(name)(getattr(module, name))
    command = typer.main.get_command(mounted)
    command.name = name
    return command


def _give_up(problems: Sequence[BaseException]) -> None:
    """Not from within `except*`: Python 3.11.0 to 3.11.3 make a group of what ends the program there."""
    from softswitch import show

    show.problems(problems, Console(stderr=True))
    sys.exit(CONFIG_STATUS)


def _leaves(found: BaseException) -> list[BaseException]:
    """The single errors of a group of groups."""
    if isinstance(found, BaseExceptionGroup):
        return [leaf for inner in found.exceptions for leaf in _leaves(inner)]
    return [found]


if __name__ == "__main__":
    main()
