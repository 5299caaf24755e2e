"""Two baresips of our users, and a third: they register, call, hold, press keys, transfer; each end is listened to."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.processes import SwitchProcess
from tests.interop.peers import Baresip, until
from tests.interop.test_phones import similarity_of_any_part
from tests.interop.voices import voice

pytestmark = [pytest.mark.real_time, pytest.mark.peer("baresip")]

USERS = ("1001", "1002", "1003")
VOICES = dict(zip(USERS, (voice(seed, 60) for seed in (21, 22, 23)), strict=True))
SIMILAR = 0.6


@pytest.fixture
def phones(switch: SwitchProcess, tmp_path: Path) -> Iterator[dict[str, Baresip]]:
    """One phone of each user, registered."""
    made = {
        user: Baresip(
            tmp_path / user,
            VOICES[user],
            user,
            registrar=f"127.0.0.1:{switch.port}",
            password=f"demo-{user}",
            shows_messages=True,
        )
        for user in USERS
    }
    with ExitStack() as running:
        for phone in made.values():
            running.enter_context(phone)
        for phone in made.values():
            phone.wait_registered()
        yield made


def hears(phone: Baresip, user: str) -> bool:
    """Whether a phone has heard the voice of a user, in any part of its calls."""
    return any(similarity_of_any_part(VOICES[user], heard) > SIMILAR for heard in phone.all_heard())


def pressed(phone: Baresip) -> str:
    """The keys whose end it has received."""
    return "".join(re.findall(r"received event: '(.)' \(end=1\)", phone.log))


@pytest.mark.parametrize("who_hangs_up", ["1001", "1002"])
def test_two_phones_talk_until_either_hangs_up(
    switch: SwitchProcess, phones: dict[str, Baresip], who_hangs_up: str
) -> None:
    ann, ben = phones["1001"], phones["1002"]
    ann.dial("1002", switch)
    time.sleep(3)
    phones[who_hangs_up].hang_up()
    for phone in (ann, ben):
        until(lambda phone=phone: "terminated" in phone.log or "closed" in phone.log, "both to have ended")
    assert hears(ann, "1002")
    assert hears(ben, "1001")
    assert not hears(ann, "1001")


def test_keys_arrive_as_they_were_pressed(switch: SwitchProcess, phones: dict[str, Baresip]) -> None:
    ann, ben = phones["1001"], phones["1002"]
    ann.dial("1002", switch)
    ben.wait_called()
    time.sleep(1)
    ann.press("159#")
    time.sleep(1)
    until(lambda: pressed(ben) == "159#", "all the keys, each once")
    ann.hang_up()


def test_a_phone_holds_and_comes_back(switch: SwitchProcess, phones: dict[str, Baresip]) -> None:
    ann, ben = phones["1001"], phones["1002"]
    ann.dial("1002", switch)
    ben.wait_called()
    time.sleep(1)
    ann.command("hold")
    time.sleep(2)
    ann.command("resume")
    time.sleep(2.5)
    ann.hang_up()
    until(lambda: "closed" in ben.log or "terminated" in ben.log, "the other to have ended")
    assert hears(ben, "1001")
    assert hears(ann, "1002")


def test_a_blind_transfer_brings_the_other_two_together(switch: SwitchProcess, phones: dict[str, Baresip]) -> None:
    ann, ben, cid = (phones[user] for user in USERS)
    ann.dial("1002", switch)
    ben.wait_called()
    time.sleep(1)
    ben.command("transfer", f"sip:1003@127.0.0.1:{switch.port}")
    cid.wait_called()
    time.sleep(3)
    ann.hang_up()
    until(lambda: "closed" in cid.log or "terminated" in cid.log, "the third to have ended")
    assert hears(ann, "1003")
    assert hears(cid, "1001")
    assert not hears(cid, "1002")


def test_an_attended_transfer_brings_the_other_two_together(switch: SwitchProcess, phones: dict[str, Baresip]) -> None:
    """Ben asks Cid first; then what he sends names his call with Ann in Replaces."""
    ann, ben, cid = (phones[user] for user in USERS)
    ann.dial("1002", switch)
    ben.wait_called()
    time.sleep(2)
    ben.command("dial", f"sip:1003@127.0.0.1:{switch.port}")
    cid.wait_called()
    time.sleep(2)
    ben.command("transfer", f"sip:1001@127.0.0.1:{switch.port}?Replaces={ben.replaces()}")
    until(lambda: ben.log.count("terminated") + ben.log.count("closed") >= 2, "both calls of the transferor to end")
    time.sleep(3)
    ann.hang_up()
    until(lambda: "closed" in cid.log or "terminated" in cid.log, "the third to have ended")
    assert hears(ann, "1002")
    assert hears(ann, "1003")
    assert hears(cid, "1002")
    assert hears(cid, "1001")
