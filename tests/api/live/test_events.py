"""Live events over real connections: what comes, what stays secret, and who is dropped."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from softswitch.call import CallMoved
from tests.api.live.house import House, house

EVENTS = "/switch/v1/events"


class Stream:
    """A reader of server-sent events; `got` are the JSON objects, `ids` theirs."""

    def __init__(self, home: House, **query: str) -> None:
        self.got: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self.is_over = False
        self._home, self._query = home, query
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Stream":
        self._task = asyncio.create_task(self._read())
        await self._listening.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, event: str) -> dict[str, Any]:
        while True:
            for one in self.got:
                if one.get("event") == event:
                    return one
            await asyncio.sleep(0.02)

    async def _read(self) -> None:
        after = self._query.pop("after", "")
        headers = {"Last-Event-ID": after} if after else {}
        async with self._home.admin.stream("GET", EVENTS, params=self._query, headers=headers, timeout=None) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith(": listening"):
                    self._listening.set()
                if line.startswith("event: "):
                    self.kinds.append(line[7:])
                if line.startswith("data: "):
                    self.got.append(json.loads(line[6:]))
        self.is_over = True


async def test_a_call_is_told_from_its_start_to_its_end_and_the_code_never(home: House) -> None:
    async with Stream(home) as stream:
        phone = await home.enter("host", tone_hz=2200)
        call = home.call(phone)
        await phone.press("*6")
        await stream.until("muted")
        await phone.press("99")
        await asyncio.sleep(1)
        await phone.press("222222#")
        await asyncio.sleep(3)
        phone.hang_up()
        await stream.until("ended")
    kinds = {one["kind"] for one in stream.got}
    assert {"call", "key", "talker", "attendee", "meeting"} <= kinds
    first = stream.got[0]
    assert (first["event"], first["call_id"], first["from_number"]) == ("started", call.id, "13105550001")
    assert "".join(one["digit"] for one in stream.got if one["kind"] == "key") == "*699"
    assert len([one for one in stream.got if one["kind"] == "key"]) == 7 + 4 + 7
    assert "111111" not in json.dumps(stream.got)
    assert "222222" not in json.dumps(stream.got)


async def test_a_reader_gets_only_the_kinds_and_the_call_that_he_asked_for(home: House) -> None:
    one = await home.enter("host")
    call = home.call(one)
    async with Stream(home, kind="attendee,meeting") as some, Stream(home, call=call.sid) as mine:
        other = await home.enter("participant", caller="13105550002")
        await home.change(one, name="Alice")
        await home.change(other, name="Bob")
        await some.until("name")
        await asyncio.sleep(0.5)
    assert {event["kind"] for event in some.got} <= {"attendee", "meeting"}
    assert [event["value"] for event in mine.got if event["event"] == "name"] == ["Alice"]
    assert {event["call_id"] for event in mine.got} == {call.id}


async def test_recordings_and_trunks_are_told(home: House) -> None:
    await home.enter("host")
    async with Stream(home, kind="recording,trunk") as stream:
        await home.steer(recording=True)
        await home.admin.get("/switch/v1/trunks/health", params={"ask": "true"})
        assert (await stream.until("started"))["room"] == "standup"
        moved = await stream.until("moved")
    assert (moved["trunk"], moved["before"], moved["after"]) == ("gateway", "unknown", "up")


async def test_last_event_id_goes_on_behind_that_event(home: House) -> None:
    phone = await home.enter("host")
    async with Stream(home, kind="attendee") as stream:
        for name in ("one", "two", "three"):
            await home.change(phone, name=name)
        await stream.until("name")
        await asyncio.sleep(0.5)
    names = [event for event in stream.got if event["event"] == "name"]
    assert [event["value"] for event in names] == ["one", "two", "three"]
    async with Stream(home, kind="attendee", after=names[0]["id"]) as again:
        await asyncio.sleep(0.5)
    assert [event["value"] for event in again.got] == ["two", "three"]
    async with Stream(home, kind="attendee", after="of-another-life") as lost:
        await asyncio.sleep(0.5)
    assert lost.kinds == ["gap"]


async def test_a_reader_who_missed_too_much_is_told_of_the_gap(tmp_path: Path) -> None:
    async with house(tmp_path, ring_events=3) as home:
        phone = await home.enter("host")
        async with Stream(home) as stream:
            await home.change(phone, name="0")
            first = await stream.until("name")
            for name in range(1, 9):
                await home.change(phone, name=str(name))
        async with Stream(home, after=first["id"]) as again:
            await asyncio.sleep(0.5)
        assert [kind for kind in again.kinds if kind != "leg"] == ["gap"]  # a leg is measured now and then


async def test_a_wrong_kind_is_refused_by_both_ways(home: House) -> None:
    refused = await home.admin.get(EVENTS, params={"kind": "weather"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "kind")
    async with socket(home, "?kind=weather") as websocket:
        with pytest.raises(ConnectionClosed) as closed:
            await websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert closed.value.rcvd.reason.startswith("kind: ")


def socket(home: House, query: str = "", **headers: str) -> Any:
    address = home.url.replace("http://", "ws://")
    return connect(
        f"{address}{EVENTS}/ws{query}",
        additional_headers={"Authorization": f"Bearer {home.token}"} | headers,
        proxy=None,
        open_timeout=None,
        ping_interval=None,
    )


async def test_a_web_socket_tells_the_same(home: House) -> None:
    async with socket(home, "?kind=attendee") as websocket:
        phone = await home.enter("host")
        entered = json.loads(await websocket.recv())
        while entered["event"] != "entered":
            entered = json.loads(await websocket.recv())
        assert (entered["call_id"], entered["value"]) == (home.call(phone).id, "host")
    await asyncio.sleep(0.5)
    assert home.feed.readers == 0


async def test_a_slow_reader_is_dropped_with_the_reason_and_counted_and_the_call_stays(tmp_path: Path) -> None:
    async with house(tmp_path, queue_events=50) as home:
        phone = await home.enter("host")
        async with socket(home) as websocket:
            while not home.feed.readers:  # noqa: ASYNC110 - the clock is virtual
                await asyncio.sleep(0.02)
            for number in range(200):  # in one go: no reader could keep up
                home.app.events.publish(CallMoved("12345678", 1.0, "here", "there", str(number)))
            with contextlib.suppress(ConnectionClosed):
                async for _ in websocket:
                    pass
        assert (websocket.close_code, websocket.close_reason) == (1013, "slow reader")
        assert home.feed.dropped["slow reader"] == 1
        assert home.feed.readers == 0
        assert (phone.end, home.call(phone).state) == (None, "talking")


async def test_a_slow_reader_of_server_sent_events_is_told_before_his_stream_ends(tmp_path: Path) -> None:
    async with house(tmp_path, queue_events=50) as home:
        phone = await home.enter("host")
        async with Stream(home) as stream:
            for number in range(200):
                home.app.events.publish(CallMoved("12345678", 1.0, "here", "there", str(number)))
            while not stream.is_over:  # noqa: ASYNC110 - the clock is virtual
                await asyncio.sleep(0.02)
        assert (stream.kinds[-1], stream.got[-1]) == ("dropped", {"reason": "slow reader"})
        assert phone.end is None


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(("path", "more"), [(EVENTS, ""), (f"{EVENTS}/ws", UPGRADE)])
async def test_a_reader_who_reads_nothing_at_all_costs_a_bounded_queue_and_then_his_connection(
    path: str, more: str, tmp_path: Path
) -> None:
    """What was written for him and nobody read kept the connection open for ever."""
    async with house(tmp_path, queue_events=50) as home:
        phone = await home.enter("host")
        host, port = home.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {home.token}\r\n{more}\r\n".encode())
        while not home.feed.readers:  # noqa: ASYNC110 - the clock is virtual
            await asyncio.sleep(0.02)
        for _ in range(20_000):
            home.app.events.publish(CallMoved("12345678", 1.0, "here", "there", "x" * 2000))
            await asyncio.sleep(0)
            if not home.feed.readers:
                break
        assert home.feed.dropped["slow reader"] == 1
        while home.api.connections:  # noqa: ASYNC110 - the clock is virtual
            await asyncio.sleep(1)
        assert phone.end is None
        writer.close()


async def test_without_a_reader_the_feed_does_not_listen(home: House) -> None:
    await home.enter("host")
    assert not home.feed.is_listening
    assert home.feed.published == 0
    async with Stream(home):
        assert home.feed.is_listening
    await asyncio.sleep(301)
    assert not home.feed.is_listening


async def test_events_need_a_token_that_may_read(home: House) -> None:
    assert (await home.stranger.get(EVENTS)).status_code == 401
    made = await home.admin.post("/core/v2/tokens", json={"name": "other", "scopes": ["endpoints.read"]})
    with_token = {"Authorization": f"Bearer {made.json()['token']}"}
    assert (await home.stranger.get(EVENTS, headers=with_token)).status_code == 403
    async with socket(home, **with_token) as websocket:
        with pytest.raises(ConnectionClosed) as closed:
            await websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
