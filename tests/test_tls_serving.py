"""The running switch over TLS: its certificate, a new one without dropping anybody, and what is told of a bad one."""

import contextlib
import re
import shutil
import signal
import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

from softswitch.app import App
from softswitch.errors import ConfigError
from softswitch.plan import load_plan
from softswitch.settings import load_settings
from tests.certificates import Authority
from tests.test_app import SHIPPED, running
from tests.test_operations import told

OPTIONS = (
    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:x>\r\nCall-ID: n%d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


class Client:
    """One TLS connection that believes `root`."""

    def __init__(self, port: int, root: Path) -> None:
        context = ssl.create_default_context(cafile=str(root))
        plain = socket.create_connection(("127.0.0.1", port), 20)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def is_answered(self) -> bool:
        self._asked += 1
        self.socket.sendall(OPTIONS % (self._asked, self._asked))
        return self.socket.recv(4096).startswith(b"SIP/2.0 200 OK")


@pytest.mark.real_time
def test_a_new_certificate_holds_for_new_connections_after_sighup_and_the_old_ones_stay(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    environment = {
        "SOFTSWITCH_SIP__TRANSPORTS": '["udp", "tls"]',
        "SOFTSWITCH_SIP__TLS__PORT": "0",
        "SOFTSWITCH_SIP__TLS__CERTIFICATE": str(certificate),
        "SOFTSWITCH_SIP__TLS__KEY": str(key),
        "SOFTSWITCH_LOGS__FORMAT": "json",
    }
    with running(tmp_path, **environment) as it, contextlib.ExitStack() as clients:
        port = tls_port(it.process.pid)
        before = clients.enter_context(Client(port, authority.root))
        assert before.is_answered()
        renewed = authority.issue("127.0.0.1")
        for old, new in zip((certificate, key), renewed, strict=True):
            shutil.copy(new, old)
        it.process.send_signal(signal.SIGHUP)
        told(it, "the configuration is reloaded")
        after = clients.enter_context(Client(port, authority.root))
        assert before.is_answered()
        assert after.is_answered()
        shown = [client.socket.getpeercert() or {} for client in (before, after)]
        assert shown[0]["serialNumber"] != shown[1]["serialNumber"]
        shutil.copy(authority.issue("127.0.0.1")[1], key)
        it.process.send_signal(signal.SIGHUP)
        assert "is not the key of" in told(it, "the certificate is not reloaded")
        assert clients.enter_context(Client(port, authority.root)).is_answered()


def tls_port(process: int) -> int:
    """Of the TCP ports that a process listens on, the one that speaks TLS."""
    for found in psutil.Process(process).net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", found.laddr.port), 20) as plain,
                context.wrap_socket(plain),
            ):
                return int(found.laddr.port)
    raise AssertionError("nothing speaks TLS")


@pytest.mark.real_time
async def test_a_tls_port_in_use_is_told_by_its_own_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            await app(tmp_path, tls_port=port).start()
    assert refused.value.key == "sip.tls.port"
    assert re.search(rf"127\.0\.0\.1 port {port} \(tls\) is in use", refused.value.problem)
    assert "SOFTSWITCH_SIP__TLS__PORT=5070" in refused.value.accepted


@pytest.mark.real_time
async def test_a_certificate_that_can_not_be_read_keeps_the_switch_from_starting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        await app(tmp_path, certificate=str(tmp_path / "gone.pem"), key=str(tmp_path / "gone.key")).start()
    assert refused.value.key == "sip.tls.certificate"


def app(folder: Path, tls_port: int = 0, **files: str) -> App:
    environment = {
        "SOFTSWITCH_SIP__PORT": "0",
        "SOFTSWITCH_SIP__TRANSPORTS": '["udp", "tls"]',
        "SOFTSWITCH_SIP__TLS__PORT": str(tls_port),
        "SOFTSWITCH_MEDIA__PORTS": "[20000, 20019]",
        "SOFTSWITCH_DATA__DIRECTORY": str(folder / "data"),
        **{f"SOFTSWITCH_SIP__TLS__{name.upper()}": value for name, value in files.items()},
    }
    return App(load_settings(SHIPPED, environment), load_plan(SHIPPED))
