"""Phones of other people, run without a sound card: baresip and pyVoIP, each in a process of its own.

Each plays a WAV file into the call and keeps what it heard as another; the tests compare the two. All of them use free
ports and a folder of their own.
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import soundfile as sf

from benchmarks.processes import PROJECT, SwitchProcess, free_port

T = TypeVar("T")

RATE_HZ = 8000
PATIENCE_S = 20.0
STARTS_WITHIN_S = 60.0
"""On a machine where everybody else compiles."""

_BARESIP_CONFIG = """\
poll_method             epoll
sip_listen              127.0.0.1:{sip_port}
audio_player            aubridge,nowhere
audio_source            aufile,{voice}
audio_alert             aubridge,nowhere
ausrc_srate             8000
auplay_srate            8000
ausrc_channels          1
auplay_channels         1
rtp_ports               {first_rtp_port}-{last_rtp_port}
rtp_timeout             60
jitter_buffer_delay     1-5
module_path             /usr/lib/baresip/modules
module                  g711.so
module                  aufile.so
module                  aubridge.so
module                  sndfile.so
module                  srtp.so
module_tmp              account.so
module_app              menu.so
module_app              ctrl_tcp.so
ctrl_tcp_listen         127.0.0.1:{control_port}
snd_path                {folder}
"""


class Baresip:
    """A baresip phone, steered over its control port. A context manager.

    `params` are of its account, such as `;mediaenc=srtp`; `trusts` is a file of roots that it wants to see used. At a
    `registrar` (host and port) it registers with `password`, and answers whoever calls. `shows_messages`: its log has
    every SIP message.
    """

    def __init__(
        self,
        folder: Path,
        voice: np.ndarray,
        user: str = "13105550142",
        *,
        transport: str = "udp",
        params: str = "",
        trusts: Path | None = None,
        registrar: str = "",
        password: str = "",
        shows_messages: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.user = folder, user
        self._shows_messages = shows_messages
        self.transport = transport
        self._control_port, sip_port, rtp_port = free_port(), free_port(), free_port()
        write_wav(folder / "voice.wav", voice)
        (folder / "config").write_text(
            _BARESIP_CONFIG.format(
                folder=folder,
                voice=folder / "voice.wav",
                sip_port=sip_port,
                control_port=self._control_port,
                first_rtp_port=rtp_port // 2 * 2,
                last_rtp_port=rtp_port // 2 * 2 + 20,
            )
        )
        if trusts is not None:
            with (folder / "config").open("a") as config:
                config.write(f"sip_cafile {trusts}\nsip_verify_server yes\n")
        account = f"<sip:{user}@127.0.0.1:{sip_port};transport={transport}>;regint=0{params}\n"
        if registrar:
            known = f"<sip:{user}@{registrar};transport={transport}>;auth_user={user};auth_pass={password}"
            account = f"{known};regint=60;answermode=auto{params}\n"
        (folder / "accounts").write_text(account)
        (folder / "contacts").write_text("")
        self._log_path = folder / "baresip.log"

    def __enter__(self) -> Self:
        self._log = self._log_path.open("wb")
        self._process = subprocess.Popen(
            ["baresip", "-4", *(["-s"] if self._shows_messages else []), "-f", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._control = until(self._connect, "baresip's control", STARTS_WITHIN_S)
        except AssertionError:
            self._end()
            raise
        return self

    def _connect(self) -> socket.socket:
        assert self._process.poll() is None, f"baresip has ended: {self.log[-500:]}"
        return socket.create_connection(("127.0.0.1", self._control_port))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self.command("quit")
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(3)
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._log.close()

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def command(self, name: str, params: str = "") -> None:
        """Send one command; a netstring of JSON."""
        text = json.dumps({"command": name, "params": params})
        self._control.sendall(f"{len(text)}:{text},".encode())

    def dial(self, number: str, switch: SwitchProcess) -> None:
        """Call `number` and wait for the answer."""
        port = switch.tls_port if self.transport == "tls" else switch.port
        self.command("dial", f"sip:{number}@{switch.host}:{port}")
        until(lambda: "Call established" in self.log, "baresip's call to be answered")

    def wait_registered(self) -> None:
        until(lambda: "200 OK" in self.log, f"{self.user} to be registered")

    def wait_called(self) -> None:
        until(lambda: "Call established" in self.log, f"{self.user} to be in a call")

    def replaces(self) -> str:
        """What names its first call, which somebody has made to it, in Replaces of a Refer-To (RFC 3891).

        For one that shows its messages.
        """
        invite = self.log[self.log.index("\nINVITE ") :]
        call_id, to_tag = re.search(r"Call-ID: (\S+)", invite)[1], re.search(r"From: .*;tag=(\S+)", invite)[1]
        from_tag = re.search(r"SIP/2.0 200 Answering(?:.*\n)*?To: .*;tag=(\S+)", invite)[1]
        return f"{call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}"

    def press(self, digits: str) -> None:
        """Send digits as RFC 4733 events, at the pace of a finger."""
        for digit in digits:
            self.command("sndcode", digit)
            time.sleep(0.25)

    def hang_up(self) -> None:
        self.command("hangup")
        until(lambda: "terminated" in self.log, "baresip to hang up")

    def heard(self) -> np.ndarray:
        """What it decoded, from its first packet on. Complete after the hang-up."""
        return read_wav(until(lambda: next(self.folder.glob("dump-*-dec.wav")), "baresip's recording"))

    def all_heard(self) -> list[np.ndarray]:
        """What it decoded in each of its calls."""
        return [read_wav(path) for path in sorted(self.folder.glob("dump-*-dec.wav"))]


def pyvoip_call(switch: SwitchProcess, number: str, voice: np.ndarray, folder: Path, talk_s: float) -> dict:
    """Let a pyVoIP phone call in, play `voice` and record for `talk_s`; returns its report.

    pyVoIP is GPL and of threads, so it lives in a process of its own; see `pyvoip_phone.py`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(folder / "voice.wav", voice)
    ports = [free_port(), free_port()]
    script = Path(__file__).with_name("pyvoip_phone.py")
    arguments = [switch.host, switch.port, *ports, number, folder / "voice.wav", folder / "heard.wav", talk_s]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=talk_s + 20,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def start_gateway(*arguments: object, folder: Path) -> subprocess.Popen[str]:
    """Start `softswitch gateway ARGUMENTS` in the background."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "softswitch", "gateway", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
    )


def until(attempt: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Try until `attempt` gives something true without an OSError or StopIteration."""
    last_at = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(OSError, StopIteration):
            if result := attempt():
                return result
        assert time.monotonic() < last_at, f"waited {patience_s:g} s in vain for {what}"
        time.sleep(0.05)


def write_wav(path: Path, audio: np.ndarray) -> None:
    sf.write(path, audio.astype(np.int16), RATE_HZ, subtype="PCM_16")


def read_wav(path: Path) -> np.ndarray:
    """A recording as int16, 8 kHz mono."""
    audio, rate_hz = sf.read(path, dtype="int16", always_2d=True)
    assert rate_hz == RATE_HZ, f"{path} has {rate_hz} Hz"
    return audio[:, 0]
