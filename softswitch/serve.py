"""`softswitch serve`: the switch as a program of its own, from its start to the signal that ends it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from softswitch import garbage, logs, show
from softswitch.app import App
from softswitch.configfile import refusal
from softswitch.configuration import (
    Configuration,
    library_of,
    load_configuration,
    open_to_the_world,
    wrong_properties,
)
from softswitch.errors import ConfigError
from softswitch.plan.differences import differences
from softswitch.running import alone_in, pid_file
from softswitch.settings import PLAN_FILE, SETTINGS_FILE, variables_ignored
from softswitch.store import Store

PROBLEMS_LOGGED = 20

SWITCH_INTERVAL_S = 0.001
"""How long one thread keeps Python's lock while another waits. SQLite is asked from a thread, a dozen steps a list:
with Python's 5 ms each step waited that long where calls and requests kept the loop busy, and so did the loop for
threads that compute.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(configuration: Configuration) -> None:
    """Runs the switch until a signal; returns when every call is ended. Raises `ConfigError`."""
    logs.configure(configuration.settings.logs)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if ignored := variables_ignored():
        logs.get_logger().warning("variables of the environment that set nothing", names=ignored)
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    at_terminal = _is_at_terminal()
    stop = _stop_on_signals((*SIGNALS, signal.SIGHUP) if at_terminal else SIGNALS)
    settings, file = configuration.settings, str(configuration.folder / SETTINGS_FILE)
    async with contextlib.AsyncExitStack() as parts:
        parts.enter_context(alone_in(settings.data.directory, file))
        store = await parts.enter_async_context(_open_store(configuration))
        app = App(settings, store.plan, store=store, settings_file=file, end_program=stop.set)
        await parts.enter_async_context(app)
        _drain_on_signal(app, stop)
        _reload_on_signal(app, configuration, stop, ends_with_terminal=at_terminal)
        with pid_file(settings.data.directory, file):
            garbage.set_up()
            tidying = asyncio.create_task(garbage.tidy(lambda: app.phones.is_quiet and not app.switch.calls))
            with store.answering():
                token = await app.api.create_first_token() if app.api else None
            _say_ready(app, configuration, token)
            await stop.wait()
            tidying.cancel()
        logs.get_logger().info("stopping", calls=len(app.switch.calls))


@contextlib.asynccontextmanager
async def _open_store(configuration: Configuration) -> AsyncIterator[Store]:
    """The store; at the first start with the number plan of the configuration, which from then on is the store's.

    Raises `ConfigError`, also where the store has the codes and passwords we ship and others can reach them.
    """
    settings = configuration.settings
    store = await Store.open(settings.store.url, settings.data.directory)
    try:
        if not store.has_objects:
            with store.answering():
                await store.apply(configuration.plan.numbers)
        elif differences(store.plan.numbers, configuration.plan.numbers):
            file = configuration.folder / PLAN_FILE
            logs.get_logger().info("the database rules", differs_from=str(file), to_apply=f"softswitch apply {file}")
        for wrong in islice(wrong_properties(store.plan, "the database", library_of(settings)), PROBLEMS_LOGGED):
            logs.get_logger().warning("a property of the number plan can't be used", problem=str(wrong))
        problems = list(open_to_the_world(settings, store.plan, str(configuration.folder / SETTINGS_FILE)))
        if problems:
            raise refusal(problems)
        yield store
    finally:
        await store.close()


def _stop_on_signals(numbers: Iterable[signal.Signals]) -> asyncio.Event:
    """An event that the first signal sets. The second ends the process at once."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stop


def _is_at_terminal() -> bool:
    """Whether somebody watches it there, and nohup has not said that it shall outlive the terminal."""
    return sys.stderr.isatty() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def _drain_on_signal(app: App, stop: asyncio.Event) -> None:
    """SIGUSR1: no new calls; the program ends with the last one. The event is the end that a signal asks for too."""

    async def drain() -> None:
        logs.get_logger().info("draining", calls=len(app.switch.calls))
        await app.switch.drain()
        stop.set()

    _on_signal(signal.SIGUSR1, drain)


def _reload_on_signal(app: App, configuration: Configuration, stop: asyncio.Event, *, ends_with_terminal: bool) -> None:
    """SIGHUP: the settings are read again, and hold for the next call where they can. A mistake changes nothing.

    The kernel sends the same signal when the terminal closes, which is no terminal any more then: that ends the calls.
    """

    async def reload() -> None:
        if ends_with_terminal and not sys.stderr.isatty():
            stop.set()
            return
        try:
            fresh = await asyncio.to_thread(load_configuration, configuration.folder)
        except (ConfigError, ExceptionGroup) as error:
            for problem in getattr(error, "exceptions", (error,)):
                logs.get_logger().error("the configuration is not reloaded", problem=str(problem))
            return
        logs.configure(fresh.settings.logs)
        waiting = app.reload(fresh.settings)
        logs.get_logger().info("the configuration is reloaded", only_after_a_restart=waiting)

    _on_signal(signal.SIGHUP, reload)


def _on_signal(number: signal.Signals, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Does `work` at each such signal; one that comes while it is done is dropped."""
    running: set[asyncio.Task[None]] = set()

    def begin() -> None:
        if not running:
            task = asyncio.ensure_future(work())
            running.add(task)
            task.add_done_callback(running.discard)

    asyncio.get_running_loop().add_signal_handler(number, begin)


def _say_ready(app: App, configuration: Configuration, token: str | None) -> None:
    heard = ", ".join(f"{transport.lower()} {show.heard_at(host, port)}" for transport, host, port in app.listening)
    media = configuration.settings.media
    media_ports = f"{media.ports[0]}-{media.ports[1]}"
    show.say(
        f"softswitch is ready: SIP on {heard}",
        f"media on {media.address}, ports {media_ports}; configuration: {configuration.folder}\n",
        show.number_plan(app.plan, rows=show.ROWS_AT_START),
        "",
        *show.how_to_call(app.plan, app.listening, program=_program()),
        *show.how_to_register(app.plan, app.listening),
        "",
    )
    if app.api is not None:
        show.say(f"The API is at {app.api.url}, how to use it at {app.api.url}/docs")
    if token is not None:
        show.say(f"Its admin token, shown this once: {token}")


def _program() -> str:
    """How this program was called, for the person who shall call it again."""
    name = Path(sys.argv[0])
    return f"{Path(sys.executable).name} -m softswitch" if name.suffix == ".py" else str(name)


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None
