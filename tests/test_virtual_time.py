"""The ground the other tests stand on."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.virtual_time import DeadlockError, VirtualTimeLoop
from tests.wire import Wire


async def test_an_hour_of_waiting_passes_at_once() -> None:
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    await asyncio.sleep(3600)
    assert loop.time() - started_at == pytest.approx(3600)


async def test_timers_fire_in_the_order_of_their_times() -> None:
    fired: list[int] = []
    loop = asyncio.get_running_loop()
    for delay in (3, 1, 2):
        loop.call_later(delay, fired.append, delay)
    await asyncio.sleep(4)
    assert fired == [1, 2, 3]


async def test_a_thread_is_waited_for_while_a_timer_is_pending() -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as executor:
        async with asyncio.timeout(60):
            assert await loop.run_in_executor(executor, sum, (1, 2)) == 3


def test_waiting_for_nothing_is_a_deadlock_and_says_where() -> None:
    loop = VirtualTimeLoop()

    async def waits_for_ever() -> None:
        await loop.create_future()

    task = loop.create_task(waits_for_ever(), name="the waiter")
    with pytest.raises(DeadlockError, match=r"the waiter at test_virtual_time\.py"):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


def test_a_test_that_only_ticks_ends_at_the_limit() -> None:
    loop = VirtualTimeLoop()
    loop.limit_s = 10

    async def ticks() -> None:
        while True:  # noqa: ASYNC110 - it is the clock that is tested
            await asyncio.sleep(1)

    task = loop.create_task(ticks())
    with pytest.raises(DeadlockError, match="10 virtual seconds"):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


@pytest.mark.real_time
async def test_real_time_is_there_for_those_who_ask() -> None:
    assert asyncio.get_running_loop().time() == pytest.approx(time.monotonic(), abs=5)


async def test_the_wire_delivers_late_and_in_order_without_jitter() -> None:
    wire = Wire(delay_s=0.05)
    left, right = wire.datagrams("10.0.0.1", 5060), wire.datagrams("10.0.0.2", 5060)
    started_at = asyncio.get_running_loop().time()
    for number in range(3):
        left.send(b"%d" % number, "10.0.0.2", 5060)
    assert [(await right.received())[0] for _ in range(3)] == [b"0", b"1", b"2"]
    assert asyncio.get_running_loop().time() - started_at == pytest.approx(0.05)


async def test_the_same_seed_loses_the_same_packets() -> None:
    async def survivors(seed: int) -> list[bytes]:
        wire = Wire(seed, loss=0.3, duplicate=0.1, jitter_s=0.02, reorder=0.1)
        left, right = wire.datagrams("10.0.0.1"), wire.datagrams("10.0.0.2", 4000)
        for number in range(100):
            left.send(b"%d" % number, "10.0.0.2", 4000)
        await asyncio.sleep(1)
        return [packet[0] for packet in iter(right.receive, None)]

    first = await survivors(7)
    assert first == await survivors(7)
    assert first != await survivors(8)
    assert 50 < len(set(first)) < 90


async def test_a_datagram_to_nobody_comes_back_as_unreachable() -> None:
    wire, bounced = Wire(), []
    left = wire.datagrams("10.0.0.1", unreachable=lambda host, port: bounced.append((host, port)))
    left.send(b"x", "10.0.0.9", 9)
    await asyncio.sleep(0.1)
    assert bounced == [("10.0.0.9", 9)]


async def test_a_stream_keeps_order_and_says_when_the_far_end_closes() -> None:
    class Ear(asyncio.Protocol):
        def __init__(self) -> None:
            self.heard, self.lost = b"", False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.heard += data

        def connection_lost(self, exc: Exception | None) -> None:
            self.lost = True

    wire, server, client = Wire(delay_s=0.01), Ear(), Ear()
    await wire.listen_stream("10.0.0.2", 5060, lambda: server)
    await wire.connect_stream("10.0.0.2", 5060, lambda: client, "10.0.0.1")
    await asyncio.sleep(0)
    client.transport.write(b"one ")  # type: ignore[attr-defined]
    client.transport.write(b"two")  # type: ignore[attr-defined]
    client.transport.close()
    await asyncio.sleep(0.1)
    assert (server.heard, server.lost, client.lost) == (b"one two", True, True)
