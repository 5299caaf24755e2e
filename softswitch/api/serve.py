"""The API heard: its port taken at the start, its answers given from the running event loop.

The composition root calls `listen` while it starts, so that a port in use is told at once, and runs `ApiServer.serve`
as a task after SIP is up. FastAPI is imported then, in a thread: who connects meanwhile waits in the backlog of the
socket. Nothing here is needed for a call; when the API ends, calls go on.
"""

import asyncio
import contextlib
import errno
import importlib
import ipaddress
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from softswitch import garbage
from softswitch.errors import ConfigError
from softswitch.logs import get_logger
from softswitch.settings import SETTINGS_FILE, ApiSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from softswitch.api.context import ApiContext

BACKLOG = 256
LAST_WORDS_S = 1


def listen(settings: ApiSettings, file: str = SETTINGS_FILE) -> socket.socket:
    """The socket of the API, taking connections already. Raises `ConfigError`, which calls the settings file `file`."""
    family = socket.AF_INET6 if ipaddress.ip_address(settings.address).version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.address, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _can_not_listen(error, settings, file) from None
    listener.setblocking(False)
    return listener


class ApiServer:
    """uvicorn inside the program's own loop: no signal handlers, no process of its own, no access log."""

    def __init__(self, listener: socket.socket, context: "ApiContext") -> None:
        self.address: tuple[str, int] = listener.getsockname()[:2]
        """Host and port."""
        self._listener = listener
        self._context = context
        self._server: Any = None
        self._is_stopped = False

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._server.server_state.connections) if self._server is not None else 0

    async def serve(self) -> None:
        """Until `stop`, or until the task is cancelled. A bug that ends it is logged: calls go on without the API."""
        try:
            with contextlib.closing(self._listener):
                self._server = await asyncio.to_thread(_built, self._context)
                if not self._is_stopped:
                    await self._server.serve(sockets=[self._listener])
        except Exception:  # noqa: BLE001 - the API may end, the calls may not
            get_logger().exception("a bug of ours ends the API")

    async def create_first_token(self) -> str | None:
        """The secret of an admin token at the first start, to be shown once; None where there are tokens already."""
        return await self._context.tokens.create_first()

    def stop(self) -> None:
        """Lets answers that are under way finish, for a second; `serve` returns then. Readers of events are let go."""
        self._is_stopped = True
        if self._context.live is not None:
            self._context.live.feed.close()
        if self._server is not None:
            self._server.should_exit = True


def _built(context: "ApiContext") -> Any:
    """The server with the whole API in it. Half a second, most of it imports.

    What it is made of stays, and is more than all the rest of the program: the garbage collector looks at none of it,
    neither now nor later while calls wait.
    """
    with garbage.paused():
        server = _server(context)
        garbage.put_aside(garbage.MANY)
    return server


def _server(context: "ApiContext") -> Any:
    uvicorn = importlib.import_module("uvicorn")
    app = importlib.import_module("softswitch.api.app").create_api(context)
    _ask_once(app)
    config = uvicorn.Config(
        app,
        http=importlib.import_module("softswitch.api.connections").BoundedConnection,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=1 << 16,
        timeout_graceful_shutdown=LAST_WORDS_S,
    )
    config.load()
    server = uvicorn.Server(config)
    server.capture_signals = _leave_signals_alone
    return server


def _ask_once(app: "ASGIApp") -> None:
    """For nothing: what FastAPI only makes for the first request is made here, in this thread, and holds up no call."""
    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/"}
    scope |= {"raw_path": b"/", "root_path": "", "query_string": b"", "headers": [], "client": None, "server": None}

    async def receive() -> "Message":
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: "Message") -> None:
        return

    async def ask() -> None:
        await app(scope, receive, send)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(ask())


@contextlib.contextmanager
def _leave_signals_alone() -> Iterator[None]:
    yield


def _can_not_listen(error: OSError, settings: ApiSettings, file: str) -> ConfigError:
    place = f"{settings.address} port {settings.port}"
    match error.errno:
        case errno.EADDRINUSE:
            problem = f"{place} is in use by another program: is a softswitch already running?"
            accepted = "another port, here or for once as SOFTSWITCH_API__PORT=8081; 0 takes any that is free"
            return ConfigError(file, "api.port", problem, accepted)
        case errno.EACCES:
            return ConfigError(file, "api.port", f"{place} is not allowed to this user", "1024 to 65535")
        case errno.EADDRNOTAVAIL:
            problem = f"{settings.address} is no address of this machine"
            return ConfigError(file, "api.address", problem, "its own addresses, 0.0.0.0 or ::")
    return ConfigError(file, "api.address", f"can't listen on {place}: {error.strerror}")
