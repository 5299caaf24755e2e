"""A phone that knows SHA-256: Linphone answers the first of two challenges, calls, is called, and encrypts."""

import re
import time
from pathlib import Path

import pytest

from benchmarks.processes import ALL_HANDS, SwitchProcess
from tests.interop.linphone import Linphone
from tests.interop.peers import until
from tests.interop.test_phones import similarity_of_any_part
from tests.interop.test_registering import phone, told
from tests.interop.voices import voice

pytestmark = pytest.mark.real_time

TALK_S = 4.0


@pytest.mark.peer("linphonec", "baresip")
def test_a_linphone_proves_itself_by_sha_256_and_talks_with_a_baresip(switch: SwitchProcess, tmp_path: Path) -> None:
    spoken = voice(11, 60), voice(12, 60)
    with Linphone(tmp_path / "1001", spoken[0]) as ann, phone(tmp_path, "1002", switch, seed=12) as ben:
        ann.register("1001", "demo-1001", switch.address)
        ben.wait_registered()
        ann.dial(f"sip:1002@{switch.address}")
        ben.wait_called()
        time.sleep(TALK_S)
        ann.hang_up()
        until(lambda: '"to":"1002"' in switch.log, "the call to be told")
    offered = re.findall(r"^WWW-Authenticate: .*algorithm=(\S+)", ann.log, re.MULTILINE)
    taken = set(re.findall(r"^Authorization: .*algorithm=([^,\s]+)", ann.log, re.MULTILINE))
    assert offered[:2] == ["SHA-256", "MD5"]
    assert taken == {"SHA-256"}
    assert similarity_of_any_part(spoken[0], ben.heard()) > 0.6
    assert similarity_of_any_part(spoken[1], ann.heard()) > 0.6


@pytest.mark.peer("linphonec", "baresip")
def test_a_linphone_is_called_and_its_registration_ends_with_it(switch: SwitchProcess, tmp_path: Path) -> None:
    with Linphone(tmp_path / "1003", voice(13, 60)) as cid:
        cid.register("1003", "demo-1003", switch.address)
        with phone(tmp_path, "1001", switch, seed=14) as ann:
            ann.wait_registered()
            ann.dial("1003", switch)
            cid.wait_called()
            time.sleep(TALK_S)
            ann.hang_up()
    assert similarity_of_any_part(voice(13, 60), ann.heard()) > 0.6
    assert told(switch, "1003")[-1] == "unregistered"


@pytest.mark.peer("linphonec")
def test_a_linphone_over_tls_and_srtp_believes_our_own_certificate(tmp_path: Path) -> None:
    with SwitchProcess(tmp_path / "switch", SOFTSWITCH_SIP__TRANSPORTS='["udp", "tcp", "tls"]') as switch:
        root = switch.folder / "data" / "tls" / "certificate.pem"
        place = f"localhost:{switch.tls_port}"  # its TLS looks for no address in a certificate
        with Linphone(tmp_path / "1001", voice(15, 60), encryption="srtp", trusts=root) as ann:
            ann.register("1001", "demo-1001", place, ";transport=tls")
            ann.dial(f"sip:{ALL_HANDS}@{place};transport=tls")
            time.sleep(TALK_S)
            ann.hang_up()
        assert '"over":"user 1001"' in switch.log
        assert '"secured":"TLS SRTP"' in switch.log
        assert "RTP/SAVP " in ann.log
        assert "Traceback" not in switch.log
