"""The collector waits while a plan is made anew, and finds what was put aside once nobody is on the phone."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from softswitch import garbage


class Call:
    """Something that is part of a cycle."""

    def __init__(self) -> None:
        self.task = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    garbage.set_up()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    garbage._State.is_set_up = garbage._State.was_put_aside = False


def test_the_collector_waits_and_goes_on_also_after_a_failure() -> None:
    with garbage.paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), garbage.paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_the_collector_does_not_look_before_the_start_is_done() -> None:
    garbage.put_off()
    assert not gc.isenabled()
    garbage.set_up()
    assert gc.isenabled()


async def test_what_was_put_aside_with_a_call_is_found_when_no_call_is_up() -> None:
    call = Call()
    known, calls = weakref.ref(call), ["one"]
    garbage.put_aside(garbage.MANY)
    del call
    gc.collect()
    assert known() is not None
    tidying = asyncio.create_task(garbage.tidy(lambda: not calls))
    await asyncio.sleep(200)
    assert known() is not None
    calls.clear()
    await asyncio.sleep(100)
    assert known() is None
    tidying.cancel()


def test_a_small_change_puts_nothing_aside() -> None:
    call = Call()
    known = weakref.ref(call)
    garbage.put_aside(garbage.MANY - 1)
    del call
    gc.collect()
    assert known() is None
