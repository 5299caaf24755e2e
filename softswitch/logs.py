"""What the switch writes to standard error: a line for a call's start, one for its end, and what somebody must know.

Human form on a terminal, JSON otherwise. Our own lines come through structlog, those of the media engine and of
libraries through `logging`; both leave in the same form. Nothing here ever writes a password, a nonce or a pressed key.
"""

import asyncio
import atexit
import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from softswitch import legibly
from softswitch.settings import LogSettings
from softswitch.sip.peer import Peer

HELD_S = 0.1
"""How long a line that is no warning may wait for others, where no person is watching: each write costs the calls."""

_SECRET_HEADER = re.compile(
    rb"^((?:proxy-)?(?:authorization|authenticate)|www-authenticate)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_CALL_ID = re.compile(r"^(?:call-id|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)

_CALL: ContextVar[str] = ContextVar("call", default="")

CALLS_KNOWN = 10_000
"""Calls whose messages are told with their id, the last ones."""

_PROCESSORS: list[Processor] = []
"""One list for ever: loggers hold it from their first use on, and go by what is in it."""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Sets up both ways of logging for this process: before anything is logged, and again when the settings change."""
    is_watched = stream is not None or sys.stderr.isatty()
    lines = Lines(stream or sys.stderr, held_s=0.0 if is_watched else HELD_S)
    stream = cast(TextIO, lines)
    human = settings.format == "human" or (settings.format == "auto" and stream.isatty())
    level = getattr(logging, settings.level.upper())
    shared: list[Processor] = [
        _with_call,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
    ]
    renderers = _human(stream) if human else _json()
    _PROCESSORS[:] = [*shared, *renderers]
    Logger.lowest, Logger.is_json = level, not human
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=Logger,
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    _route_stdlib(shared, renderers, level, stream)


class Logger(structlog.BoundLoggerBase):
    """What `get_logger` gives. Level and form are the process's: others hold for loggers that are there already.

    A line of JSON is made in one step, without the processors: two lines a call are worth it.
    """

    lowest = logging.INFO
    is_json = False

    def debug(self, event: str, **said: object) -> None:
        if Logger.lowest <= logging.DEBUG:
            self._say("debug", event, said)

    def info(self, event: str, **said: object) -> None:
        if Logger.lowest <= logging.INFO:
            self._say("info", event, said)

    def warning(self, event: str, **said: object) -> None:
        if Logger.lowest <= logging.WARNING:
            self._say("warning", event, said)

    def error(self, event: str, **said: object) -> None:
        if Logger.lowest <= logging.ERROR:
            self._say("error", event, said)

    def _say(self, level: str, event: str, said: dict[str, object]) -> None:
        if Logger.is_json:
            getattr(self._logger, level)(_json_line(level, event, {**self._context, **said}))
        else:
            self._proxy_to_logger(level, event, **said)

    def exception(self, event: str, **said: object) -> None:
        """With the traceback of the exception that is handled."""
        self.error(event, **{"exc_info": True, **said})


class Lines:
    """Where the lines go: structlog's by the names of their levels, those of `logging` as into a stream.

    A terminal that was closed or a disk that is full costs lines, never a call. With `held_s`, what is no warning waits
    so long for others while a loop runs; a kill may cost that much of the log.
    """

    def __init__(self, stream: TextIO, *, held_s: float = 0.0) -> None:
        self._stream = stream
        self._held_s = held_s
        self._held: list[str] = []
        self._holding: asyncio.TimerHandle | None = None
        self.isatty = stream.isatty
        if held_s:
            atexit.register(self._write_held)

    def warning(self, line: str) -> None:
        self._held.append(line + "\n")
        self._write_held()

    def info(self, line: str) -> None:
        self._held.append(line + "\n")
        if not self._held_s:
            self._write_held()
        elif self._holding is None:
            try:
                self._holding = asyncio.get_running_loop().call_later(self._held_s, self._write_held)
            except RuntimeError:
                self._write_held()

    debug = info
    error = critical = fatal = exception = warning

    def write(self, text: str) -> None:
        self._held.append(text)
        self._write_held()

    def _write_held(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        text = "".join(self._held)
        self._held.clear()
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            self._stream.write(text.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError):  # ValueError: it was closed
            pass
        self.flush()

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            pass


def _human(stream: TextIO) -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), pad_event_to=12, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _json() -> list[Processor]:
    render = structlog.processors.JSONRenderer(_encode)
    return [_tracebacks, _what_people_look_for_first, render]


def _encode(said: EventDict, **_options: object) -> str:
    return _line(said)


def _what_people_look_for_first(_logger: object, _method: str, said: EventDict) -> EventDict:
    """JSON objects keep their order: time, level, event, call, then the rest."""
    first = {key: said.pop(key) for key in ("timestamp", "level", "event", "call") if key in said}
    return {**first, **said}


def _json_line(level: str, event: str, said: EventDict) -> str:
    if "exc_info" in said:
        said = _tracebacks(None, level, said)
    line = {"timestamp": _timestamp(), "level": level, "event": event}
    call = said.pop("call", None) or _CALL.get()
    if call:
        line["call"] = call
    line.update(said)
    return _line(line)


def _line(said: Mapping[str, Any]) -> str:
    """Who logs is never the worse for it."""
    try:
        return legibly.encode(_encoder, said).decode()
    except Exception:  # noqa: BLE001 - a line of the log is worth no call
        return _encoder.encode({"level": "error", "event": "a line that can't be written", "of": list(said)}).decode()


def _with_call(_logger: object, _method: str, said: EventDict) -> EventDict:
    """The id of the call whose task says it."""
    if "call" not in said and (call := _CALL.get()):
        said["call"] = call
    return said


_tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
"""Without the values of variables, among which are the passwords of whoever called."""

_encoder = msgspec.json.Encoder(enc_hook=repr)


def _timestamp() -> str:
    """Now, as structlog's stamps have it."""
    now_us = time.time_ns() // 1000
    return f"{_second(now_us // 1_000_000)}.{now_us % 1_000_000:06}Z"


@lru_cache(maxsize=4)
def _second(posix_s: int) -> str:
    return datetime.fromtimestamp(posix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _route_stdlib(shared: list[Processor], renderers: list[Processor], level: int, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, *renderers]))
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)


class Counts:
    """Counters of several parts, told when they changed: what was dropped or refused, by name, once in a while."""

    def __init__(self, parts: Mapping[str, Callable[[], Mapping[str, int]]]) -> None:
        self._parts = parts
        self._told: dict[str, int] = {}

    def news(self) -> dict[str, int]:
        """How much each counter that changed has grown since the last time."""
        now = {f"{part}.{name}": count for part, counts in self._parts.items() for name, count in counts().items()}
        grown = {name: count - self._told.get(name, 0) for name, count in now.items()}
        self._told = now
        return {name: count for name, count in sorted(grown.items()) if count}

    async def log_every(self, interval_s: float) -> None:
        """Until cancelled; a flood makes one line an interval, silence makes none."""
        log = structlog.get_logger()
        while True:
            await asyncio.sleep(interval_s)
            if news := self.news():
                log.warning("dropped", **news)


class MessageLog:
    """Every SIP message as a line, credentials taken out, with the id of the call that it belongs to.

    A first INVITE makes its call while it is handled: so lines are written at the end of the loop's turn, in order.
    `trace` is for the stack, `started` hears of each call, by the Call-ID of its INVITE.
    """

    def __init__(self) -> None:
        self._log = get_logger()
        self._calls: OrderedDict[str, str] = OrderedDict()

    def started(self, sip_call_id: str, call: str) -> None:
        self._calls[sip_call_id] = call
        if len(self._calls) > CALLS_KNOWN:
            self._calls.popitem(last=False)

    def trace(self, direction: str, peer: Peer, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._write, direction, peer, data)

    def _write(self, direction: str, peer: Peer, data: bytes) -> None:
        message = without_credentials(data).decode("utf-8", "replace")
        call = self._calls.get(_call_id_of(message))
        known = {"call": call} if call is not None else {}
        self._log.info("sip", **known, direction=direction, peer=str(peer), message=message)


def _call_id_of(message: str) -> str:
    found = _CALL_ID.search(message)
    return found[1] if found is not None else ""


def without_credentials(message: bytes) -> bytes:
    """A SIP message with the values of its authentication headers taken out."""
    return _SECRET_HEADER.sub(rb"\1: (not shown)", message)


def in_call(call_id: str) -> None:
    """Whatever this task says from now on is said with the id of its call."""
    _CALL.set(call_id)


def get_logger() -> Any:
    """The structured logger; bind the call's id to it."""
    return structlog.get_logger()
