"""What happens to a call: the switch on a real stack and a real media engine, the callers on a second stack."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest

from media import Engine, MediaSettings
from softswitch.call import Call, CallEnded, Event, Events, Lines, Outcome
from softswitch.destinations import Destinations
from softswitch.endpoints.base import Endpoint
from softswitch.errors import CallRejected
from softswitch.settings import Settings
from softswitch.sip import Address, Answered, Ended, Provisional, Session, SessionEvent, Stack, Transport, Uri
from softswitch.sip.digest import Challenger, Credentials
from softswitch.switch import Switch
from tests.routing.plans import CONFERENCE, plan_of
from tests.wire import Wire

HERE, CARRIER, STRANGER = "10.0.0.1", "10.0.0.2", "10.9.9.9"
NUMBER = "12025550101"
OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
    b"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
DID = f'\n[[dids]]\nphonenumber = "{NUMBER}"\nendpoint = "conference"\n'
TRUNK = (
    '[[trunk_groups]]\nname = "pstn"\n[[trunk_groups.trunks]]\nname = "gateway"\n'
    f'address = "{CARRIER}"\nin_sip_username = "acme"\nin_sip_password = "secret"\n'
)
"""A trunk that has to prove who it is."""
PSTN = f'\n[[trunk_groups]]\nname = "pstn"\nacls = ["{CARRIER}"]\n'

E = TypeVar("E", bound=SessionEvent)
Run = Callable[[Call], Awaitable[Outcome]]


class Program(Endpoint):
    """An endpoint that does what a test wants."""

    name = "conference"

    def __init__(self, run: Run) -> None:
        self._run = run

    async def run(self, call: Call) -> Outcome:
        return await self._run(call)


async def ring(call: Call) -> Outcome:
    """Rings until the caller gives up."""
    call.caller.ring()
    await asyncio.Event().wait()
    raise AssertionError("nobody gave up")


async def talk(call: Call) -> Outcome:
    """Answers, and stays until the caller hangs up."""
    await call.caller.answer()
    await asyncio.Event().wait()
    raise AssertionError("nobody hung up")


class Caller:
    """One call to the switch, and what came of it."""

    def __init__(self, stack: Stack, number: str, credentials: Credentials | None, offer: bytes) -> None:
        self.events: list[SessionEvent] = []
        self._moved = asyncio.Event()
        self.session: Session = stack.invite(
            Uri.parse(f"sip:{number}@{HERE}"),
            from_=Address(Uri.parse("sip:13105550199@10.0.0.2")),
            offer=offer,
            credentials=credentials,
            on_event=self._on_event,
        )

    def _on_event(self, event: SessionEvent) -> None:
        self.events.append(event)
        self._moved.set()

    async def seen(self, kind: type[E]) -> E:
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    return event
            self._moved.clear()
            await self._moved.wait()

    async def answered(self) -> "Caller":
        await self.seen(Answered)
        return self

    async def ended(self) -> Ended:
        return await self.seen(Ended)


class Board:
    """A switch that listens at HERE, with one endpoint."""

    def __init__(self, wire: Wire, stack: Stack, switch: Switch, events: Events) -> None:
        self.wire = wire
        self.stack = stack
        self.switch = switch
        self.ended: list[CallEnded] = []
        self.stop = asyncio.Event()
        self.serving = asyncio.create_task(switch.serve(self.stop))
        self.stacks: dict[str, Stack] = {}
        events.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.ended.append(event)

    def dial(
        self,
        number: str = NUMBER,
        host: str = CARRIER,
        credentials: Credentials | None = None,
        offer: bytes = OFFER,
    ) -> Caller:
        return Caller(self.stacks[host], number, credentials, offer)


@asynccontextmanager
async def board(folder: Path, run: Run = talk, plan: str = PSTN + DID, **more: object) -> AsyncIterator[Board]:
    """`more`: `settings` of the switch, `ports` of the media engine."""
    settings = Settings.model_validate(more.get("settings", {}))
    wire, events = Wire(record=True), Events()
    engine = Engine(MediaSettings(address=HERE, ports=more.get("ports", (10000, 10099))), in_process=wire)  # type: ignore[arg-type]
    stack = Stack(network=wire)
    numbers, clock = plan_of(folder, CONFERENCE + plan), asyncio.get_running_loop().time
    lines = Lines(stack, engine, lambda: (HERE, 5060))
    switch = Switch(
        settings,
        numbers,
        engine,
        Destinations(numbers, {"conference": Program(run)}, lines, clock=clock),
        challenger=Challenger("softswitch", b"secret"),
        answer_known=stack.answer_options,
        events=events,
        clock=clock,
    )
    stack.on_invite, stack.on_request = switch.handle, switch.answer
    await engine.start()
    await stack.listen(Transport.UDP, HERE, 5060)
    it = Board(wire, stack, switch, events)
    for host in (CARRIER, STRANGER):
        it.stacks[host] = Stack(network=wire)
        await it.stacks[host].listen(Transport.UDP, host, 5060)
    try:
        yield it
    finally:
        it.stop.set()
        await it.serving
        await asyncio.sleep(40)  # every transaction has ended
        assert stack.counts() == dict.fromkeys(stack.counts(), 0)
        assert switch.calls == {}
        assert len({event.call_id for event in it.ended}) == len(it.ended)
        for each in (*it.stacks.values(), stack):
            await each.close()
        await engine.stop()


async def test_a_call_comes_to_its_endpoint_and_its_hang_up_ends_it_there(tmp_path: Path) -> None:
    cancelled: list[Call] = []

    async def run(call: Call) -> Outcome:
        try:
            return await talk(call)
        finally:
            cancelled.append(call)

    async with board(tmp_path, run) as it:
        caller = await it.dial().answered()
        (call,) = it.switch.calls.values()
        assert (call.from_number, call.to_number) == ("13105550199", NUMBER)
        assert call.source is not None
        assert call.source.name == "pstn"
        caller.session.hang_up()
        await asyncio.sleep(1)
        assert cancelled == [call]
        assert call.outcome == Outcome(200, "Normal call clearing", 16, "SRC")
        assert [step.after for step in call.story] == ["identified", "routed", "ended"]


async def test_an_endpoint_that_is_done_ends_the_call_with_bye_and_its_cause(tmp_path: Path) -> None:
    async def run(call: Call) -> Outcome:
        await call.caller.answer()
        await asyncio.sleep(5)
        return Outcome.released("Meeting over", 31)

    async with board(tmp_path, run) as it:
        caller = await it.dial().answered()
        end = await caller.ended()
        assert (end.by, end.status, end.q850) == ("remote", 200, 31)
        assert it.switch.outcomes == {200: 1}


async def test_an_endpoint_that_rejects_gives_its_status_and_headers_as_they_are(tmp_path: Path) -> None:
    async def run(call: Call) -> Outcome:
        call.caller.ring()
        raise CallRejected(486, "Busy Here", headers=[("Retry-After", "60")])

    async with board(tmp_path, run) as it:
        caller = it.dial()
        end = await caller.ended()
        assert (await caller.seen(Provisional)).status == 180
        assert (end.status, end.reason) == (486, "Busy Here")
        assert end.response is not None
        assert end.response.headers.get("Retry-After") == "60"
        assert it.ended[0].status == 486


async def test_a_caller_who_gives_up_while_it_rings_gets_487_and_the_endpoint_is_cancelled(tmp_path: Path) -> None:
    async with board(tmp_path, ring) as it:
        caller = it.dial()
        await caller.seen(Provisional)
        caller.session.hang_up()
        assert (await caller.ended()).status == 487
        await asyncio.sleep(1)
        assert (it.ended[0].status, it.ended[0].by) == (487, "SRC")


async def test_a_bug_costs_its_own_call_a_500_and_no_other_call_notices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = iter(["fine", "bug"])

    async def run(call: Call) -> Outcome:
        if next(numbers) == "bug":
            raise ZeroDivisionError
        return await talk(call)

    async with board(tmp_path, run) as it:
        fine = await it.dial().answered()
        assert (await it.dial().ended()).status == 500
        assert it.switch.bugs == 1
        await asyncio.sleep(10)
        assert len(it.switch.calls) == 1
        fine.session.hang_up()


async def test_a_bug_after_the_answer_ends_the_call_with_bye(tmp_path: Path) -> None:
    async def run(call: Call) -> Outcome:
        await call.caller.answer()
        raise ZeroDivisionError

    async with board(tmp_path, run) as it:
        end = await (await it.dial().answered()).ended()
        assert (end.by, end.q850) == ("remote", 41)
        assert (it.ended[0].status, it.ended[0].by) == (200, "DST")


async def test_a_listener_to_events_that_breaks_does_not_keep_the_call_up(tmp_path: Path) -> None:
    async def run(call: Call) -> Outcome:
        def break_down(event: Event) -> None:
            if isinstance(event, CallEnded):
                raise ZeroDivisionError

        await call.caller.answer()
        call.events.subscribe(break_down)
        return Outcome.released()

    async with board(tmp_path, run) as it:
        assert (await (await it.dial().answered()).ended()).by == "remote"
        assert it.switch.bugs == 1


@pytest.mark.parametrize("breaks", ["the log", "the records", "both"])
async def test_a_bug_whose_telling_fails_too_ends_no_other_call(breaks: str, tmp_path: Path) -> None:
    broken = asyncio.Event()

    async def run(call: Call) -> Outcome:
        if broken.is_set():
            raise ZeroDivisionError
        return await talk(call)

    def fail(*_: object, **__: object) -> None:
        raise UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed")

    async with board(tmp_path, run) as it:
        fine = await it.dial().answered()
        broken.set()
        with pytest.MonkeyPatch.context() as patch:
            if breaks != "the records":
                patch.setattr(it.switch, "_log", SimpleNamespace(info=fail, error=fail))
            if breaks != "the log":
                patch.setattr(it.switch, "on_ended", fail)
            assert (await it.dial().ended()).status == 500
        broken.clear()
        assert len(it.switch.calls) == 1
        assert not it.serving.done()
        later = await it.dial().answered()
        for caller in (fine, later):
            caller.session.hang_up()


async def test_two_calls_are_up_at_a_time_whose_ids_came_out_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([f"aaaaaaaa-{number}" for number in range(4)] + [f"bbbbbbbb-{number}" for number in range(4)])
    async with board(tmp_path) as it:
        monkeypatch.setattr("softswitch.call.call.new_uuid", lambda: next(drawn))
        callers = [await it.dial().answered() for _ in range(2)]
        assert sorted(it.switch.calls) == ["aaaaaaaa", "bbbbbbbb"]
        for caller in callers:
            caller.session.hang_up()


async def test_an_unknown_sender_gets_403_and_no_task(tmp_path: Path) -> None:
    async with board(tmp_path) as it:
        assert (await it.dial(host=STRANGER).ended()).status == 403
        assert it.switch.refused == {"unknown_sender": 1}


async def test_an_unknown_number_gets_404(tmp_path: Path) -> None:
    async with board(tmp_path) as it:
        assert (await it.dial("12025550100").ended()).status == 404


async def test_one_call_more_than_the_capacity_gets_503_with_retry_after_until_one_ends(tmp_path: Path) -> None:
    async with board(tmp_path, plan=PSTN + "in_capacity = 1\n" + DID) as it:
        first = await it.dial().answered()
        end = await it.dial().ended()
        assert end.status == 503
        assert end.response is not None
        assert end.response.headers.get("Retry-After") == "5"
        first.session.hang_up()
        await asyncio.sleep(1)
        (await it.dial().answered()).session.hang_up()
        assert it.switch.refused == {"over_capacity": 1}


async def test_more_calls_per_second_than_allowed_get_503_and_a_second_later_they_pass(tmp_path: Path) -> None:
    async with board(tmp_path, settings={"limits": {"cps": 2.0}}) as it:
        callers = [it.dial() for _ in range(3)]
        await asyncio.sleep(0.3)
        assert sorted(len(caller.events) and type(caller.events[-1]) is Answered for caller in callers) == [0, 1, 1]
        await asyncio.sleep(1)
        callers.append(await it.dial().answered())
        for caller in callers:
            caller.session.hang_up()


async def test_an_endpoint_s_capacity_counts_too(tmp_path: Path) -> None:
    async with board(tmp_path, plan="capacity = 1\n" + PSTN + DID) as it:
        first = await it.dial().answered()
        assert (await it.dial().ended()).status == 503
        first.session.hang_up()


async def test_without_a_free_media_port_the_caller_gets_503_and_the_port_comes_back(tmp_path: Path) -> None:
    async with board(tmp_path, ports=(10000, 10001)) as it:
        first = await it.dial().answered()
        end = await it.dial().ended()
        assert end.status == 503
        assert end.response is not None
        assert "Retry-After" in end.response.headers
        first.session.hang_up()
        await asyncio.sleep(1)
        (await it.dial().answered()).session.hang_up()


async def test_a_trunk_with_credentials_is_challenged_and_passes_with_the_right_ones(tmp_path: Path) -> None:
    async with board(tmp_path, plan=TRUNK + DID) as it:
        caller = await it.dial(credentials=Credentials("acme", "secret")).answered()
        assert it.switch.refused == {}
        caller.session.hang_up()


@pytest.mark.parametrize(
    ("credentials", "refused"),
    [
        (None, {}),
        (Credentials("acme", "guess"), {"wrong_credentials": 1}),
        (Credentials("x", "secret"), {"wrong_credentials": 1}),
    ],
)
async def test_without_the_right_credentials_it_stays_at_401(
    tmp_path: Path, credentials: Credentials | None, refused: dict[str, int]
) -> None:
    async with board(tmp_path, plan=TRUNK + DID) as it:
        told: list[str] = []
        it.switch.on_wrong_password = told.append
        assert (await it.dial(credentials=credentials).ended()).status == 401
        assert it.switch.refused == refused
        assert told == [f"{CARRIER} as trunk pstn/gateway"] * len(refused)


async def test_a_trunk_s_codecs_are_the_ones_agreed_on(tmp_path: Path) -> None:
    trunk = f'[[trunk_groups.trunks]]\nname = "alaw"\naddress = "{CARRIER}"\ncodecs = ["PCMA"]\n'
    async with board(tmp_path, plan=f'[[trunk_groups]]\nname = "pstn"\n{trunk}' + DID) as it:
        assert (await it.dial().ended()).status == 488  # the offer has PCMU alone
        with_both = OFFER.replace(b"AVP 0", b"AVP 0 8")
        caller = await it.dial(offer=with_both).answered()
        answer = (await caller.seen(Answered)).sdp
        assert answer is not None
        assert b"RTP/AVP 8\r\n" in answer
        caller.session.hang_up()


async def test_the_end_of_the_program_hangs_up_every_call_and_turns_new_ones_away(tmp_path: Path) -> None:
    async with board(tmp_path) as it:
        callers = [await it.dial().answered() for _ in range(5)]
        it.stop.set()
        await it.serving
        assert [(await caller.ended()).by for caller in callers] == ["remote"] * 5
        assert (await it.dial().ended()).status == 503


async def test_the_end_of_the_program_gives_callers_who_still_hear_it_ring_a_503(tmp_path: Path) -> None:
    async with board(tmp_path, ring) as it:
        caller = it.dial()
        await caller.seen(Provisional)
        it.stop.set()
        assert (await caller.ended()).status == 503


async def test_options_from_a_known_sender_is_200_and_from_a_stranger_403(tmp_path: Path) -> None:
    async with board(tmp_path) as it:
        uri = Uri.parse(f"sip:{HERE}")
        assert (await it.stacks[CARRIER].request("OPTIONS", uri)).status == 200
        assert (await it.stacks[CARRIER].request("REGISTER", uri)).status == 405
        assert (await it.stacks[STRANGER].request("OPTIONS", uri)).status == 403
