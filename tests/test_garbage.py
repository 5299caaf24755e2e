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


def test_who_stops_pausing_it_first_does_not_wake_it_for_the_other() -> None:
    """The API was built in a thread while the plan was read, and the collector looked at both."""
    first, second = garbage.paused(), garbage.paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_the_end_of_the_start_does_not_wake_it_while_it_is_paused() -> None:
    garbage.put_off()
    with garbage.paused():
        garbage.set_up()
        assert not gc.isenabled()
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
