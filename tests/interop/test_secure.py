"""baresip over TLS, believing the certificate the switch made for itself, and with SRTP in the two ways it knows."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import ALL_HANDS, SwitchProcess
from tests.interop.peers import Baresip
from tests.interop.test_phones import similarity_of_any_part
from tests.interop.voices import voice

pytestmark = pytest.mark.real_time

TRANSPORTS = '["udp", "tcp", "tls"]'


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchProcess]:
    folder = tmp_path_factory.mktemp("switch")
    with SwitchProcess(folder, SOFTSWITCH_SIP__TRANSPORTS=TRANSPORTS) as running:
        yield running
    assert "Traceback" not in running.log, running.log[-4000:]


def own_certificate(switch: SwitchProcess) -> Path:
    return switch.folder / "data" / "tls" / "certificate.pem"


@pytest.mark.peer("baresip")
@pytest.mark.parametrize("encryptions", [("srtp-mand", "srtp"), ("srtp", "")], ids=["both encrypted", "one encrypted"])
def test_two_baresips_meet_over_tls_and_hear_each_other(
    switch: SwitchProcess, tmp_path: Path, encryptions: tuple[str, str]
) -> None:
    spoken = [voice(5, 60), voice(6, 60)]
    root = own_certificate(switch)
    phones = [
        Baresip(tmp_path / name, said, transport="tls", trusts=root, params=f";mediaenc={way}" if way else "")
        for name, said, way in zip(("ann", "ben"), spoken, encryptions, strict=True)
    ]
    with phones[0] as ann, phones[1] as ben:
        for phone in (ann, ben):
            phone.dial(ALL_HANDS, switch)
        time.sleep(4)
        for phone in (ann, ben):
            phone.hang_up()
    for phone, way in zip(phones, encryptions, strict=True):
        assert ("SRTP is Enabled" in phone.log) == bool(way), phone.log
    assert similarity_of_any_part(spoken[0], phones[1].heard()) > 0.6
    assert similarity_of_any_part(spoken[1], phones[0].heard()) > 0.6
