"""Phones that other people wrote call in: baresip and pyVoIP."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.processes import CONFERENCE, SwitchProcess
from softswitch.gateway import quality
from tests.interop.peers import Baresip, pyvoip_call, read_wav
from tests.interop.voices import RATE_HZ, voice

pytestmark = pytest.mark.real_time


@pytest.mark.peer("baresip")
def test_two_baresips_enter_by_code_and_hear_each_other_but_not_themselves(
    switch: SwitchProcess, tmp_path: Path
) -> None:
    voices = {"ann": voice(1, 60), "ben": voice(2, 60)}
    phones = {name: Baresip(tmp_path / name, spoken, f"1310555010{name[0]}") for name, spoken in voices.items()}
    with phones["ann"] as ann, phones["ben"] as ben:
        for phone in (ann, ben):
            phone.dial(CONFERENCE, switch)
            time.sleep(0.4)
            phone.press("222222#")
        time.sleep(7)
        for phone in (ann, ben):
            phone.hang_up()
    heard = {name: phone.heard() for name, phone in phones.items()}
    for listener in voices:
        for speaker, spoken in voices.items():
            similarity = similarity_of_any_second(spoken, heard[listener])
            assert (similarity > 0.6) == (listener != speaker), f"{listener} hears {speaker}: {similarity:.2f}"


@pytest.mark.peer("pyvoip", "baresip")
def test_a_pyvoip_phone_enters_by_tones_and_is_heard_by_a_baresip(switch: SwitchProcess, tmp_path: Path) -> None:
    spoken, listening = voice(3, 8), voice(4, 60)
    with Baresip(tmp_path / "baresip", listening) as baresip:
        baresip.dial(CONFERENCE, switch)
        time.sleep(0.4)
        baresip.press("111111#")
        report = pyvoip_call(switch, CONFERENCE, "222222#", spoken, tmp_path / "pyvoip", talk_s=8)
        baresip.hang_up()
    assert report["state"] == "ANSWERED"
    assert similarity_of_any_second(spoken, baresip.heard()) > 0.6
    assert similarity_of_any_second(listening, read_wav(tmp_path / "pyvoip" / "heard.wav")) > 0.5


def similarity_of_any_second(spoken: np.ndarray, heard: np.ndarray) -> float:
    """The best match of any second of `spoken`: who comes late misses the beginning."""
    seconds = [spoken[at : at + RATE_HZ] for at in range(0, min(len(spoken), 30 * RATE_HZ) - RATE_HZ, RATE_HZ)]
    return max(quality.find(second, heard, RATE_HZ).similarity for second in seconds)
