"""A leg: one caller's session and audio under the hands of an endpoint, over a real Stack and a real media engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from media import Engine, MediaSettings, Prompt, StreamFailed
from softswitch.call import Code, Collected, EndedBy, Leg, LegState, collect
from softswitch.errors import CallRejected
from softswitch.sip import Provisional, Session, SessionEvent, Stack, Transport
from tests.endpoints.conference import prompt_book
from tests.endpoints.conference.phone import Phone
from tests.sip.phones import RawPeer
from tests.wire import Wire

HERE = "10.0.0.1"
WELCOME, GOODBYE = Prompt("conference/welcome"), Prompt("conference/goodbye")
Program = Callable[[Leg], Awaitable[object]]


class Board:
    """Every call that comes in runs one program on its leg."""

    def __init__(self, wire: Wire, phones: Stack) -> None:
        self.wire = wire
        self.phones = phones
        self.address: tuple[str, int]
        self.legs: list[Leg] = []
        self.runs: list[asyncio.Task[object]] = []

    def dial(self, tone_hz: int = 0, *, offer: bytes | None = None, late_offer: bool = False) -> Phone:
        phone = Phone(self.wire, self.phones, "13105550001", tone_hz)
        phone.dial("12025550101", self.address, offer=offer, late_offer=late_offer)
        return phone

    async def result(self) -> object:
        """What the program of the last call returned."""
        return await self.runs[-1]


@asynccontextmanager
async def board(folder: Path, program: Program, **media: object) -> AsyncIterator[Board]:
    prompt_book.write(folder)
    wire = Wire(record=False)
    engine = Engine(MediaSettings(address=HERE, prompts=(folder,), **media), in_process=wire)  # type: ignore[arg-type]
    stack, phones = Stack(network=wire), Stack(network=wire)
    it = Board(wire, phones)

    async def run(leg: Leg) -> object:
        try:
            return await program(leg)
        except CallRejected as rejected:
            leg.session.reject(rejected.status, rejected.reason)
            return rejected

    def on_invite(session: Session) -> None:
        leg = Leg(session, engine)
        it.legs.append(leg)
        it.runs.append(asyncio.create_task(run(leg)))

    stack.on_invite = on_invite
    await engine.start()
    it.address = await stack.listen(Transport.UDP, HERE, 5060)
    await phones.listen(Transport.UDP, "10.0.0.2", 5060)
    try:
        yield it
    finally:
        for leg in it.legs:
            leg.hang_up()
        for task in it.runs:
            task.cancel()
        await asyncio.gather(*it.runs, return_exceptions=True)
        await phones.close()
        await stack.close()
        await engine.stop()


async def answer_and_wait(leg: Leg) -> None:
    await leg.answer()
    await leg.ended()


async def test_an_answered_leg_hears_what_is_played_to_its_end(tmp_path: Path) -> None:
    async def program(leg: Leg) -> float:
        await leg.answer()
        began_at = asyncio.get_running_loop().time()
        await leg.play(WELCOME, GOODBYE)
        return asyncio.get_running_loop().time() - began_at

    async with board(tmp_path, program) as it:
        caller = await it.dial().answered()
        took_s = await it.result()
        await asyncio.sleep(0.2)
        assert caller.prompts() == ["welcome", "goodbye"]
        assert 0.38 < took_s < 0.6  # type: ignore[operator]


async def test_a_ringing_leg_may_hear_early_media(tmp_path: Path) -> None:
    async def program(leg: Leg) -> None:
        leg.ring(183, early_media=True)
        await leg.play(WELCOME)
        raise CallRejected(486, "Busy Here")

    async with board(tmp_path, program) as it:
        caller = it.dial()
        end = await caller.ended()
        assert end.status == 486
        assert caller.prompts() == ["welcome"]


async def test_ringing_without_media_is_a_plain_180(tmp_path: Path) -> None:
    async def program(leg: Leg) -> None:
        leg.ring()
        await asyncio.sleep(1.0)
        await answer_and_wait(leg)

    async with board(tmp_path, program) as it:
        caller = it.dial()
        heard: list[SessionEvent] = []
        tell = caller.session.on_event
        caller.session.on_event = lambda event: (heard.append(event), tell(event))  # type: ignore[func-returns-value]
        await caller.answered()
        assert [(event.status, event.sdp) for event in heard if isinstance(event, Provisional)] == [(180, None)]


async def test_an_offer_that_shares_no_codec_is_488_and_leaves_no_stream(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        caller = it.dial(
            offer=b"v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 20000 RTP/AVP 18\r\n"
        )
        assert (await caller.ended()).status == 488
        await asyncio.sleep(0.1)
        assert it.legs[0].stream.state.value == "closed"


async def test_without_a_free_port_the_call_is_503(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait, ports=(10000, 10003)) as it:
        await it.dial().answered()
        await it.dial().answered()
        assert (await it.dial().ended()).status == 503
        it.legs[0].hang_up()
        await it.dial().answered()


async def test_an_invite_without_offer_gets_ours_and_speaks_after_its_ack(tmp_path: Path) -> None:
    async def program(leg: Leg) -> None:
        await leg.answer()
        await leg.play(WELCOME)

    async with board(tmp_path, program) as it:
        caller = await it.dial(late_offer=True).answered()
        await asyncio.sleep(0.5)
        assert caller.prompts() == ["welcome"]


BARE = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 6000 RTP/AVP 8\n"
"""What an intercom offers: a static payload type, and not one attribute."""


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_static_payload_types_without_rtpmap_are_answered_now_and_later(tmp_path: Path, method: str) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        peer = RawPeer(it.wire)
        peer.say("INVITE", HERE, body=BARE)
        ok = await peer.response(200)
        peer.say("ACK", HERE, to_tag=ok.to.tag, branch="z9hG4bKack")
        peer.say(method, HERE, to_tag=ok.to.tag, cseq=2, body=BARE.replace("AVP 8", "AVP 0 8"))
        again = await peer.response(200)
        assert b" RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n" in ok.body
        assert b" RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" in again.body


async def test_an_answer_of_static_payload_types_without_rtpmap_is_one(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        peer = RawPeer(it.wire)
        peer.say("INVITE", HERE)
        ok = await peer.response(200)
        peer.say("ACK", HERE, to_tag=ok.to.tag, branch="z9hG4bKack", body=BARE)
        await asyncio.sleep(1)
        (leg,) = it.legs
        assert leg.state is LegState.ANSWERED
        assert leg.codec == "PCMA"


async def test_an_ack_without_the_answer_it_owes_ends_the_call(tmp_path: Path) -> None:
    """The caller was in the room, talking, and neither side knew where to send audio."""

    async def program(leg: Leg) -> None:
        await leg.answer()
        await asyncio.sleep(60)

    async with board(tmp_path, program) as it:
        peer = RawPeer(it.wire)
        peer.say("INVITE", HERE)
        ok = await peer.response(200)
        peer.say("ACK", HERE, to_tag=ok.to.tag, branch="z9hG4bKack")
        bye = await peer.request("BYE")
        assert "cause=88" in (bye.headers.get("Reason") or "")


async def test_a_stream_that_a_bug_has_broken_ends_its_call(tmp_path: Path) -> None:
    async def program(leg: Leg) -> None:
        await leg.answer()
        leg.stream.on_event(StreamFailed())
        await asyncio.sleep(60)

    async with board(tmp_path, program) as it:
        end = await (await it.dial().answered()).ended()
        assert (end.by, end.q850) == ("remote", 41)


async def test_keys_wait_until_they_are_read(tmp_path: Path) -> None:
    async def program(leg: Leg) -> str:
        await leg.answer()
        await asyncio.sleep(1.0)
        return "".join([await leg.next_digit(1.0) or "-" for _ in range(4)])

    async with board(tmp_path, program) as it:
        caller = await it.dial().answered()
        await caller.press("12#")
        assert await it.result() == "12#-"


async def test_a_key_cuts_a_prompt_short_and_is_kept(tmp_path: Path) -> None:
    async def program(leg: Leg) -> str | None:
        await leg.answer()
        await leg.play(*[WELCOME] * 50, barge_in=True)
        return await leg.next_digit(0.0)

    async with board(tmp_path, program) as it:
        caller = await it.dial().answered()
        await asyncio.sleep(0.5)
        began_at = asyncio.get_running_loop().time()
        await caller.press("5")
        assert await it.result() == "5"
        assert asyncio.get_running_loop().time() - began_at < 0.5


@pytest.mark.parametrize(
    ("keys", "collected"),
    [
        ("123#4", Collected("123", EndedBy.FINISH_KEY)),
        ("123456", Collected("1234", EndedBy.LENGTH)),
        ("12", Collected("12", EndedBy.TIMEOUT)),
        ("#", Collected("", EndedBy.FINISH_KEY)),
        ("", Collected("", EndedBy.TIMEOUT)),
    ],
)
async def test_a_code_ends_by_key_length_or_pause(tmp_path: Path, keys: str, collected: Collected) -> None:
    async def program(leg: Leg) -> Collected:
        await leg.answer()
        return await collect(leg, Code(4, "#", 5.0, 2.0), WELCOME)

    async with board(tmp_path, program) as it:
        caller = await it.dial().answered()
        await caller.press(keys)
        assert await it.result() == collected


async def test_an_interruption_is_raised_where_the_task_waits(tmp_path: Path) -> None:
    async def program(leg: Leg) -> str:
        await leg.answer()
        try:
            await leg.next_digit()
        except LookupError as error:
            return f"interrupted: {error}"
        return ""

    async with board(tmp_path, program) as it:
        await it.dial().answered()
        await asyncio.sleep(0.1)
        it.legs[0].interrupt(LookupError("go"))
        assert await it.result() == "interrupted: go"


async def test_a_prompt_that_is_missing_is_silence_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def program(leg: Leg) -> str:
        await leg.answer()
        await leg.play(Prompt("no/such/prompt"))
        return "went on"

    async with board(tmp_path, program) as it:
        await it.dial().answered()
        assert await it.result() == "went on"
        assert "no/such/prompt" in caplog.text


async def test_a_hang_up_closes_the_stream_and_tells_who_it_was(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        caller = await it.dial().answered()
        (leg,) = it.legs
        caller.hang_up()
        await it.result()
        assert leg.state is LegState.ENDED
        assert leg.stream.state.value == "closed"
        outcome = leg.outcome()
        assert (outcome.status, outcome.q850, outcome.by) == (200, 16, "SRC")


async def test_a_leg_of_ours_that_hangs_up_ends_by_our_side(tmp_path: Path) -> None:
    async def program(leg: Leg) -> None:
        await leg.answer()
        leg.hang_up(17, "Busy")
        leg.hang_up()
        await leg.ended()

    async with board(tmp_path, program) as it:
        caller = await it.dial().answered()
        end = await caller.ended()
        assert (end.by, end.q850) == ("remote", 17)
        assert it.legs[0].outcome().by == "DST"


async def test_who_talks_already_hears_nothing_of_another_answer(tmp_path: Path) -> None:
    async def program(leg: Leg) -> int:
        await leg.answer()
        told: list[float] = []
        leg.on_answered = told.append
        await leg.answer()
        return len(told)

    async with board(tmp_path, program) as it:
        await it.dial().answered()
        assert await it.result() == 1


async def test_hold_and_resume_by_reinvite_are_answered_through_the_stream(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        caller = await it.dial().answered()
        for direction, answer in (
            ("sendonly", b"a=recvonly"),
            ("inactive", b"a=inactive"),
            ("sendrecv", b"a=sendrecv"),
        ):
            caller.session.reoffer(caller.sdp(direction))
            await asyncio.sleep(0.2)
            assert caller.answer is not None
            assert answer in caller.answer


async def test_a_reoffer_that_shares_no_codec_is_refused_and_the_call_goes_on(tmp_path: Path) -> None:
    async with board(tmp_path, answer_and_wait) as it:
        caller = await it.dial(tone_hz=440).answered()
        caller.session.reoffer(caller.sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 18"))
        await asyncio.sleep(0.5)
        assert caller.refused == [488]
        assert caller.why_refused.startswith("no common codec: offered G729/8000")
        assert caller.end is None
