"""baresip over TLS, believing the certificate the switch made for itself, and with SRTP in the two ways it knows."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import ALL_HANDS, PROJECT, SwitchProcess
from tests.interop.peers import Baresip, start_gateway, until
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


@pytest.fixture
def secret_switch(tmp_path: Path) -> Iterator[SwitchProcess]:
    """Where the phones of 1001 and 1002 have to encrypt."""
    config = tmp_path / "config"
    shutil.copytree(PROJECT / "config", config)
    numbers = config / "numbers.toml"
    others, mark, users = numbers.read_text().partition("[[users]]")
    users = users.replace('\nmedia_encryption = "off"', "")
    numbers.write_text(
        others + mark + re.sub(r'(password = "demo-100[12]"\n)', r'\1media_encryption = "required"\n', users)
    )
    with SwitchProcess(tmp_path / "switch", config=config, SOFTSWITCH_SIP__TRANSPORTS=TRANSPORTS) as running:
        yield running
    assert "Traceback" not in running.log, running.log[-4000:]


@pytest.mark.peer("baresip")
def test_one_phone_calls_another_over_tls_and_srtp_on_both_legs(secret_switch: SwitchProcess, tmp_path: Path) -> None:
    switch, spoken = secret_switch, [voice(7, 60), voice(8, 60)]
    phones = [
        Baresip(
            tmp_path / user,
            said,
            user,
            transport="tls",
            trusts=own_certificate(switch),
            registrar=f"127.0.0.1:{switch.tls_port}",
            password=f"demo-{user}",
            params=f";mediaenc={way}",
        )
        for user, said, way in zip(("1001", "1002"), spoken, ("srtp-mand", "srtp"), strict=True)
    ]
    with phones[0] as ann, phones[1] as ben:
        for phone in (ann, ben):
            phone.wait_registered()
        ann.dial("1002", switch)
        ben.wait_called()
        time.sleep(4)
        ann.hang_up()
    for phone in phones:
        assert "SRTP is Enabled" in phone.log, phone.log
    assert similarity_of_any_part(spoken[0], phones[1].heard()) > 0.6
    assert similarity_of_any_part(spoken[1], phones[0].heard()) > 0.6
    assert similarity_of_any_part(spoken[0], phones[0].heard()) < 0.6


@pytest.mark.peer("baresip")
def test_a_phone_that_does_not_encrypt_where_it_must_is_refused(secret_switch: SwitchProcess, tmp_path: Path) -> None:
    switch = secret_switch
    phone = Baresip(
        tmp_path / "1001",
        voice(9, 10),
        "1001",
        transport="tls",
        trusts=own_certificate(switch),
        registrar=f"127.0.0.1:{switch.tls_port}",
        password="demo-1001",
    )
    with phone:
        phone.wait_registered()
        phone.command("dial", f"sip:{ALL_HANDS}@127.0.0.1:{switch.tls_port}")
        until(lambda: "session closed: 488" in phone.log, "the call to be refused")


def test_our_own_gateway_calls_over_tls_and_srtp_and_no_key_is_logged(tmp_path: Path) -> None:
    environment = {"SOFTSWITCH_SIP__TRANSPORTS": TRANSPORTS, "SOFTSWITCH_LOGS__SIP_MESSAGES": "true"}
    with SwitchProcess(tmp_path / "switch", **environment) as switch:
        place = f"127.0.0.1:{switch.tls_port}"
        numbers = ("--from", "13105550142", "--to", ALL_HANDS, "--switch", place, "--hold", "2s")
        secrecy = ("--transport", "TLS", "--encryption", "required")
        calling = start_gateway("call", *numbers, *secrecy, folder=tmp_path / "gateway")
        told, _ = calling.communicate(timeout=60)
        assert calling.returncode == 0, told
    keys = re.findall(r"inline:([^\\\"|]+)", switch.log)
    assert len(keys) >= 3
    assert set("".join(keys)) == {"*"}
