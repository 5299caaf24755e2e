"""`softswitch demo`: the main job, unattended, in half a minute.

Twenty callers from the PSTN enter room "standup" by code and speak in turn; one is muted, one is sent away. The
terminal shows the room live, and at the end who heard whom, judged by the callers' own recordings.

Reading order: story (who does what when) -> stage (it happens) -> view (the room live) -> verdict (who heard whom);
callers is the gateway's process, voices what is said, cpu what it cost.
"""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from softswitch.app import App
from softswitch.demo.stage import Stage
from softswitch.demo.story import SPEECH_S, story
from softswitch.demo.verdict import LEGEND, Verdict, judge
from softswitch.demo.view import room_view
from softswitch.demo.voices import write_voices

REFRESH_S = 0.2


def demo(
    config: Annotated[Path | None, typer.Option(help="The folder with the switch's configuration.")] = None,
) -> None:
    """Show twenty callers in a conference: half a minute, nobody has to do anything."""
    sys.exit(asyncio.run(_demo(config, Console())))
