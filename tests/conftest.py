"""What every test has: virtual time for async tests, real peers where one asks for them; and who runs it (`lanes`)."""

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import Scheduling

from tests.lanes import Lanes, place_of, step_back, workers
from tests.virtual_time import VirtualTimeLoop

_PROGRAMS = {"sipp": "sipp", "baresip": "baresip"}
_MODULES = {"pyvoip": "pyVoIP"}
_PATHS = {"postgres": "usr/lib/postgresql/*/bin/postgres"}
"""Programs that are not in the PATH of a Debian system."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_time: an async test that runs against the real clock (real processes, real sockets)"
    )
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        step_back(worker)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    if config.option.dist != "load":
        return None
    config.option.loadscopereorder = False
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place_of(item.nodeid.partition("::")[0]))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time for each async test, unless it is marked `real_time`."""
    if item.get_closest_marker("real_time"):
        return {"real_time": asyncio.SelectorEventLoop}
    return {"virtual_time": VirtualTimeLoop}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `peer(name)` needs that program: without it a visible skip, with CI=true a failure."""
    for mark in item.iter_markers("peer"):
        for name in mark.args:
            if not _is_installed(name):
                _missing(name)


def _is_installed(peer: str) -> bool:
    if peer in _MODULES:
        return importlib.util.find_spec(_MODULES[peer]) is not None
    return any(Path("/").glob(_PATHS[peer])) if peer in _PATHS else shutil.which(_PROGRAMS.get(peer, peer)) is not None


def _missing(peer: str) -> None:
    reason = f"the peer {peer!r} is not installed (tools/peers.sh installs it)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
