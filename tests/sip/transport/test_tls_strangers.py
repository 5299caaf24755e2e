"""The TLS port as other programs find it: OpenSSL's client, on real sockets, under both loops we run on."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from softswitch.sip.stack import Stack
from softswitch.sip.transport.tls import Tls, TlsSettings
from softswitch.sip.uri import Uri
from tests.certificates import Authority

OPTIONS = (
    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:x>\r\nCall-ID: n1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)
LOOPS = {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(params=LOOPS.values(), ids=LOOPS.keys())
def run(request: pytest.FixtureRequest) -> Callable[..., None]:
    def run(story: Callable[[], object]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(story())  # type: ignore[arg-type]

    return run


async def stack_with(authority: Authority) -> tuple[Stack, int]:
    certificate, key = authority.issue("127.0.0.1")
    stack = Stack(tls=Tls(TlsSettings(certificate, key, authority.root)))
    _, port = await stack.listen("TLS", "127.0.0.1", 0)
    return stack, port


async def openssl(port: int, says: bytes, *options: object) -> tuple[bytes, bytes]:
    """What `openssl s_client` printed when the switch had answered, or hung up."""
    client = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", *map(str, options)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert client.stdin
    assert client.stdout
    assert client.stderr
    client.stdin.write(says)
    heard = b""
    async with asyncio.timeout(20):
        while b"\r\n\r\n" not in heard:
            piece = await client.stdout.read(4096)
            if not piece:
                break
            heard += piece
        client.stdin.close()
        if client.returncode is None:
            client.terminate()
        told = await client.stderr.read()
        await client.wait()
    return heard, told


def test_openssl_gets_an_answer_and_believes_the_certificate(run: Callable[..., None], tmp_path: Path) -> None:
    async def story() -> None:
        authority = Authority(tmp_path)
        stack, port = await stack_with(authority)
        verified = ("-CAfile", authority.root, "-verify_return_error", "-verify_ip", "127.0.0.1", "-tls1_2")
        heard, told = await openssl(port, OPTIONS, *verified)
        assert heard.startswith(b"SIP/2.0 200 OK\r\n"), told
        await stack.close()

    run(story)


def test_openssl_saying_garbage_is_closed_and_counted(run: Callable[..., None], tmp_path: Path) -> None:
    async def story() -> None:
        stack, port = await stack_with(Authority(tmp_path))
        heard, _ = await openssl(port, b"\r\r\r this is no SIP at all \x00\x01\x02\r\n\r\n" * 50)
        assert heard == b""
        assert stack.drops["unframed"] == 1
        await stack.close()

    run(story)


def test_plain_tcp_on_the_tls_port_is_closed_without_a_word_of_sip(run: Callable[..., None], tmp_path: Path) -> None:
    async def story() -> None:
        stack, port = await stack_with(Authority(tmp_path))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(OPTIONS)
        async with asyncio.timeout(20):
            assert b"SIP" not in await reader.read()
        assert stack.drops["tls_handshake_failed"] == 1
        writer.close()
        await stack.close()

    run(story)


def test_two_stacks_ask_each_other_over_one_connection(run: Callable[..., None], tmp_path: Path) -> None:
    async def story() -> None:
        authority = Authority(tmp_path)
        (one, _), (other, port) = await stack_with(authority), await stack_with(authority)
        async with asyncio.timeout(20):
            for _ in range(3):
                response = await one.request("OPTIONS", Uri.parse(f"sip:127.0.0.1:{port};transport=tls"))
                assert response.status == 200
        assert len(other._transports._connections) == 1
        await one.close()
        await other.close()
        await asyncio.sleep(0.05)

    run(story)
