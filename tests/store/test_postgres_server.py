"""The database server of the tests ends with them, also with those that are cut off."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.peers import until

SERVE = """
import time
from tests.store.postgres import own_server
with own_server() as one:
    print(one.port, one.folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.peer("postgres")
def test_a_test_run_that_is_killed_leaves_no_server_and_no_folder() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        port, folder = run.stdout.readline().split()
        assert _accepts(int(port))
        run.kill()
    until(lambda: not _accepts(int(port)) and not Path(folder).exists(), "the end of the server")


def _accepts(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
