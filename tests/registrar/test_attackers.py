"""What an attacker would try against the registrar, and what it costs us: nothing that lasts."""

import asyncio

import pytest

from softswitch.registrar import guard, location, subscriptions
from softswitch.sip import Credentials, Request, Response
from softswitch.sip.digest import answer
from softswitch.sip.parser import parse
from tests.registrar.house import HERE, Telephone, house
from tests.registrar.phones import Home, Phone

QUIET = {"qualify_s": 0}


async def test_wrong_passwords_that_get_no_answer_leave_no_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stayed for ever: fifty thousand of them, and everybody got 503."""
    monkeypatch.setattr(guard, "MOST_SLOWED", 3)
    async with house(guard={"wrong_passwords": 0, "slowed_s": 1}) as home:
        guessers = [Telephone(home, "1001", f"10.6.6.{number}") for number in range(10)]

        async def guess(guesser: Telephone) -> int:
            guesser.password = "guess"
            try:
                return (await guesser.register()).status
            except TimeoutError:
                return 0

        answers = await asyncio.gather(*map(guess, guessers))
        assert sorted(answers) == [0] * 7 + [403] * 3
        assert home.phones.unanswered == 7
        assert home.stack.counts()["transactions"] == 0
        for guesser in guessers:
            await guesser.close()


async def test_nobody_chooses_by_maddr_whom_our_answers_hit() -> None:
    async with house() as home:
        victim, asker = home.wire.datagrams("10.9.9.9", 5060), home.wire.datagrams("10.0.0.2", 5060)
        asker.send(
            f"OPTIONS sip:{HERE} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;maddr=10.9.9.9;branch=z9hG4bK1\r\n"
            f"From: <sip:a@b>;tag=1\r\nTo: <sip:{HERE}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(),
            HERE,
            5060,
        )
        assert (await asker.received())[0].startswith(b"SIP/2.0 200 ")
        assert not [packet for packet in home.wire.packets if packet.destination[0] == "10.9.9.9"]
        victim.close()
        asker.close()


def test_who_registers_and_goes_again_and_again_takes_no_more_memory_for_it() -> None:
    home = Home()
    phone = Phone(home)
    for number in range(3 * location.MOST_STALE):
        phone.contact = f"<sip:1001@192.0.2.10:{number % 60000 + 1}>"
        assert phone.register().status == 200
        assert phone.unregister().status == 200
    assert len(home.location) == 0
    assert len(home.location._ends) <= location.MOST_STALE + 1


async def test_who_subscribes_and_goes_again_and_again_takes_no_more_memory_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscriptions, "MOST_STALE", 10)
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        for number in range(40):
            package = ("presence", "dialog", "message-summary")[number % 3]
            response = await phone.subscribe(package)
            await phone.request()
            await phone.subscribe(package, expires_s=0, to_tag=response.to.tag or "")
            await phone.request()
        assert len(home.phones.subscriptions) == 0
        assert len(home.phones.subscriptions._ends) <= 12
        await phone.close()


class Watcher(asyncio.Protocol):
    """Over TCP: it subscribes with a Contact elsewhere, answers the challenge and each NOTIFY."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.notified = 0
        self._subscribe(1, "")

    def data_received(self, data: bytes) -> None:
        for text in data.replace(b"SIP/2.0 ", b"\0SIP/2.0 ").replace(b"NOTIFY sip", b"\0NOTIFY sip").split(b"\0")[1:]:
            message = parse(text)
            if isinstance(message, Request):
                self.notified += 1
                self.transport.write(Response.for_request(message, 200).encode())  # type: ignore[attr-defined]
            elif message.status == 401:
                challenge, who = message.headers.all("WWW-Authenticate")[0], Credentials("1002", "two-secret")
                self._subscribe(2, ": ".join(answer([challenge], who, "SUBSCRIBE", f"sip:1001@{HERE}", cnonce="c")))

    def _subscribe(self, cseq: int, credentials: str) -> None:
        lines = [
            f"SUBSCRIBE sip:1001@{HERE} SIP/2.0",
            f"Via: SIP/2.0/TCP 10.0.0.2:5060;branch=z9hG4bK{cseq}",
            f"From: <sip:1002@{HERE}>;tag=w",
            f"To: <sip:1001@{HERE}>",
            "Call-ID: watcher",
            f"CSeq: {cseq} SUBSCRIBE",
            "Contact: <sip:1002@10.9.9.9>",
            "Event: presence",
            *filter(None, [credentials]),
        ]
        self.transport.write("\r\n".join([*lines, "Content-Length: 0\r\n\r\n"]).encode())  # type: ignore[attr-defined]


async def test_what_is_watched_goes_to_no_host_that_was_merely_named_once_the_connection_is_gone() -> None:
    async with house(registrar=QUIET) as home:
        watcher = Watcher()
        await home.wire.connect_stream(HERE, 5060, lambda: watcher, "10.0.0.2")
        await asyncio.sleep(1)
        assert (len(home.phones.subscriptions), watcher.notified) == (1, 1)
        watcher.transport.close()
        await asyncio.sleep(1)
        phone = Telephone(home)
        assert (await phone.register()).status == 200
        assert len(home.phones.subscriptions) == 0
        assert not [packet for packet in home.wire.packets if packet.destination[0] == "10.9.9.9"]
        assert home.phones.subscriptions._over == {}
        await phone.close()
