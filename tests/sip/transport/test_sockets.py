"""Real sockets of the kernel: UDP and TCP, IPv4 and IPv6, errors the network reports."""

import asyncio
import socket
from typing import Any

import pytest

from softswitch.sip.message import Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.settings import StackSettings
from softswitch.sip.stack import Stack
from softswitch.sip.transport.transports import ADVERTISED_KEPT
from softswitch.sip.transport.udp import MOST_PER_WAKE_UP, UdpSocket
from softswitch.sip.uri import Uri

pytestmark = pytest.mark.real_time

OPTIONS = (
    "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/{0} 127.0.0.1:5099;branch=z9hG4bK{1}\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:x>\r\nCall-ID: n{1}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


async def tcp_stack(**settings: Any) -> tuple[Stack, asyncio.StreamReader, asyncio.StreamWriter]:
    stack = Stack(StackSettings(**settings))
    _, port = await stack.listen("TCP", "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return stack, reader, writer


async def end(stack: Stack, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await stack.close()
    await asyncio.sleep(0)


async def read_response(reader: asyncio.StreamReader) -> Response:
    message = parse(await reader.readuntil(b"\r\n\r\n"))
    assert isinstance(message, Response)
    return message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_two_stacks_talk(host: str, transport: str) -> None:
    one, other = Stack(), Stack()
    try:
        _, port = await other.listen(transport, host, 0)
        await one.listen(transport, host, 0)
    except OSError:
        pytest.skip(f"{host} is not there")
    shown = f"[{host}]" if ":" in host else host
    async with asyncio.timeout(10):
        response = await one.request("OPTIONS", Uri.parse(f"sip:{shown}:{port};transport={transport.lower()}"))
    assert response.status == 200
    await one.close()
    await other.close()


async def test_a_port_nobody_listens_on_is_reported_by_icmp_and_ends_the_request_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stack = Stack()
    await stack.listen("UDP", "127.0.0.1", 0)
    async with asyncio.timeout(10):
        response = await stack.request("OPTIONS", Uri.parse(f"sip:127.0.0.1:{port}"))
    assert response.status == 503
    await stack.close()


async def test_a_burst_is_drained_in_one_wake_up() -> None:
    received: list[bytes] = []
    loop = asyncio.get_running_loop()
    udp = UdpSocket(loop, "127.0.0.1", 0, lambda data, host, port: received.append(data), lambda host, port: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(100):
            sender.sendto(b"%d" % number, udp.address)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert received == [b"%d" % number for number in range(100)]
    udp.close()


async def test_a_port_in_use_is_an_os_error() -> None:
    one, other = Stack(), Stack()
    _, port = await one.listen("UDP", "127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        await other.listen("UDP", "127.0.0.1", port)
    await one.close()


async def test_messages_in_pieces_and_together_on_one_connection() -> None:
    stack, reader, writer = await tcp_stack()
    text = (OPTIONS.format("TCP", 1) + OPTIONS.format("TCP", 2)).encode()
    writer.write(text[:50])
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.write(text[50:])
    async with asyncio.timeout(10):
        assert [(await read_response(reader)).call_id for _ in range(2)] == ["n1", "n2"]
    await end(stack, writer)


async def test_a_ping_gets_a_pong() -> None:
    stack, reader, writer = await tcp_stack()
    writer.write(b"\r\n\r\n")
    async with asyncio.timeout(10):
        assert await reader.readexactly(2) == b"\r\n"
    await end(stack, writer)


async def test_a_stream_that_can_not_be_framed_is_answered_and_closed() -> None:
    stack, reader, writer = await tcp_stack()
    writer.write(OPTIONS.format("TCP", 1).replace("Content-Length: 0\r\n", "").encode())
    async with asyncio.timeout(10):
        assert (await read_response(reader)).status == 400
        assert await reader.read() == b""
    assert stack.drops["unframed"] == 1
    await end(stack, writer)


async def test_an_idle_connection_is_closed() -> None:
    stack, reader, writer = await tcp_stack(tcp_idle_s=0.05)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    assert stack.drops["idle_connection"] == 1
    await end(stack, writer)


async def test_beyond_the_limit_a_connection_is_refused() -> None:
    stack, reader, writer = await tcp_stack(tcp_connections=1)
    writer.write(b"\r\n\r\n")
    async with asyncio.timeout(10):
        await reader.readexactly(2)
        port = writer.get_extra_info("peername")[1]
        second, second_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            assert await second.read() == b""
        except ConnectionResetError:
            pass
    assert stack.drops["too_many_connections"] == 1
    second_writer.close()
    await end(stack, writer)


async def test_senders_from_anywhere_fill_no_table_of_ours() -> None:
    stack = Stack()
    await stack.listen("UDP", "0.0.0.0", 0)
    places = stack._transports._host_of_ours.cache_info
    for number in range(ADVERTISED_KEPT + 100):
        assert stack.contact(Peer(Transport.UDP, f"127.1.{number // 250}.{number % 250 + 1}", 5060))
    assert places().currsize == ADVERTISED_KEPT
    await stack.close()


async def test_a_socket_that_was_read_empty_is_not_behind_however_much_a_wake_up_read() -> None:
    """It stayed behind until the next datagram, which was refused as one too many, hours later."""
    heard: list[bytes] = []
    read = UdpSocket(asyncio.get_running_loop(), "127.0.0.1", 0, lambda data, *_: heard.append(data), lambda *_: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(MOST_PER_WAKE_UP):
            sender.sendto(str(number).encode(), read.address)
        async with asyncio.timeout(10):
            while len(heard) < MOST_PER_WAKE_UP:  # noqa: ASYNC110 - a pass of the loop is what is tested
                await asyncio.sleep(0)
        assert read.behind_since is None
        for number in range(MOST_PER_WAKE_UP + 1):
            sender.sendto(str(number).encode(), read.address)
        sent_at = asyncio.get_running_loop().time()
        async with asyncio.timeout(10):
            while len(heard) < 2 * MOST_PER_WAKE_UP:  # noqa: ASYNC110 - a pass of the loop is what is tested
                await asyncio.sleep(0)
    assert read.behind_since is not None
    assert read.behind_since <= sent_at + 0.001  # when it came, not when it was found to wait
    read.close()


async def test_a_small_buffer_that_runs_over_is_behind_though_nothing_waits_long_in_it() -> None:
    """What the kernel drops is sent again and again: the more is refused at once, the less is."""
    heard: list[bytes] = []
    read = UdpSocket(asyncio.get_running_loop(), "127.0.0.1", 0, lambda data, *_: heard.append(data), lambda *_: None)
    read._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 300_000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(5000):
            sender.sendto(str(number).encode(), read.address)
        async with asyncio.timeout(10):
            while not heard:  # noqa: ASYNC110 - a pass of the loop is what is tested
                await asyncio.sleep(0)
    assert read.behind_since is not None
    assert asyncio.get_running_loop().time() - read.behind_since > 1.0
    async with asyncio.timeout(10):
        while read.behind_since is not None:  # noqa: ASYNC110 - a pass of the loop is what is tested
            await asyncio.sleep(0)
    assert len(heard) < 5000
    read.close()
