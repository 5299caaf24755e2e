"""What the switch does beside its calls goes on, whatever happens in it."""

import asyncio
import io
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog

from softswitch import logs
from softswitch.duties import FIRST_PAUSE_S, LONGEST_PAUSE_S, Duties
from softswitch.settings import LogSettings


@pytest.fixture(autouse=True)
def told() -> Iterator[io.StringIO]:
    """What the log says."""
    stream = io.StringIO()
    logs.configure(LogSettings(), stream)
    yield stream
    structlog.reset_defaults()


class Fragile:
    """A duty that fails by each of `faults` in turn, and then goes on for ever."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.began_at: list[float] = []
        self.was_cancelled = False

    async def run(self) -> None:
        self.began_at.append(asyncio.get_running_loop().time())
        if self.faults:
            raise self.faults.pop(0)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def test_a_duty_that_fails_is_told_counted_and_begun_anew_after_a_growing_pause(
    told: io.StringIO,
) -> None:
    failures: Counter[str] = Counter()
    duty = Fragile(KeyError("a bug"), ExceptionGroup("several", [ValueError("one")]), RuntimeError("another"))
    async with Duties(failures) as duties:
        duties.begin("spending", duty.run)
        await asyncio.sleep(20)
        assert failures == {"spending": 3}
    pauses = [after - before for before, after in zip(duty.began_at, duty.began_at[1:], strict=False)]
    assert pauses == pytest.approx([FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S])
    assert duty.was_cancelled
    assert told.getvalue().count("a duty failed and is begun anew") == 3
    assert "KeyError" in told.getvalue()


async def test_one_duty_s_failure_is_nothing_to_the_others_and_none_comes_too_often() -> None:
    failures: Counter[str] = Counter()
    broken, sound = Fragile(*[OSError()] * 1000), Fragile()
    async with Duties(failures) as duties:
        duties.begin("broken", broken.run)
        duties.begin("sound", sound.run)
        await asyncio.sleep(3600)
    assert len(sound.began_at) == 1
    assert 3600 / LONGEST_PAUSE_S <= failures["broken"] <= 3600 / LONGEST_PAUSE_S + 6


async def test_a_duty_that_is_done_stays_so() -> None:
    failures: Counter[str] = Counter()
    done: list[int] = []

    async def once() -> None:
        done.append(1)

    async with Duties(failures) as duties:
        duties.begin("once", once)
        await asyncio.sleep(100)
    assert (done, failures) == ([1], {})
