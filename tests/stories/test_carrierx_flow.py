"""The walkthrough of the documentation, run as it is printed: a customer of CarrierX at our API, with curl."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "carrierx-walkthrough.md"
PATIENCE_S = 90


def script() -> str:
    """The shell blocks of the page, one after another."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "set -eu -o pipefail\n" + "".join(blocks)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`softswitch serve` in an empty folder; the environment that the page asks for."""
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "softswitch"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m softswitch "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{commands}:{os.environ['PATH']}",
        "SOFTSWITCH_SIP__PORT": "0",
        "SOFTSWITCH_SIP__TRANSPORTS": '["udp"]',
        "SOFTSWITCH_API__PORT": "0",
        "COLUMNS": "200",
    }
    switch = subprocess.Popen(
        ["softswitch", "serve", "--config", str(ROOT / "config")],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield {**environment, **told(switch)}
    finally:
        switch.terminate()
        switch.communicate(timeout=PATIENCE_S)


def told(switch: "subprocess.Popen[str]") -> dict[str, str]:
    """What the switch says of itself when it is ready."""
    wanted = {"SIP": r"udp ([0-9.]+:[0-9]+)", "API": r"(http://[0-9.]+:[0-9]+)", "TOKEN": r"(sw_[A-Za-z0-9_-]+)"}
    found: dict[str, str] = {}
    assert switch.stdout is not None
    said = ""
    while len(found) < len(wanted):
        line = switch.stdout.readline()
        assert line, said
        said += line
        for name, pattern in wanted.items():
            match = re.search(pattern, line)
            if match and name not in found:
                found[name] = match[1]
    return found


@pytest.mark.real_time
def test_the_walkthrough_works_as_it_is_printed(running: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=tmp_path, env=running, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.splitlines() == [
        "endpoint town hall",
        "{'hosts': 1, 'participants': 0, 'listeners': 0}",
        "True",
        "relaxed",
        "talking",
        "12025550155",
        "1",
        "host",
    ]
