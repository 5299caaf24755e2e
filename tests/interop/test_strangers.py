"""Who is not known, and bytes that are no SIP and no RTP: counted, answered or dropped, never a traceback."""

import contextlib
import random
import re
import shutil
import socket
from pathlib import Path

import psutil
import pytest

from benchmarks.processes import PROJECT, SwitchProcess, answers_options, run_sipp

pytestmark = pytest.mark.real_time

INVITE = (
    b"INVITE sip:12025550102@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx%d\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: g%d\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:9>\r\n"
    b"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
)


@pytest.fixture
def strict_config(tmp_path: Path) -> Path:
    """The shipped plan, but for senders of another network."""
    folder = tmp_path / "config"
    shutil.copytree(PROJECT / "config", folder)
    plan = (folder / "numbers.toml").read_text()
    plan = plan.replace('acls = ["127.0.0.0/8"]', 'acls = ["192.0.2.0/24"]')
    plan = re.sub(r'^(address|ip) = "127.0.0.1"', r'\1 = "192.0.2.1"', plan, flags=re.MULTILINE)
    (folder / "numbers.toml").write_text(plan)
    return folder


@pytest.mark.peer("sipp")
def test_an_unknown_sender_is_asked_for_a_password_and_gets_no_further(strict_config: Path, tmp_path: Path) -> None:
    with SwitchProcess(tmp_path / "switch", config=strict_config) as switch:
        result = run_sipp(switch.address, calls=3, folder=tmp_path, extra=["-trace_msg"])
        assert result.failed == 3
        assert b"SIP/2.0 401" in b"".join(path.read_bytes() for path in tmp_path.glob("*_messages.log"))


def test_an_unknown_sender_may_get_nothing_at_all(strict_config: Path, tmp_path: Path) -> None:
    silent = SwitchProcess(tmp_path / "switch", config=strict_config, SOFTSWITCH_SIP__UNKNOWN_SENDER='"silence"')
    with silent as switch, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(1.0)
        stranger.sendto(INVITE % (1, 1), (switch.host, switch.port))
        with pytest.raises(TimeoutError):
            stranger.recv(4096)


def test_garbage_on_the_sip_port_over_udp_is_survived_in_silence(switch: SwitchProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for datagram in garbage(seed=1, count=400):
            stranger.sendto(datagram, (switch.host, switch.port))
    assert answers_options(switch.host, switch.port, wait_s=2.0)
    assert "Traceback" not in switch.log


def test_garbage_on_the_sip_port_over_tcp_is_survived_in_silence(switch: SwitchProcess) -> None:
    for piece in garbage(seed=2, count=100):
        stranger = socket.create_connection((switch.host, switch.port), timeout=2)
        with stranger, contextlib.suppress(ConnectionError):
            stranger.sendall(piece)
    assert answers_options(switch.host, switch.port, wait_s=2.0)
    assert "Traceback" not in switch.log


@pytest.mark.peer("sipp")
def test_garbage_on_the_media_ports_disturbs_no_call(switch: SwitchProcess, tmp_path: Path) -> None:
    ports = {
        connection.laddr.port
        for connection in psutil.Process(switch.pid).net_connections("udp")
        if connection.laddr.port != switch.port
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for datagram in garbage(seed=3, count=50):
            for port in sorted(ports or {10000, 10001, 10002, 10003})[:20]:
                stranger.sendto(datagram, (switch.host, port))
        result = run_sipp(switch.address, calls=5, rate=10, hold_ms=300, folder=tmp_path)
    assert (result.successful, result.failed) == (5, 0)
    assert "Traceback" not in switch.log


def garbage(seed: int, count: int) -> list[bytes]:
    """Random bytes, almost-SIP with bytes changed, cut or doubled, and almost-RTP."""
    noise = random.Random(seed)
    pieces = []
    for number in range(count):
        message = bytearray(INVITE % (seed, number))
        kind = number % 4
        if kind == 0:
            message = bytearray(noise.randbytes(noise.randrange(1, 1400)))
        elif kind == 1:
            for _ in range(noise.randrange(1, 20)):
                message[noise.randrange(len(message))] = noise.randrange(256)
        elif kind == 2:
            del message[noise.randrange(len(message)) :]
        else:
            message = bytearray(b"\x80\x00" + noise.randbytes(noise.randrange(0, 300)))
        pieces.append(bytes(message) or b"\x00")
    return pieces
