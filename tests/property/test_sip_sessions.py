"""Two stacks, random verbs at random times, a bad wire: no bug of ours, one `Ended` a call, and nothing left behind."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from softswitch.sip.session.events import Answered, Ended, Offered
from tests.property.seeds import seeds
from tests.sip.phones import ANSWER, two_phones
from tests.wire import Wire


@pytest.mark.parametrize("seed", seeds(40))
async def test_whatever_both_sides_do(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    wire = Wire(seed, loss=chance.choice((0, 0.1, 0.3)), delay_s=0.05, jitter_s=0.2, duplicate=0.1, record=False)
    alice, bob = await two_phones(wire, session_expires_s=chance.choice((0, 90, 120)), ring_limit_s=60)
    ends: Counter[Any] = Counter()

    def react(session: Any, event: Any) -> None:
        if isinstance(event, Ended):
            ends[session] += 1
        elif isinstance(event, Offered) or (isinstance(event, Answered) and session.open_offer is not None):
            _choose(chance, lambda: session.accept(b"v=0 accepted"), lambda: session.refuse(488), lambda: None)

    alice.on_event = bob.on_event = react
    bob.on_call = lambda session: None
    calls = [alice.call(bob.host, offer=chance.choice((b"v=0 offer", None))) for _ in range(20)]
    for _ in range(400):
        await asyncio.sleep(chance.uniform(0, 0.3))
        _act(chance, chance.choice(calls + bob.calls))
    for session in calls + bob.calls:
        session.hang_up()
    await asyncio.sleep(300)
    for phone in (alice, bob):
        assert phone.stack.drops["our_bug"] == 0, caplog.text
        assert phone.has_left_nothing(), phone.stack.counts()
    assert [ends[session] for session in calls + bob.calls] == [1] * (len(calls) + len(bob.calls))


def _act(chance: random.Random, session: Any) -> None:
    early = (
        lambda: session.ring(183, sdp=ANSWER),
        lambda: session.ring(),
        lambda: session.answer(ANSWER),
        lambda: session.answer(ANSWER),
    )
    late = (
        lambda: session.reoffer(b"v=0 new"),
        lambda: session.reoffer(None),
        lambda: session.info("text/plain", b"x"),
        lambda: session.accept(b"v=0 accepted"),
    )
    rare = (lambda: session.hang_up(), lambda: session.reject(486))
    _choose(chance, *(rare if chance.random() < 0.05 else early if chance.random() < 0.5 else late))


def _choose(chance: random.Random, *verbs: Any) -> None:
    chance.choice(verbs)()
