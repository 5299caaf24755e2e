"""SIPp, as it comes and with scenarios, against the running switch."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.processes import ALL_HANDS, SCENARIOS, SippResult, SwitchProcess, free_port, run_sipp
from media.codecs.g711 import ENCODE_U
from tests.interop.peers import start_gateway, until
from tests.interop.voices import voice

pytestmark = [pytest.mark.real_time, pytest.mark.peer("sipp")]

OWN_SCENARIOS = Path(__file__).with_name("sipp")


def assert_all_went_well(result: SippResult, calls: int) -> None:
    assert (result.status, result.successful, result.failed) == (0, calls, 0), result.output[-3000:]


def test_the_built_in_caller_calls_as_it_comes(switch: SwitchProcess, tmp_path: Path) -> None:
    assert_all_went_well(run_sipp(switch.address, calls=20, rate=20, hold_ms=500, folder=tmp_path), 20)


def test_the_built_in_caller_calls_over_tcp(switch: SwitchProcess, tmp_path: Path) -> None:
    result = run_sipp(switch.address, calls=10, rate=20, hold_ms=200, folder=tmp_path, extra=["-t", "t1"])
    assert_all_went_well(result, 10)


def test_callers_with_a_voice_stay_a_while(switch: SwitchProcess, tmp_path: Path) -> None:
    (tmp_path / "speech.ulaw").write_bytes(ENCODE_U[voice(1, 2.0).view(np.uint16)].tobytes())
    shutil.copy(SCENARIOS / "join.xml", tmp_path)
    result = run_sipp(switch.address, scenario=tmp_path / "join.xml", calls=5, rate=10, hold_ms=1500, folder=tmp_path)
    assert_all_went_well(result, 5)


def test_hold_and_back_is_answered_with_the_right_directions(switch: SwitchProcess, tmp_path: Path) -> None:
    result = run_sipp(switch.address, scenario=OWN_SCENARIOS / "hold.xml", calls=2, rate=5, folder=tmp_path)
    assert_all_went_well(result, 2)


def test_a_hundred_callers_who_hang_up_at_once_leave_nothing_behind(switch: SwitchProcess, tmp_path: Path) -> None:
    run_sipp(switch.address, calls=1, folder=tmp_path)
    files = switch.open_files()
    storm = run_sipp(
        switch.address,
        scenario=SCENARIOS / "storm.xml",
        calls=100,
        rate=100,
        keys={"hold_ms": 2000, "gap_ms": -10},
        folder=tmp_path,
    )
    assert_all_went_well(storm, 100)
    until(lambda: switch.open_files() <= files, "the sockets to be closed")


def test_a_number_that_leads_nowhere_is_404(switch: SwitchProcess, tmp_path: Path) -> None:
    result = run_sipp(switch.address, "12025550109", calls=1, folder=tmp_path)
    assert result.failed == 1
    assert "404" in result.output or result.successful == 0


def test_cancel_before_the_answer_gets_200_and_487(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    gateway = start_gateway("serve", "--listen", address, "--scenario", "no-answer", folder=tmp_path)
    try:
        assert gateway.stdout is not None
        assert any("takes calls" in line for line in gateway.stdout)
        result = run_sipp(address, ALL_HANDS, scenario=OWN_SCENARIOS / "cancel.xml", calls=3, folder=tmp_path)
        assert_all_went_well(result, 3)
    finally:
        gateway.terminate()
        said, _ = gateway.communicate(timeout=10)
    assert "Traceback" not in said
    assert said.count("487") == 3
