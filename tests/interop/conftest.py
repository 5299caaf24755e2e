"""A real switch for the tests of one file, and a gateway of our own that calls it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmarks.processes import SwitchProcess
from media import MediaSettings
from softswitch.gateway.gateway import MEDIA_PORTS, Gateway


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchProcess]:
    """`softswitch serve` in a process of its own; no test of the file may have made it stumble."""
    with SwitchProcess(tmp_path_factory.mktemp("switch")) as running:
        yield running
    assert "Traceback" not in running.log, running.log[-4000:]


@pytest.fixture
def own_switch(tmp_path: Path) -> Iterator[SwitchProcess]:
    """A switch for one test alone, which may kill it."""
    with SwitchProcess(tmp_path / "switch") as running:
        yield running


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Our gateway simulator, in this process; its media in another."""
    async with Gateway(media=MediaSettings(ports=MEDIA_PORTS)) as running:
        yield running
