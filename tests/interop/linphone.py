"""Linphone's console, run without a sound card: it plays one file into its calls and keeps what it hears as another.

It reads commands from a terminal alone, so it is given one.
"""

import contextlib
import os
import pty
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.processes import free_port
from tests.interop.peers import read_wav, until, write_wav

_CONFIG = """\
[sip]
sip_port={sip_port}
sip_tcp_port={other_port}
sip_tls_port={other_port}
media_encryption={encryption}
root_ca={trusts}
verify_server_certs=1
verify_server_cn=1

[rtp]
audio_rtp_port={rtp_port}
"""


class Linphone:
    """A Linphone that answers whoever calls. A context manager. `trusts` is a file of roots for TLS."""

    def __init__(
        self, folder: Path, voice: np.ndarray, *, encryption: str = "none", trusts: Path | None = None
    ) -> None:
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        self.folder = folder
        self._log_path, self._terminal_path = folder / "linphone.log", folder / "terminal"
        write_wav(folder / "voice.wav", voice)
        config = _CONFIG.format(
            sip_port=free_port() if trusts is None else -1,
            other_port=-1 if trusts is None else -2,  # any that is free
            encryption=encryption,
            trusts=trusts or "",
            rtp_port=free_port(),
        )
        (folder / "linphonerc").write_text(config)

    def __enter__(self) -> Self:
        ours, its = pty.openpty()
        self._terminal = ours
        self._process = subprocess.Popen(
            ["linphonec", "-a", "-c", "linphonerc", "-d", "6", "-l", str(self._log_path)],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=self.folder,
            env=os.environ | {"HOME": str(self.folder), "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(its)
        self._reader = threading.Thread(target=self._keep_what_it_prints)
        self._reader.start()
        until(lambda: "linphonec>" in self.printed, "Linphone's prompt")
        self.command("soundcard use files")
        until(lambda: "network reachability state is now [UP]" in self.log, "Linphone to find the network")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.command("quit")
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._reader.join()
        os.close(self._terminal)

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    @property
    def printed(self) -> str:
        return self._terminal_path.read_text(errors="replace") if self._terminal_path.exists() else ""

    def command(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def register(self, user: str, password: str, place: str, params: str = "") -> None:
        """At a registrar, and wait for its 200."""
        self.command(f"register sip:{user}@{place} sip:{place}{params} {password}")
        until(lambda: "LinphoneRegistrationOk" in self.log, f"{user} to be registered")

    def dial(self, uri: str) -> None:
        """Call, wait for the answer, speak and record."""
        self.command(f"call {uri}")
        self.wait_called()

    def wait_called(self) -> None:
        until(lambda: "Media streams established" in self.printed, "Linphone's call to be answered")
        self.command("record heard.wav")
        self.command("play voice.wav")

    def hang_up(self) -> None:
        self.command("terminate")
        until(lambda: " ended " in self.printed, "Linphone to hang up")

    def heard(self) -> np.ndarray:
        return read_wav(self.folder / "heard.wav")

    def _keep_what_it_prints(self) -> None:
        with self._terminal_path.open("wb", buffering=0) as kept, contextlib.suppress(OSError):
            while said := os.read(self._terminal, 4096):
                kept.write(said)
