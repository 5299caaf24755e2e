"""The whole program: as a process of its own with real sockets, and put together on a wire in memory."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from media import Engine
from softswitch.app import App, media_settings, stack_settings
from softswitch.configuration import load_configuration
from softswitch.errors import ConfigError
from softswitch.plan import load_plan
from softswitch.settings import Settings, load_settings
from softswitch.sip import Address, Answered, Ended, SessionEvent, Stack, Transport, Uri
from tests.wire import Wire

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "config"

OPTIONS = (
    "OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};rport;branch=z9hG4bK-1\r\nMax-Forwards: 70\r\n"
    "From: <sip:ping@{here}>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: 1@{here}\r\nCSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n"
)
INVITE = (
    "INVITE sip:12025550102@{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};rport;branch=z9hG4bK-2\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:13105550199@{here}>;tag=2\r\nTo: <sip:12025550102@{host}>\r\nCall-ID: 2@{here}\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:{here}>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{sdp}"
)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)


class Running:
    """`softswitch serve` as a process, ready, with a socket to talk to it."""

    def __init__(self, process: subprocess.Popen[str], host: str, port: int) -> None:
        self.process = process
        self.host, self.port = host, port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(20)
        self.socket.bind(("127.0.0.1", 0))

    def send(self, text: str) -> None:
        here = "{}:{}".format(*self.socket.getsockname())
        message = text.format(host=self.host, port=self.port, here=here, sdp=SDP, length=len(SDP))
        self.socket.sendto(message.encode(), (self.host, self.port))

    def acknowledge(self, answer: str) -> None:
        tag = re.search(r"To: .*;tag=(\S+)", answer)
        assert tag
        self.send(INVITE.replace("INVITE", "ACK").replace("{host}>\r\nCall", f"{{host}}>;tag={tag[1]}\r\nCall"))

    def receive(self, beginning: str) -> str:
        """The next message that begins so."""
        while True:
            message = self.socket.recv(65535).decode()
            if message.startswith(beginning):
                return message


@contextmanager
def running(
    folder: Path, config: Path = SHIPPED, stderr: int = subprocess.PIPE, **environment: str
) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "softswitch", "serve", "--config", str(config)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SOFTSWITCH_SIP__PORT": "0",
            "SOFTSWITCH_API__PORT": "0",
            "SOFTSWITCH_SIP__TRANSPORTS": '["udp"]',
            "SOFTSWITCH_MEDIA__PORTS": "[{}, {}]".format(*_free_pair()),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),  # also where the tests run under nohup
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        place = re.search(r"udp ([0-9.]+):([0-9]+)", ready)
        assert place, (ready, process.communicate(timeout=20))
        it = Running(process, place[1], int(place[2]))
        with it.socket:
            yield it
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _free_pair() -> tuple[int, int]:
    """An even port and the odd one above it, free a moment ago."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1] & ~1
        try:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as even,
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd,
            ):
                even.bind(("127.0.0.1", port))
                odd.bind(("127.0.0.1", port + 1))
                return port, port + 1
        except OSError:
            continue


@pytest.mark.real_time
def test_the_process_answers_options_takes_a_call_and_ends_it_at_sigterm_with_status_0(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        it.send(OPTIONS)
        assert "Allow: " in it.receive("SIP/2.0 200")
        it.send(INVITE)
        answer = it.receive("SIP/2.0 200")
        assert "m=audio " in answer
        it.acknowledge(answer)
        it.process.send_signal(signal.SIGTERM)
        assert "Reason: Q.850;cause=41" in it.receive("BYE ")
        assert it.process.wait(20) == 0


@pytest.mark.real_time
def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        it.send(INVITE)
        it.acknowledge(it.receive("SIP/2.0 200"))
        it.process.send_signal(signal.SIGTERM)
        it.receive("BYE ")  # and the switch waits for the answer to it
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(20) == 128 + signal.SIGTERM


@pytest.mark.real_time
def test_a_closed_terminal_ends_every_call_with_bye_as_sigterm_does(tmp_path: Path) -> None:
    terminal, inside = os.openpty()
    with running(tmp_path, stderr=inside) as it:
        os.close(inside)
        it.send(INVITE)
        it.acknowledge(it.receive("SIP/2.0 200"))
        os.close(terminal)  # what is logged from now on can't be written
        it.process.send_signal(signal.SIGHUP)
        assert "Reason: Q.850;cause=41" in it.receive("BYE ")
        assert it.process.wait(20) == 0


@pytest.mark.real_time
def test_sighup_on_a_switch_that_runs_in_a_terminal_reloads_and_hangs_up_nobody(tmp_path: Path) -> None:
    terminal, inside = os.openpty()
    with running(tmp_path, stderr=inside) as it, os.fdopen(terminal, errors="replace") as log:
        os.close(inside)
        it.send(INVITE)
        it.acknowledge(it.receive("SIP/2.0 200"))
        it.process.send_signal(signal.SIGHUP)
        assert any("the configuration is reloaded" in line for line in log)
        it.send(OPTIONS)
        it.receive("SIP/2.0 200 OK")
        assert it.process.poll() is None


@pytest.mark.real_time
def test_ctrl_c_reaches_the_whole_process_group_and_still_ends_it_with_status_0(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        os.killpg(it.process.pid, signal.SIGINT)
        assert it.process.wait(20) == 0
        assert it.process.stderr is not None
        assert "Traceback" not in it.process.stderr.read()


@pytest.mark.real_time
def test_a_second_switch_on_the_same_port_says_which_port_and_which_setting_changes_it(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        second = subprocess.run(
            [sys.executable, "-m", "softswitch", "serve", "--config", str(SHIPPED)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SOFTSWITCH_SIP__PORT": str(it.port),
                "SOFTSWITCH_DATA__DIRECTORY": str(tmp_path / "second"),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (second.returncode, second.stdout) == (2, "")
        assert (
            f"{SHIPPED / 'softswitch.toml'}: sip.port: 127.0.0.1 port {it.port} (udp) is in use by another program"
            in second.stderr
        )
        assert "is a softswitch already running?" in second.stderr
        assert "SOFTSWITCH_SIP__PORT=5070 make run" in second.stderr
        assert "Traceback" not in second.stderr


@pytest.mark.real_time
def test_where_the_ports_of_sip_and_of_the_api_are_in_use_both_are_told_of_the_same_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api, socket.socket(type=socket.SOCK_DGRAM) as sip:
        sip.bind(("127.0.0.1", 0))
        ports = {"SIP": sip.getsockname()[1], "API": api.getsockname()[1]}
        refused = subprocess.run(
            [sys.executable, "-m", "softswitch", "serve", "--config", str(SHIPPED)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SOFTSWITCH_SIP__TRANSPORTS": '["udp"]',
                "SOFTSWITCH_DATA__DIRECTORY": str(tmp_path / "data"),
                "COLUMNS": "200",
                **{f"SOFTSWITCH_{which}__PORT": str(port) for which, port in ports.items()},
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    file = SHIPPED / "softswitch.toml"
    assert refused.returncode == 2
    assert f"{file}: api.port: 127.0.0.1 port {ports['API']} is in use by another program" in refused.stderr
    assert f"{file}: sip.port: 127.0.0.1 port {ports['SIP']} (udp) is in use by another program" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_every_setting_reaches_the_part_it_is_for() -> None:
    settings = load_settings(SHIPPED, {"SOFTSWITCH_SIP__ADVERTISED_ADDRESS": "203.0.113.10"})
    assert stack_settings(settings).advertised_host == "203.0.113.10"
    assert media_settings(settings).ports == (10000, 29999)


async def test_a_whole_switch_on_a_wire_takes_a_call_into_the_conference_and_ends_it_when_it_stops(
    tmp_path: Path,
) -> None:
    wire = Wire(record=False)
    settings = Settings.model_validate({"data": {"directory": str(tmp_path)}, "sip": {"transports": ["udp"]}})
    engine = Engine(media_settings(settings), in_process=wire)
    app = App(settings, load_plan(SHIPPED), engine=engine, stack=Stack(network=wire))
    phones = Stack(network=wire)
    await phones.listen(Transport.UDP, "127.0.0.9", 5060)
    events: list[SessionEvent] = []
    async with app:
        assert app.sip_address == ("127.0.0.1", 5060)
        phones.invite(
            Uri.parse("sip:12025550102@127.0.0.1"),
            from_=Address(Uri.parse("sip:13105550199@127.0.0.9")),
            offer=SDP.encode(),
            on_event=events.append,
        )
        await asyncio.sleep(5)
        assert [type(event) for event in events] == [Answered]
        (call,) = app.switch.calls.values()
        assert call.state == "talking"
    await asyncio.sleep(1)
    assert isinstance(events[-1], Ended)
    assert events[-1].by == "remote"
    await phones.close()


async def test_with_silence_a_stranger_gets_no_answer_to_anything_and_a_known_sender_does(tmp_path: Path) -> None:
    wire = Wire()
    sip = {"unknown_sender": "silence", "transports": ["udp"]}
    settings = Settings.model_validate({"sip": sip, "data": {"directory": str(tmp_path)}})
    engine = Engine(media_settings(settings), in_process=wire)
    async with App(settings, load_plan(SHIPPED), engine=engine, stack=Stack(network=wire)) as app:
        for host in ("127.0.0.9", "198.51.100.1"):
            here = wire.datagrams(host, 5060)
            for message in (OPTIONS, INVITE, "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=1\r\n\r\n"):
                text = message.format(host="127.0.0.1", port=5060, here=f"{host}:5060", sdp=SDP, length=len(SDP))
                here.send(text.encode(), "127.0.0.1", 5060)
        await asyncio.sleep(1)
        assert {packet.destination[0] for packet in wire.packets if packet.source == app.sip_address} == {"127.0.0.9"}
        assert app.stack.drops["ignored"] == 3


async def test_a_media_address_of_another_machine_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = Settings.model_validate({"media": {"address": "192.0.2.1"}, "data": {"directory": str(tmp_path)}})
    app = App(settings, load_plan(SHIPPED), engine=Engine(media_settings(settings), in_process=Wire()))
    with pytest.raises(ConfigError, match=r"media\.address: 192\.0\.2\.1 is no address of this machine"):
        await app.start()


async def test_a_data_directory_that_can_not_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    settings = Settings.model_validate({"data": {"directory": str(tmp_path / "data")}})
    app = App(settings, load_plan(SHIPPED), engine=Engine(media_settings(settings), in_process=Wire()))
    with pytest.raises(ConfigError, match=r"data\.directory: .*data/recordings can't be written"):
        await app.start()


async def test_nothing_stays_behind_when_the_start_fails(tmp_path: Path) -> None:
    wire = Wire(record=False)
    settings = Settings.model_validate({"data": {"directory": str(tmp_path)}})
    taken = wire.datagrams("127.0.0.1", 5060)
    app = App(
        settings,
        load_plan(SHIPPED),
        engine=Engine(media_settings(settings), in_process=wire),
        stack=Stack(network=wire),
    )
    with pytest.raises(ConfigError, match="port 5060"):
        await app.start()
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    taken.close()


def test_the_shipped_configuration_is_found_good_as_a_whole() -> None:
    configuration = load_configuration(SHIPPED, {})
    assert configuration.settings == Settings()
    assert configuration.folder == SHIPPED


@pytest.mark.real_time
async def test_a_system_without_a_process_for_media_is_told_as_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    app = App(Settings(), load_plan(SHIPPED))
    with pytest.raises(ConfigError, match=r"media: no media process can be started: .*No such file"):
        await app.start()
