"""Callbacks in virtual time: taken, tried again, given up, in order, and never in the way of anybody."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from softswitch.call import CallbackTried, Event, Events
from softswitch.callbacks import Callbacks, verify
from softswitch.callbacks.backoff import Answer, wait_s
from softswitch.callbacks.post import Poster
from softswitch.store import InvalidValue

URL, OTHER = "http://crm.example/calls", "http://billing.example/records"
Handler = Callable[[httpx.Request], httpx.Response]


class Receiver:
    """The far end: answers with what `answers` says, the last for ever, and keeps what came."""

    def __init__(self, *answers: int | Exception | httpx.Response) -> None:
        self.answers = list(answers) or [200]
        self.requests: list[httpx.Request] = []
        self.at: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


class Graveyard:
    """Where dead letters lie."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []

    async def create(self, resource: str, values: Mapping[str, Any]) -> None:
        assert resource == "callbacks_dead"
        self.rows.append(values)

    async def update(self, resource: str, sid: str, values: Mapping[str, Any]) -> None:
        (at,) = (number for number, row in enumerate(self.rows) if row["callback_sid"] == sid)
        self.rows[at] = {**self.rows[at], **values}

    async def delete(self, resource: str, sid: str) -> None:
        self.rows = [row for row in self.rows if row["callback_sid"] != sid]


@asynccontextmanager
async def sending(
    handler: Handler, graveyard: Graveyard | None = None, events: Events | None = None, **more: Any
) -> AsyncIterator[Callbacks]:
    loop = asyncio.get_running_loop()
    callbacks = Callbacks(
        graveyard or Graveyard(),
        events or Events(),
        open_poster=lambda timeout_s: Poster(timeout_s, httpx.MockTransport(handler)),
        clock=loop.time,
        wall_clock=lambda: 1_800_000_000 + loop.time(),
        **more,
    )
    running = asyncio.create_task(callbacks.run())
    await asyncio.sleep(0.1)
    yield callbacks
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_callback_is_posted_as_json_and_signed() -> None:
    receiver = Receiver()
    async with sending(receiver, secret="s3cret") as callbacks:
        callbacks.send("app_conference_call", URL, {"call_sid": "1"})
        await asyncio.sleep(1)
        (request,) = receiver.requests
        assert (request.method, str(request.url), request.headers["Content-Type"]) == ("POST", URL, "application/json")
        assert request.headers["Softswitch-Event"] == "app_conference_call"
        signature = request.headers["Softswitch-Signature"]
        assert verify("s3cret", request.content, signature, 1_800_000_000 + asyncio.get_running_loop().time())
        assert callbacks.counts == {"taken": 1}


async def test_without_a_secret_nothing_is_signed() -> None:
    receiver = Receiver()
    async with sending(receiver) as callbacks:
        callbacks.send("call_dr", URL, {})
        await asyncio.sleep(1)
        assert "Softswitch-Signature" not in receiver.requests[0].headers


async def test_what_fails_is_tried_again_later_and_later_until_it_is_taken() -> None:
    receiver = Receiver(500, httpx.ConnectError("refused"), 429, 200)
    async with sending(receiver) as callbacks:
        callbacks.send("call_dr", URL, {"n": 1})
        await asyncio.sleep(60)
    waits = [later - earlier for earlier, later in zip(receiver.at, receiver.at[1:], strict=False)]
    assert [0.5 <= waits[0] <= 1.1, 1.0 <= waits[1] <= 2.1, 2.0 <= waits[2] <= 4.1] == [True] * 3
    assert receiver.bodies == [{"n": 1}] * 4


async def test_the_order_is_kept_while_the_first_is_tried_again() -> None:
    receiver = Receiver(503, 503, 200)
    async with sending(receiver) as callbacks:
        for n in range(3):
            callbacks.send("call_dr", URL, {"n": n})
        await asyncio.sleep(60)
    assert [body["n"] for body in receiver.bodies] == [0, 0, 0, 1, 2]


async def test_one_receiver_that_hangs_holds_up_no_other() -> None:
    answered = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        if str(request.url) == URL:
            await asyncio.sleep(3600)
        answered.set()
        return httpx.Response(200)

    async with sending(hang, timeout_s=5) as callbacks:  # type: ignore[arg-type]
        callbacks.send("call_dr", URL, {})
        callbacks.send("call_dr", OTHER, {})
        await asyncio.wait_for(answered.wait(), 1)
        await asyncio.sleep(6)
        assert callbacks.counts == {"taken": 1, "failed": 1}


async def test_after_the_last_attempt_it_is_a_dead_letter_and_the_next_has_its_turn() -> None:
    receiver, graveyard = Receiver(500, 500, 200), Graveyard()
    async with sending(receiver, graveyard, most_attempts=2) as callbacks:
        for n in range(2):
            callbacks.send("call_dr", URL, {"n": n})
        await asyncio.sleep(60)
        (dead,) = graveyard.rows
    assert (dead["event"], dead["url"], dead["body"], dead["attempts"]) == ("call_dr", URL, {"n": 0}, 2)
    assert (dead["last_status"], dead["last_error"]) == (500, "tried often enough")
    assert [body["n"] for body in receiver.bodies] == [0, 0, 1]


async def test_callbacks_of_different_calls_do_not_wait_for_each_other_and_those_of_one_call_do() -> None:
    receiver = Receiver()

    async def far_away(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.5)
        return receiver(request)

    async with sending(far_away) as callbacks:
        for part in range(2):
            for call in range(40):
                callbacks.send("call_dr", URL, {"call": call, "part": part}, call_id=f"call-{call}")
        await asyncio.sleep(9)
        assert (len(receiver.bodies), callbacks.queued) == (80, 0)
    for call in range(40):
        assert [body["part"] for body in receiver.bodies if body["call"] == call] == [0, 1]


@pytest.mark.parametrize("fault", [OverflowError("port must be 0-65535"), KeyError("our bug"), httpx.ReadError("")])
async def test_whatever_an_attempt_fails_by_ends_no_other_callback(fault: Exception) -> None:
    receiver, other = Receiver(fault), Receiver()

    def either(request: httpx.Request) -> httpx.Response:
        return (other if request.url.host == "other.example" else receiver)(request)

    graveyard = Graveyard()
    async with sending(either, graveyard, most_attempts=2) as callbacks:
        callbacks.send("call_dr", URL, {"n": 1})
        await asyncio.sleep(5)
        callbacks.send("call_dr", "http://other.example/", {"n": 2})
        await asyncio.sleep(1)
    assert [row["last_error"] for row in graveyard.rows] == [f"tried often enough: {type(fault).__name__}"]
    assert other.bodies == [{"n": 2}]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://localhost:1/", "http://[::ffff:127.0.0.1]:1/"])
async def test_no_callback_goes_into_a_refused_network_whatever_its_name(url: str) -> None:
    receiver = Receiver()
    networks = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    poster = Poster(5.0, httpx.MockTransport(receiver), refused_networks=networks)
    answer = await poster.post(url, b"{}", {})
    await poster.close()
    assert (answer.status, receiver.requests) == (0, [])
    assert answer.error.endswith("is in one of callbacks.refused_networks")


async def test_the_address_that_was_looked_up_is_the_one_that_is_asked_and_the_host_is_told_its_name() -> None:
    receiver = Receiver()
    networks = [ipaddress.ip_network("169.254.0.0/16")]
    poster = Poster(5.0, httpx.MockTransport(receiver), refused_networks=networks)
    answer = await poster.post("https://localhost:8443/hook?x=1", b"{}", {"Softswitch-Event": "call_dr"})
    await poster.close()
    (request,) = receiver.requests
    assert answer.is_taken
    assert request.url.host in ("127.0.0.1", "::1")
    assert (request.url.port, request.url.raw_path) == (8443, b"/hook?x=1")
    assert (request.headers["Host"], request.extensions["sni_hostname"]) == ("localhost:8443", "localhost")
    assert request.headers["Softswitch-Event"] == "call_dr"


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_what_is_refused_for_good_is_not_tried_again(status: int) -> None:
    receiver, graveyard = Receiver(status), Graveyard()
    async with sending(receiver, graveyard) as callbacks:
        callbacks.send("call_dr", URL, {})
        await asyncio.sleep(600)
    assert (len(receiver.requests), graveyard.rows[0]["last_status"]) == (1, status)


async def test_no_redirect_is_followed() -> None:
    inside = httpx.Response(307, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    receiver, graveyard = Receiver(inside), Graveyard()
    async with sending(receiver, graveyard) as callbacks:
        callbacks.send("call_dr", URL, {})
        await asyncio.sleep(600)
    assert [str(request.url) for request in receiver.requests] == [URL]
    assert graveyard.rows[0]["last_status"] == 307


async def test_a_receiver_may_ask_for_more_time() -> None:
    receiver = Receiver(httpx.Response(503, headers={"Retry-After": "40"}), 200)
    async with sending(receiver) as callbacks:
        callbacks.send("call_dr", URL, {})
        await asyncio.sleep(60)
    assert receiver.at[1] - receiver.at[0] == pytest.approx(40, abs=0.5)


async def test_a_full_queue_makes_dead_letters_and_never_waits() -> None:
    graveyard = Graveyard()
    async with sending(Receiver(503), graveyard, longest_queue=2) as callbacks:
        for n in range(4):
            callbacks.send("call_dr", URL, {"n": n})
        await asyncio.sleep(0.1)
        assert [row["body"] for row in graveyard.rows] == [{"n": 2}, {"n": 3}]
        assert (callbacks.queued, callbacks.circuits_open) == (2, 1)


async def test_what_waits_when_the_switch_stops_becomes_a_dead_letter() -> None:
    graveyard = Graveyard()
    async with sending(Receiver(503), graveyard) as callbacks:
        callbacks.send("call_dr", URL, {"n": 1})
        await asyncio.sleep(0.1)
    assert [(row["body"], row["last_error"]) for row in graveyard.rows] == [({"n": 1}, "the switch was stopped")]


DEAD = {"callback_sid": "s1", "event": "call_dr", "url": URL, "body": {"n": 7}, "attempts": 8, "last_status": 503}


class Away(Graveyard):
    """A store that does not answer, until it does."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)

    async def create(self, resource: str, values: Mapping[str, Any]) -> None:
        if self.errors:
            raise self.errors.pop(0)
        await super().create(resource, values)


async def test_dead_letters_wait_for_a_store_that_is_away() -> None:
    """They were thrown away."""
    away = Away(*[ConnectionError("no database")] * 5)
    async with sending(Receiver(404), away) as callbacks:
        for number in range(3):
            callbacks.send("call_dr", URL, {"number": number})
        await asyncio.sleep(30)
        assert (callbacks.counts["dead"], away.rows) == (3, [])
        await asyncio.sleep(30)
        assert [row["body"]["number"] for row in away.rows] == [0, 1, 2]
        assert callbacks.counts["lost"] == 0


async def test_a_dead_letter_that_waits_is_tried_once_more_when_the_switch_stops() -> None:
    away = Away(ConnectionError("no database"), ConnectionError("no database"))
    async with sending(Receiver(404), away) as callbacks:
        callbacks.send("call_dr", URL, {"number": 1})
        callbacks.send("call_dr", URL, {"number": 2})
        await asyncio.sleep(1)
    assert [row["body"]["number"] for row in away.rows] == [2]
    assert callbacks.counts["lost"] == 1


async def test_a_dead_letter_that_the_store_refuses_ends_no_other_callback() -> None:
    """What the store refuses is none of the errors of a database: all callbacks ended with it."""
    away = Away(InvalidValue("body", "has a character that can't be kept"))
    async with sending(Receiver(404), away) as callbacks:
        callbacks.send("call_dr", URL, {"number": 1})
        callbacks.send("call_dr", URL, {"number": 2})
        await asyncio.sleep(5)
        assert ([row["body"]["number"] for row in away.rows], callbacks.counts["lost"]) == ([2], 1)


async def test_a_dead_letter_is_sent_again_once_and_is_gone_when_it_is_taken() -> None:
    receiver, graveyard = Receiver(503, 200), Graveyard()
    graveyard.rows = [DEAD]
    async with sending(receiver, graveyard, secret="s3cret") as callbacks:
        assert [callbacks.redeliver(DEAD), callbacks.redeliver(DEAD)] == [True, False]
        await asyncio.sleep(0.1)
        assert (callbacks.is_underway("s1"), graveyard.rows) == (True, [DEAD])
        await asyncio.sleep(10)
        assert (callbacks.is_underway("s1"), graveyard.rows) == (False, [])
    assert receiver.bodies == [{"n": 7}] * 2
    assert "Softswitch-Signature" in receiver.requests[0].headers


async def test_a_dead_letter_that_is_refused_again_stays_one_with_all_its_attempts() -> None:
    graveyard = Graveyard()
    graveyard.rows = [DEAD]
    async with sending(Receiver(410), graveyard) as callbacks:
        callbacks.redeliver(DEAD)
        await asyncio.sleep(1)
        (row,) = graveyard.rows
        assert (row["attempts"], row["last_status"], row["last_error"], row["body"]) == (9, 410, "refused", {"n": 7})
        assert callbacks.redeliver(row)


async def test_a_url_that_is_none_holds_up_no_other() -> None:
    receiver, events = Receiver(), Events()
    events.subscribe(lambda _: None)
    async with sending(receiver, events=events) as callbacks:
        callbacks.send("call_dr", "http://[", {})
        callbacks.send("call_dr", URL, {})
        await asyncio.sleep(5)
        callbacks.send("call_dr", "http://[", {})
        await asyncio.sleep(5)
        assert callbacks.queued == 0
    assert URL in [str(request.url) for request in receiver.requests]


async def test_every_attempt_is_told_with_the_host_but_not_the_whole_url() -> None:
    events, told = Events(), list[Event]()
    events.subscribe(told.append)
    async with sending(Receiver(500, 200), events=events) as callbacks:
        callbacks.send("call_dr", "http://user:password@crm.example/?token=secret", {}, call_id="12345678")
        await asyncio.sleep(10)
    assert [
        (event.call_id, event.host, event.status, event.attempt) for event in told if isinstance(event, CallbackTried)
    ] == [
        ("12345678", "crm.example", 500, 1),
        ("12345678", "crm.example", 200, 2),
    ]


def test_waits_grow_to_five_minutes_and_are_spread() -> None:
    assert [wait_s(n, Answer(500), lambda: 1.0) for n in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    assert wait_s(3, Answer(500), lambda: 0.0) == 2
    assert wait_s(1, Answer(503, retry_after_s=86400), lambda: 0.0) == 300
