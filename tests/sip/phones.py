"""Two stacks that call each other over a wire, and a peer that is only bytes."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from softswitch.sip.headers import Address
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.session.events import Ended
from softswitch.sip.session.session import Session
from softswitch.sip.settings import StackSettings
from softswitch.sip.stack import Stack
from softswitch.sip.uri import Uri
from tests.wire import Wire

OFFER, ANSWER = b"v=0 offer", b"v=0 answer"
Event = TypeVar("Event")


class Phone:
    """One stack with what its owner heard: `calls` that came in, `events` of all sessions."""

    def __init__(self, wire: Wire, host: str, seed: int, **settings: Any) -> None:
        self.host = host
        self.stack = Stack(StackSettings(**settings), network=wire, random=random.Random(seed))
        self.calls: list[Session] = []
        self.events: list[Any] = []
        self.on_call: Callable[[Session], None] = lambda session: session.answer(ANSWER)
        self.on_event: Callable[[Session, Any], None] = lambda session, event: None
        self.stack.on_invite = self._take

    async def start(self) -> "Phone":
        await self.stack.listen("UDP", self.host, 5060)
        await self.stack.listen("TCP", self.host, 5060)
        return self

    def _take(self, session: Session) -> None:
        self.calls.append(session)
        session.on_event = lambda event: self._hear(session, event)
        self.on_call(session)

    def _hear(self, session: Session, event: Any) -> None:
        self.events.append(event)
        self.on_event(session, event)

    def call(self, host: str, *, offer: bytes | None = OFFER, params: str = "", **more: Any) -> Session:
        def hear(event: Any) -> None:
            self._hear(session, event)

        from_ = Address.parse(f"<sip:alice@{self.host}>")
        session = self.stack.invite(
            Uri.parse(f"sip:bob@{host}{params}"), from_=from_, offer=offer, on_event=hear, **more
        )
        return session

    def heard(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def ended(self) -> Ended:
        """The one Ended, which came last."""
        assert Counter(type(event) for event in self.events)[Ended] == 1, self.events
        assert isinstance(self.events[-1], Ended)
        return self.events[-1]

    def has_left_nothing(self) -> bool:
        return not any(self.stack.counts().values())


class RawPeer:
    """A peer of bytes: writes text, reads messages. `invite` and friends fill in one template."""

    def __init__(self, wire: Wire, host: str = "10.0.0.9", port: int = 5060) -> None:
        self.host, self.port = host, port
        self.socket = wire.datagrams(host, port)

    def send(self, text: str | bytes, host: str) -> None:
        data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        self.socket.send(data, host, 5060)

    async def next(self, wait_s: float = 40.0) -> Any:
        async with asyncio.timeout(wait_s):
            data, _ = await self.socket.received()
        return parse(data)

    async def request(self, method: str, wait_s: float = 40.0) -> Request:
        """The next request with this method; what else comes meanwhile is skipped."""
        while True:
            message = await self.next(wait_s)
            if isinstance(message, Request) and message.method == method:
                return message

    async def response(self, status: int, wait_s: float = 40.0) -> Response:
        while True:
            message = await self.next(wait_s)
            if isinstance(message, Response) and message.status == status:
                return message

    def say(self, method: str, host: str, *, headers: str = "", body: str = "", **fields: Any) -> None:
        """A request of one call: `branch`, `cseq`, `to_tag`, `call_id` and `from_tag` have defaults.

        `has_type=False`: nothing says what the body is.
        """
        cseq, branch = fields.get("cseq", 1), fields.get("branch", f"z9hG4bK{method}{fields.get('cseq', 1)}")
        to_tag = f";tag={fields['to_tag']}" if fields.get("to_tag") else ""
        content = "Content-Type: application/sdp\n" if body and fields.get("has_type", True) else ""
        content_bytes = len(body.replace("\n", "\r\n").encode())
        self.send(
            f"{method} sip:bob@{host} SIP/2.0\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch}\n"
            f"Max-Forwards: 70\n"
            f"From: <sip:raw@{self.host}>;tag={fields.get('from_tag', 'raw')}\n"
            f"To: <sip:bob@{host}>{to_tag}\n"
            f"Call-ID: {fields.get('call_id', 'call-1')}\n"
            f"CSeq: {cseq} {fields.get('cseq_method', method)}\n"
            f"Contact: <sip:raw@{self.host}:{self.port}>\n"
            f"{headers}{content}Content-Length: {content_bytes}\n\n{body}",
            host,
        )

    def answer(
        self, request: Request, status: int, host: str, *, tag: str = "raw", headers: Any = (), body: bytes = b""
    ) -> None:
        extra = [("Contact", f"<sip:raw@{self.host}:{self.port}>"), *headers]
        if body:
            extra.append(("Content-Type", "application/sdp"))
        self.socket.send(
            Response.for_request(request, status, to_tag=tag, headers=extra, body=body).encode(), host, 5060
        )


async def two_phones(wire: Wire | None = None, **settings: Any) -> tuple[Phone, Phone]:
    wire = wire or Wire(delay_s=0.01)
    return await Phone(wire, "10.0.0.1", 1, **settings).start(), await Phone(wire, "10.0.0.2", 2, **settings).start()
