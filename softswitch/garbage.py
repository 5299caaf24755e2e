"""The garbage collector in a process that must not stand still: a look at all objects of a large plan takes 50 ms.

What is there at the start is put aside (`gc.freeze`) and never looked at again. When a large part of the number plan is
made anew, or the API is built, the collector waits, and the new objects are put aside too. Calls that are up at that
moment are put aside with them; what they leave behind is found by `tidy`, once nobody is on the phone and few register.
"""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator

THRESHOLD = 20_000
"""New objects between two looks; Python's 700 would look several times in every call."""

MANY = 1_000
"""Objects of the plan that are worth it."""

TIDIES_EVERY_S = 60.0


class _State:
    """Of this process."""

    lock = threading.Lock()
    is_wanted = True
    """Whether the collector shall work while nobody pauses it."""
    pauses = 0
    is_set_up = False
    was_put_aside = False
    """Something, since everything was looked at."""


def put_off() -> None:
    """At the very start: what is made until `set_up` stays, and looking at it again and again takes half of the time
    that a large store takes to read."""
    with _State.lock:
        _State.is_wanted = False
        gc.disable()


def set_up() -> None:
    """At the start of the program, once everything is there."""
    _look_at_everything()
    gc.set_threshold(THRESHOLD)
    with _State.lock:
        _State.is_set_up = _State.is_wanted = True
        _go_on()


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No look at anything while many objects are made that will stay. Several may pause it, also in threads."""
    with _State.lock:
        _State.pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _State.lock:
            _State.pauses -= 1
            _go_on()


def put_aside(made: int) -> None:
    """So many objects have been made that will stay; to be said while the collector is `paused`.

    Only where `set_up` was called: other programs are short.
    """
    if made >= MANY and _State.is_set_up:
        gc.freeze()
        _State.was_put_aside = True


async def tidy(is_quiet: Callable[[], bool], every_s: float = TIDIES_EVERY_S) -> None:
    """Until cancelled: looks at everything when that disturbs nobody, if something was put aside since last time."""
    while True:
        await asyncio.sleep(every_s)
        if _State.was_put_aside and is_quiet():
            gc.unfreeze()
            _look_at_everything()


def _go_on() -> None:
    """With the lock held."""
    if _State.is_wanted and not _State.pauses:
        gc.enable()


def _look_at_everything() -> None:
    gc.collect()
    gc.freeze()
    _State.was_put_aside = False
