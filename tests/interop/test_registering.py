"""Phones that other people wrote register: baresip, pyVoIP, SIPp."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import ALL_HANDS, SCENARIOS, SwitchProcess, free_port, run_sipp
from tests.interop.peers import Baresip, read_wav, until
from tests.interop.test_phones import similarity_of_any_part
from tests.interop.voices import voice

pytestmark = pytest.mark.real_time


def phone(folder: Path, user: str, switch: SwitchProcess, *, seed: int = 1, **more: str) -> Baresip:
    return Baresip(folder / user, voice(seed, 60), user, registrar=switch.address, password=f"demo-{user}", **more)


def told(switch: SwitchProcess, user: str) -> list[str]:
    """What the log says of the phones of a user."""
    lines = [json.loads(line) for line in switch.log.splitlines() if line.startswith("{")]
    return [line["change"] for line in lines if line["event"] == "phone" and line["user"] == user]


@pytest.mark.peer("baresip")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_baresip_registers_and_calls_as_its_user(switch: SwitchProcess, tmp_path: Path, transport: str) -> None:
    before = len(told(switch, "1001"))
    with phone(tmp_path, "1001", switch, transport=transport) as ann:
        ann.wait_registered()
        ann.dial(ALL_HANDS, switch)
        until(lambda: '"over":"user 1001"' in switch.log, "the call to be known as the user's")
    assert "registered" in told(switch, "1001")[before:]


@pytest.mark.peer("baresip")
def test_a_wrong_password_is_refused(switch: SwitchProcess, tmp_path: Path) -> None:
    with Baresip(tmp_path, voice(1, 5), "1003", registrar=switch.address, password="guess") as cid:
        until(lambda: "403 Forbidden" in cid.log, "baresip to be refused")
        assert "200 OK" not in cid.log


@pytest.mark.peer("baresip", "pyvoip")
def test_a_pyvoip_registers_and_is_called_by_a_baresip(switch: SwitchProcess, tmp_path: Path) -> None:
    script = Path(__file__).with_name("pyvoip_registers.py")
    arguments = [switch.host, switch.port, free_port(), free_port(), "1002", "demo-1002", tmp_path / "heard.wav", 20]
    bob = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert bob.stdout is not None
        assert json.loads(bob.stdout.readline()) == {"status": "REGISTERED"}
        with phone(tmp_path, "1001", switch, seed=5) as ann:
            ann.wait_registered()
            ann.dial("1002", switch)
            time.sleep(4)
            ann.hang_up()
        last, _ = bob.communicate(timeout=25)
    finally:
        bob.kill()
        bob.wait()
    assert json.loads(last.splitlines()[-1]) == {"calls": 1}
    assert similarity_of_any_part(voice(5, 60), read_wav(tmp_path / "heard.wav")) > 0.6


@pytest.mark.peer("sipp")
def test_sipp_registers_with_md5_alone(tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text(
        "SEQUENTIAL\n"
        + "".join(
            f"{user};[authentication username={user} password=demo-{user}]\n" for user in ("1001", "1002", "1003")
        )
    )
    agents = {"SOFTSWITCH_REGISTRAR__MD5_AGENTS": '["SIPp"]'}
    with SwitchProcess(tmp_path / "switch", **agents) as switch:
        result = run_sipp(
            switch.address,
            scenario=SCENARIOS / "register.xml",
            calls=30,
            rate=30,
            keys={"expires": 120},
            folder=tmp_path,
            extra=["-inf", str(users)],
        )
        assert (result.status, result.successful, result.failed) == (0, 30, 0), result.output[-3000:]
        assert "Traceback" not in switch.log


@pytest.mark.peer("baresip")
def test_a_phone_is_called_after_the_switch_was_killed_without_registering_again(tmp_path: Path) -> None:
    first, again = (SwitchProcess(tmp_path / "switch", SOFTSWITCH_SIP__PORT=port) for port in [str(free_port())] * 2)
    first.start()
    with phone(tmp_path, "1002", first) as bob:
        bob.wait_registered()
        time.sleep(2)
        first.kill()
        first.stop()
        with again, phone(tmp_path, "1001", again) as ann:
            ann.wait_registered()
            ann.dial("1002", again)
            bob.wait_called()
    assert "Traceback" not in again.log
