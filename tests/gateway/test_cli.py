"""The command line: options that can't be used are sentences with what is accepted, and a dead switch is a sentence."""

import socket
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from benchmarks.processes import free_port
from softswitch.errors import ConfigError
from softswitch.gateway.caller import Caller
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.cli import _written, app

CALL = ("call", "--to", "12025550101", "--from", "13105550199")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--switch", "127.0.0.1:port", "--switch"),
        ("--hold", "long", "30s"),
        ("--send", "12x#", "0-9"),
        ("--send-after", "later", "--send-after"),
    ],
)
def test_an_option_that_cant_be_used_says_what_is_accepted(option: str, value: str, said: str) -> None:
    result = run(*CALL, option, value, *(("--send", "1") if option == "--send-after" else ()))
    assert result.exit_code == 2
    assert said in result.output
    assert "accepted" in result.output
    assert "Traceback" not in result.output


def test_a_time_to_press_without_keys_is_refused() -> None:
    result = run(*CALL, "--send-after", "2s")
    assert result.exit_code == 2
    assert "nothing to press" in result.output


@pytest.mark.parametrize("option", ["--record", "--json"])
def test_a_missing_folder_is_refused_and_not_made(option: str, tmp_path: Path) -> None:
    result = run(*CALL, option, str(tmp_path / "nowhere" / "file"))
    assert result.exit_code == 2
    assert "there is no folder" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_figures_that_a_full_disk_does_not_take_are_a_sentence() -> None:
    console = Console()
    with console.capture() as said:
        assert not _written(Campaign((), Caller), Path("/dev/full"), console)  # type: ignore[arg-type] - none is placed
    assert said.get() == "--json: /dev/full can't be written: No space left on device\n"


@pytest.mark.real_time
def test_a_name_that_does_not_exist_is_told_from_a_switch_that_does_not_answer() -> None:
    result = run(*CALL, "--switch", "no-such-switch.invalid")
    assert result.exit_code == 1
    assert "no-such-switch.invalid can't be resolved" in result.output


def test_serving_an_unknown_scenario_is_a_configuration_error() -> None:
    result = run("serve", "--scenario", "bussy")
    assert isinstance(result.exception, ConfigError)


@pytest.mark.real_time
def test_a_sound_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = run(*CALL, "--play", str(tmp_path / "nowhere.wav"))
    assert result.exit_code == 2
    assert "nowhere.wav" in result.output


@pytest.mark.real_time
def test_a_switch_that_does_not_answer_is_a_sentence_and_exit_status_1() -> None:
    port = free_port()
    result = run(*CALL, "--switch", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"Nobody answers at 127.0.0.1:{port}" in result.output


@pytest.mark.real_time
def test_a_port_in_use_is_a_sentence() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = run("serve", "--listen", f"127.0.0.1:{port}")
    assert result.exit_code == 2
    assert f"can't listen on 127.0.0.1 port {port} (udp; --listen takes another)" in result.output
