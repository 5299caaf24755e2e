"""`softswitch gateway call` and `softswitch gateway serve`."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console

from media import Encryption, File, MediaError, MediaSettings
from softswitch.gateway.address import NameNotFoundError, host_and_port, local_host_towards, resolved
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.gateway import MEDIA_PORTS, Gateway
from softswitch.gateway.order import AfterPrompt, Batch, Order, Pause, Say, Step, keys, seconds
from softswitch.gateway.scenario import ACCEPTED, ScenarioBook, read_book
from softswitch.gateway.show import show, watch, write_json
from softswitch.sip import Transport

SERVE_PORT = 5080
BREATH = Pause(0.5)
"""Between the last key and the first word."""
DEFAULT_HOLD_S = 10.0

Value = TypeVar("Value")
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The PSTN gateway simulator: calls the switch, and is called by it.",
)


@app.command()
def call(
    to: Annotated[str, typer.Option(metavar="NUMBER", help="The number to call.")],
    from_: Annotated[
        str, typer.Option("--from", metavar="NUMBER", help="The caller's number; counts up from call to call.")
    ],
    switch: Annotated[str, typer.Option(metavar="ADDRESS", help="Where the switch listens.")] = "127.0.0.1",
    send: Annotated[
        str, typer.Option(metavar="KEYS", help="Keys to press: 0-9 * # A-D; a comma waits half a second.")
    ] = "",
    send_after: Annotated[
        str, typer.Option(metavar="WHEN", help="When to press: 'prompt' (the voice pauses), the default, or 2s.")
    ] = "",
    play: Annotated[Path | None, typer.Option(metavar="FILE", help="A sound file to play into the call.")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Play it over and over.")] = False,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="WAV file for what is heard; numbered with --calls.")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, metavar="N", help="How many calls.")] = 1,
    cps: Annotated[float, typer.Option(min=0, metavar="N", help="New calls a second; 0: all at once.")] = 10.0,
    hold: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long a call lasts once answered: 30s, 2m; else until played, or 10s."),
    ] = "",
    same_number: Annotated[bool, typer.Option("--same-number", help="Every call comes from the same number.")] = False,
    transport: Annotated[Transport, typer.Option(help="How SIP is carried.", case_sensitive=False)] = Transport.UDP,
    encryption: Annotated[Encryption, typer.Option(help="Whether audio is encrypted (SRTP).")] = "off",
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures of every call to this file.")
    ] = None,
) -> None:
    """Call the switch: press keys, play, listen, and say how it was. Exit status 1 when a call failed."""
    address = _parsed("--switch", lambda: host_and_port(switch, transport.default_port))
    for option, path in (("--record", record), ("--json", json)):
        _refuse_missing_folder(option, path)
    steps = _steps(send, send_after, play, repeat)
    hold_s = _parsed("--hold", lambda: seconds(hold)) if hold else None if play and not repeat else DEFAULT_HOLD_S
    order = Order(to, from_, steps, hold_s, record)
    orders = Batch(order, calls, 0 if same_number else 1).orders()
    sys.exit(_run(_call(orders, address, cps, transport, encryption, play, json)))


@app.command()
def serve(
    listen: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to be called.")] = f"127.0.0.1:{SERVE_PORT}",
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help=f"{ACCEPTED}; or a script.toml with one for each number.")
    ] = "answer",
    transport: Annotated[Transport, typer.Option(help="How SIP is carried.", case_sensitive=False)] = Transport.UDP,
    encryption: Annotated[Encryption, typer.Option(help="Whether audio is encrypted (SRTP).")] = "off",
) -> None:
    """Take calls from the switch, each by the scenario of the number it called."""
    address = _parsed("--listen", lambda: host_and_port(listen, SERVE_PORT))
    place = f" on {address[0]} port {address[1]} ({transport.lower()}; --listen takes another)"
    sys.exit(_run(_serve(address, read_book(scenario), transport, encryption), place))


async def _call(
    orders: list[Order],
    address: tuple[str, int],
    cps: float,
    transport: Transport,
    encryption: Encryption,
    play: Path | None,
    json: Path | None,
) -> int:
    console = Console()
    try:
        switch = await resolved(address)
    except NameNotFoundError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    local = local_host_towards(switch)
    media = MediaSettings(address=local, ports=MEDIA_PORTS, encryption=encryption)
    async with Gateway(listen=(local, 0), media=media, transport=transport) as gateway:
        if play is not None:
            gateway.engine.duration_s(File(play))
        if not await gateway.is_alive(switch):
            console.print(f"Nobody answers at {address[0]}:{address[1]}: is the switch running there?", style="red")
            return 1
        campaign = gateway.campaign(orders, switch=switch, cps=cps)
        with _on_interrupt(campaign.stop):
            watching = asyncio.create_task(watch(campaign, console))
            try:
                summary = await campaign.run()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
    show(campaign, console)
    is_written = json is None or _written(campaign, json, console)
    return 0 if summary.good == len(orders) and is_written else 1


def _written(campaign: Campaign, path: Path, console: Console) -> bool:
    try:
        write_json(campaign, path)
    except OSError as error:
        console.print(f"--json: {path} can't be written: {error.strerror}", style="red", markup=False, soft_wrap=True)
        return False
    return True


async def _serve(address: tuple[str, int], book: ScenarioBook, transport: Transport, encryption: Encryption) -> int:
    console = Console(highlight=False)
    media = MediaSettings(address=address[0], ports=MEDIA_PORTS, encryption=encryption)
    gateway = Gateway(listen=address, media=media, transport=transport)
    answering = gateway.answering(book, console.print)
    async with gateway:
        console.print(f"gateway takes calls at {gateway.local[0]}:{gateway.local[1]}: {book.default} (Ctrl-C ends it)")
        task = asyncio.create_task(answering.run())
        with _on_interrupt(task.cancel), contextlib.suppress(asyncio.CancelledError):
            await task
    return 0


def _steps(send: str, send_after: str, play: Path | None, repeat: bool) -> tuple[Step, ...]:
    steps: list[Step] = []
    if send_after and not send:
        _give_up("--send-after: there is nothing to press (accepted: together with --send)")
    if send:
        pressed = _parsed("--send", lambda: keys(send))
        steps += [_parsed("--send-after", lambda: _when(send_after or "prompt")), *pressed]
    if play is not None:
        steps += [BREATH, Say(play, repeat)]
    return tuple(steps)


def _when(text: str) -> Step:
    """`prompt` or a duration: what comes before the keys. Raises ValueError."""
    return AfterPrompt() if text == "prompt" else Pause(seconds(text))


def _refuse_missing_folder(option: str, path: Path | None) -> None:
    if path is not None and not path.parent.is_dir():
        _give_up(f"{option}: there is no folder {path.parent}")


def _run(work: Coroutine[None, None, int], place: str = "") -> int:
    """Run it; what a person can mend becomes a sentence. `place`: where it is to listen, in words."""
    try:
        return asyncio.run(work)
    except MediaError as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"can't listen{place}: {error.strerror or error}")


@contextlib.contextmanager
def _on_interrupt(stop: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM hang up; a second Ctrl-C ends the program as usual."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _parsed(option: str, parse: Callable[[], Value]) -> Value:
    try:
        return parse()
    except ValueError as error:
        _give_up(f"{option}: {error}")


def _give_up(sentence: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(sentence, style="red", markup=False, soft_wrap=True)
    sys.exit(2)
