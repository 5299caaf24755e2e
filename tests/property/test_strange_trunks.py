"""A trunk that answers as chance has it: any status, with a session description, a wrong one or none, once, twice or
late, with requests of its own between. Every call ends, the next trunk takes what the first one can't, nothing is left.
"""

import asyncio
import random
from pathlib import Path

import pytest

from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from tests.property.seeds import seeds
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, SECOND_TRUNK, Town, town, two_trunks

TO = "13105550177"
CALLS = 12
STATUSES = (100, 180, 183, 199, 200, 200, 202, 302, 404, 408, 486, 487, 491, 503, 603, 699)
SDPS = (
    b"",
    b"v=0\r\n",
    b"\x00\xff",
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.50\r\ns=-\r\nc=IN IP4 127.0.0.50\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.50\r\ns=-\r\nc=IN IP4 127.0.0.50\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.50\r\ns=-\r\nc=IN IP4 127.0.0.50\r\nt=0 0\r\nm=audio 4000 RTP/AVP 99\r\n",
)


class Strange:
    """The far end of a trunk."""

    def __init__(self, it: Town, chance: random.Random) -> None:
        self._chance = chance
        self._socket = it.wire.datagrams(CARRIER, 5060, self._receive)
        self._cseq = 1

    def _receive(self, data: bytes, host: str, port: int) -> None:
        message, chance = parse(data), self._chance
        if not isinstance(message, Request) or message.method == "ACK":
            return
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            later = chance.choice((0.0, 0.0, 0.02, 1.0, 5.0))
            asyncio.get_running_loop().call_later(later, self._socket.send, self._answer(message), host, port)
        if message.method == "INVITE" and chance.random() < 0.4:
            later = chance.choice((0.0, 0.5, 3.0))
            asyncio.get_running_loop().call_later(later, self._socket.send, self._request(message), host, port)

    def _answer(self, request: Request) -> bytes:
        chance = self._chance
        status = chance.choice(STATUSES) if request.method == "INVITE" else chance.choice((200, 200, 200, 481, 500))
        tag = chance.choice(("a", "a", "a", "b", ""))
        answer = Response.for_request(request, status, to_tag=tag, body=chance.choice(SDPS))
        if chance.random() < 0.85:
            answer.headers.add("Contact", chance.choice((f"<sip:x@{CARRIER}>", f"<sip:x@{CARRIER}:5060>", "nonsense")))
        if answer.body:
            answer.headers.add("Content-Type", chance.choice(("application/sdp", "application/sdp", "text/plain")))
        if chance.random() < 0.1:
            answer.headers.add("Require", chance.choice(("100rel", "nonsense")))
            answer.headers.add("RSeq", chance.choice(("1", "2", "-")))
        data = answer.encode()
        return data[: chance.randrange(len(data))] if chance.random() < 0.05 else data

    def _request(self, invite: Request) -> bytes:
        """Within the dialog that it would be."""
        chance = self._chance
        method = chance.choice(("BYE", "INVITE", "UPDATE", "CANCEL", "REFER", "INFO", "PRACK", "NOTIFY"))
        request = Request(method, f"sip:{TO}@127.0.0.1:5060", body=chance.choice(SDPS))
        self._cseq += 1
        for name, value in (
            ("Via", f"SIP/2.0/UDP {CARRIER}:5060;branch=z9hG4bK{chance.random()}"),
            ("Max-Forwards", "70"),
            ("From", f"{invite.headers.get('To')};tag=a"),
            ("To", invite.headers.get("From") or ""),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{self._cseq} {method}"),
            ("Contact", f"<sip:x@{CARRIER}>"),
            ("Refer-To", "<sip:1002@127.0.0.1>"),
            ("Content-Type", "application/sdp"),
        ):
            request.headers.add(name, value)
        return request.encode()

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("seed", seeds(12))
async def test_whatever_a_trunk_answers_every_call_ends_once(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    groups = two_trunks(allow_forward=chance.choice(("disabled", "direct")), allow_transfer="enabled")
    groups[0] |= {"hard_failure_threshold": 0, "sip_options_threshold": 0}
    async with town(tmp_path, groups=groups) as it:
        records = keep_records(it)
        ann = await it.phone("1001")
        second = await it.carrier(SECOND_TRUNK)
        second.speaks = ann.speaks = False
        strange = Strange(it, chance)
        for _ in range(CALLS):
            ann.dial(TO)
            await asyncio.sleep(chance.choice((0.0, 0.05, 1.0, 8.0, 40.0)))
            for session in second.sessions:
                session.answer(second.sdp())
            await asyncio.sleep(chance.choice((0.0, 0.05, 1.0)))
            ann.hang_up()
            await asyncio.sleep(1)
        await asyncio.sleep(100)
        assert it.app.switch.calls == {}
        assert len(records) == len({record.dr_sid for record in records})
        strange.close()
