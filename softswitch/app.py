"""The composition root: builds every part once, wires them, starts them upward and stops them downward. No logic.

    app = App(settings, plan)
    async with app:
        ...                     # calls come in

What flows upward between the parts is wired here (`stack.on_invite = switch.handle`), never imported.
"""

import asyncio
import contextlib
import errno
import secrets
import socket
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from media import Engine, MediaSettings
from softswitch import __version__
from softswitch.call import Events
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference import Conference
from softswitch.errors import ConfigError
from softswitch.logs import Counts, get_logger, message_trace
from softswitch.plan import Plan
from softswitch.settings import SETTINGS_FILE, Settings
from softswitch.sip import Stack, StackSettings, Transport
from softswitch.sip.digest import Challenger
from softswitch.switch import Switch

LAST_WORDS_S = 1.0
"""How long the end waits for the answers to its BYEs; long enough to send a lost one again."""


class App:
    """A whole switch. `listening` says where it is heard once it has started."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        *,
        settings_file: str = SETTINGS_FILE,
        engine: Engine | None = None,
        stack: Stack | None = None,
    ) -> None:
        """`settings_file` is what errors call it.

        `engine` and `stack` are given by tests that run a whole switch on an in-memory wire."""
        self.settings = settings
        self.plan = plan
        self._settings_file = settings_file
        self.listening: list[tuple[Transport, str, int]] = []
        self.events = Events()
        self.engine = engine or Engine(media_settings(settings))
        self.stack = stack or Stack(stack_settings(settings))
        self.endpoints: dict[str, Endpoint] = {
            account.name: Conference(account, engine=self.engine, events=self.events, data=settings.data.directory)
            for account in plan.numbers.endpoints
        }
        self.switch = Switch(
            settings,
            plan,
            self.engine,
            self.endpoints,
            challenger=Challenger(settings.sip.realm, secrets.token_bytes(32)),
            answer_known=self.stack.answer_options,
            events=self.events,
        )
        self.counts = Counts({"sip": lambda: self.stack.drops, "calls": lambda: self.switch.refused})
        self._stopping = asyncio.Event()
        self._parts = AsyncExitStack()

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where to call it: host and port of the first listener."""
        _, host, port = self.listening[0]
        return host, port

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Media first, ears last. Raises `ConfigError` where a port is taken; nothing stays behind then."""
        async with AsyncExitStack() as parts:
            self._refuse_what_would_fail_later()
            parts.push_async_callback(self.engine.stop)
            await self.engine.start()
            parts.push_async_callback(self.stack.close)
            parts.push_async_callback(self._end_all_calls, asyncio.create_task(self.switch.serve(self._stopping)))
            parts.callback(asyncio.create_task(self.counts.log_every(self.settings.logs.drops_every_s)).cancel)
            self._wire()
            await self.switch.is_open.wait()
            await self._listen()
            self._parts = parts.pop_all()

    async def stop(self) -> None:
        """Hangs up every call, closes the recordings, and is quick about it."""
        await self._parts.aclose()

    def _wire(self) -> None:
        self.stack.on_invite = self.switch.handle
        self.stack.on_request = self.switch.answer
        self.engine.on_worker_replaced = lambda: get_logger().warning("media process replaced")
        if self.settings.sip.unknown_sender == "silence":
            self.stack.ignores = self.switch.is_stranger
        if self.settings.logs.sip_messages:
            self.stack.trace = message_trace()

    def _refuse_what_would_fail_later(self) -> None:
        """Audio sockets open with each call, recordings when a host presses a key: better to hear of it now."""
        address, recordings = self.settings.media.address, self.settings.data.recordings
        if not _is_ours(address):
            raise self._refused("media.address", f"{address} is no address of this machine", "one of its own addresses")
        if not _is_writable(recordings):
            raise self._refused("data.directory", f"{recordings} can't be written", "a folder that this user can write")

    async def _listen(self) -> None:
        """Every address and transport on the same port, also where 0 asks for any that is free."""
        port = self.settings.sip.port
        for address in self.settings.sip.addresses:
            for transport in self.settings.sip.transports:
                try:
                    host, port = await self.stack.listen(Transport[transport.upper()], address, port)
                except OSError as error:
                    raise self._can_not_listen(error, transport, address, port) from None
                self.listening.append((Transport[transport.upper()], host, port))

    def _can_not_listen(self, error: OSError, transport: str, address: str, port: int) -> ConfigError:
        place = f"{address} port {port} ({transport})"
        match error.errno:
            case errno.EADDRINUSE:
                problem = f"{place} is in use by another program"
                once = "SOFTSWITCH_SIP__PORT=5070 make run, or SOFTSWITCH_SIP__PORT=5070 softswitch serve"
                accepted = f"another port, in the file or for once ({once}); 0 takes any that is free"
                return self._refused("sip.port", problem, accepted)
            case errno.EACCES:
                return self._refused("sip.port", f"{place} is not allowed to this user", "1024 to 65535")
            case errno.EADDRNOTAVAIL:
                problem = f"{address} is no address of this machine"
                return self._refused("sip.addresses", problem, "its own addresses, 0.0.0.0 or ::")
        return self._refused("sip.addresses", f"can't listen on {place}: {error.strerror}", "")

    def _refused(self, key: str, problem: str, accepted: str) -> ConfigError:
        return ConfigError(self._settings_file, key, problem, accepted)

    async def _end_all_calls(self, serving: asyncio.Task[None]) -> None:
        self._stopping.set()
        for endpoint in self.endpoints.values():
            await endpoint.close()
        await serving
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while self.stack.counts()["sendings"]:  # noqa: ASYNC110 - a second of life is left
                    await asyncio.sleep(0.01)


def media_settings(settings: Settings) -> MediaSettings:
    """The `[media]` table as the media engine takes it."""
    return MediaSettings(**settings.media.model_dump())


def stack_settings(settings: Settings) -> StackSettings:
    """The `[sip]` table as the SIP stack takes it."""
    return StackSettings(
        user_agent=f"softswitch/{__version__}",
        session_expires_s=settings.sip.session_expires_s,
        min_se_s=settings.sip.min_se_s,
        advertised_host=settings.sip.advertised_address,
    )


def _is_ours(address: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in the folder, or the folder itself where it is not there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False
