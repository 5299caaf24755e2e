"""Ladders of real calls: who is in them, in which order, and what is not shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import structs

from softswitch.call import Call, CallAnswered, CallbackTried, CallStarted, Event, LegMeasured, Outcome
from softswitch.endpoints.mediator.record import DialoutFailed, MediationMoved, MediationStarted, MediatorRecord
from softswitch.ladder import Entry, Ladder, Picture
from softswitch.ladder.drawing import WIDTH, draw
from softswitch.ladder.packing import Kept, flat, kinds, pack, unpack
from softswitch.ladder.ring import BLOCK
from softswitch.ladder.titles import of_event
from softswitch.sip import Peer, Transport
from softswitch.sip.digest import Credentials
from tests.test_switch import CARRIER, DID, NUMBER, PSTN, TRUNK, Board, Run, board, talk

FIGURES = {"mos": 4.3, "loss": 0.012, "jitter_ms": 2.5, "round_trip_ms": 41.0, "packets_lost": 3, "packets_sent": 99}


@asynccontextmanager
async def watched(
    folder: Path, run: Run = talk, plan: str = PSTN + DID, length: int = 1000
) -> AsyncIterator[tuple[Board, Ladder]]:
    async with board(folder, run, plan) as it:
        loop = asyncio.get_running_loop()
        ladder = Ladder(length, clock=loop.time, wall_clock=lambda: 1_800_000_000 + loop.time())
        it.switch.events.subscribe(ladder.on_event)
        it.stack.trace = ladder.trace
        yield it, ladder


async def picture_of_a_call(it: Board, ladder: Ladder) -> Picture:
    caller = await it.dial().answered()
    await asyncio.sleep(5)
    caller.session.hang_up()
    await caller.ended()
    await asyncio.sleep(1)
    picture = await ladder.of(it.ended[0].call_id)
    assert picture is not None
    return picture


def titles(picture: Picture, kind: str) -> list[str]:
    return [entry.title for entry in picture.entries if entry.kind == kind]


async def test_a_call_is_drawn_from_its_invite_to_the_answer_to_its_bye(tmp_path: Path) -> None:
    async with watched(tmp_path) as (it, ladder):
        picture = await picture_of_a_call(it, ladder)
    assert (picture.from_number, picture.to_number) == ("13105550199", NUMBER)
    assert titles(picture, "sip") == [
        "INVITE (SDP)",
        "200 OK [INVITE] (SDP)",
        "ACK",
        "BYE Q.850 16",
        "200 OK [BYE]",
    ]
    assert [entry.direction for entry in picture.entries if entry.kind == "sip"] == [
        "in",
        "out",
        "in",
        "in",
        "out",
    ]
    assert "answered" in titles(picture, "event")
    assert picture.peers == (f"udp:{CARRIER}:5060",)
    offsets = [entry.offset_ms for entry in picture.entries]
    assert offsets == sorted(offsets)
    assert offsets[-1] >= 5000
    assert picture.entries[0].at.startswith("2027-01-15T")


async def test_it_is_found_by_id_by_sid_and_by_call_id(tmp_path: Path) -> None:
    async with watched(tmp_path) as (it, ladder):
        caller = await it.dial().answered()
        (call,) = it.switch.calls.values()
        pictures = [await ladder.of(name) for name in (call.id, call.sid, caller.session.call_id)]
        caller.session.hang_up()
    assert all(picture is not None and picture.call_id == call.id for picture in pictures)
    assert await ladder.of("00000000") is None


async def test_other_calls_are_not_in_it(tmp_path: Path) -> None:
    async with watched(tmp_path) as (it, ladder):
        other = await it.dial().answered()
        picture = await picture_of_a_call(it, ladder)
        other.session.hang_up()
    assert not any(other.session.call_id in entry.message for entry in picture.entries)


async def test_keys_are_there_but_not_which_and_credentials_are_not_shown(tmp_path: Path) -> None:
    async def enter(call: Call) -> Outcome:
        await call.caller.answer()
        for _ in range(2):
            await call.caller.next_digit()
        return Outcome.released()

    async with watched(tmp_path, enter, TRUNK + DID) as (it, ladder):
        caller = await it.dial(credentials=Credentials("acme", "secret")).answered()
        caller.session.info("application/dtmf-relay", b"Signal=7\r\nDuration=160\r\n")
        await asyncio.sleep(1)
        caller.session.info("application/dtmf", b"8")
        await caller.ended()
        await asyncio.sleep(1)
        picture = await ladder.of(caller.session.call_id)
    assert picture is not None
    assert titles(picture, "key") == ["key • (info)", "key • (info)"]
    whole = msgspec.json.encode(picture).decode()
    assert "Signal=*" in whole
    assert "Signal=7" not in whole
    assert "\\r\\n8" not in whole
    assert 'response="' not in whole.replace("\\", "")


async def test_quality_and_callbacks_are_in_the_same_picture(tmp_path: Path) -> None:
    async with watched(tmp_path) as (it, ladder):
        caller = await it.dial().answered()
        (call,) = it.switch.calls.values()
        it.switch.events.publish(LegMeasured(call.id, call.clock(), FIGURES))
        it.switch.events.publish(
            CallbackTried(call.id, call.clock(), "app_conference_call", "crm.example", 503, "", 12.0, 2)
        )
        picture = await ladder.of(call.id)
        caller.session.hang_up()
    assert picture is not None
    assert titles(picture, "quality") == ["MOS 4.30, 1.2 % lost, 2.5 ms jitter, 41 ms round trip"]
    assert titles(picture, "callback") == ["callback app_conference_call to crm.example: 503 in 12 ms, attempt 2"]


def test_a_mediated_call_is_told_in_words() -> None:
    record = MediatorRecord(
        dr_sid="a",
        event_type="binding",
        reference_sid="2f6ad1a1-77f2",
        date_start="",
        number_src="13105550199",
        number_dst="13105550123",
        number_redirect="12025550105",
    )
    words = "binding 2f6ad1a1: 13105550199 to 13105550123 over 12025550105"
    assert of_event(MediationStarted("a", record)) == ("event", words, None)
    assert of_event(MediationMoved("a", 0.0, "stage two")) == ("event", "stage two", None)
    assert of_event(MediationMoved("a", 0.0, "talk")) == ("event", "both talk", None)
    failed = structs.replace(record, sipcause=487, disconnect_reason="Cancelled")
    assert of_event(DialoutFailed(failed)) == ("event", f"{words}: 487 Cancelled", None)


async def test_what_is_sent_again_says_so(tmp_path: Path) -> None:
    async with watched(tmp_path) as (it, ladder):
        it.wire.refuses = lambda packet: packet.data.startswith(b"ACK")
        caller = it.dial()
        await asyncio.sleep(2)
        it.wire.refuses = lambda packet: False
        picture = await ladder.of(caller.session.call_id)
        caller.session.hang_up()
    assert picture is not None
    assert [entry.title for entry in picture.entries if entry.repeated][:1] == ["200 OK [INVITE] (SDP)"]


async def test_the_ring_forgets_the_oldest_and_never_grows(tmp_path: Path) -> None:
    async with watched(tmp_path, length=10) as (it, ladder):
        for _ in range(5):
            await it.dial("19005550100").ended()
        assert len(ladder) == 10


async def test_of_a_huge_message_only_the_beginning_is_kept() -> None:
    ladder = Ladder(10)
    ladder.trace("in", Peer(Transport.UDP, CARRIER, 5060), b"INVITE sip:a SIP/2.0\r\nCall-ID: big\r\n" + b"x" * 60_000)
    picture = await ladder.of("big")
    assert picture is not None
    assert len(picture.entries[0].message) == 4096
    assert picture.entries[0].title == "INVITE sip:a SIP/2.0"


def entry(offset_ms: float, kind: str, title: str, direction: str = "", peer: str = "") -> Entry:
    return Entry("2026-01-31T09:45:00.000Z", offset_ms, kind, title, direction, peer)  # type: ignore[arg-type]


def test_the_drawing_has_arrows_between_the_peers_and_events_beside_us() -> None:
    entries = (
        entry(0.0, "sip", "INVITE", "in", "udp:a:1"),
        entry(0.5, "event", "identified"),
        entry(1.0, "sip", "INVITE", "out", "udp:b:2"),
    )
    picture = Picture("12345678", "x@y", "1", "2", entries)
    head, _, names, first, event, second = draw(msgspec.to_builtins(picture)).split("\n")
    assert head == "call 12345678  1 -> 2   Call-ID x@y"
    assert names.index("udp:b:2") - names.index("udp:a:1") == WIDTH + 1
    us = names.index("softswitch")
    assert (first[us - 1], first[us]) == ("▶", "│")
    assert event[us + 3 :] == "identified"
    assert second.index("◀") == names.index("udp:b:2") + 1
    assert second[us] == "│"


def test_what_was_packed_comes_back_as_it_was() -> None:
    peer = Peer(Transport.TLS, "2001:db8::1", 5061, 5061, "example.com")
    record = MediatorRecord(dr_sid="1", event_type="binding", reference_sid="m", date_start="2026-01-31T09:45:00.000Z")
    kept: list[Kept] = [
        (1.5, "in", peer, b"INVITE sip:a SIP/2.0\r\n\xff\x00"),
        (1.6, LegMeasured("c", 1.6, FIGURES), None, b""),
        (1.7, MediationStarted("c", record), None, b""),
        (1.8, "out", Peer(Transport.UDP, "127.0.0.1", 5060), b""),
    ]
    assert list(unpack([pack(flat(kept[:2])), pack(flat(kept[2:]))])) == kept


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    names = [kind.__name__ for kind in kinds(Event)]
    assert len(names) == len(set(names)) > 10


def test_an_event_with_a_word_that_is_no_utf8_takes_no_other_entry_with_it() -> None:
    good, bad = CallAnswered("1", 1.0, 0.5), CallStarted("2", 2.0, "a\udcff@b", "1", "2")
    (_, first, _, _), (_, second, _, _) = unpack([pack(flat([(1.0, good, None, b""), (2.0, bad, None, b"")]))])
    assert first == good
    assert second == CallStarted("2", 2.0, "a\ufffd@b", "1", "2")


async def test_a_call_is_found_when_its_beginning_was_packed_and_its_end_was_not() -> None:
    ladder = Ladder(10 * BLOCK)
    ladder.on_event(CallStarted("1", 1.0, "x@y", "1", "2"))
    for _ in range(BLOCK):
        ladder.on_event(CallAnswered("other", 2.0, 0.5))
    ladder.on_event(CallAnswered("1", 3.0, 0.5))
    picture = await ladder.of("1")
    assert picture is not None
    assert titles(picture, "event") == ["1 calls 2", "answered"]
