"""A caller over a trunk who sends as chance has it: with or without an offer, PRACK right, wrong or never, UPDATE
before the answer, re-INVITEs that cross ours, ACKs late, double, with a session description or none, CANCEL at any
time. Every call ends, has one record, and leaves nothing.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from tests.property.seeds import seeds
from tests.property.test_strange_trunks import SDPS
from tests.property.test_town_under_operators import CRM, CRM_HOST, HALL, town_plan
from tests.property.test_whole_town import GUARDED, check_records
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, HERE, Phone, Town, town

GOOD = f"v=0\r\no=- 1 1 IN IP4 {CARRIER}\r\ns=-\r\nc=IN IP4 {CARRIER}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n".encode()
HELD = GOOD + b"a=sendonly\r\n"
NUMBERS = ("12025550112", HALL, GUARDED, CRM, "12025550105")
CALLS = 10
STEPS = 25


class Call:
    """One call of his, as far as he knows it."""

    def __init__(self, number: str, serial: int) -> None:
        self.number, self.id, self.cseq = number, f"strange-{serial}", 1
        self.to = f"<sip:{number}@{HERE}>"
        self.dialogs = {self.to}
        self.rack = ""
        self.ringing: Request | None = None


class StrangeCaller:
    """The near end of a trunk."""

    def __init__(self, it: Town, chance: random.Random) -> None:
        self.calls: dict[str, Call] = {}
        self._chance = chance
        self._socket = it.wire.datagrams(CARRIER, 5060, self._receive)
        self._serial = 0

    def close(self) -> None:
        self._socket.close()

    def dial(self) -> None:
        call = Call(self._chance.choice(NUMBERS), len(self.calls))
        self.calls[call.id] = call
        more = [("Supported", "100rel, timer")] if self._chance.random() < 0.5 else []
        more += [("Require", "100rel")] if self._chance.random() < 0.2 else []
        more += [("Session-Expires", self._chance.choice(("60", "90", "1800;refresher=uac", "x")))] * (len(more) % 2)
        call.ringing = self._send(call, "INVITE", self._chance.choice((GOOD, GOOD, GOOD, b"", *SDPS)), *more)

    def step(self) -> None:
        call = self._chance.choice(list(self.calls.values()))
        what = self._chance.choice(("ACK", "ACK", "ACK", "PRACK", "UPDATE", "INVITE", "INFO", "CANCEL", "again"))
        what = self._chance.choice((what, what, what, "BYE", "REFER", "OPTIONS", "NOTIFY", "SUBSCRIBE"))
        sdp = self._chance.choice((GOOD, HELD, b"", *SDPS))
        match what:
            case "ACK":
                self._send(call, "ACK", sdp, cseq=self._chance.choice((1, call.cseq)))
            case "CANCEL" if call.ringing is not None:
                self._cancel(call, call.ringing)
            case "again" if call.ringing is not None:
                self._socket.send(call.ringing.encode(), HERE, 5060)
            case "PRACK":
                self._send(call, "PRACK", sdp, ("RAck", self._chance.choice((call.rack, "1 1 INVITE", "x"))))
            case "INFO":
                self._send(call, "INFO", b"Signal=1\r\n", content_type="application/dtmf-relay")
            case "REFER":
                self._send(
                    call, "REFER", b"", ("Refer-To", self._chance.choice((f"<sip:{HALL}@x>", "<sip:1003@x>", "-")))
                )
            case _ if what not in ("CANCEL", "again"):
                self._send(call, what, sdp)

    def finish(self) -> None:
        for call in self.calls.values():
            for to in sorted(call.dialogs):
                call.to = to
                for cseq in range(1, call.cseq + 1):
                    self._send(call, "ACK", b"", cseq=cseq)
                self._send(call, "BYE", b"")

    def _send(
        self,
        call: Call,
        method: str,
        body: bytes,
        *more: tuple[str, str],
        cseq: int | None = None,
        content_type: str = "application/sdp",
    ) -> Request:
        if cseq is None:
            call.cseq += method != "INVITE" or call.ringing is not None
            cseq = call.cseq
        self._serial += 1
        request = Request(method, f"sip:{call.number}@{HERE}", body=body)
        for name, value in (
            ("Via", f"SIP/2.0/UDP {CARRIER}:5060;branch=z9hG4bK{self._serial}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:13105550199@{CARRIER}>;tag=a"),
            ("To", call.to),
            ("Call-ID", call.id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:x@{CARRIER}:5060>"),
            *more,
            *([("Content-Type", content_type)] if body else []),
        ):
            request.headers.add(name, value)
        self._socket.send(request.encode(), HERE, 5060)
        return request

    def _cancel(self, call: Call, invite: Request) -> None:
        cancel = Request("CANCEL", invite.uri)
        for name in ("Via", "Max-Forwards", "From", "To", "Call-ID"):
            cancel.headers.add(name, invite.headers.get(name) or "")
        cancel.headers.add("CSeq", "1 CANCEL")
        self._socket.send(cancel.encode(), HERE, 5060)

    def _receive(self, data: bytes, host: str, port: int) -> None:
        message, chance = parse(data), self._chance
        if isinstance(message, Request):
            if message.method != "ACK" and chance.random() < 0.8:
                status = chance.choice((200, 200, 200, 481, 491, 500))
                answer = Response.for_request(message, status, body=chance.choice((GOOD, b"")))
                answer.headers.add("Contact", f"<sip:x@{CARRIER}:5060>")
                self._socket.send(answer.encode(), host, port)
            return
        call = self.calls.get(message.call_id)
        if call is None or message.status == 100:
            return
        if message.cseq.method == "INVITE" and message.status < 300:
            call.to = message.headers.get("To") or call.to
            call.dialogs.add(call.to)
        if "RSeq" in message.headers:
            call.rack = f"{message.headers.get('RSeq')} {message.cseq.number} INVITE"
        if message.cseq.method == "INVITE" and message.status >= 200 and chance.random() < 0.7:
            self._send(call, "ACK", chance.choice((b"", GOOD)), cseq=message.cseq.number)


def answers(phone: Phone, chance: random.Random) -> None:
    """Whoever rings is told something; a call that is up may end."""
    for session in phone.sessions:
        if session.invite_in is not None and chance.random() < 0.6:
            what: Any = chance.choice((session.answer, session.answer, session.ring, session.reject))
            what(phone.sdp()) if what == session.answer else what(180 if what == session.ring else 486)
        elif chance.random() < 0.05:
            session.hang_up()


@pytest.mark.parametrize("seed", seeds(6))
async def test_whatever_a_caller_sends_every_call_ends_once(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    made = town_plan()
    made["groups"][0]["trunks"][0]["sip_username"] = ""
    async with town(tmp_path, **made) as it:
        records = keep_records(it)
        bob = await it.phone("1002")
        crm = await Phone(it, CRM, CRM_HOST, 900, port=5090).start()
        bob.speaks = crm.speaks = False
        strange = StrangeCaller(it, chance)
        for _ in range(CALLS):
            strange.dial()
            for _ in range(STEPS):
                await asyncio.sleep(chance.choice((0.0, 0.0, 0.01, 0.1, 0.5, 2.0)))
                strange.step()
                for phone in (bob, crm):
                    answers(phone, chance)
        await asyncio.sleep(1)  # his last INVITE has its answer
        strange.finish()
        for phone in (bob, crm):
            for session in phone.sessions:
                session.hang_up()
        await asyncio.sleep(300)
        assert it.app.switch.calls == {}
        check_records(records)
        strange.close()
