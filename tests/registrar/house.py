"""A running stack with the phones of its users on an in-memory wire; phones of bytes ask it and are asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

from softswitch.call import Event, Events
from softswitch.duties import Duties
from softswitch.registrar import Phones
from softswitch.settings import Settings
from softswitch.sip import Credentials, Request, Response, Stack
from softswitch.sip.digest import answer
from softswitch.sip.parser import parse
from tests.registrar.phones import USERS, plan_of
from tests.wire import Wire

HERE = "10.0.0.1"

_names = count(1)


class House:
    """The stack at 10.0.0.1:5060, UDP and TCP."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.wire = wire
        self.stack = Stack(network=wire, random=Random(1))
        self.failures: Counter[str] = Counter()
        self.events: list[Event] = []
        published = Events()
        published.subscribe(self.events.append)
        self.published = published
        self.phones = Phones(
            settings,
            plan_of(USERS),
            self.stack,
            published,
            secret=b"secret of a test",
            clock=asyncio.get_running_loop().time,
        )
        self.stack.on_request = self.phones.answer


@asynccontextmanager
async def house(wire: Wire | None = None, **tables: Any) -> AsyncIterator[House]:
    """`tables` of the settings: `guard={...}`, `registrar={...}`."""
    it = House(wire or Wire(delay_s=0.005), Settings.model_validate(tables))
    for transport in ("UDP", "TCP"):
        await it.stack.listen(transport, HERE, 5060)
    async with Duties(it.failures) as duties:
        for name, duty in it.phones.duties().items():
            duties.begin(name, duty)
        yield it
    await it.stack.close()


class Telephone:
    """A phone on UDP that writes bytes: requests within one dialog, and whatever it is sent answered with `answers`."""

    def __init__(
        self, house: House | Wire, username: str = "1001", host: str = "10.0.0.2", port: int = 5060, here: str = HERE
    ) -> None:
        """`here` is where the switch is heard."""
        self.username, self.host, self.port, self.here = username, host, port, here
        wire = house if isinstance(house, Wire) else house.wire
        self.socket = wire.datagrams(host, port)
        self.requests: asyncio.Queue[Request] = asyncio.Queue()
        self.answers = 200
        """To requests; 0 is silence."""
        self.password = USERS.get(username, "")
        self._responses: asyncio.Queue[Response] = asyncio.Queue()
        self._name = next(_names)
        self._cseq = 0
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            data, _ = await self.socket.received()
            message = parse(data)
            if isinstance(message, Response):
                self._responses.put_nowait(message)
                continue
            self.requests.put_nowait(message)
            if self.answers:
                answered = Response.for_request(message, self.answers, to_tag="phone")
                self.socket.send(answered.encode(), self.here, 5060)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self.socket.close()

    async def ask(
        self, method: str, to: str = "", *headers: str, call_id: str = "", to_tag: str = "", wait_s: float = 40
    ) -> Response:
        """One request and its final answer, with credentials where it is challenged."""
        credentials = ""
        for _ in range(2):
            self._send(method, to or self.username, (*headers, credentials), call_id, to_tag)
            response = await self.response(wait_s)
            if response.status != 401:
                break
            challenge = response.headers.all("WWW-Authenticate")[0]
            uri = f"sip:{to or self.username}@{self.here}"
            who = Credentials(self.username, self.password)
            credentials = ": ".join(answer([challenge], who, method, uri, cnonce="c"))
        return response

    async def response(self, wait_s: float = 40) -> Response:
        async with asyncio.timeout(wait_s):
            return await self._responses.get()

    async def request(self, wait_s: float = 100) -> Request:
        async with asyncio.timeout(wait_s):
            return await self.requests.get()

    async def register(self, expires_s: int = 600, contact: str = "", *headers: str) -> Response:
        uri = contact or f"<sip:{self.username}@{self.host}:{self.port}>"
        return await self.ask("REGISTER", self.username, f"Contact: {uri};expires={expires_s}", *headers)

    async def subscribe(self, package: str, to: str = "", expires_s: int = 600, **more: str) -> Response:
        return await self.ask(
            "SUBSCRIBE", to, f"Event: {package}", f"Expires: {expires_s}", self.contact, call_id=package + to, **more
        )

    @property
    def contact(self) -> str:
        return f"Contact: <sip:{self.username}@{self.host}:{self.port}>"

    def _send(self, method: str, to: str, headers: tuple[str, ...], call_id: str, to_tag: str) -> None:
        self._cseq += 1
        tag = f";tag={to_tag}" if to_tag else ""
        lines = [
            f"{method} sip:{to}@{self.here} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};rport;branch=z9hG4bK{self._name}-{self._cseq}",
            "Max-Forwards: 70",
            f"From: <sip:{self.username}@{self.here}>;tag={self.username}",
            f"To: <sip:{to}@{self.here}>{tag}",
            f"Call-ID: {call_id or method}-{self._name}",
            f"CSeq: {self._cseq} {method}",
            *filter(None, headers),
        ]
        self.socket.send("\r\n".join([*lines, "Content-Length: 0\r\n\r\n"]).encode(), self.here, 5060)
