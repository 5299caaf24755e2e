"""The loop the switch runs on: what the kernel reports about one peer must not make the socket deaf to all."""

import asyncio
import socket

import pytest
import uvloop

from softswitch.sip.transport.udp import UdpSocket


@pytest.mark.real_time
@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_an_icmp_error_leaves_the_socket_hearing(new_loop: type[asyncio.AbstractEventLoop]) -> None:
    loop = new_loop()
    try:
        assert loop.run_until_complete(_heard_after_errors(loop)) == [b"hello"] * 3
    finally:
        loop.close()


async def _heard_after_errors(loop: asyncio.AbstractEventLoop) -> list[bytes]:
    heard: list[bytes] = []
    arrived = asyncio.Event()

    def receive(data: bytes, host: str, port: int) -> None:
        heard.append(data)
        arrived.set()

    ours = UdpSocket(loop, "127.0.0.1", 0, receive, lambda host, port: None)
    udp = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*udp) as peer, socket.socket(*udp) as dead:
        dead.bind(("127.0.0.1", 0))
        nobody = dead.getsockname()
        dead.close()
        for _ in range(3):
            arrived.clear()
            ours.send(b"anybody?", *nobody)
            await asyncio.sleep(0)
            peer.sendto(b"hello", ours.address)
            async with asyncio.timeout(5):
                await arrived.wait()
    ours.close()
    return heard
