"""How `pytest -n` shares the tests out: a file is run by one worker, and what is listened to in real time goes first.

Tests with real phones and real audio mostly wait. They stand in as many lanes as there are entries in `LANES`, which
the first workers take one after another; the workers beyond the cores compute meanwhile, and step back for them
(`nice`), so that the audio of a lane does not stumble over the suite itself. Of the other files the longest begin.
"""

import os

from xdist.scheduler import LoadScopeScheduling

LANES = (
    (
        "tests/interop/test_far_end.py",
        "tests/interop/test_two_phones.py",
        "tests/interop/test_sipp.py",
        "tests/interop/test_strangers.py",
        "tests/media/test_worker.py",
    ),
    (
        "tests/interop/test_secure.py",
        "tests/interop/test_registering.py",
        "tests/interop/test_phones.py",
        "tests/stories/test_carrierx_flow.py",
        "tests/interop/test_two_carriers.py",
        "tests/media/test_takeover.py",
    ),
)
"""About as long as each other: two minutes, of which half a minute is work."""

LONGEST = (
    "tests/test_operations.py",
    "tests/api/test_openapi.py",
    "tests/store/test_lists.py",
    "tests/endpoints/mediator/test_api.py",
    "tests/test_cli.py",
    "tests/test_app.py",
    "tests/api/test_conference.py",
    "tests/api/test_lists.py",
    "tests/api/live/test_calls.py",
    "tests/api/live/test_events.py",
    "tests/stories/test_two_parties_talking.py",
    "tests/stories/test_trunks_that_fail.py",
)
"""Of the other files, so that none of them is the last to begin."""

STEPS_BACK = 10

_LANE_OF = {file: lane for lane, files in enumerate(LANES) for file in files}
_FIRST = {file: place for place, file in enumerate((*(file for files in LANES for file in files), *LONGEST))}


class Lanes(LoadScopeScheduling):
    """A lane, or a file, is what a worker gets at a time; in the order of the collection (`place_of`)."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        lane = _LANE_OF.get(file)
        return file if lane is None else f"lane {lane}"


def workers() -> int:
    """How many are wanted where nobody says it: those in the lanes mostly wait, so more than there are cores."""
    return len(os.sched_getaffinity(0)) + len(LANES)


def place_of(file: str) -> int:
    """By which the files are ordered; those without a place stay behind all others, as they are."""
    return _FIRST.get(file, len(_FIRST))


def step_back(worker: str) -> None:
    """A worker that has no lane leaves the processor to those that have one."""
    if worker not in {f"gw{lane}" for lane in range(len(LANES))}:
        os.nice(STEPS_BACK)
