"""Everything a phone or a carrier may write its number into, and none of it reaches the other side."""

import asyncio
import base64
from pathlib import Path
from urllib.parse import unquote

import pytest

from softswitch.sip import Address, Credentials, Uri
from tests.endpoints.mediator.leaks import Hidden
from tests.endpoints.mediator.street import HIDE, OUTSIDE, REDIRECT, Street, street
from tests.stories.town import Phone
from tests.wire import Packet, Wire

BOB = "12025550112"
ANN = "12025550111"


def everywhere(number: str) -> list[tuple[str, str]]:
    """Headers of an INVITE that say who calls, each in its way."""
    return [
        ("P-Asserted-Identity", f'"{number}" <sip:{number}@198.51.100.7>'),
        ("P-Asserted-Identity", f"<tel:+{number[0]}-{number[1:4]}-{number[4:7]}-{number[7:]}>"),
        ("P-Preferred-Identity", f"<sip:{number}@198.51.100.7>"),
        ("Remote-Party-ID", f"<sip:{number}@198.51.100.7>;party=calling"),
        ("Diversion", f"<sip:{number}@198.51.100.7>;reason=unconditional"),
        ("History-Info", f"<sip:{number}@198.51.100.7>;index=1"),
        (
            "Identity",
            base64.b64encode(f'{{"orig":{{"tn":"{number}"}}}}'.encode()).decode() + ";info=<https://a.test/c>",
        ),
        ("Subject", f"Call of {number}"),
        ("User-to-User", f"{number.encode().hex()};encoding=hex"),
        ("Call-Info", f"<http://198.51.100.7/{number}.png>;purpose=icon"),
        ("Referred-By", f"<sip:{number}@198.51.100.7>"),
        ("X-Customer", "".join(f"%{byte:02x}" for byte in number.encode())),
        ("Organization", number),
        ("User-Agent", f"phone of {number}"),
        ("Geolocation", f"<cid:{number}@198.51.100.7>"),
    ]


async def talking(it: Street, *, headers: list[tuple[str, str]] | None = None) -> tuple[Phone, Phone]:
    """The caller outside and Bob, in a masked call."""
    bob, caller = await it.town.phone("1002"), await it.town.carrier()
    it.hide(OUTSIDE, bob)
    it.hide(BOB, caller)
    it.hide("1002@", caller)
    it.bind(BOB, attributes=HIDE)
    caller.dial(REDIRECT, headers=headers or [])
    await bob.picks_up()
    await caller.answered()
    await asyncio.sleep(1)
    return caller, bob


async def test_nothing_that_an_invite_says_of_its_caller_goes_on(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        _, bob = await talking(it, headers=everywhere(OUTSIDE))
        assert bob.session.remote_address.uri.username == REDIRECT


async def test_a_session_description_is_ours_on_each_side(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(OUTSIDE, bob)
        it.bind(BOB, attributes=HIDE)
        offer = caller.sdp().replace(b"o=- 1", f"o={OUTSIDE} 1".encode())
        offer = offer.replace(b"s=-\r\n", f"s={OUTSIDE}\r\ni={OUTSIDE}\r\n".encode())
        caller.sdp = lambda: offer + f"a=X-number:{OUTSIDE}\r\n".encode()  # type: ignore[method-assign]
        await it.put_through(caller, bob)


async def test_the_words_of_a_hang_up_stay_where_they_are(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller, bob = await talking(it)
        caller.session.hang_up(reason=f"{OUTSIDE} has hung up")
        ended = await bob.ended()
        assert (ended.q850, ended.reason) == (16, "Normal call clearing")


async def test_the_words_of_the_callees_hang_up_stay_where_they_are(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller, bob = await talking(it)
        bob.session.hang_up(reason=f"{BOB} has hung up")
        assert (await caller.ended()).reason == "Normal call clearing"


@pytest.mark.parametrize("status", [404, 480, 486, 488, 500, 503, 603])
async def test_the_words_of_a_refusal_stay_where_they_are(tmp_path: Path, status: int) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(BOB, caller)
        it.hide("1002@", caller)
        it.bind(BOB, attributes=HIDE)
        caller.dial(REDIRECT)
        await bob.rings()
        warning = ("Warning", f'399 host "{BOB} is away"'), ("Retry-After", f"60 ({BOB})"), ("X-User", BOB)
        bob.refuse(status, f"{BOB} does not want it", headers=[("Reason", f'Q.850;cause=21;text="{BOB}"'), *warning])
        ended = await caller.ended()
        assert (ended.status, ended.q850) == (status, 21)


@pytest.mark.parametrize("status", [301, 302, 380])
async def test_a_redirection_is_no_answer_that_names_a_place(tmp_path: Path, status: int) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide("12025550199", caller)
        it.bind(BOB, attributes=HIDE)
        caller.dial(REDIRECT)
        await bob.rings()
        bob.refuse(status, "Moved", headers=[("Contact", "<sip:12025550199@127.0.0.1>")])
        assert (await caller.ended()).status == 480


async def test_what_the_callee_says_while_ringing_stays_where_it_is(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(BOB, caller)
        it.bind(BOB, attributes=HIDE)
        caller.dial(REDIRECT)
        session = await bob.rings()
        session.ring(180, f"Ringing at {BOB}", headers=[("P-Asserted-Identity", f"<sip:{BOB}@127.0.0.1>")])
        await caller.ringing()
        session.answer(bob._answer(), headers=[("P-Asserted-Identity", f"<sip:{BOB}@127.0.0.1>"), ("Subject", BOB)])
        await caller.answered()


async def test_a_transfer_by_either_side_is_refused_and_told_to_nobody(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller, bob = await talking(it)
        before = len(it.town.messages(caller.host))
        bob.refer(f"<sip:{ANN}@127.0.0.1>", headers=[("Referred-By", f"<sip:{BOB}@127.0.0.1>")])
        await asyncio.sleep(5)
        assert any(message.startswith("SIP/2.0 403") for message in it.town.messages(bob.host))
        assert len(it.town.messages(caller.host)) == before
        assert it.town.story[-1] == "talking"


async def test_a_masked_leg_is_not_brought_into_another_call(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        _, bob = await talking(it)
        masked = bob.session
        ann = await it.town.phone("1001")
        it.hide(OUTSIDE, ann)
        bob.dial("1001")
        await ann.picks_up()
        await bob.answered()
        bob.refer(f"<sip:{REDIRECT}@127.0.0.1?Replaces={bob.dialog_of(masked)}>")
        await asyncio.sleep(5)
        assert len(it.town.app.switch.calls) == 2
        assert not masked.has_ended


async def test_nobody_takes_the_place_of_a_side_of_a_masked_call(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        _, bob = await talking(it)
        ann = await it.town.phone("1001")
        it.hide(OUTSIDE, ann)
        ann.dial("1002", headers=[("Replaces", unquote(bob.dialog_of(bob.session)))])
        assert (await ann.ended()).status == 481
        assert not bob.session.has_ended


async def test_holding_and_messages_within_the_call_tell_nothing(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        caller, bob = await talking(it)
        caller.hold()
        await asyncio.sleep(2)
        caller.resume()
        caller.session.info("text/plain", f"I am {OUTSIDE}".encode())
        await caller.press("12")
        await asyncio.sleep(1)
        assert bob.pressed == "12"


async def test_a_caller_who_changes_his_mind_tells_no_reason(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, caller = await it.town.phone("1002"), await it.town.carrier()
        it.hide(OUTSIDE, bob)
        it.bind(BOB, attributes=HIDE)
        caller.dial(REDIRECT)
        await bob.rings()
        bob.ring()
        await caller.ringing()
        caller.session.hang_up(reason=f"{OUTSIDE} could not wait")
        assert (await bob.ended()).status == 487


async def test_lamps_do_not_tell_whom_a_user_talks_with(tmp_path: Path) -> None:
    async with street(tmp_path) as it:
        bob, ann, caller = await it.town.phone("1002"), await it.town.phone("1001"), await it.town.carrier()
        it.hide(OUTSIDE, bob, ann)
        for watcher in (bob, ann):
            own = Address(Uri.parse(f"sip:{watcher.user}@127.0.0.1"))
            watched = Uri.parse("sip:1002@127.0.0.1")
            contact = f"<sip:{watcher.user}@{watcher.host}:{watcher.port}>"
            asked = [("Event", "dialog"), ("Expires", "300"), ("Contact", contact)]
            credentials = Credentials(watcher.user, watcher.password)
            answer = await watcher.stack.request(
                "SUBSCRIBE", watched, from_=own, to=Address(watched), headers=asked, credentials=credentials
            )
            assert answer.status in (200, 202)
        it.bind(BOB, attributes=HIDE)
        await it.put_through(caller, bob)
        await asyncio.sleep(5)
        for watcher in (bob, ann):
            told = it.town.messages(watcher.host, "NOTIFY")
            assert any("<state>confirmed</state>" in message for message in told), told


# ---- the test itself


@pytest.mark.parametrize(
    "data",
    [
        b"From: <sip:13105550199@a>",
        b"tel:+1-310-555-0199",
        b"tel:+1.310.555.0199",
        b'"(310) 555-0199" <sip:1(310)5550199@a>',
        b"X: %31%33%31%30%35%35%35%30%31%39%39",
        b"X: 3133313035353530313939",
        base64.b64encode(b"13105550199"),
        base64.b64encode(b"a13105550199 and more"),
        base64.b64encode(b"ab13105550199"),
        bytes([0x31, 0x01, 0x55, 0x05, 0x91, 0xF9]),
    ],
)
def test_no_disguise_of_a_number_is_overlooked(data: bytes) -> None:
    wire = Wire()
    wire.packets.append(Packet(0.0, ("127.0.0.1", 5060), ("127.0.0.9", 5060), data))
    assert Hidden("13105550199", "127.0.0.9").leaks(wire)
    assert not Hidden("14155550123", "127.0.0.9").leaks(wire)
    assert not Hidden("13105550199", "127.0.0.8").leaks(wire)


def test_1001_is_too_short_to_be_hidden_for_the_noise_of_rtp_has_it_now_and_then() -> None:
    with pytest.raises(ValueError, match="too short"):
        Hidden("1001", "127.0.0.9")
