"""`softswitch serve` without a store and without watchers: what `benchmarks.records` compares with."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.processes import PROJECT
from softswitch import garbage, logs, watching
from softswitch.app import App
from softswitch.configuration import load_configuration


class Unwatched(watching.Watching):
    """Nobody listens: no event is even built."""

    @contextlib.asynccontextmanager
    async def running(self, plan: Any) -> AsyncIterator["Unwatched"]:  # noqa: ARG002 - the shape of the real one
        yield self


async def run(folder: Path) -> None:
    configuration = load_configuration(folder)
    logs.configure(configuration.settings.logs)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = App(configuration.settings, configuration.plan)
    app.watching.__class__ = Unwatched
    async with app:
        host, port = app.sip_address
        garbage.set_up()
        print(f"softswitch is ready: SIP on udp {host}:{port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(run(PROJECT / "config"))
