"""What an operator does to a running switch, and what a `kill -9` does: the real process, files and commands."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from softswitch.api_client import ApiClient
from softswitch.errors import ConfigError
from softswitch.running import pid_file, process_of
from tests.test_app import INVITE, ROOT, SHIPPED, Running, running

pytestmark = pytest.mark.real_time


def call(it: Running, number: int) -> tuple[str, str]:
    """An INVITE that is answered and acknowledged, as it was sent; and our tag. Its Call-ID is `number`."""
    invite = INVITE.replace("2@{here}", f"{number}").replace("z9hG4bK-2", f"z9hG4bK-{number}")
    it.send(invite)
    answer = it.receive("SIP/2.0 200")
    tag = re.search(r"To: .*;tag=(\S+)", answer)
    assert tag
    it.send(in_dialog(invite, "ACK", tag[1]))
    return invite, tag[1]


def in_dialog(invite: str, method: str, tag: str, cseq: int = 1) -> str:
    text = invite.replace("INVITE", method).replace("CSeq: 1", f"CSeq: {cseq}")
    return text.replace("{host}>\r\nCall", f"{{host}}>;tag={tag}\r\nCall")


def exported(folder: Path, *options: str, kind: str = "call_drs") -> list[dict[str, Any]]:
    """The records as `softswitch records export` prints them."""
    command = [sys.executable, "-m", "softswitch", "records", "export", "--format", "jsonl", "--kind", kind, *options]
    done = subprocess.run(
        [*command, "--config", str(SHIPPED)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_after_kill_9_again_and_again_each_call_has_one_record_with_cause_41(tmp_path: Path) -> None:
    calls = []
    for number in range(2):
        with running(tmp_path) as it:
            call(it, number)
            calls.append(f"{number}")
            it.process.kill()
    with running(tmp_path) as it:
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(20) == 0
    records = exported(tmp_path)
    assert [record["sipcallid_src"] for record in records] == calls
    assert {(record["q850_cause"], record["sipcause"]) for record in records} == {(41, 200)}
    assert {record["disconnect_reason"] for record in records} == {"The switch was restarted"}
    assert list((tmp_path / "data" / "journal").iterdir()) == []


def test_a_switch_that_drains_turns_new_calls_away_and_ends_with_the_last_one(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        invite, tag = call(it, 7)
        drained = subprocess.run(
            [sys.executable, "-m", "softswitch", "drain", "--no-wait", "--config", str(SHIPPED)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
        assert drained.returncode == 0
        it.send(INVITE)
        assert "Retry-After: " in it.receive("SIP/2.0 503")
        assert it.process.poll() is None
        it.send(in_dialog(invite, "BYE", tag, 2).replace("z9hG4bK-7", "z9hG4bK-8"))
        assert it.process.wait(20) == 0
    assert not (tmp_path / "data" / "softswitch.pid").exists()


def test_a_switch_that_serves_no_calls_any_more_ends_with_an_error_instead_of_living_on(tmp_path: Path) -> None:
    program = """
import asyncio
from softswitch.__main__ import main
from softswitch.switch import Switch

async def serve(switch, until):
    switch.is_open.set()
    await asyncio.sleep(0.5)
    raise ZeroDivisionError

Switch.serve = serve
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, "serve", "--config", str(SHIPPED)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOFTSWITCH_SIP__PORT": "0", "SOFTSWITCH_API__PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "calls are not served any more" in ended.stderr


def test_drain_says_when_there_is_nothing_to_drain(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", "drain", "--config", str(SHIPPED)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "no switch runs on data\n")


def test_reload_changes_the_limits_for_the_next_call_and_drops_none(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(SHIPPED, config)
    with running(tmp_path, config=config) as it:
        call(it, 1)
        settings = (config / "softswitch.toml").read_text()
        (config / "softswitch.toml").write_text(settings.replace("calls = 0", "calls = 1"))
        it.process.send_signal(signal.SIGHUP)
        assert "the configuration is reloaded" in told(it, "reloaded")
        it.send(INVITE)
        assert "the switch is full" in it.receive("SIP/2.0 503")
        (config / "softswitch.toml").write_text("[sip]\nprot = 1\n")
        it.process.send_signal(signal.SIGHUP)
        assert "sip.prot" in told(it, "not reloaded")
        it.process.send_signal(signal.SIGTERM)
        it.socket.settimeout(20)
        assert "Reason: Q.850;cause=41" in it.receive("BYE ")
        assert it.process.wait(20) == 0


def told(it: Running, words: str) -> str:
    """The next line of the log with these words."""
    assert it.process.stderr is not None
    for line in it.process.stderr:
        if words in line:
            return line
    raise AssertionError(f"the process ended and never said {words!r}")


def test_ladder_metrics_and_top_of_a_running_switch(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        assert it.process.stdout is not None
        text = ""
        while "shown this once" not in text:
            text += it.process.stdout.readline()
        url, token = re.search(r"The API is at (\S+),", text), re.search(r"shown this once: (\S+)", text)
        assert url
        assert token
        call(it, 1)
        asked = ["--url", url[1], "--token", token[1]]
        drawn = command(tmp_path, "ladder", "1", *asked)
        for words in ("INVITE (SDP)", "200 OK [INVITE] (SDP)", "13105550199 calls 12025550102", "answered"):
            assert words in drawn
        seen = command(tmp_path, "top", "--once", *asked)
        assert "1 call " in seen
        assert "0 phones of 0 users" in seen
        assert "13105550199" in seen
        told = command(tmp_path, "explain", "--live", "--from", "1001", "--to", "1002", *asked)
        assert "no phone is registered" in told
        metrics = httpx.get(f"{url[1]}/switch/v1/metrics", headers={"Authorization": f"Bearer {token[1]}"})
        assert metrics.headers["Content-Type"].startswith("text/plain")
        assert "softswitch_calls 1.0" in metrics.text
        assert httpx.get(f"{url[1]}/switch/v1/metrics").status_code == 401


@pytest.mark.parametrize("asked", [["top", "--once"], ["ladder", "1"], ["explain", "--live", "--from=1", "--to=2"]])
@pytest.mark.parametrize("token", ["", " ", "\u00fc"])
def test_a_command_without_a_token_says_that_one_is_wanted_and_where_it_comes_from(
    asked: list[str], token: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", *asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOFTSWITCH_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    for words in ("wants a token with switch.read", "--token", "SOFTSWITCH_TOKEN", "softswitch token new"):
        assert words in done.stderr
    assert "Illegal header value" not in done.stderr


def test_what_went_wrong_is_said_once_the_screen_of_top_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    said_before = []
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        @contextlib.contextmanager
        def screen() -> Iterator[None]:
            try:
                yield
            finally:
                said_before.append(capsys.readouterr().err)

        with pytest.raises(typer.Exit), ApiClient(url, "sw_x") as api, screen():
            api.get("/switch/v1/calls")
    assert said_before == [""]
    assert f"no answer from {url}" in capsys.readouterr().err


def test_whoever_has_lost_the_admin_token_makes_another_that_the_running_switch_takes(tmp_path: Path) -> None:
    with running(tmp_path, SOFTSWITCH_TOKEN="sw_lost") as it:
        assert it.process.stdout is not None
        text = ""
        while "The API is at" not in text:
            text += it.process.stdout.readline()
        url = re.search(r"The API is at (\S+),", text)
        assert url
        made = command(tmp_path, "token", "new", "--name", "watcher", "--scope", "switch.read").strip()
        assert made.startswith("sw_")
        assert "0 calls" in command(tmp_path, "top", "--once", "--url", url[1], "--token", made)
        refused = asked(tmp_path, "top", "--once", "--url", url[1], "--token", made[:-1])
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"{url[1]} refuses the token: it is mistyped, revoked" in refused.stderr


def command(folder: Path, *arguments: str) -> str:
    done = asked(folder, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def asked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softswitch", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_two_switches_on_the_same_data_directory_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        second = subprocess.run(
            [sys.executable, "-m", "softswitch", "serve", "--config", str(SHIPPED)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SOFTSWITCH_SIP__PORT": "0", "SOFTSWITCH_API__PORT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (second.returncode, second.stdout) == (2, "")
        taken = f"data.directory: a switch is already running on {tmp_path / 'data'}"
        assert taken in second.stderr
        assert "Traceback" not in second.stderr
        it.process.kill()
        it.process.wait(20)
    with running(tmp_path):  # the lock has ended with the process
        pass


def test_the_pid_file_names_the_process_as_long_as_it_serves(tmp_path: Path) -> None:
    assert process_of(tmp_path) is None
    with pid_file(tmp_path, "softswitch.toml"):
        assert process_of(tmp_path) == os.getpid()
    assert process_of(tmp_path) is None


def test_a_pid_file_that_a_full_disk_does_not_take_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "softswitch.pid").symlink_to("/dev/full")
    with (
        pytest.raises(ConfigError, match=r"data.directory: .* can't be written: No space left on device"),
        pid_file(tmp_path, "softswitch.toml"),
    ):
        pass


def test_a_pid_file_left_by_a_dead_process_names_nobody(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "softswitch.pid").write_text(f"{dead.pid}\n")
    assert process_of(tmp_path) is None


def test_the_ladder_says_where_no_api_answers(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "softswitch", "ladder", "12345678", "--url", url, "--token", "sw_x"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"no answer from {url}")
