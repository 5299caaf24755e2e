"""`softswitch serve`: the switch as a program of its own, from its start to the signal that ends it."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from softswitch import logs, show
from softswitch.app import App
from softswitch.configuration import Configuration
from softswitch.settings import SETTINGS_FILE, variables_ignored

GARBAGE_THRESHOLD = 20_000
"""New objects between two looks for garbage; Python's 700 would look several times in every call."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(configuration: Configuration) -> None:
    """Runs the switch until a signal; returns when every call is ended. Raises `ConfigError`."""
    logs.configure(configuration.settings.logs)
    if ignored := variables_ignored():
        logs.get_logger().warning("variables of the environment that set nothing", names=ignored)
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    stop = _stop_on_signals()
    file = str(configuration.folder / SETTINGS_FILE)
    async with App(configuration.settings, configuration.plan, settings_file=file) as app:
        _collect_less_garbage()
        _say_ready(app, configuration)
        await stop.wait()
        logs.get_logger().info("stopping", calls=len(app.switch.calls))


def _collect_less_garbage() -> None:
    """What is there at the start stays: it is not looked at again, and calls come and go many at a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _stop_on_signals() -> asyncio.Event:
    """An event that the first signal sets. The second ends the process at once."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in _signals():
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stop


def _signals() -> tuple[signal.Signals, ...]:
    """A terminal that closes (SIGHUP) ends the calls properly too, unless nohup has said that it shall not."""
    outlives_terminal = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return SIGNALS if outlives_terminal else (*SIGNALS, signal.SIGHUP)


def _say_ready(app: App, configuration: Configuration) -> None:
    heard = ", ".join(f"{transport.lower()} {host}:{port}" for transport, host, port in app.listening)
    media = configuration.settings.media
    media_ports = f"{media.ports[0]}-{media.ports[1]}"
    show.say(
        f"softswitch is ready: SIP on {heard}; media on {media.address}, ports {media_ports}",
        f"configuration: {configuration.folder}\n",
        show.number_plan(configuration.plan, rows=show.ROWS_AT_START),
        "",
        *show.how_to_call(configuration.plan, app.listening, program=_program()),
        "",
    )


def _program() -> str:
    """How this program was called, for the person who shall call it again."""
    name = Path(sys.argv[0])
    return f"{Path(sys.executable).name} -m softswitch" if name.suffix == ".py" else str(name)


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None
