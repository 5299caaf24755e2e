"""The API on a real port, in a process that has other things to do."""

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, routing

from softswitch.api import docs
from softswitch.api.context import ApiContext
from softswitch.api.serve import ApiServer, _ask_once, listen
from softswitch.configuration import load_configuration
from softswitch.errors import ConfigError
from softswitch.settings import ApiSettings, Settings
from tests.store.blank import open_blank

SHIPPED = Path(__file__).parents[2] / "config"

pytestmark = pytest.mark.real_time


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[ApiServer, str]]:
    store = await open_blank(folder)
    settings = Settings.model_validate({"data": {"directory": str(folder)}, "api": {"port": 0}})
    server = ApiServer(listen(settings.api), ApiContext.of(store, settings))
    serving = asyncio.create_task(server.serve())
    secret = await server.create_first_token()
    assert secret is not None
    yield server, secret
    server.stop()
    await serving
    await store.close()


@contextlib.asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, str]]:
    """A connection to an API that is built, and the secret of an admin."""
    async with running(Path(tempfile.mkdtemp(dir=folder))) as (server, secret):
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            assert (await client.get("/core/v2/nothing")).status_code == 401
        reader, writer = await asyncio.open_connection(*server.address)
        yield reader, writer, secret
        writer.close()


def head(method: str, path: str, secret: str, *more: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: switch", f"Authorization: Bearer {secret}", *more)
    return "".join(f"{line}\r\n" for line in lines).encode()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the other side is real
        await asyncio.sleep(0.01)


async def _drip(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)


async def test_who_connects_while_the_api_is_still_being_built_waits_for_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, secret), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        headers = {"Authorization": f"Bearer {secret}"}
        assert (await client.get("/core/v2/endpoints", headers=headers)).status_code == 200
        assert (await client.get("/core/v2/endpoints")).status_code == 401
        assert await server.create_first_token() is None


async def test_what_fastapi_makes_for_the_first_request_is_made_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes that were included are: 50 ms in which no call was served."""
    api, inner, made = FastAPI(), APIRouter(), Counter[str]()

    @inner.get("/thing")
    async def thing() -> dict[str, str]:
        return {}

    api.include_router(inner)
    build = routing._IncludedRouter._build_effective_context

    def counted(*given: Any) -> Any:
        made[threading.current_thread().name] += 1
        return build(*given)

    monkeypatch.setattr(routing._IncludedRouter, "_build_effective_context", counted)
    await asyncio.to_thread(_ask_once, api)
    assert made
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://switch") as client:
        assert (await client.get("/thing")).status_code == 200
        assert (await client.get("/nothing")).status_code == 404
    assert threading.main_thread().name not in made


async def test_the_documents_are_written_in_a_thread_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first who asked held the loop, and with it every call, for more than half a second."""
    by: list[str] = []
    written = docs._written

    def noted(*given: Any) -> Any:
        by.append(threading.current_thread().name)
        return written(*given)

    monkeypatch.setattr(docs, "_written", noted)
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(path) for path in ("/docs", "/openapi.json", "/docs")))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(by) == 1
    assert by[0] != threading.main_thread().name


async def test_stopping_leaves_no_task_and_the_port_free(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/docs")).status_code == 200
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with socket.create_server(server.address):
        pass


async def test_stopping_before_it_is_built_is_a_stop_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, _):
        server.stop()


async def test_a_connection_that_says_nothing_or_rubbish_does_not_keep_others_out(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        silent = [await asyncio.open_connection(*server.address) for _ in range(20)]
        _, rubbish = await asyncio.open_connection(*server.address)
        rubbish.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        assert (await client.get("/openapi.json")).status_code == 200
        for _, writer in (*silent, (None, rubbish)):
            writer.close()


async def test_connections_beyond_so_many_are_closed_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a descriptor that a call can't have."""
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/docs")).status_code == 200  # it is built, and this connection stays
        monkeypatch.setattr("softswitch.api.connections.CONNECTIONS_AT_MOST", 4)
        held = [await asyncio.open_connection(*server.address) for _ in range(3)]
        reader, writer = await asyncio.open_connection(*server.address)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert (await client.get("/docs")).status_code == 200
        held.pop()[1].close()
        await asyncio.sleep(0.1)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as another:
            assert (await another.get("/docs")).status_code == 200
        for _, other in held:
            other.close()


async def test_who_says_nothing_or_only_half_of_a_request_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/docs")).status_code == 200
        monkeypatch.setattr("softswitch.api.connections.LOOKS_EVERY_S", 0.2)
        for said in (b"", b"GET /docs HTTP/1.1\r\nHost: x\r\n"):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(said)
            assert await reader.read() == b""
            writer.close()
        assert (await client.get("/docs")).status_code == 200


async def test_half_a_request_behind_a_whole_one_is_let_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What uvicorn closes is idle; who has said a word is not, and stayed for ever."""
    monkeypatch.setattr("softswitch.api.connections.LOOKS_EVERY_S", 0.2)
    async with asking(tmp_path) as (reader, writer, secret):
        writer.write(head("GET", "/core/v2/partners", secret) + b"\r\nGET /core")
        assert b'"total":1' in await reader.read()


async def test_a_body_that_drips_is_408_and_its_connection_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte it kept one of so many connections for ever."""
    monkeypatch.setattr("softswitch.api.auth.BODY_WITHIN_S", 0.3)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    json, form = ("application/json", b""), ("multipart/form-data; boundary=x", part)
    for path, (kind, begun) in (("/core/v2/endpoints", json), ("/core/v2/storage/files", form)):
        async with asking(tmp_path) as (reader, writer, secret):
            said = head("POST", path, secret, f"Content-Type: {kind}", "Content-Length: 100000")
            writer.write(said + b"\r\n" + begun)
            dripping = asyncio.create_task(_drip(writer))
            answered = await reader.readuntil(b"}]}")  # what drips on after it makes the system reset the connection
            assert answered.startswith(b"HTTP/1.1 408 ")
            assert b'{"errors":[{"field":"body","message":"did not come in time"}]}' in answered
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            dripping.cancel()


async def test_who_goes_on_with_a_body_that_is_answered_already_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's 401 needs no body: he kept the connection by sending one."""
    monkeypatch.setattr("softswitch.api.connections.LOOKS_EVERY_S", 0.2)
    async with asking(tmp_path) as (reader, writer, _):
        writer.write(head("POST", "/core/v2/endpoints", "wrong", "Content-Length: 100000") + b"\r\n")
        dripping = asyncio.create_task(_drip(writer))
        with contextlib.suppress(ConnectionError):
            assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
        dripping.cancel()


async def test_who_does_not_read_his_answer_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed nicely it stayed for ever, with the answer in memory."""
    monkeypatch.setattr("softswitch.api.connections.LOOKS_EVERY_S", 0.2)
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/openapi.json")).status_code == 200
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(server.address)
            deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            await until(lambda: server.connections == 2)
            await until(lambda: server.connections == 1)
        assert (await client.get("/openapi.json")).status_code == 200


async def test_a_client_that_asks_again_and_again_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, secret), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for _ in range(4):
            answered = await client.get("/core/v2/partners", headers={"Authorization": f"Bearer {secret}"})
            assert answered.status_code == 200
            (connection,) = server._server.server_state.connections
            connection._next_look.cancel()
            connection._look()
        assert not connection.transport.is_closing()
        connection._look()
        assert connection.transport.is_closing()


async def test_a_connection_that_has_ended_is_not_kept_until_it_would_be_looked_at(tmp_path: Path) -> None:
    """Two hundred requests a second, each with its own, would be thousands in memory."""
    async with running(tmp_path) as (server, _), httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/docs")).status_code == 200
        (connection,) = server._server.server_state.connections
        await client.aclose()
        await until(lambda: not server.connections)
        assert connection._next_look.cancelled()


async def test_what_is_no_http_is_told_in_the_one_form_and_is_no_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for rubbish in (b"\x16\x03\x01\r\n\r\n", head("POST", "/docs", "x", "Transfer-Encoding: chunked") + b"\r\nzz\r\n"):
        async with asking(tmp_path) as (reader, writer, _):
            writer.write(rubbish)
            answered = await reader.read()
            assert answered.startswith(b"HTTP/1.1 400 ")
            assert answered.endswith(b'{"errors":[{"field":"","message":"this is no HTTP request"}]}')
    async with asking(tmp_path) as (reader, writer, _):
        writer.write(head("POST", "/core/v2/endpoints", "wrong", "Transfer-Encoding: chunked") + b"\r\n")
        assert (await reader.readuntil(b"]}")).startswith(b"HTTP/1.1 401 ")
        writer.write(b"zz\r\n")
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_upload_that_is_broken_off_is_no_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with asking(tmp_path) as (_, writer, secret):
        form = "Content-Type: multipart/form-data; boundary=x", "Content-Length: 1000"
        writer.write(head("POST", "/core/v2/storage/files", secret, *form) + b"\r\n--x\r\n")
        await asyncio.sleep(0.2)
        writer.close()
        await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_port_in_use_is_a_sentence_that_names_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            listen(ApiSettings(port=port))
    assert refused.value.key == "api.port"
    assert f"127.0.0.1 port {port} is in use" in str(refused.value)
    assert "SOFTSWITCH_API__PORT=8081" in str(refused.value)


def test_an_address_of_another_machine_is_a_sentence_too() -> None:
    with pytest.raises(ConfigError, match=r"api\.address: 192\.0\.2\.1 is no address of this machine"):
        listen(ApiSettings(address="192.0.2.1", port=0))


def test_the_api_is_not_opened_to_the_world_while_the_shipped_codes_are_in_use() -> None:
    with pytest.raises(ExceptionGroup) as refused:
        load_configuration(SHIPPED, {"SOFTSWITCH_API__ADDRESS": "0.0.0.0"})
    (problem,) = refused.value.exceptions
    assert isinstance(problem, ConfigError)
    assert problem.key == "api.address"
    assert load_configuration(SHIPPED, {"SOFTSWITCH_API__ADDRESS": "0.0.0.0", "SOFTSWITCH_API__ENABLED": "false"})
