"""Logs: two forms, no secrets, floods as sums."""

import asyncio
import contextvars
import io
import json
import logging
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog

from softswitch import logs
from softswitch.settings import LogSettings
from softswitch.sip.peer import Peer, Transport


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging belongs to the process: leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def configured(**settings: str) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(LogSettings.model_validate(settings), stream)
    return stream


def test_where_there_is_no_terminal_a_line_is_json() -> None:
    stream = configured()
    logs.get_logger().info("call ended", status=200)
    said = json.loads(stream.getvalue())
    assert (said["event"], said["level"], said["status"]) == ("call ended", "info", 200)


def test_for_people_a_line_is_text() -> None:
    stream = configured(format="human")
    logs.get_logger().info("call ended", status=200)
    assert "call ended" in stream.getvalue()
    assert "status=200" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_lines_of_other_parts_come_in_the_same_form_with_the_call_s_id() -> None:
    stream = configured()
    contextvars.copy_context().run(_say_in_call)
    said = json.loads(stream.getvalue())
    assert (said["event"], said["call"], said["level"]) == ("media process 7 died", "7f3a", "warning")
    logs.get_logger().info("of no call")
    assert "call" not in json.loads(stream.getvalue().splitlines()[-1])


@pytest.mark.parametrize("form", ["json", "human"])
def test_a_line_has_the_id_of_the_call_in_whose_task_it_is_said(form: str) -> None:
    stream = configured(format=form)
    contextvars.copy_context().run(_say_in_call)
    assert "7f3a" in stream.getvalue()


def _say_in_call() -> None:
    logs.in_call("7f3a")
    logging.getLogger("media").warning("media process %d died", 7)


def test_what_a_logger_is_bound_to_stands_in_each_of_its_lines() -> None:
    stream = configured()
    bound = logs.get_logger().bind(room="standup", meeting="1")
    bound.info("locked", by="host")
    said = json.loads(stream.getvalue())
    assert list(said) == ["timestamp", "level", "event", "room", "meeting", "by"]


def test_below_the_level_nothing_is_written() -> None:
    stream = configured(level="warning")
    logs.get_logger().info("call")
    logging.getLogger("media").info("a detail")
    assert stream.getvalue() == ""


def test_another_level_holds_for_loggers_that_have_been_used() -> None:
    stream = configured()
    used, bound = logs.get_logger(), logs.get_logger().bind(room="standup")
    for logger in (used, bound):
        logger.info("before")
        logger.debug("not yet")
    logs.configure(LogSettings(level="debug", format="human"), stream)
    for logger in (used, bound):
        logger.debug("now")
    logs.configure(LogSettings(level="error"), stream)
    for logger in (used, bound):
        logger.warning("no more")
    before, now = stream.getvalue().splitlines()[:2], stream.getvalue().splitlines()[2:]
    assert [json.loads(line)["event"] for line in before] == ["before", "before"]
    assert [("now" in line, "{" in line) for line in now] == [(True, False)] * 2


async def test_messages_are_written_with_the_id_of_their_call_also_the_one_that_makes_it() -> None:
    stream = configured()
    messages = logs.MessageLog()
    peer = Peer(Transport.UDP, "192.0.2.7", 5060)
    messages.trace("in", peer, b"INVITE sip:1@x SIP/2.0\r\nCall-ID: a@x\r\n\r\n")
    messages.started("a@x", "7f3a0001")
    messages.trace("out", peer, b"SIP/2.0 100 Trying\r\ni:a@x\r\n\r\n")
    messages.trace("in", peer, b"OPTIONS sip:1@x SIP/2.0\r\nCall-ID: b@x\r\n\r\n")
    await asyncio.sleep(0)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["direction"], line.get("call")) for line in lines] == [
        ("in", "7f3a0001"),
        ("out", "7f3a0001"),
        ("in", None),
    ]


def test_a_bug_is_written_with_its_place() -> None:
    stream = configured()
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        logs.get_logger().exception("a bug of ours ends the call")
    said = json.loads(stream.getvalue())
    assert said["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_counters_are_news_only_by_what_they_have_grown() -> None:
    drops, refused = Counter(malformed=3), Counter[str]()
    counts = logs.Counts({"sip": lambda: drops, "calls": lambda: refused})
    assert counts.news() == {"sip.malformed": 3}
    assert counts.news() == {}
    drops["malformed"] += 2
    refused["unknown_sender"] += 1
    assert counts.news() == {"calls.unknown_sender": 1, "sip.malformed": 2}


async def test_a_flood_is_one_line_an_interval_and_silence_is_none() -> None:
    stream = configured()
    drops = Counter[str]()
    task = asyncio.create_task(logs.Counts({"sip": lambda: drops}).log_every(10.0))
    for _ in range(3600):
        drops["malformed"] += 1
        await asyncio.sleep(0.01)
    await asyncio.sleep(3600)
    task.cancel()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 4
    assert sum(line["sip.malformed"] for line in lines) == 3600


@pytest.mark.parametrize(
    "header",
    [
        b'Authorization: Digest username="u", response="0123abcd"',
        b'proxy-authorization :Digest username="u",\r\n response="0123abcd"',
        b'WWW-Authenticate: Digest nonce="0123abcd"',
    ],
)
def test_the_message_log_shows_no_credentials(header: bytes) -> None:
    shown = logs.without_credentials(b"INVITE sip:1@x SIP/2.0\r\n" + header + b"\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n")
    assert b"0123abcd" not in shown
    assert shown.startswith(b"INVITE sip:1@x SIP/2.0\r\n")
    assert shown.endswith(b": (not shown)\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n")


async def test_a_line_nobody_watches_waits_for_others_but_never_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", stream := io.StringIO())
    logs.configure(LogSettings())
    log = logs.get_logger()
    log.info("call")
    assert stream.getvalue() == ""
    log.warning("dropped")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["call", "dropped"]
    log.info("call ended")
    await asyncio.sleep(2 * logs.HELD_S)
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "call ended"


@pytest.mark.parametrize("form", ["json", "human"])
@pytest.mark.parametrize("logger", ["ours", "library's"])
def test_a_traceback_has_the_lines_of_the_program_and_no_values_of_variables(form: str, logger: str) -> None:
    stream = configured(format=form)
    password = f"{stream.tell()} not for the log"  # so that no line of the program has it whole
    try:
        raise KeyError(len(password))
    except KeyError:
        log = logs.get_logger() if logger == "ours" else logging.getLogger("media")
        log.exception("a bug")
    said = stream.getvalue()
    assert "KeyError" in said
    assert "test_a_traceback_has_the_lines" in said
    assert password not in said


@pytest.mark.parametrize("word", ["caf\udce9", "\x00", "\ud83d"])
def test_a_word_that_is_no_text_costs_its_letters_and_not_the_line(word: str) -> None:
    stream = configured()
    logs.get_logger().info("call", **{"from": word, "to": [word, {word: 1}]})
    said = json.loads(stream.getvalue())
    assert (said["event"], said["from"][-1], said["to"][0][-1]) == ("call", "\ufffd", "\ufffd")


def test_a_bug_in_a_value_that_is_told_leaves_a_line_about_that() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    stream = configured()
    logs.get_logger().info("call", of=Broken())
    logs.get_logger().info("another")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], second["event"]) == ("error", "another")


def test_words_that_a_terminal_can_t_show_are_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    logs.configure(LogSettings(format="human"), stream)
    logging.getLogger("media").warning("caf\udce9")
    stream.seek(0)
    assert r"caf\udce9" in stream.read()
