"""After the end of a call: the last words are waited for, and what is over is no fault."""

import asyncio

import pytest

from softswitch.sip import Uri
from tests.sip.phones import Phone
from tests.wire import Wire


async def pair(wire: Wire) -> tuple[Phone, Phone]:
    return await Phone(wire, "10.0.0.1", 1).start(), await Phone(wire, "10.0.0.2", 2).start()


async def test_a_caller_that_closes_after_its_last_words_is_no_fault_to_the_callee() -> None:
    wire = Wire(delay_s=0.02)
    caller, callee = await pair(wire)
    session = caller.call("10.0.0.2")
    await asyncio.sleep(1.0)
    session.hang_up()
    assert await caller.stack.last_words(2.0)
    await caller.stack.close()
    await asyncio.sleep(10.0)
    assert not callee.stack.drops
    await callee.stack.close()


async def test_a_connection_that_closes_after_the_call_is_no_fault() -> None:
    wire = Wire()
    caller, callee = await pair(wire)
    session = caller.call("10.0.0.2", params=";transport=tcp")
    await asyncio.sleep(1.0)
    session.hang_up()
    assert await caller.stack.last_words(2.0)
    await caller.stack.close()
    await asyncio.sleep(10.0)
    assert callee.ended().by == "remote"
    assert not callee.stack.drops
    await callee.stack.close()


async def test_an_answer_to_bye_that_finds_nobody_is_undelivered_but_fails_no_transaction() -> None:
    wire = Wire(delay_s=0.02)
    caller, callee = await pair(wire)
    session = caller.call("10.0.0.2")
    await asyncio.sleep(1.0)
    session.hang_up()
    await caller.stack.close()
    await asyncio.sleep(10.0)
    assert dict(callee.stack.drops) == {"undelivered": 1}
    await callee.stack.close()


async def test_the_owner_may_hear_whether_a_bye_was_answered() -> None:
    wire = Wire()
    caller, callee = await pair(wire)
    answers: list[int] = []
    for silence in (False, True):
        session = caller.call("10.0.0.2")
        session.on_bye_answered = answers.append
        await asyncio.sleep(1.0)
        wire.refuses = lambda packet, silence=silence: silence and packet.source[0] == "10.0.0.2"
        session.hang_up()
        await asyncio.sleep(40.0)
    assert answers == [200, 408]
    await caller.stack.close()
    await callee.stack.close()


@pytest.mark.parametrize("speaks_icmp", [True, False])
async def test_nobody_who_answers_our_options_is_an_answer_and_nothing_dropped(speaks_icmp: bool) -> None:
    wire = Wire()
    wire.sends_icmp = speaks_icmp
    caller, callee = await pair(wire)
    await callee.stack.close()
    response = await caller.stack.request("OPTIONS", Uri.parse("sip:10.0.0.2"))
    assert response.status == (503 if speaks_icmp else 408)
    assert not caller.stack.drops
    await caller.stack.request("MESSAGE", Uri.parse("sip:10.0.0.2"))
    assert sum(caller.stack.drops.values()) == (2 if speaks_icmp else 1)
    await caller.stack.close()


async def test_our_options_over_tcp_that_find_nobody_are_an_answer_and_nothing_dropped() -> None:
    caller, callee = await pair(Wire())
    await callee.stack.close()
    for method, drops in (("OPTIONS", {}), ("MESSAGE", {"connect_failed": 1, "transaction_transport_error": 1})):
        response = await caller.stack.request(method, Uri.parse("sip:10.0.0.2;transport=tcp"))
        assert response.status == 503
        assert caller.stack.drops == drops
    await caller.stack.close()
