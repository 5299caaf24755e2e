"""Bytes that are no text, in any header, through a whole switch with JSON logs, records and a reader of events.

One such packet once ended every call: the log could not write it, nor could the line about that.
"""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from softswitch import logs
from softswitch.api.events import Feed, Reader, Wanted
from softswitch.call import CallStarted
from softswitch.call.sids import Sids
from softswitch.errors import PeerError
from softswitch.records import Records
from softswitch.settings import LogSettings
from softswitch.sip import Response
from tests.records.test_records import Shelf
from tests.sip.phones import RawPeer
from tests.stories.town import CARRIER, HERE, Town, town

TO_CONFERENCE = [{"phonenumber": "12025550101", "endpoint": "conference"}]
STRANGER = "203.0.113.9"
SDP = f"v=0\r\no=- 1 1 IN IP4 {CARRIER}\r\ns=-\r\nc=IN IP4 {CARRIER}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n".encode()
INVITE = (
    b"INVITE sip:12025550101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %(host)s:5060;branch=z9hG4bK%(id)s\r\n"
    b"Max-Forwards: 70\r\nFrom: %(name)s<sip:%(user)s@%(host)s>;tag=t\r\nTo: <sip:12025550101@127.0.0.1>\r\n"
    b"Call-ID: %(id)s\r\nCSeq: 1 INVITE\r\nContact: <sip:%(contact)s@%(host)s>\r\n%(more)s"
    b"Content-Type: application/sdp\r\nContent-Length: %(length)d\r\n\r\n%(sdp)s"
)
USUAL = {"name": b"", "user": b"13105550199", "contact": b"raw", "more": b"", "sdp": SDP, "length": len(SDP)}

WORDS = {"a Latin-1 byte": b"caf\xe9", "an escaped byte that is no UTF-8": b"a%FFb", "an escaped NUL": b"a%00b"}
HEADERS = (
    b"User-Agent: %s", b"Subject: %s", b"Organization: %s", b"X-Account: %s", b"Diversion: <sip:%s@x>;reason=%s",
    b"P-Asserted-Identity: \"%s\" <sip:%s@x>", b"P-Asserted-Identity: %s", b"Remote-Party-ID: <sip:%s@x>",
    b"Identity: %s;info=<https://x/%s>", b"Privacy: %s", b"Reason: Q.850;cause=16;text=\"%s\"", b"Supported: %s",
    b"Allow: INVITE, %s", b"Call-Info: <http://x/%s>", b"Alert-Info: %s", b"Date: %s", b"Referred-By: %s",
    b"Authorization: Digest username=\"%s\", realm=\"x\"", b"Geolocation: %s", b"Accept-Language: %s",
    b"Record-Route: <sip:127.0.0.50;lr;x=%s>", b"User-to-User: %s", b"In-Reply-To: %s", b"Warning: 399 x \"%s\"",
)  # fmt: skip


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """A JSON log, as where there is no terminal."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(LogSettings(format="json"), stream)
    yield stream
    for line in stream.getvalue().splitlines():
        json.loads(line)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


class Told:
    """What was told of the calls of a town."""

    def __init__(self, it: Town, shelf: Shelf, records: Records, reader: Reader) -> None:
        self.town, self.shelf, self.records, self.reader = it, shelf, records, reader
        self.begun = 0
        it.app.events.subscribe(self._begun, CallStarted)

    def _begun(self, _event: object) -> None:
        self.begun += 1


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Told]:
    """A town whose calls are recorded and read about."""
    async with town(folder, dids=TO_CONFERENCE, sip={"transports": ["udp"], "options_every_s": 0}) as it:
        shelf, app = Shelf(), it.app
        records = Records(folder / "records", shelf, sids=Sids(app.plan), quality_of=lambda call: None)
        await records.open()
        app.switch.on_started, app.switch.on_ended = records.on_started, records.on_ended
        app.events.subscribe(records.on_event)
        feed = Feed(app.events, str)
        reader = feed.open(Wanted())
        assert reader is not None
        yield Told(it, shelf, records, reader)
        feed.close()
        await records.close()


def invite(host: str, call_id: str, **parts: bytes) -> bytes:
    return INVITE % {b"id": call_id.encode(), b"host": host.encode(), **_encoded({**USUAL, **parts})}


def _encoded(parts: dict[str, object]) -> dict[bytes, object]:
    return {name.encode(): part for name, part in parts.items()}


async def calls(peer: RawPeer, call_id: str, **parts: bytes) -> Response:
    """The final response to an INVITE, acknowledged."""
    peer.send(invite(peer.host, call_id, **parts), HERE)
    while not (answer := await heard(peer)) or answer.status < 200 or answer.call_id != call_id:
        pass
    branch = f"z9hG4bK{call_id}" + ("a" if answer.status == 200 else "")
    peer.say("ACK", HERE, branch=branch, call_id=call_id, from_tag="t", to_tag=answer.to.tag)
    return answer


async def heard(peer: RawPeer) -> Response | None:
    """The next message where it is a response that can be read: one to nonsense has what the nonsense had."""
    try:
        message = await peer.next()
    except PeerError:
        return None
    return message if isinstance(message, Response) else None


async def hangs_up(peer: RawPeer, answer: Response) -> None:
    """Once it has been in the conference."""
    await asyncio.sleep(4)
    fields = {"call_id": answer.call_id, "from_tag": "t", "to_tag": answer.to.tag}
    peer.say("BYE", HERE, cseq=2, branch=f"z9hG4bK{answer.call_id}b", **fields)
    while not (answer := await heard(peer)) or answer.cseq.method != "BYE":
        pass


def places(word: bytes) -> list[dict[str, bytes]]:
    """Everywhere a word can stand."""
    of_headers = [{"more": header.replace(b"%s", word) + b"\r\n"} for header in HEADERS]
    return [{"user": word}, {"name": b'"' + word + b'" '}, {"contact": word}, *of_headers]


@pytest.mark.parametrize("word", WORDS.values(), ids=list(WORDS))
async def test_a_word_that_is_no_text_in_any_header_gets_an_answer_and_one_record(word: bytes, tmp_path: Path) -> None:
    async with watched(tmp_path) as told:
        peer = RawPeer(told.town.wire, CARRIER)
        for number, parts in enumerate(places(word)):
            answer = await calls(peer, f"call{number}", **parts)
            assert answer.status == 200, parts
            await hangs_up(peer, answer)
        await told.records.flush()
        assert told.begun == len(told.shelf.calls) == len(told.shelf.attendances) == len(places(word))
        json.dumps(told.shelf.calls, ensure_ascii=False).encode()
        assert "\\u0000" not in json.dumps([told.shelf.calls, told.shelf.attendances])


async def test_one_packet_of_a_stranger_ends_no_call_of_others(tmp_path: Path) -> None:
    async with watched(tmp_path) as told:
        peer, stranger = RawPeer(told.town.wire, CARRIER), RawPeer(told.town.wire, STRANGER)
        good = await calls(peer, "good")
        for number, word in enumerate(WORDS.values()):
            assert (await calls(stranger, f"bad{number}", user=word)).status == 401
        await hangs_up(peer, await calls(peer, "later"))
        assert len(told.town.app.switch.calls) == 1
        await hangs_up(peer, good)


async def test_a_reason_phrase_that_is_no_text_reaches_the_caller_and_the_record(tmp_path: Path) -> None:
    async with watched(tmp_path) as told:
        bob, ann = RawPeer(told.town.wire, CARRIER), await told.town.phone("1001")
        ann.dial("13105550199")
        request = await bob.request("INVITE")
        refusal = Response.for_request(request, 486, "caf\udce9", headers=[("Reason", 'Q.850;cause=17;text="\udce9"')])
        bob.socket.send(refusal.encode(), HERE, 5060)
        end = await ann.ended()
        assert (end.status, end.q850) == (486, 17)
        await told.records.flush()
        (record,) = told.shelf.calls
        assert record["disconnect_reason"] == "caf\ufffd"
