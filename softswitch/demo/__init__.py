"""`softswitch demo`: the main job, unattended, in half a minute.

Twenty callers from the PSTN enter room "standup" by code and speak in turn; one is muted, one is sent away. The
terminal shows the room live, and at the end who heard whom, judged by the callers' own recordings.

Reading order: story (who does what when) -> stage (it happens) -> view (the room live) -> verdict (who heard whom);
callers is the gateway's process, voices what is said, cpu what it cost.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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
from softswitch.errors import ConfigError
from softswitch.options import Config
from softswitch.plan import Plan
from softswitch.settings import Settings

REFRESH_S = 0.2


def demo(config: Config = None) -> None:
    """Show twenty callers in a conference: half a minute, nobody has to do anything."""
    sys.exit(asyncio.run(_demo(load_configuration(config), Console())))


async def _demo(configuration: Configuration, console: Console) -> int:
    own = folder_of_its_own(configuration.settings.data.directory)
    with tempfile.TemporaryDirectory(prefix="softswitch-demo-") as temporary:
        folder = Path(temporary)
        for part in ("voices", "heard"):
            (folder / part).mkdir()
        write_voices(story(), shipped_samples(), folder / "voices", SPEECH_S)
        with (own / "switch.log").open("w") as log:
            logs.configure(configuration.settings.logs, log)
            stage = await _play(settings_of_its_own(configuration.settings, own), configuration.plan, folder, console)
        console.print("\nlistening to what each of them heard ...", style="dim")
        verdict = await asyncio.to_thread(judge, story(), folder / "voices", folder / "heard")
    _show(verdict, stage, console)
    return 0 if verdict.is_right else 1


async def _play(settings: Settings, plan: Plan, folder: Path, console: Console) -> Stage:
    async with App(settings, plan) as app:
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
    console.print(f"The mixed recording: {stage.recording or 'none was made'}", highlight=False, soft_wrap=True)


def _cpu(stage: Stage) -> str:
    switch, media = stage.cpu_s
    share = "" if media is None else f", its media process {media:.2f} s"
    return f"CPU of the switch {switch:.2f} s{share}"


def _teller(console: Console) -> Callable[[str], None]:
    """Plain lines where there is no terminal to draw on."""
    return (lambda line: None) if console.is_terminal else (lambda line: console.print(line, markup=False))  # noqa: ARG005


def folder_of_its_own(data: Path) -> Path:
    """A new folder for what stays of this run: the mixed recording and the log. Raises ConfigError."""
    try:
        (data / "demo").mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=data / "demo"))
    except OSError as error:
        raise ConfigError("the demo", "data.directory", f"{data / 'demo'} can't be written: {error.strerror}") from None


def settings_of_its_own(settings: Settings, folder: Path) -> Settings:
    """A free SIP port and a data folder of its own: a switch and other demos may run beside it."""
    sip = settings.sip.model_copy(update={"port": 0})
    data = settings.data.model_copy(update={"directory": folder})
    return settings.model_copy(update={"sip": sip, "data": data})
