"""SIPp at both ends: calls come from one carrier and go on to an application, or out to another carrier for a phone."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import PROJECT, SCENARIOS, SwitchProcess, free_port, run_sipp
from tests.interop.peers import Baresip, until
from tests.interop.test_phones import similarity_of_any_part
from tests.interop.voices import voice

pytestmark = [pytest.mark.real_time, pytest.mark.peer("sipp")]

OPENED_MEANWHILE = 20
"""Files of the database; a call of two legs has eight sockets in two processes."""

PLAN = """
[[trunk_groups]]
name = "pstn"
acls = ["127.0.0.0/8"]

[[trunk_groups.trunks]]
name = "silent"
address = "127.0.0.1"
port = {silent}

[[trunk_groups.trunks]]
name = "carrier"
address = "127.0.0.1"
port = {far}
priority = 1

[[endpoints]]
name = "application"
type = "third_party"

[[endpoints.addresses]]
ip = "127.0.0.1"
port = {far}
direction = "outbound"

[[dids]]
phonenumber = "12025550101"
endpoint = "application"

[[users]]
username = "1001"
password = "demo-1001"
phonenumber = "12025550111"
"""


@contextlib.contextmanager
def answering(folder: Path) -> Iterator[int]:
    """SIPp that takes every call and sends its voice back; its port."""
    port = free_port()
    command = [
        "sipp",
        "-sf",
        str(SCENARIOS / "answer.xml"),
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-nostdin",
        "-rtp_echo",
    ]
    with (folder / "far.out").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
        try:
            yield port
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[SwitchProcess]:
    """It has an application and a carrier that answer, and before the carrier one that does not."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "softswitch.toml").write_text((PROJECT / "config" / "softswitch.toml").read_text())
    with answering(tmp_path) as far:
        (config / "numbers.toml").write_text(PLAN.format(far=far, silent=free_port()))
        with SwitchProcess(tmp_path / "switch", config=config) as running:
            yield running
    assert "Traceback" not in running.log, running.log[-4000:]


def test_two_legs_of_a_hundred_calls_leave_nothing_behind(switch: SwitchProcess, tmp_path: Path) -> None:
    run_sipp(switch.address, "12025550101", calls=1, folder=tmp_path)
    files = switch.open_files()
    result = run_sipp(switch.address, "12025550101", calls=100, rate=50, hold_ms=1000, folder=tmp_path)
    assert (result.status, result.successful, result.failed) == (0, 100, 0), result.output[-3000:]
    until(lambda: switch.open_files() < files + OPENED_MEANWHILE, "the sockets of both legs to be closed")


@pytest.mark.peer("baresip")
def test_a_phone_calls_out_over_the_second_carrier_and_hears_its_own_echo(
    switch: SwitchProcess, tmp_path: Path
) -> None:
    spoken = voice(31, 60)
    phone = Baresip(tmp_path / "1001", spoken, "1001", registrar=f"127.0.0.1:{switch.port}", password="demo-1001")
    with phone:
        phone.wait_registered()
        phone.dial("13105550177", switch)
        time.sleep(3)
        phone.hang_up()
    assert similarity_of_any_part(spoken, phone.heard()) > 0.6
