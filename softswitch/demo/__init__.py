"""`softswitch demo`: the main job, unattended, in half a minute.

Twenty callers from the PSTN enter room "standup" by code and speak in turn; one is muted, one is sent away. The
terminal shows the room live, and at the end who heard whom, judged by the callers' own recordings.

Reading order: story (who does what when) -> stage (it happens) -> view (the room live) -> verdict (who heard whom);
callers is the gateway's process, voices what is said, cpu what it cost.
"""

import asyncio
import contextlib
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from softswitch import logs
from softswitch.app import App
from softswitch.configuration import Configuration, load_configuration
from softswitch.demo.stage import Stage
from softswitch.demo.story import SPEECH_S, story
from softswitch.demo.verdict import LEGEND, Verdict, judge
from softswitch.demo.view import room_view
from softswitch.demo.voices import shipped_samples, write_voices

REFRESH_S = 0.2


def demo(config: Annotated[Path | None, typer.Option(help="The folder with the configuration.")] = None) -> None:
    """Show twenty callers in a conference: half a minute, nobody has to do anything."""
    sys.exit(asyncio.run(_demo(load_configuration(config), Console())))


async def _demo(configuration: Configuration, console: Console) -> int:
    folder = _clean(configuration.settings.data.directory / "demo")
    write_voices(story(), shipped_samples(), folder / "voices", SPEECH_S)
    with (folder / "switch.log").open("w") as log:
        logs.configure(configuration.settings.logs, log)
        stage = await _play(configuration, folder, console)
    console.print("\nlistening to what each of them heard ...", style="dim")
    verdict = await asyncio.to_thread(judge, story(), folder / "voices", folder / "heard")
    _show(verdict, stage, console)
    return 0 if verdict.is_right else 1


async def _play(configuration: Configuration, folder: Path, console: Console) -> Stage:
    settings = configuration.settings
    if not _is_free(settings.sip.addresses[0], settings.sip.port):
        settings = settings.model_copy(update={"sip": settings.sip.model_copy(update={"port": 0})})
    async with App(settings, configuration.plan) as app:
        console.print("The switch listens at {}:{}; 20 callers come in from the PSTN.".format(*app.sip_address))
        stage = Stage(app, story(), folder, on_news=_teller(console))
        with _live(stage, console):
            await stage.play()
        stage.stop_clock()
    return stage


@contextlib.contextmanager
def _live(stage: Stage, console: Console) -> Iterator[None]:
    """The room, drawn five times a second; nothing where there is no terminal (the news come as lines then)."""
    if not console.is_terminal:
        yield
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        drawing = asyncio.create_task(_draw(stage, live))
        try:
            yield
        finally:
            drawing.cancel()


async def _draw(stage: Stage, live: Live) -> None:
    while True:
        before_s = time.process_time()
        live.update(room_view(stage.room, stage.at_s, _cpu(stage), stage.news), refresh=True)
        stage.drawing_cpu_s += time.process_time() - before_s
        await asyncio.sleep(REFRESH_S)


def _show(verdict: Verdict, stage: Stage, console: Console) -> None:
    console.print("\nWho heard whom, by the callers' own recordings (rows listen, columns speak):", style="bold")
    console.print(verdict.matrix())
    console.print(LEGEND, highlight=False)
    for mistake in verdict.mistakes:
        console.print(mistake, style="red", markup=False)
    result = "as it should be" if verdict.is_right else f"{len(verdict.mistakes)} of them wrong"
    console.print(f"\n{verdict.pairs} pairs: {result}. {_cpu(stage)}.")
    console.print(f"The mixed recording: {stage.recording or 'none was made'}", highlight=False)


def _cpu(stage: Stage) -> str:
    switch, media = stage.cpu_s
    share = "" if media is None else f", its media process {media:.2f} s"
    return f"CPU of the switch {switch:.2f} s{share}"


def _teller(console: Console) -> Callable[[str], None]:
    """Plain lines where there is no terminal to draw on."""
    return (lambda line: None) if console.is_terminal else (lambda line: console.print(line, markup=False))  # noqa: ARG005


def _clean(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("voices", "heard"):
        (folder / part).mkdir(parents=True)
    return folder


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
