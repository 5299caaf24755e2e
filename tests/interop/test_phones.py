"""Phones that other people wrote call in: baresip and pyVoIP."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.processes import ALL_HANDS, CONFERENCE, SwitchProcess
from softswitch.gateway import quality
from tests.interop.peers import Baresip, pyvoip_call, read_wav
from tests.interop.voices import RATE_HZ, voice

pytestmark = pytest.mark.real_time

GREETING_S = 7.0
"""The welcome and the number of those who are in, before one is let in."""
PART = RATE_HZ * 4 // 10


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
        time.sleep(GREETING_S + 3)
        for phone in (ann, ben):
            phone.hang_up()
    heard = {name: phone.heard() for name, phone in phones.items()}
    for listener in voices:
        for speaker, spoken in voices.items():
            similarity = similarity_of_any_part(spoken, heard[listener])
            assert (similarity > 0.6) == (listener != speaker), f"{listener} hears {speaker}: {similarity:.2f}"


@pytest.mark.peer("pyvoip", "baresip")
def test_a_pyvoip_phone_and_a_baresip_hear_each_other(switch: SwitchProcess, tmp_path: Path) -> None:
    spoken, listening = voice(3, 10), voice(4, 60)
    with Baresip(tmp_path / "baresip", listening) as baresip:
        baresip.dial(ALL_HANDS, switch)
        report = pyvoip_call(switch, ALL_HANDS, spoken, tmp_path / "pyvoip", talk_s=4)
        baresip.hang_up()
    assert report["state"] == "ANSWERED"
    assert similarity_of_any_part(spoken, baresip.heard()) > 0.6
    heard = read_wav(tmp_path / "pyvoip" / "heard.wav")  # it stumbles by itself where the machine is busy
    assert similarity_of_any_part(listening, heard) > 0.4


def similarity_of_any_part(spoken: np.ndarray, heard: np.ndarray) -> float:
    """The best match of any part of `spoken`: who comes late misses the beginning."""
    ear = quality.Ear(heard, RATE_HZ)
    return max(ear.find(spoken[at : at + PART]).similarity for at in range(0, min(len(spoken), 20 * RATE_HZ), PART))
